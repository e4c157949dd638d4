#include "common/sync/subscription.h"

void sat_subscription_encode(const struct sat_subscription *subscription, struct sat_buf *out)
{
    sat_put_varint(out, subscription->sub);
    sat_put_bytes(out, subscription->space.b, sizeof subscription->space.b);
    sat_put_bytes(out, subscription->log_epoch, sizeof subscription->log_epoch);
    sat_put_varint(out, subscription->cursor);
    sat_put_bytes(out, subscription->root, sizeof subscription->root);
}

enum sat_err sat_subscription_decode(struct sat_span bytes, struct sat_subscription *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    out->sub = (uint32_t)sat_take_varint(&in, UINT32_MAX);
    sat_take_bytes(&in, out->space.b, sizeof out->space.b);
    sat_take_bytes(&in, out->log_epoch, sizeof out->log_epoch);
    out->cursor = sat_take_varint(&in, SAT_COUNTER_MAX);
    sat_take_bytes(&in, out->root, sizeof out->root);
    return sat_reader_end(&in);
}

static void put_receipt(struct sat_buf *out, uint8_t kind, uint64_t receipt_ms, uint64_t receipt_dir)
{
    if (kind != SAT_ENTRY_RETURNED) return;
    sat_put_varint(out, receipt_ms);
    sat_put_varint(out, receipt_dir);
}

static void take_receipt(struct sat_reader *in, uint8_t kind, uint64_t *receipt_ms, uint64_t *receipt_dir)
{
    *receipt_ms = *receipt_dir = 0;
    if (kind != SAT_ENTRY_RETURNED) return;
    *receipt_ms = sat_take_varint(in, SAT_TIME_MS_MAX);
    *receipt_dir = sat_take_varint(in, SAT_COUNTER_MAX);
}

void sat_entry_wire_encode(const struct sat_entry_wire *entry, struct sat_buf *out)
{
    sat_put_u8(out, (uint8_t)(entry->kind | (entry->own ? SAT_ENTRY_OWN : 0)));
    if (entry->kind == SAT_ENTRY_RUN) {
        sat_put_varint(out, entry->level);
        sat_put_bytes(out, entry->root.b, sizeof entry->root.b);
        return;
    }
    sat_put_varint(out, entry->recv_ms);
    sat_put_varint(out, entry->dir_at);
    put_receipt(out, entry->kind, entry->receipt_ms, entry->receipt_dir);
    if (entry->own)
        sat_put_bytes(out, entry->id_prefix, sizeof entry->id_prefix);
    else
        sat_put_span(out, entry->bundle);
}

enum sat_err sat_entry_wire_decode(struct sat_span bytes, struct sat_entry_wire *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    *out = (struct sat_entry_wire){0};
    uint8_t kind = sat_take_u8(&in);
    out->own = kind & SAT_ENTRY_OWN;
    out->kind = (uint8_t)(kind & ~SAT_ENTRY_OWN);
    if (out->own && out->kind == SAT_ENTRY_RUN) return SAT_ERR_MALFORMED;
    if (kind == SAT_ENTRY_RUN) {
        out->level = (uint8_t)sat_take_varint(&in, SAT_SUBTREE_LEVEL_MAX);
        sat_take_bytes(&in, out->root.b, sizeof out->root.b);
        return sat_reader_end(&in);
    }
    out->recv_ms = sat_take_varint(&in, SAT_TIME_MS_MAX);
    out->dir_at = sat_take_varint(&in, SAT_COUNTER_MAX);
    take_receipt(&in, out->kind, &out->receipt_ms, &out->receipt_dir);
    if (out->own)
        sat_take_bytes(&in, out->id_prefix, sizeof out->id_prefix);
    else
        out->bundle = sat_take_span(&in, sat_reader_left(&in));
    return sat_reader_end(&in);
}

