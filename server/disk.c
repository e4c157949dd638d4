#define _GNU_SOURCE
#include "server/disk.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { TRY_EVERY_MS = 1000 };

void satd_disk_init(struct satd_disk *disk, const struct satd_datadir *dir, uint64_t reserve_bytes,
                    struct satd_log *log, struct satd_metrics *metrics)
{
    *disk = (struct satd_disk){.dir = dir, .log = log, .metrics = metrics, .reserve_bytes = reserve_bytes};
}

bool satd_disk_is_low(struct satd_disk *disk)
{
    struct statvfs room;
    if (fstatvfs(disk->dir->orgs_fd, &room) != 0) return disk->low; /* it was so a moment ago */
    uint64_t free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
    bool low = free_bytes < disk->reserve_bytes;
    satd_set(disk->metrics, SATD_METRIC_DISK_FREE, free_bytes);
    satd_set(disk->metrics, SATD_METRIC_DISK_LOW, low);
    if (low && !disk->low)
        satd_log(disk->log, DISK_LOW, satd_number("free_bytes", free_bytes),
                 satd_number("reserve_bytes", disk->reserve_bytes));
    if (!low && disk->low) satd_log(disk->log, DISK_ENOUGH, satd_number("free_bytes", free_bytes));
    disk->low = low;
    return low;
}

static enum sat_err write_something(const struct satd_datadir *dir)
{
    static const char name[] = ".ready";
    struct sat_fault fault;
    int file = openat(dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return satd_fail_errno(&fault, "writing", name);
    enum sat_err err = write(file, "ready\n", 6) == 6 ? SAT_OK : satd_fail_errno(&fault, "writing", name);
    (void)close(file);
    (void)unlinkat(dir->fd, name, 0);
    return err;
}

enum sat_err satd_disk_try(struct satd_disk *disk, uint64_t now_ms)
{
    if (disk->written_ms && now_ms - disk->written_ms < TRY_EVERY_MS) return disk->written;
    disk->written = write_something(disk->dir);
    disk->written_ms = now_ms;
    return disk->written;
}
