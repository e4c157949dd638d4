/* The accepted base: what the server's log says (MERGE 7). An accepted bundle enters it here, on the server and on
 * every client alike: entry, bundle, the blind merge of each of its records, the digest. */
#ifndef SAT_SYNC_BASE_H
#define SAT_SYNC_BASE_H

#include "common/proof/header.h"
#include "common/store/store.h"

struct sat_accept {
    struct sat_store *store;
    struct sat_space_row *space;      /* updated; the caller saves it */
    const struct sat_bundle *bundle;  /* judged */
    const struct sat_header *headers; /* decoded; empty for stubs */
    uint64_t recv_ms, dir_at;
    bool returned;                    /* the entry is one of a bundle that came back, … */
    uint64_t receipt_ms, receipt_dir; /* … with this receipt */
    int64_t pending_bid;              /* the author's own copy, frozen before; 0: none, the bundle is inserted */
    uint64_t seq; /* 0: it becomes the log's next entry; else it has been passed over there until now */
    bool *met;    /* NULL, or one for each change: receives whether its record was there before the bundle */
    bool *alone;  /* NULL, or one for each change: receives whether it is now its record's only live one */
};

/* Appends the bundle to the log as the next entry and merges its changes. Inside the caller's transaction. */
enum sat_err sat_base_accept(const struct sat_accept *accept) SAT_MUST_CHECK;

/* Appends an entry to the log; its `seq` is the next. bid 0: its bundle is put aside, and counts for nothing here. */
enum sat_err sat_base_append(struct sat_store *store, struct sat_space_row *space, const struct sat_entry *entry,
                             int64_t bid) SAT_MUST_CHECK;

/* Bytes of a bundle that is on the log come behind it: those of stubs whose replacement has not arrived. */
struct sat_fill {
    struct sat_store *store;
    struct sat_space_row *space; /* updated; the caller saves it */
    const struct sat_bundle_row *row;
    struct sat_bundle *bundle;        /* the same, with those bytes */
    const struct sat_header *headers; /* decoded; of what is filled */
};
/* Makes stubs in fill->bundle of all that is not to be filled here. The number of the others. */
enum sat_err sat_base_unfilled(const struct sat_fill *fill, struct sat_arena *arena, uint32_t *n) SAT_MUST_CHECK;
/* Stores and merges the others, which are judged. Inside the caller's transaction. */
enum sat_err sat_base_fill(const struct sat_fill *fill) SAT_MUST_CHECK;

/* The bundle of a stored row, with its changes (dead ones as stubs if `stub_dead`, but for deletions that records were
 * collected by, else as far as their bytes are kept). The arena owns it. */
enum sat_err sat_base_bundle(struct sat_store *store, const struct sat_bundle_row *row, bool stub_dead,
                             struct sat_arena *arena, struct sat_bundle *out) SAT_MUST_CHECK;

/* Puts aside, verbatim and for that reason, a bundle that is given up here: one that waited there for a later version,
 * or had been taken up, waits no more, and is listed again. Inside the caller's transaction. */
enum sat_err sat_base_give_up(struct sat_store *store, const struct sat_bundle *bundle, enum sat_err why,
                              uint64_t recv_ms) SAT_MUST_CHECK;

#endif
