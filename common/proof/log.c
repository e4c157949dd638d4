#include "common/proof/log.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/proof/hash.h"

enum { FORM_FULL = 0, FORM_SHORT = 1, PREFIX_BYTES = 4 };

static void put_hash(struct sat_buf *out, const struct sat_hash *hash)
{
    sat_put_bytes(out, hash->b, sizeof hash->b);
}

struct sat_hash sat_entry_hash(const struct sat_entry *entry)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "entry");
    sat_hash_add_u64(&hasher, entry->seq);
    sat_hash_add_u8(&hasher, entry->kind);
    sat_hash_add(&hasher, entry->id.b, sizeof entry->id.b);
    sat_hash_add_u64(&hasher, entry->recv_ms);
    sat_hash_add_u64(&hasher, entry->dir_at);
    if (entry->kind == SAT_ENTRY_RETURNED) {
        sat_hash_add_u64(&hasher, entry->receipt_ms);
        sat_hash_add_u64(&hasher, entry->receipt_dir);
    }
    return sat_hash_end(&hasher);
}

uint64_t sat_entry_receipt_ms(const struct sat_entry *entry)
{
    return entry->kind == SAT_ENTRY_RETURNED ? entry->receipt_ms : entry->recv_ms;
}

uint64_t sat_entry_receipt_dir(const struct sat_entry *entry)
{
    return entry->kind == SAT_ENTRY_RETURNED ? entry->receipt_dir : entry->dir_at;
}

/* ---- Heads ---- */

static void put_head_statement(struct sat_buf *out, const struct sat_head *head)
{
    sat_put_bytes(out, head->space.b, sizeof head->space.b);
    sat_put_bytes(out, head->log_epoch.b, sizeof head->log_epoch.b);
    sat_put_u64(out, head->size);
    put_hash(out, &head->root);
    put_hash(out, &head->digest);
    sat_put_u64(out, head->dir_seq);
    put_hash(out, &head->dir_hash);
    sat_put_u64(out, head->time_ms);
}

void sat_head_sign(struct sat_head *head, const struct sat_hash *org, const struct sat_sign_key *server)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_head_statement(&statement, head);
    head->signature = sat_sign(server, "head", org, sat_buf_span(&statement));
    head->is_short = false;
    sat_buf_deinit(&statement);
}

enum sat_err sat_head_verify(const struct sat_head *head, const struct sat_hash *org,
                             const struct sat_public_key *server)
{
    if (head->is_short) return SAT_ERR_TAMPERED; /* it was not completed: there is no statement to hold it against */
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_head_statement(&statement, head);
    enum sat_err err = sat_verify(server, "head", org, sat_buf_span(&statement), &head->signature);
    sat_buf_deinit(&statement);
    return err;
}

void sat_head_encode(const struct sat_head *head, bool is_short, struct sat_buf *out)
{
    sat_check(is_short || !head->is_short);
    sat_put_u8(out, is_short ? FORM_SHORT : FORM_FULL);
    sat_put_varint(out, head->size);
    sat_put_bytes(out, head->root.b, is_short ? PREFIX_BYTES : sizeof head->root.b);
    sat_put_bytes(out, head->digest.b, is_short ? PREFIX_BYTES : sizeof head->digest.b);
    sat_put_bytes(out, head->log_epoch.b, is_short ? PREFIX_BYTES : sizeof head->log_epoch.b);
    sat_put_varint(out, head->dir_seq);
    if (!is_short) put_hash(out, &head->dir_hash);
    sat_put_varint(out, head->time_ms);
    sat_put_bytes(out, head->signature.b, sizeof head->signature.b);
}

enum sat_err sat_head_decode(struct sat_span bytes, const struct sat_space_id *space, struct sat_head *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    *out = (struct sat_head){.space = *space};
    uint8_t form = sat_take_u8(&reader);
    if (form != FORM_FULL && form != FORM_SHORT) return SAT_ERR_MALFORMED;
    out->is_short = form == FORM_SHORT;
    out->size = sat_take_varint(&reader, SAT_COUNTER_MAX);
    sat_take_bytes(&reader, out->root.b, out->is_short ? PREFIX_BYTES : sizeof out->root.b);
    sat_take_bytes(&reader, out->digest.b, out->is_short ? PREFIX_BYTES : sizeof out->digest.b);
    sat_take_bytes(&reader, out->log_epoch.b, out->is_short ? PREFIX_BYTES : sizeof out->log_epoch.b);
    out->dir_seq = sat_take_varint(&reader, SAT_COUNTER_MAX);
    if (!out->is_short) sat_take_bytes(&reader, out->dir_hash.b, sizeof out->dir_hash.b);
    out->time_ms = sat_take_varint(&reader, SAT_TIME_MS_MAX);
    sat_take_bytes(&reader, out->signature.b, sizeof out->signature.b);
    return sat_reader_end(&reader);
}

