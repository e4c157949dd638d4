/* Keeping a store small: what policy lets go of is forgotten (sweep.h), what is forgotten and acknowledged by all is
 * compacted (compact.h); a part at a time, when nothing else is under way. */
#ifndef SAT_SYNC_TIDY_H
#define SAT_SYNC_TIDY_H

#include "common/proof/directory.h"
#include "common/store/store.h"

struct sat_tidied {
    uint64_t looked_at; /* entries */
    uint64_t forgotten; /* changes */
    uint64_t compacted; /* entries */
};

/* One space, in a transaction; the caller saves its row. `proved`: as in sweep.h; `own`: as in compact.h. At most so
 * many entries are looked at for each reason. */
enum sat_err sat_tidy_space(struct sat_store *store, struct sat_space_row *space, const struct sat_directory *directory,
                            uint64_t now_ms, uint64_t proved, uint32_t own, uint64_t entries,
                            struct sat_tidied *out) SAT_MUST_CHECK;

/* Is there something to do? Cheap, and only reads. */
enum sat_err sat_tidy_is_wanted(struct sat_store *store, const struct sat_space_row *space,
                                const struct sat_directory *directory, uint64_t now_ms, uint64_t proved,
                                bool *wanted) SAT_MUST_CHECK;

/* The store of device `own`, between its sessions: each space that ended at a head that the server and it agree about,
 * in a transaction of its own. The server's time of that head is the time it is. */
enum sat_err sat_tidy_device(struct sat_store *store, const struct sat_directory *directory, uint32_t own,
                             uint64_t entries, struct sat_tidied *out) SAT_MUST_CHECK;

#endif