void sat_cursor_wire_encode(const struct sat_cursor *cursor, const struct sat_signature *signature, struct sat_buf *out)
{
    sat_put_u64(out, cursor->size);
    sat_put_bytes(out, cursor->root.b, sizeof cursor->root.b);
    sat_put_bytes(out, cursor->digest.b, sizeof cursor->digest.b);
    sat_put_u64(out, cursor->ack);
    sat_put_u64(out, cursor->dir_seq);
    sat_put_bytes(out, cursor->dir_hash.b, sizeof cursor->dir_hash.b);
    sat_put_bytes(out, cursor->log_epoch.b, sizeof cursor->log_epoch.b);
    sat_put_bytes(out, signature->b, sizeof signature->b);
}

enum sat_err sat_cursor_wire_decode(struct sat_span bytes, struct sat_cursor *cursor, struct sat_signature *signature)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    *cursor = (struct sat_cursor){0};
    cursor->size = sat_take_u64(&in);
    sat_take_bytes(&in, cursor->root.b, sizeof cursor->root.b);
    sat_take_bytes(&in, cursor->digest.b, sizeof cursor->digest.b);
    cursor->ack = sat_take_u64(&in);
    cursor->dir_seq = sat_take_u64(&in);
    sat_take_bytes(&in, cursor->dir_hash.b, sizeof cursor->dir_hash.b);
    sat_take_bytes(&in, cursor->log_epoch.b, sizeof cursor->log_epoch.b);
    sat_take_bytes(&in, signature->b, sizeof signature->b);
    return sat_reader_end(&in);
}

enum { EPOCH_PREFIX = 4 };

void sat_cursor_item_encode(const struct sat_cursor *cursor, const struct sat_signature *signature, struct sat_buf *out)
{
    sat_put_varint(out, cursor->device);
    sat_put_varint(out, cursor->size);
    sat_put_varint(out, cursor->ack);
    sat_put_varint(out, cursor->dir_seq);
    sat_put_bytes(out, cursor->log_epoch.b, EPOCH_PREFIX);
    sat_put_bytes(out, cursor->digest.b, sizeof cursor->digest.b);
    sat_put_bytes(out, signature->b, sizeof signature->b);
}

enum sat_err sat_cursor_item_decode(struct sat_span bytes, struct sat_cursor *cursor, struct sat_signature *signature)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    *cursor = (struct sat_cursor){0};
    cursor->device = (uint32_t)sat_take_varint(&in, UINT32_MAX);
    cursor->size = sat_take_varint(&in, SAT_COUNTER_MAX);
    cursor->ack = sat_take_varint(&in, SAT_COUNTER_MAX);
    cursor->dir_seq = sat_take_varint(&in, SAT_COUNTER_MAX);
    sat_take_bytes(&in, cursor->log_epoch.b, EPOCH_PREFIX);
    sat_take_bytes(&in, cursor->digest.b, sizeof cursor->digest.b);
    sat_take_bytes(&in, signature->b, sizeof signature->b);
    return sat_reader_end(&in);
}

void sat_lost_encode(const struct sat_entry *entry, struct sat_buf *out)
{
    sat_put_u8(out, entry->kind);
    sat_put_bytes(out, entry->id.b, sizeof entry->id.b);
    sat_put_varint(out, entry->recv_ms);
    sat_put_varint(out, entry->dir_at);
    put_receipt(out, entry->kind, entry->receipt_ms, entry->receipt_dir);
}

enum sat_err sat_lost_decode(struct sat_span bytes, struct sat_entry *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    *out = (struct sat_entry){.kind = sat_take_u8(&in)};
    sat_take_bytes(&in, out->id.b, sizeof out->id.b);
    out->recv_ms = sat_take_varint(&in, SAT_TIME_MS_MAX);
    out->dir_at = sat_take_varint(&in, SAT_COUNTER_MAX);
    take_receipt(&in, out->kind, &out->receipt_ms, &out->receipt_dir);
    return sat_reader_end(&in);
}

void sat_root_item_encode(const struct sat_root_item *item, struct sat_buf *out)
{
    sat_put_u64(out, item->size);
    sat_put_bytes(out, item->root, sizeof item->root);
}

enum sat_err sat_root_item_decode(struct sat_span bytes, struct sat_root_item *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    out->size = sat_take_u64(&in);
    sat_take_bytes(&in, out->root, sizeof out->root);
    if (out->size > SAT_COUNTER_MAX) return SAT_ERR_MALFORMED;
    return sat_reader_end(&in);
}
