#include "common/proof/bundle.h"

#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "common/proof/merkle.h"

enum { PREFIX_BYTES = 4 };

/* ---- The manifest: what is signed ---- */

void sat_manifest_put_prefix(const struct sat_manifest *manifest, struct sat_buf *out)
{
    size_t before = out->len;
    sat_put_u16(out, manifest->suite);
    sat_put_bytes(out, manifest->org.b, sizeof manifest->org.b);
    sat_put_bytes(out, manifest->space.b, sizeof manifest->space.b);
    sat_put_u32(out, manifest->epoch);
    sat_put_u32(out, manifest->device);
    sat_put_u64(out, manifest->first);
    sat_put_u32(out, manifest->count);
    sat_put_bytes(out, manifest->nonce, sizeof manifest->nonce);
    sat_check(out->len - before == SAT_MANIFEST_PREFIX_BYTES);
}

void sat_manifest_encode(const struct sat_manifest *manifest, uint8_t out[SAT_MANIFEST_BYTES])
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_buf_reserve(&buf, SAT_MANIFEST_BYTES);
    sat_manifest_put_prefix(manifest, &buf);
    sat_put_bytes(&buf, manifest->prev.b, sizeof manifest->prev.b);
    sat_put_u64(&buf, manifest->dir_seq);
    sat_put_bytes(&buf, manifest->dir_hash.b, sizeof manifest->dir_hash.b);
    sat_put_bytes(&buf, manifest->log_epoch.b, sizeof manifest->log_epoch.b);
    sat_put_u64(&buf, manifest->w_size);
    sat_put_bytes(&buf, manifest->w_root.b, sizeof manifest->w_root.b);
    sat_put_bytes(&buf, manifest->changes_root.b, sizeof manifest->changes_root.b);
    sat_check(buf.len == SAT_MANIFEST_BYTES);
    memcpy(out, buf.at, SAT_MANIFEST_BYTES);
    sat_buf_deinit(&buf);
}

void sat_manifest_decode(const uint8_t bytes[SAT_MANIFEST_BYTES], struct sat_manifest *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, sat_span(bytes, SAT_MANIFEST_BYTES));
    *out = (struct sat_manifest){0};
    out->suite = sat_take_u16(&reader);
    sat_take_bytes(&reader, out->org.b, sizeof out->org.b);
    sat_take_bytes(&reader, out->space.b, sizeof out->space.b);
    out->epoch = sat_take_u32(&reader);
    out->device = sat_take_u32(&reader);
    out->first = sat_take_u64(&reader);
    out->count = sat_take_u32(&reader);
    sat_take_bytes(&reader, out->nonce, sizeof out->nonce);
    sat_take_bytes(&reader, out->prev.b, sizeof out->prev.b);
    out->dir_seq = sat_take_u64(&reader);
    sat_take_bytes(&reader, out->dir_hash.b, sizeof out->dir_hash.b);
    sat_take_bytes(&reader, out->log_epoch.b, sizeof out->log_epoch.b);
    out->w_size = sat_take_u64(&reader);
    sat_take_bytes(&reader, out->w_root.b, sizeof out->w_root.b);
    sat_take_bytes(&reader, out->changes_root.b, sizeof out->changes_root.b);
    sat_check(sat_reader_end(&reader) == SAT_OK);
}

struct sat_hash sat_bundle_id(const struct sat_manifest *manifest)
{
    uint8_t bytes[SAT_MANIFEST_BYTES];
    sat_manifest_encode(manifest, bytes);
    return sat_hash("bundle-id", SAT_SPAN(bytes));
}

struct sat_signature sat_bundle_sign(const struct sat_manifest *manifest, const struct sat_sign_key *device)
{
    uint8_t bytes[SAT_MANIFEST_BYTES];
    sat_manifest_encode(manifest, bytes);
    return sat_sign(device, "bundle", &manifest->org, SAT_SPAN(bytes));
}

enum sat_err sat_bundle_verify(const struct sat_bundle *bundle, const struct sat_public_key *device)
{
    if (bundle->form != SAT_BUNDLE_FULL) return SAT_ERR_TAMPERED; /* not completed: nothing to hold it against */
    uint8_t bytes[SAT_MANIFEST_BYTES];
    sat_manifest_encode(&bundle->manifest, bytes);
    return sat_verify(device, "bundle", &bundle->manifest.org, SAT_SPAN(bytes), &bundle->signature);
}

