/* The keyring file. Its costs are brought down to the least before it is opened, as an input may ask for a gibibyte,
 * and its checksum is made to hold: the first byte says what is done. */
#include <string.h>

#include "common/proof/hash.h"
#include "common/vault/keyring.h"
#include "tests/fuzz/fuzz.h"

enum { FILE_BYTES_MAX = 4096, COST_AT = 15 + 2 + 1, SEALED_AT = COST_AT + 16 + 16 + 24, CHECKSUM_BYTES = 8 };

static const char PASSPHRASE[] = "open sesame";

static void put_u64(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t take_u64(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 8; i-- > 0;) v = v << 8 | at[i];
    return v;
}

/* Costs that would be paid; those that are refused stay as they are. */
static void cheapen(uint8_t *file, size_t len, size_t at)
{
    struct sat_keyring_cost least = sat_keyring_cost_minimum();
    if (at + 16 > len) return;
    if (take_u64(file + at) <= 16 && take_u64(file + at) > least.ops) put_u64(file + at, least.ops);
    uint64_t mem_bytes = take_u64(file + at + 8);
    if (mem_bytes <= (uint64_t)1 << 30 && mem_bytes > least.mem_bytes) put_u64(file + at + 8, least.mem_bytes);
}

static void cheapen_both(uint8_t *file, size_t len)
{
    cheapen(file, len, COST_AT);
    if (SEALED_AT + 4 > len) return;
    size_t sealed = (size_t)(take_u64(file + SEALED_AT - 4) >> 32);
    if (sealed < len) cheapen(file, len, SEALED_AT + 4 + sealed + 2);
}

static void put_checksum(uint8_t *file, size_t len)
{
    if (len < CHECKSUM_BYTES) return;
    struct sat_hash hash = sat_hash("keyring", sat_span(file, len - CHECKSUM_BYTES));
    memcpy(file + len - CHECKSUM_BYTES, hash.b, CHECKSUM_BYTES);
}

/* What was opened is sealed again, and opens to the same. */
static void check_again(struct sat_keyring *keyring)
{
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, 1);
    struct sat_keyring *again;
    struct sat_buf file;
    sat_buf_init(&file);
    fuzz_must(sat_keyring_seal(keyring, sat_span_text(PASSPHRASE), sat_keyring_cost_minimum(), &entropy, &file));
    fuzz_must(sat_keyring_open(sat_buf_span(&file), sat_span_text(PASSPHRASE), &again));
    const struct sat_keyring_secrets *a = sat_keyring_secrets(keyring), *b = sat_keyring_secrets(again);
    sat_check(a->device == b->device && sat_hash_equal(&a->org, &b->org));
    sat_check(memcmp(a->sign.b, b->sign.b, sizeof a->sign.b) == 0);
    sat_check(sat_keyring_has_admin(keyring) == sat_keyring_has_admin(again));
    sat_keyring_free(again);
    sat_buf_deinit(&file);
}

/* With other passphrases for some of its sections: each opens with its own. */
static void check_resealed(struct sat_keyring *keyring, unsigned sections)
{
    static const char other[] = "another";
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, 2);
    struct sat_keyring *again;
    struct sat_buf file;
    sat_buf_init(&file);
    bool closed = sat_keyring_has_admin(keyring) && !sat_keyring_admin_is_open(keyring);
    enum sat_err err =
        sat_keyring_reseal(keyring, sections, sat_span_text(other), sat_keyring_cost_minimum(), &entropy, &file);
    sat_check(err == (closed && sections & SAT_KEYRING_ADMIN ? SAT_ERR_LOCKED : SAT_OK));
    if (!err) {
        struct sat_span device = sat_span_text(sections & SAT_KEYRING_DEVICE ? other : PASSPHRASE);
        fuzz_must(sat_keyring_open(sat_buf_span(&file), device, &again));
        if (sat_keyring_has_admin(keyring) && sections & SAT_KEYRING_ADMIN)
            fuzz_must(sat_keyring_open_admin(again, sat_span_text(other)));
        struct sat_keyring_cost cost = sat_keyring_cost_of(again, sections), least = sat_keyring_cost_minimum();
        sat_check(cost.ops <= least.ops && cost.mem_bytes <= least.mem_bytes);
        sat_keyring_free(again);
    }
    sat_buf_deinit(&file);
}

static bool may_say(enum sat_err err)
{
    return !err || err == SAT_ERR_CORRUPT || err == SAT_ERR_UPGRADE_NEEDED || err == SAT_ERR_WRONG_PASSPHRASE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    uint8_t what = fuzz_byte(&input), file[FILE_BYTES_MAX];
    struct sat_keyring *keyring;
    if (input.len > sizeof file) return 0;
    if (input.len) memcpy(file, input.at, input.len);
    cheapen_both(file, input.len);
    if (what & 1) put_checksum(file, input.len);
    enum sat_err err = sat_keyring_open(sat_span(file, input.len), sat_span_text(PASSPHRASE), &keyring);
    sat_check(may_say(err) && !err == (keyring != NULL));
    if (err) return 0;
    enum sat_err admin = sat_keyring_open_admin(keyring, sat_span_text(what & 2 ? PASSPHRASE : "another"));
    sat_check(admin == SAT_ERR_NOT_FOUND ? !sat_keyring_has_admin(keyring) : may_say(admin));
    check_again(keyring);
    check_resealed(keyring, what >> 2 & 3);
    sat_keyring_free(keyring);
    return 0;
}
