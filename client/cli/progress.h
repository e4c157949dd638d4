/* Progress: a bar on stderr when that is a terminal, gone before anything else is written. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct cli_progress {
    bool asked, terminal; /* whether stderr is one */
    bool drawn;
    uint64_t drawn_ms;
};

/* Draws `done` of `total` (0: not known), a few times a second at most. `what`: "syncing", … */
void cli_progress_show(struct cli_progress *progress, const char *what, uint64_t done, uint64_t total);
/* Takes the bar away, if there is one. */
void cli_progress_clear(struct cli_progress *progress);

#endif
