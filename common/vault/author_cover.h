/* Drafts that cover what has gone to another space: each waits until the copies are in the log there, and goes away
 * where they will not be, so that nobody is ever without the record (docs/protocol.md 6.7, decision 48). */
#ifndef SAT_VAULT_AUTHOR_COVER_H
#define SAT_VAULT_AUTHOR_COVER_H

#include "common/vault/author_again.h"

/* Does the draft cover what has gone elsewhere, and is work of this device, made before it, still on its way there?
 * *target: that space, 0 where it covers no such thing. SAT_ERR_CORRUPT for a damaged draft. */
enum sat_err sat_cover_waits(const struct sat_vault *vault, const struct sat_draft_row *draft, int64_t *target,
                             bool *waits) SAT_MUST_CHECK;

/* Deletes those of the drafts whose copies will not arrive: the target was lost before they were sent, or it was let go
 * of since and they were not in its log then, or what is before them waits for the admins, or nothing of the record is
 * there. With one of a record go the later ones of it in that space. The record stays where it was; the copies stay
 * what they are, with the admins or listed as refused. Those that go to the admins themselves, as the right to write
 * the source is lost as well, stay. *dropped: read the drafts again. */
enum sat_err sat_covers_drop(const struct sat_vault *vault, const struct sat_draft_row *drafts, uint32_t n,
                             bool *dropped) SAT_MUST_CHECK;

/* The spaces in which drafts from that counter on cover what has gone elsewhere, and from where on, beside those that
 * are in `places` already: where copies are written again, what covers their originals is too, so that it comes behind
 * them. Nothing behind such a draft is frozen. */
enum sat_err sat_covers_find(const struct sat_vault *vault, uint64_t counter, struct sat_again_place *places,
                             uint32_t max, uint32_t *n) SAT_MUST_CHECK;

#endif
