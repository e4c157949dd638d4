/* A home that turned out to be a copy of another one, or an older state of itself (MERGE 11): what it knows of that
 * until it has a new index. Kept in the store, as the process may stop in between.
 *
 *   meta "copied"        u8 version (1) ‖ n × (u64 sid ‖ u64 cut); empty: it is none
 *   meta "provisional"   u64 the number under which its own work stands meanwhile; 0: its device's
 *   meta "gone.<space>", "came.<space>", "past.<space>"   u64 the marks below
 *
 * That number is nobody else's and never leaves the home. Without it the other one's changes, which come by the log
 * under the device's number, could not be told from the own ones: neither by who looks at a record nor in what an edit
 * has seen.
 *
 * The cut of a space is the fork: the last counter of this device that this home itself wrote and that is in the log,
 * or waits to be given back to it, before the first of the other one's. A space that is not listed has nothing of the
 * other's. */
#ifndef SAT_SYNC_COPIED_H
#define SAT_SYNC_COPIED_H

#include "common/store/store.h"

enum sat_err sat_copied_get(struct sat_store *store, bool *copied) SAT_MUST_CHECK;
/* Inside a transaction. sid 0: it is a copy, whatever the spaces say. A space's first cut stays. */
enum sat_err sat_copied_note(struct sat_store *store, int64_t sid, uint64_t cut) SAT_MUST_CHECK;
/* The fork in a space; of one that is not listed, the device's last counter in its log, and in what waits to
 * be given back to that. */
enum sat_err sat_copied_cut(struct sat_store *store, int64_t sid, uint32_t device, uint64_t *cut) SAT_MUST_CHECK;
/* The number: its device's from SAT_PROVISIONAL on is none that a directory gives. 0: there is none. */
#define SAT_PROVISIONAL 0x80000000u
enum sat_err sat_copied_number(struct sat_store *store, uint32_t *number) SAT_MUST_CHECK;
enum sat_err sat_copied_set_number(struct sat_store *store, uint32_t number) SAT_MUST_CHECK;
enum sat_err sat_copied_clear(struct sat_store *store) SAT_MUST_CHECK;

/* In meta: something was written again that others may write again as well, and waits (docs/decisions/0105). */
#define SAT_TAKEN_KEY "taken"

/* ---- What of its own is here no more: should the log show it again, it is no copy's ---- */

/* Marks in each space, which never fall: the counter up to which own work went with the space when it was left, and
 * the one up to which it was in the log by then … */
enum sat_err sat_mark_left(struct sat_store *store, const struct sat_space_id *space, uint64_t counter,
                           uint64_t came) SAT_MUST_CHECK;
/* … or was compacted, or is pulled anew: what has come of it is known here. */
enum sat_err sat_mark_past(struct sat_store *store, const struct sat_space_id *space, uint64_t counter) SAT_MUST_CHECK;
/* 0: it was never left. */
enum sat_err sat_left_at(struct sat_store *store, const struct sat_space_id *space, uint64_t *counter,
                         uint64_t *came) SAT_MUST_CHECK;
/* Either of the two; 0: none. */
enum sat_err sat_let_go_of(struct sat_store *store, const struct sat_space_id *space, uint64_t *counter) SAT_MUST_CHECK;

#endif
