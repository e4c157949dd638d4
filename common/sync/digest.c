#include "common/sync/digest.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

_Static_assert(SAT_DIGEST_STATE_BYTES == 1024 * 2, "1,024 lanes of 16 bits");

/* Both are one instruction where the processor's order is this one. */
static inline uint64_t load_le(const uint8_t at[8])
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

static inline void store_le(uint8_t at[8], uint64_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
    at[2] = (uint8_t)(v >> 16);
    at[3] = (uint8_t)(v >> 24);
    at[4] = (uint8_t)(v >> 32);
    at[5] = (uint8_t)(v >> 40);
    at[6] = (uint8_t)(v >> 48);
    at[7] = (uint8_t)(v >> 56);
}

/* Four lanes at a time: the top bit of each is kept out of the sum, so that nothing is carried into the next lane, and
 * put back without its carry. */
static inline uint64_t add_lanes(uint64_t a, uint64_t b)
{
    const uint64_t tops = 0x8000800080008000;
    return ((a & ~tops) + (b & ~tops)) ^ ((a ^ b) & tops);
}

/* The other way round: a top bit is lent to each lane of `a` before, so that nothing is borrowed from the next. */
static inline uint64_t subtract_lanes(uint64_t a, uint64_t b)
{
    const uint64_t tops = 0x8000800080008000;
    return ((a | tops) - (b & ~tops)) ^ (~(a ^ b) & tops);
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
    for (size_t i = 0; i < sizeof element; i += 8) {
        uint64_t lanes = load_le(state + i), by = load_le(element + i);
        store_le(state + i, remove ? subtract_lanes(lanes, by) : add_lanes(lanes, by));
    }
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
