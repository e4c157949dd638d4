/* Forgetting what everybody has seen deleted (MERGE 6, 16, 17; docs/decisions/0090-collection.md): an entry of the log
 * says which records, and here it happens, on the server and on every client alike. Blind: it takes headers alone.
 *
 *   the server  host_collect.c: up to where has everybody acknowledged, what may go, and when
 *   a client    replica_collect.c: may it have said so?
 *
 * What was live of a collected record in entries up to the floor is dead; `collected` remembers by which deletion. Who
 * writes the record later, has seen that deletion: what has not comes too late, for good (judge.h). */
#ifndef SAT_SYNC_COLLECT_H
#define SAT_SYNC_COLLECT_H

#include "common/proof/directory.h"
#include "common/proof/header.h"
#include "common/store/store.h"

/* May the record be forgotten, by what is live of it now: by a deletion that has seen, and read, every other live
 * change that is no deletion, none of the deletions disputed, and all of them in entries up to `floor`? *by is such a
 * deletion; or, where it names one (device not 0), it has to be that. */
enum sat_err sat_collectable(struct sat_store *store, const struct sat_space_row *space,
                             const struct sat_record_id *record, uint64_t floor, struct sat_arena *arena,
                             struct sat_dot *by, bool *collectable) SAT_MUST_CHECK;

/* Does what the device has acknowledged count for what may be forgotten when the directory has `dir_seq` links? Who may
 * read counts; who was given up as silent (expelled) does again once it has said that it is back. */
bool sat_collect_counts(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device,
                        uint64_t dir_seq);
/* Has it, at each length from that one to the present? Looks at each. */
bool sat_collect_counted(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device,
                         uint64_t from);

/* Inside a transaction. Forgets what the collection lists, which is going to be the log's next entry; the digest is
 * that behind it then. */
enum sat_err sat_base_collect(struct sat_store *store, struct sat_space_row *space,
                              const struct sat_collection *collection) SAT_MUST_CHECK;
/* Behind that: the entry. */
enum sat_err sat_base_collected(struct sat_store *store, struct sat_space_row *space, const struct sat_log_epoch *life,
                                const struct sat_collection *collection, uint64_t recv_ms,
                                uint64_t dir_at) SAT_MUST_CHECK;

/* The collections behind the first `size` entries never were. `each`: with every record that they list. */
enum sat_err sat_collections_rewind(struct sat_store *store, struct sat_space_row *space, uint64_t size,
                                    void (*each)(void *context, const struct sat_record_id *record),
                                    void *context) SAT_MUST_CHECK;

/* Has the change, in a log that stands behind the collection, seen the deletion that the record was collected by? */
bool sat_collected_is_seen(const struct sat_collected_row *row, const struct sat_header *header);
/* How many changes of a bundle, which is pending in that space, have not? */
enum sat_err sat_collected_late(struct sat_store *store, int64_t sid, const struct sat_bundle *bundle,
                                uint32_t *late) SAT_MUST_CHECK;

#endif
