#include "common/vault/author_was.h"

#include <stdio.h>

#include <sodium.h>

#include "common/vault/seal.h"

enum { NONCE_BYTES = 24, KEY_SIZE = 48 };

/* "was." and the prefix behind it. */
static const char FIRST[] = "was.", BEHIND[] = "was/";

static void name(struct sat_dot dot, const char *kind, char out[KEY_SIZE])
{
    (void)snprintf(out, KEY_SIZE, "%s%s%lu.%llu", FIRST, kind, (unsigned long)dot.device,
                   (unsigned long long)dot.counter);
}

enum sat_err sat_was_follow(const struct sat_vault *vault, struct sat_dot now, struct sat_dot before)
{
    char key[KEY_SIZE];
    struct sat_buf out;
    sat_buf_init(&out);
    name(now, "before.", key);
    sat_put_u32(&out, before.device);
    sat_put_u64(&out, before.counter);
    enum sat_err err = sat_store_meta_put(vault->store, key, sat_buf_span(&out));
    sat_buf_deinit(&out);
    return err;
}

enum sat_err sat_was_before(const struct sat_vault *vault, struct sat_dot now, struct sat_arena *arena,
                            struct sat_dot *out)
{
    char key[KEY_SIZE];
    struct sat_span bytes;
    struct sat_reader reader;
    bool found;
    *out = (struct sat_dot){0};
    name(now, "before.", key);
    enum sat_err err = sat_store_meta_get(vault->store, key, arena, &bytes, &found);
    if (err || !found) return err;
    sat_reader_init(&reader, bytes);
    out->device = sat_take_u32(&reader);
    out->counter = sat_take_u64(&reader);
    return reader.failed ? SAT_ERR_CORRUPT : SAT_OK;
}

enum sat_err sat_was_put(const struct sat_vault *vault, struct sat_dot now, struct sat_was *was)
{
    char key[KEY_SIZE];
    uint8_t nonce[NONCE_BYTES];
    struct sat_buf header, body, out;
    sat_buf_init(&header);
    sat_buf_init(&body);
    sat_buf_init(&out);
    name(now, "", key);
    sat_header_encode(&was->header, &header);
    enum sat_err err = sat_body_encode(&was->body, &body);
    sat_put_bytes(&out, was->record.b, sizeof was->record.b);
    sat_put_counted(&out, sat_buf_span(&header));
    sat_entropy_fill(vault->entropy, nonce, sizeof nonce);
    sat_seal_draft(sat_keyring_secrets(vault->keyring)->store_key, now.counter, &was->record, sat_buf_span(&header),
                   sat_buf_span(&body), nonce, &out);
    if (!err) err = sat_store_meta_put(vault->store, key, sat_buf_span(&out));
    sat_buf_deinit(&header);
    sat_buf_wipe(&body);
    sat_buf_deinit(&out);
    return err;
}

static enum sat_err open(const struct sat_vault *vault, struct sat_dot dot, struct sat_span bytes,
                         struct sat_arena *arena, struct sat_was *out)
{
    struct sat_reader reader;
    struct sat_buf plain;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->record.b, sizeof out->record.b);
    struct sat_span header = sat_take_counted(&reader, SAT_HEADER_BYTES_MAX);
    struct sat_span sealed = sat_take_span(&reader, sat_reader_left(&reader));
    if (reader.failed) return SAT_ERR_CORRUPT;
    sat_buf_init(&plain);
    enum sat_err err = sat_unseal_draft(sat_keyring_secrets(vault->keyring)->store_key, dot.counter, &out->record,
                                        header, sealed, &plain);
    if (!err) err = sat_header_decode(header, arena, &out->header);
    if (!err) err = sat_body_decode(sat_buf_span(&plain), arena, &out->body);
    sat_buf_wipe(&plain);
    return err ? SAT_ERR_CORRUPT : SAT_OK;
}

enum sat_err sat_was_get(const struct sat_vault *vault, struct sat_dot now, struct sat_arena *arena,
                         struct sat_was *out, bool *found)
{
    char key[KEY_SIZE];
    struct sat_span bytes;
    name(now, "", key);
    enum sat_err err = sat_store_meta_get(vault->store, key, arena, &bytes, found);
    return err || !*found ? err : open(vault, now, bytes, arena, out);
}

enum sat_err sat_was_clear(struct sat_store *store)
{
    return sat_store_meta_delete(store, FIRST, BEHIND);
}

/* ---- Is it what was sent? ---- */

static enum sat_err seal(const struct sat_vault *vault, const struct sat_manifest *manifest, uint32_t index,
                         struct sat_was *was, struct sat_hash *rest)
{
    const struct sat_epoch_key *key;
    struct sat_bundle_key bundle_key;
    struct sat_buf header, plain, sealed;
    enum sat_err err = sat_keys_get(vault->keys, vault->directory, &manifest->space, manifest->epoch, &key);
    if (err) return err;
    sat_bundle_key_derive(key, manifest, &bundle_key);
    sat_buf_init(&header);
    sat_buf_init(&plain);
    sat_buf_init(&sealed);
    sat_header_encode(&was->header, &header);
    err = sat_body_encode(&was->body, &plain);
    struct sat_plain_change change = {
        .record = was->record, .header = sat_buf_span(&header), .body = sat_buf_span(&plain), .compress = true};
    if (!err) err = sat_seal_change(vault->squeezer, &bundle_key, manifest, index, &change, &sealed);
    if (!err) *rest = sat_change_rest(change.header, sat_buf_span(&sealed));
    sat_buf_deinit(&header);
    sat_buf_wipe(&plain);
    sat_buf_deinit(&sealed);
    sodium_memzero(&bundle_key, sizeof bundle_key);
    return err;
}

enum sat_err sat_was_sent(const struct sat_vault *vault, int64_t sid, struct sat_dot dot, struct sat_was *was,
                          const struct sat_hash *rest, struct sat_arena *arena, enum sat_was_answer *out)
{
    struct sat_bundle_row row;
    struct sat_change_row *rows;
    struct sat_manifest manifest;
    struct sat_hash sealed;
    uint32_t n;
    bool found;
    *out = SAT_WAS_UNKNOWN;
    enum sat_err err = sat_store_bundle_of_dot(vault->store, dot, &row, &found);
    if (err || !found || row.sid != sid || row.seq == 0) return err;
    err = sat_store_changes_of_bundle(vault->store, row.bid, arena, &rows, &n);
    uint64_t index = dot.counter - row.first;
    if (err || index >= n) return err;
    *out = SAT_WAS_ANOTHER;
    if (!sat_record_equal(&rows[index].record, &was->record)) return SAT_OK;
    *out = SAT_WAS_SAME;
    if (sat_hash_equal(&rows[index].rest, rest)) return SAT_OK;
    *out = SAT_WAS_UNKNOWN;
    sat_manifest_decode(row.manifest, &manifest);
    if (!sat_suite_is_known(manifest.suite)) return SAT_OK;
    err = seal(vault, &manifest, (uint32_t)index, was, &sealed);
    if (err) return sat_err_is_local(err) ? err : SAT_OK;
    *out = sat_hash_equal(&sealed, &rows[index].rest) ? SAT_WAS_SAME : SAT_WAS_ANOTHER;
    return SAT_OK;
}
