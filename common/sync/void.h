/* Void statements: what takes the place of a refused bundle, so that its author's chain goes on (MERGE 8). A row of the
 * bundles holds one: state SAT_BUNDLE_VOID, no changes, and in its manifest what the statement says, with suite 0, the
 * refused bundle's id for the root of its changes, and the directory position of the bundle before. */
#ifndef SAT_SYNC_VOID_H
#define SAT_SYNC_VOID_H

#include "common/sync/judge.h"

struct sat_signed_void {
    struct sat_void statement;
    struct sat_signature signature;
};

/* Was it refused for itself, and would be again? What the admins decide about, what another bundle's dots are in the
 * way of, and what a later server may take, stays what it is. */
bool sat_is_final_refusal(enum sat_err why);
bool sat_is_refused_for_good(const struct sat_bundle_row *row);
/* Did the server say, as it was handed in, that the log has it? */
bool sat_is_in_log(const struct sat_bundle_row *row);

/* Is it its author's, who may write in the space or read it; in its place in the chain; on dots that nobody has? As
 * sat_judge_bundle(): DENIED, TAMPERED, FORK, STALE, BAD_CHAIN. In a later life of the
 * log it may have been given back: then its author may have lost the right since. */
enum sat_err sat_judge_void(const struct sat_judge *judge, const struct sat_signed_void *empty,
                            struct sat_fault *fault) SAT_MUST_CHECK;
/* The row for it; `before`: the author's bundle before it in the space, NULL: none. */
struct sat_bundle_row sat_void_row(int64_t sid, const struct sat_hash *org, const struct sat_signed_void *empty,
                                   const struct sat_bundle_row *before);
/* Whatever state it is in: one that is to be given back, too. */
bool sat_void_is_row(const struct sat_bundle_row *row);
struct sat_signed_void sat_void_of_row(const struct sat_bundle_row *row);
/* It becomes the log's next entry. pending_bid: the author's own row; 0: it is inserted. */
enum sat_err sat_base_void(struct sat_store *store, struct sat_space_row *space, const struct sat_hash *org,
                           const struct sat_signed_void *empty, uint64_t recv_ms, uint64_t dir_at,
                           int64_t pending_bid) SAT_MUST_CHECK;

#endif
