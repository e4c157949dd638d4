#include "common/sync/digest.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

_Static_assert(SAT_DIGEST_STATE_BYTES == 1024 * 2, "1,024 lanes of 16 bits");

enum { LANES = SAT_DIGEST_STATE_BYTES / 2 };

/* Lanes are little-endian wherever they are kept. Known to the compiler. */
static bool lanes_are_swapped(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, sizeof first);
    return first == 0;
}

static void take_lanes(uint16_t out[LANES], const uint8_t *bytes)
{
    memcpy(out, bytes, SAT_DIGEST_STATE_BYTES);
    for (size_t i = 0; lanes_are_swapped() && i < LANES; i++) out[i] = (uint16_t)(out[i] << 8 | out[i] >> 8);
}

/* Adds the expanded element, or its negative, lane by lane. */
static void mix(uint8_t *state, const struct sat_record_id *record, struct sat_dot dot, const struct sat_hash *rest,
                bool remove)
{
    struct sat_hash leaf = sat_change_leaf(record, rest);
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "live");
    sat_hash_add(&hasher, record->b, sizeof record->b);
    sat_hash_add_u32(&hasher, dot.device);
    sat_hash_add_u64(&hasher, dot.counter);
    sat_hash_add(&hasher, leaf.b, sizeof leaf.b);
    struct sat_hash key = sat_hash_end(&hasher);
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t element[SAT_DIGEST_STATE_BYTES];
    crypto_stream_chacha20(element, sizeof element, nonce, key.b);
    uint16_t lanes[LANES], by[LANES];
    take_lanes(lanes, state);
    take_lanes(by, element);
    if (remove) /* outside of the loops, which are then a few instructions for eight lanes */
        for (size_t i = 0; i < LANES; i++) lanes[i] = (uint16_t)(lanes[i] - by[i]);
    else
        for (size_t i = 0; i < LANES; i++) lanes[i] = (uint16_t)(lanes[i] + by[i]);
    take_lanes(by, (const uint8_t *)lanes); /* the way back is the same */
    memcpy(state, by, SAT_DIGEST_STATE_BYTES);
}

void sat_digest_add(struct sat_space_row *space, const struct sat_record_id *record, struct sat_dot dot,
                    const struct sat_hash *rest)
{
    mix(space->digest, record, dot, rest, false);
    space->live++;
}

void sat_digest_remove(struct sat_space_row *space, const struct sat_record_id *record, struct sat_dot dot,
                       const struct sat_hash *rest)
{
    sat_check(space->live > 0);
    mix(space->digest, record, dot, rest, true);
    space->live--;
}

struct sat_hash sat_digest_of(const struct sat_space_row *space)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "digest");
    sat_hash_add(&hasher, space->id.b, sizeof space->id.b);
    sat_hash_add_u64(&hasher, space->live);
    sat_hash_add(&hasher, space->digest, sizeof space->digest);
    return sat_hash_end(&hasher);
}
