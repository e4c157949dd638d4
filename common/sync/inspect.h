/* The inspection of a store, on a device or on a server: everything that can be computed again is, and compared with
 * what is stored. Blind, as all of the engine: what is inside the ciphertexts is not looked at. It changes nothing, and
 * goes on after what it finds, as far as one can.
 *
 *   database   the database's own check; rows that belong to nothing
 *   directory  every link from the genesis on: order, authority, signatures, countersignatures
 *   bundles    id, signature, and the changes' hashes up to the root that is signed
 *   chains     per device and space each bundle names the one before, and dots and directory positions rise
 *   log        entries without gaps, their roots, their bundles, and where the space says that it stands
 *   live       the log replayed record by record: who is live now?
 *   digest     the set digest, from the live changes */
#ifndef SAT_SYNC_INSPECT_H
#define SAT_SYNC_INSPECT_H

#include "common/proof/directory.h"
#include "common/store/store.h"

enum sat_check {
#define X(id, name, counted) SAT_CHECK_##id,
#include "common/sync/checks.def"
#undef X
    SAT_CHECK_COUNT
};

const char *sat_check_name(enum sat_check check);
const char *sat_check_counted(enum sat_check check); /* "links" */

#define SAT_INSPECT_TOLD_MAX 20 /* faults told of one check; more are counted */

struct sat_inspection {
    struct sat_store *store;    /* borrowed */
    const struct sat_hash *org; /* that the store should be of; NULL: whatever it is of */
    /* A fault: a sentence that names the thing. */
    void (*found)(void *context, enum sat_check check, const char *text);
    void *context;
};
struct sat_inspection_result {
    uint64_t looked_at[SAT_CHECK_COUNT], faults[SAT_CHECK_COUNT];
};

/* `directory` is an empty one, and receives what could be verified of the stored one. An error is what kept the
 * inspection from going on (SAT_ERR_IO, SAT_ERR_IN_USE, SAT_ERR_NO_MEMORY, SAT_ERR_UPGRADE_NEEDED); damage is none. */
enum sat_err sat_inspect(const struct sat_inspection *inspection, struct sat_directory *directory,
                         struct sat_inspection_result *result) SAT_MUST_CHECK;

#endif
