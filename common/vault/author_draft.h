/* Laying down drafts: what an edit and a move have in common (author_commit.c, author_copy.c). */
#ifndef SAT_VAULT_AUTHOR_DRAFT_H
#define SAT_VAULT_AUTHOR_DRAFT_H

#include "common/vault/record.h"

/* The number that drafts stand under: the keyring's device's, or that of a copy that has none yet (sync/copied.h). */
enum sat_err sat_drafts_number(const struct sat_vault *vault, uint32_t *out) SAT_MUST_CHECK;

struct sat_drafter {
    const struct sat_vault *vault;
    uint32_t device;
    uint64_t counter; /* the last that was used */
    uint32_t written;
    struct sat_buf header, body, sealed;
};

/* Inside the caller's transaction, from here to the end. */
enum sat_err sat_drafter_begin(struct sat_drafter *drafter, const struct sat_vault *vault) SAT_MUST_CHECK;
/* Writes one draft; sorts the body's cells. SAT_ERR_TOO_LARGE (also where the server would not take the header),
 * SAT_ERR_INVALID: then nothing is written. */
enum sat_err sat_drafter_put(struct sat_drafter *drafter, int64_t sid, const struct sat_record_id *record,
                             const struct sat_header *header, struct sat_body *body) SAT_MUST_CHECK;
/* Its dot. */
struct sat_dot sat_drafter_last(const struct sat_drafter *drafter);
/* Keeps the counter, unless there was an error; frees what it held, and gives the error back. */
enum sat_err sat_drafter_end(struct sat_drafter *drafter, enum sat_err err) SAT_MUST_CHECK;

#endif
