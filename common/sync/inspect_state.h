/* The inside of an inspection, shared by its files alone. */
#ifndef SAT_SYNC_INSPECT_STATE_H
#define SAT_SYNC_INSPECT_STATE_H

#include "common/sync/inspect.h"

struct inspector {
    const struct sat_inspection *inspection;
    struct sat_store *store;
    struct sat_directory *directory;
    struct sat_inspection_result *result;
};

void inspect_found(struct inspector *inspector, enum sat_check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A row or page that cannot be read is a fault like others; another error stops the inspection. */
enum sat_err inspect_unreadable(struct inspector *inspector, enum sat_check check, enum sat_err err) SAT_MUST_CHECK;

/* inspect_bundles.c: the bundles of a space and their chains. */
enum sat_err inspect_bundles(struct inspector *inspector, const struct sat_space_row *space) SAT_MUST_CHECK;
/* inspect_live.c: the log replayed, and the digest of what is live. */
enum sat_err inspect_live(struct inspector *inspector, const struct sat_space_row *space) SAT_MUST_CHECK;

#endif
