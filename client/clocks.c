#define _GNU_SOURCE
#include "client/clocks.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/handle.h"
#include "common/base/id.h"

static const char BOOT_ID[] = "/proc/sys/kernel/random/boot_id"; /* a UUID as text */

/* Zeros where the system does not say. */
static void read_boot_id(uint8_t out[16])
{
    char text[SAT_UUID_TEXT_SIZE] = "";
    int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    bool whole = fd >= 0 && read(fd, text, sizeof text - 1) == sizeof text - 1;
    if (fd >= 0) (void)close(fd);
    if (!whole || sat_uuid_parse(text, out)) memset(out, 0, 16);
}

static uint64_t boot_ms(void)
{
    struct timespec now = {0};
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it stops in sleep */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void client_clocks_read(struct client_clocks *clocks)
{
    static const uint8_t unknown[sizeof clocks->boot_id];
    if (memcmp(clocks->boot_id, unknown, sizeof unknown) == 0) read_boot_id(clocks->boot_id);
    clocks->boot_ms = boot_ms();
    clocks->wall_ms = client_now_ms();
}
