/* A record as this device sees it: the accepted base with the own pending changes and drafts on top (MERGE 7),
 * decrypted and merged. */
#ifndef SAT_VAULT_RECORD_H
#define SAT_VAULT_RECORD_H

#include "common/vault/cells.h"
#include "common/vault/epoch.h"
#include "common/vault/squeeze.h"

/* What reading and writing need together; all borrowed. */
struct sat_vault {
    struct sat_store *store;
    const struct sat_keyring *keyring;
    struct sat_keys *keys;
    struct sat_squeezer *squeezer;
    const struct sat_directory *directory;
    const struct sat_entropy *entropy;
    /* This device's pending changes, and drafts, with these counters are not laid over the base: they are about to be
     * written again (author_again.h). 0: none. */
    uint32_t hidden_device;
    uint64_t hidden_first, hidden_last;
    struct sat_fresh *fresh; /* freezing: keeps in memory, too, what was frozen; NULL: it does not */
    uint32_t bundle_bytes;   /* freezing: a bundle ends here, unless one change is larger; 0: at the protocol's bound */
};

struct sat_record_view {
    int64_t sid;
    struct sat_record_id id;
    struct sat_source *live; /* after the blind merge of base and overlay, by dot */
    uint32_t live_n;
    struct sat_dots seen;  /* the record's version vector: the join of seen and dot of all of them */
    struct sat_dots holes; /* dots under `seen` that are here but unreadable, put aside, or named by a live change's
                              kept or holes and neither held live nor covered by another (MERGE 4) */
    struct sat_merged_record merged;
};

/* NULL: it is not live. */
const struct sat_source *sat_record_live(const struct sat_record_view *view, struct sat_dot dot);
/* The time of a change, or one before it by which it wins over nothing that is live and that it does not cover. */
uint64_t sat_record_before_all(const struct sat_record_view *view, const struct sat_header *header);

/* Loads one record. A record that is not there gives an empty view (live_n 0). */
enum sat_err sat_record_load(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *id,
                             struct sat_arena *arena, struct sat_record_view *out) SAT_MUST_CHECK;

/* The record as it was when the log had `seq` entries, with what this device wrote since on top, drafts only if asked
 * for. Replaced changes whose bytes are gone are missing. */
enum sat_err sat_record_load_at(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *id,
                                uint64_t seq, bool drafts, struct sat_arena *arena,
                                struct sat_record_view *out) SAT_MUST_CHECK;

/* One step of a record's history, oldest first. */
struct sat_history_item {
    struct sat_dot dot;
    struct sat_hash rest;  /* its bytes; zeros of a draft */
    uint64_t hlc, recv_ms; /* recv_ms 0: not accepted yet */
    uint64_t seq;          /* 0: it is not in the log, or not any more */
    bool live, stub, readable;
    struct sat_header header; /* unless it is a stub, or damaged */
    struct sat_body body;     /* if readable */
};
enum sat_err sat_record_history(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *id,
                                struct sat_arena *arena, struct sat_history_item **out, uint32_t *n) SAT_MUST_CHECK;

#endif
