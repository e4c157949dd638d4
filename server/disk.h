/* The disk under the data directory. With less than a reserve free no work is taken any more, before the disk is full:
 * what is there can still be read, journals can still be folded in, and nothing ends half written. */
#ifndef SATD_DISK_H
#define SATD_DISK_H

#include "server/datadir.h"
#include "server/log.h"
#include "server/metrics.h"

struct satd_disk {
    const struct satd_datadir *dir; /* borrowed, as the next two */
    struct satd_log *log;
    struct satd_metrics *metrics;
    uint64_t reserve_bytes;
    bool low;
    enum sat_err written; /* how the last attempt to write went, and when */
    uint64_t written_ms;
};

void satd_disk_init(struct satd_disk *disk, const struct satd_datadir *dir, uint64_t reserve_bytes,
                    struct satd_log *log, struct satd_metrics *metrics);
/* Asks the system: is less than the reserve free? Logs when that changes. */
bool satd_disk_is_low(struct satd_disk *disk);
/* Can the data directory be written? Tries it, once a second at most. SAT_ERR_DISK_FULL, SAT_ERR_READ_ONLY, SAT_ERR_IO.
 */
enum sat_err satd_disk_try(struct satd_disk *disk, uint64_t now_ms) SAT_MUST_CHECK;

#endif
