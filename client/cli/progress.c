#define _GNU_SOURCE

#include "client/cli/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_COLUMNS = 30, REDRAW_MS = 100 };

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void cli_progress_show(struct cli_progress *progress, const char *what, uint64_t done, uint64_t total)
{
    if (!progress->asked) {
        progress->asked = true;
        progress->terminal = isatty(STDERR_FILENO) == 1;
    }
    if (!progress->terminal) return;
    uint64_t now = now_ms();
    if (progress->drawn && now - progress->drawn_ms < REDRAW_MS && (total == 0 || done < total)) return;
    progress->drawn = true;
    progress->drawn_ms = now;
    if (total == 0) {
        (void)fprintf(stderr, "\r%s: %" PRIu64 "\033[K", what, done);
        return;
    }
    if (done > total) done = total;
    char cells[BAR_COLUMNS + 1];
    size_t full = (size_t)((double)done / (double)total * BAR_COLUMNS);
    memset(cells, '#', full);
    memset(cells + full, '.', BAR_COLUMNS - full);
    cells[BAR_COLUMNS] = '\0';
    (void)fprintf(stderr, "\r%s [%s] %" PRIu64 "/%" PRIu64 "\033[K", what, cells, done, total);
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (!progress->drawn) return;
    progress->drawn = false;
    (void)fputs("\r\033[K", stderr);
}