/* ---- The changes' hashes ---- */

struct sat_hash sat_change_rest(struct sat_span header, struct sat_span body)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "rest");
    sat_hash_add_counted(&hasher, header);
    sat_hash_add_counted(&hasher, body);
    return sat_hash_end(&hasher);
}

struct sat_hash sat_change_leaf(const struct sat_record_id *record, const struct sat_hash *rest)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "leaf");
    sat_hash_add(&hasher, record->b, sizeof record->b);
    sat_hash_add(&hasher, rest->b, sizeof rest->b);
    return sat_hash_end(&hasher);
}

struct sat_hash sat_changes_root(const struct sat_change *changes, uint32_t n)
{
    struct sat_frontier frontier;
    sat_frontier_init(&frontier);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_hash leaf = sat_change_leaf(&changes[i].record, &changes[i].rest);
        sat_frontier_append(&frontier, &leaf);
    }
    return sat_frontier_root(&frontier);
}

/* ---- Encoding ---- */

static void put_change(struct sat_buf *out, const struct sat_change *change)
{
    sat_check(change->stub == (change->header.len == 0));
    sat_put_varint(out, change->header.len);
    sat_put_bytes(out, change->record.b, sizeof change->record.b);
    if (change->stub) {
        sat_put_bytes(out, change->rest.b, sizeof change->rest.b);
        return;
    }
    sat_put_span(out, change->header);
    sat_put_varint(out, change->body.len);
    sat_put_span(out, change->body);
}

void sat_bundle_encode(const struct sat_bundle *bundle, enum sat_bundle_form form, struct sat_buf *out)
{
    const struct sat_manifest *manifest = &bundle->manifest;
    bool full = form == SAT_BUNDLE_FULL;
    sat_check(!full || bundle->form == SAT_BUNDLE_FULL);
    sat_check(manifest->count >= 1 && manifest->count <= SAT_BUNDLE_CHANGES_MAX);
    sat_put_u8(out, (uint8_t)form);
    sat_put_varint(out, manifest->suite);
    sat_put_varint(out, manifest->epoch);
    sat_put_varint(out, manifest->device);
    sat_put_varint(out, manifest->first);
    sat_put_varint(out, manifest->count);
    sat_put_bytes(out, manifest->nonce, sizeof manifest->nonce);
    sat_put_bytes(out, manifest->prev.b, full ? sizeof manifest->prev.b : PREFIX_BYTES);
    sat_put_varint(out, manifest->dir_seq);
    sat_put_bytes(out, manifest->dir_hash.b, full ? sizeof manifest->dir_hash.b : PREFIX_BYTES);
    sat_put_bytes(out, manifest->log_epoch.b, full ? sizeof manifest->log_epoch.b : PREFIX_BYTES);
    sat_put_varint(out, manifest->w_size);
    sat_put_bytes(out, manifest->w_root.b, full ? sizeof manifest->w_root.b : PREFIX_BYTES);
    sat_put_bytes(out, bundle->signature.b, sizeof bundle->signature.b);
    for (uint32_t i = 0; i < manifest->count; i++) put_change(out, &bundle->changes[i]);
}

/* ---- Decoding ---- */

static enum sat_err take_numbers(struct sat_reader *reader, struct sat_manifest *out)
{
    out->suite = (uint16_t)sat_take_varint(reader, UINT16_MAX);
    out->epoch = (uint32_t)sat_take_varint(reader, UINT32_MAX);
    out->device = (uint32_t)sat_take_varint(reader, UINT32_MAX);
    out->first = sat_take_varint(reader, SAT_COUNTER_MAX);
    out->count = (uint32_t)sat_take_varint(reader, UINT32_MAX);
    if (reader->failed || !out->epoch || !out->device || !out->first || !out->count) return SAT_ERR_MALFORMED;
    if (out->count > SAT_BUNDLE_CHANGES_MAX) return SAT_ERR_TOO_LARGE;
    return out->first + out->count - 1 > SAT_COUNTER_MAX ? SAT_ERR_MALFORMED : SAT_OK;
}

