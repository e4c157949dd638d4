#include "common/vault/author_draft.h"

#include "common/sync/copied.h"
#include "common/vault/seal.h"

enum { DRAFT_NONCE_BYTES = 24 };

enum sat_err sat_drafts_number(const struct sat_vault *vault, uint32_t *out)
{
    uint32_t number;
    enum sat_err err = sat_copied_number(vault->store, &number);
    *out = number ? number : sat_keyring_secrets(vault->keyring)->device;
    return err;
}

enum sat_err sat_drafter_begin(struct sat_drafter *drafter, const struct sat_vault *vault)
{
    *drafter = (struct sat_drafter){.vault = vault};
    enum sat_err err = sat_drafts_number(vault, &drafter->device);
    return err ? err : sat_store_meta_get_u64(vault->store, "counter", 0, &drafter->counter);
}

static size_t varint_bytes(uint64_t v)
{
    size_t n = 1;
    while (v >>= 7) n++;
    return n;
}

static size_t dots_bytes(struct sat_dots dots)
{
    size_t n = varint_bytes(dots.n);
    for (uint32_t i = 0; i < dots.n; i++) n += varint_bytes(dots.at[i].device) + varint_bytes(dots.at[i].counter);
    return n;
}

/* Would the server take it? Of one device it takes a bounded number of changes that stand side by side: who adds to a
 * set one by one, beyond all reason, has to empty it once and to put it back as a whole. And a record that so many
 * devices wrote, or so many siblings stand on, that a header cannot say it any more. */
static bool fits(const struct sat_header *header, uint32_t device)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < header->kept.n; i++) own += header->kept.at[i].device == device;
    if (own >= SAT_RECORD_LIVE_DEVICE_MAX) return false;
    if (header->seen.n > SAT_SEEN_MAX || (uint64_t)header->kept.n + header->holes.n > SAT_KEPT_HOLES_MAX) return false;
    size_t fixed = 1 + sizeof header->hlc;
    return fixed + dots_bytes(header->seen) + dots_bytes(header->kept) + dots_bytes(header->holes) <=
           SAT_HEADER_BYTES_MAX;
}

enum sat_err sat_drafter_put(struct sat_drafter *drafter, int64_t sid, const struct sat_record_id *record,
                             const struct sat_header *header, struct sat_body *body)
{
    const struct sat_vault *vault = drafter->vault;
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(vault->keyring);
    uint8_t nonce[DRAFT_NONCE_BYTES];
    sat_buf_clear(&drafter->header);
    sat_buf_clear(&drafter->body);
    sat_buf_clear(&drafter->sealed);
    if (!fits(header, drafter->device)) return SAT_ERR_TOO_LARGE;
    enum sat_err err = sat_body_encode(body, &drafter->body);
    if (err) return err;
    sat_header_encode(header, &drafter->header);
    sat_entropy_fill(vault->entropy, nonce, sizeof nonce);
    struct sat_draft_row row = {
        .counter = drafter->counter + 1,
        .sid = sid,
        .record = *record,
        .header = sat_buf_span(&drafter->header),
    };
    sat_seal_draft(secrets->store_key, row.counter, &row.record, row.header, sat_buf_span(&drafter->body), nonce,
                   &drafter->sealed);
    row.body = sat_buf_span(&drafter->sealed);
    err = sat_store_draft_insert(vault->store, &row);
    if (err) return err;
    drafter->counter++;
    drafter->written++;
    return SAT_OK;
}

struct sat_dot sat_drafter_last(const struct sat_drafter *drafter)
{
    return (struct sat_dot){drafter->device, drafter->counter};
}

enum sat_err sat_drafter_end(struct sat_drafter *drafter, enum sat_err err)
{
    if (!err && drafter->written) err = sat_store_meta_put_u64(drafter->vault->store, "counter", drafter->counter);
    sat_buf_deinit(&drafter->header);
    sat_buf_wipe(&drafter->body);
    sat_buf_deinit(&drafter->sealed);
    return err;
}