enum sat_err sat_head_complete(struct sat_head *head, const struct sat_head *own)
{
    if (!head->is_short) return SAT_OK;
    if (memcmp(head->root.b, own->root.b, PREFIX_BYTES) || memcmp(head->digest.b, own->digest.b, PREFIX_BYTES) ||
        memcmp(head->log_epoch.b, own->log_epoch.b, PREFIX_BYTES))
        return SAT_ERR_STALE;
    head->root = own->root;
    head->digest = own->digest;
    head->log_epoch = own->log_epoch;
    head->dir_hash = own->dir_hash;
    head->is_short = false;
    return SAT_OK;
}

/* ---- Cursors ---- */

static void put_cursor(struct sat_buf *out, const struct sat_cursor *cursor)
{
    sat_put_u32(out, cursor->device);
    sat_put_bytes(out, cursor->space.b, sizeof cursor->space.b);
    sat_put_bytes(out, cursor->log_epoch.b, sizeof cursor->log_epoch.b);
    sat_put_u64(out, cursor->size);
    put_hash(out, &cursor->root);
    put_hash(out, &cursor->digest);
    sat_put_u64(out, cursor->ack);
    sat_put_u64(out, cursor->dir_seq);
    put_hash(out, &cursor->dir_hash);
}

struct sat_signature sat_cursor_sign(const struct sat_cursor *cursor, const struct sat_hash *org,
                                     const struct sat_sign_key *device)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_cursor(&statement, cursor);
    struct sat_signature signature = sat_sign(device, "cursor", org, sat_buf_span(&statement));
    sat_buf_deinit(&statement);
    return signature;
}

enum sat_err sat_cursor_verify(const struct sat_cursor *cursor, const struct sat_hash *org,
                               const struct sat_public_key *device, const struct sat_signature *signature)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_cursor(&statement, cursor);
    enum sat_err err = sat_verify(device, "cursor", org, sat_buf_span(&statement), signature);
    sat_buf_deinit(&statement);
    return err;
}

/* ---- Void statements ---- */

static void put_void(struct sat_buf *out, const struct sat_void *statement)
{
    sat_put_bytes(out, statement->space.b, sizeof statement->space.b);
    sat_put_u32(out, statement->device);
    sat_put_u64(out, statement->first);
    sat_put_u32(out, statement->count);
    put_hash(out, &statement->refused);
    put_hash(out, &statement->prev);
}

struct sat_hash sat_void_id(const struct sat_void *statement)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    put_void(&bytes, statement);
    struct sat_hash id = sat_hash("void", sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return id;
}

struct sat_signature sat_void_sign(const struct sat_void *statement, const struct sat_hash *org,
                                   const struct sat_sign_key *device)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    put_void(&bytes, statement);
    struct sat_signature signature = sat_sign(device, "void", org, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return signature;
}

enum sat_err sat_void_verify(const struct sat_void *statement, const struct sat_hash *org,
                             const struct sat_public_key *device, const struct sat_signature *signature)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    put_void(&bytes, statement);
    enum sat_err err = sat_verify(device, "void", org, sat_buf_span(&bytes), signature);
    sat_buf_deinit(&bytes);
    return err;
}

void sat_void_encode(const struct sat_void *statement, const struct sat_signature *signature, struct sat_buf *out)
{
    sat_put_varint(out, statement->device);
    sat_put_varint(out, statement->first);
    sat_put_varint(out, statement->count);
    put_hash(out, &statement->refused);
    put_hash(out, &statement->prev);
    sat_put_bytes(out, signature->b, sizeof signature->b);
}

enum sat_err sat_void_decode(struct sat_span bytes, const struct sat_space_id *space, struct sat_void *out,
                             struct sat_signature *signature)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    *out = (struct sat_void){.space = *space};
    out->device = (uint32_t)sat_take_varint(&in, UINT32_MAX);
    out->first = sat_take_varint(&in, SAT_COUNTER_MAX - SAT_BUNDLE_CHANGES_MAX);
    out->count = (uint32_t)sat_take_varint(&in, SAT_BUNDLE_CHANGES_MAX);
    sat_take_bytes(&in, out->refused.b, sizeof out->refused.b);
    sat_take_bytes(&in, out->prev.b, sizeof out->prev.b);
    sat_take_bytes(&in, signature->b, sizeof signature->b);
    enum sat_err err = sat_reader_end(&in);
    return err || (out->device && out->first && out->count) ? err : SAT_ERR_MALFORMED;
}