static enum sat_err take_manifest(struct sat_reader *reader, struct sat_bundle *out)
{
    struct sat_manifest *manifest = &out->manifest;
    uint8_t form = sat_take_u8(reader);
    if (reader->failed || (form != SAT_BUNDLE_FULL && form != SAT_BUNDLE_SHORT)) return SAT_ERR_MALFORMED;
    bool full = form == SAT_BUNDLE_FULL;
    out->form = full ? SAT_BUNDLE_FULL : SAT_BUNDLE_SHORT;
    enum sat_err err = take_numbers(reader, manifest);
    if (err) return err;
    sat_take_bytes(reader, manifest->nonce, sizeof manifest->nonce);
    sat_take_bytes(reader, manifest->prev.b, full ? sizeof manifest->prev.b : PREFIX_BYTES);
    manifest->dir_seq = sat_take_varint(reader, SAT_COUNTER_MAX);
    sat_take_bytes(reader, manifest->dir_hash.b, full ? sizeof manifest->dir_hash.b : PREFIX_BYTES);
    sat_take_bytes(reader, manifest->log_epoch.b, full ? sizeof manifest->log_epoch.b : PREFIX_BYTES);
    manifest->w_size = sat_take_varint(reader, SAT_COUNTER_MAX);
    sat_take_bytes(reader, manifest->w_root.b, full ? sizeof manifest->w_root.b : PREFIX_BYTES);
    sat_take_bytes(reader, out->signature.b, sizeof out->signature.b);
    return reader->failed ? SAT_ERR_MALFORMED : SAT_OK;
}

static enum sat_err take_change(struct sat_reader *reader, struct sat_change *out)
{
    uint64_t header_len = sat_take_varint(reader, UINT32_MAX);
    sat_take_bytes(reader, out->record.b, sizeof out->record.b);
    if (reader->failed) return SAT_ERR_MALFORMED;
    if (header_len > SAT_HEADER_BYTES_MAX) return SAT_ERR_TOO_LARGE;
    out->stub = header_len == 0;
    if (out->stub) {
        sat_take_bytes(reader, out->rest.b, sizeof out->rest.b);
    } else {
        out->header = sat_take_span(reader, (size_t)header_len);
        out->body = sat_take_span(reader, (size_t)sat_take_varint(reader, SAT_BUNDLE_BYTES_MAX));
        if (!reader->failed) out->rest = sat_change_rest(out->header, out->body);
    }
    return reader->failed ? SAT_ERR_MALFORMED : SAT_OK;
}

enum sat_err sat_bundle_decode(struct sat_span bytes, const struct sat_hash *org, const struct sat_space_id *space,
                               struct sat_arena *arena, struct sat_bundle *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    *out = (struct sat_bundle){.manifest = {.org = *org, .space = *space}};
    if (bytes.len > SAT_BUNDLE_BYTES_MAX) return SAT_ERR_TOO_LARGE;
    enum sat_err err = take_manifest(&reader, out);
    if (err) return err;
    struct sat_manifest *manifest = &out->manifest;
    out->changes = sat_arena_array(arena, manifest->count, sizeof *out->changes);
    for (uint32_t i = 0; i < manifest->count && !err; i++) err = take_change(&reader, &out->changes[i]);
    if (!err) err = sat_reader_end(&reader);
    if (err) return err;
    manifest->changes_root = sat_changes_root(out->changes, manifest->count);
    if (out->form == SAT_BUNDLE_FULL) out->id = sat_bundle_id(manifest);
    return SAT_OK;
}

enum sat_err sat_bundle_complete(struct sat_bundle *bundle, const struct sat_bundle_known *known)
{
    struct sat_manifest *manifest = &bundle->manifest;
    if (bundle->form == SAT_BUNDLE_FULL) return SAT_OK;
    if (memcmp(manifest->prev.b, known->prev.b, PREFIX_BYTES) ||
        memcmp(manifest->dir_hash.b, known->dir_hash.b, PREFIX_BYTES) ||
        memcmp(manifest->log_epoch.b, known->log_epoch.b, PREFIX_BYTES) ||
        memcmp(manifest->w_root.b, known->w_root.b, PREFIX_BYTES))
        return SAT_ERR_STALE;
    manifest->prev = known->prev;
    manifest->dir_hash = known->dir_hash;
    manifest->log_epoch = known->log_epoch;
    manifest->w_root = known->w_root;
    bundle->form = SAT_BUNDLE_FULL;
    bundle->id = sat_bundle_id(manifest);
    return SAT_OK;
}
