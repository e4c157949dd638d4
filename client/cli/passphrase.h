/* Passphrases: from a file or from the terminal without echo; never an argument, never in memory that is swapped or
 * dumped, never there longer than needed. */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "common/base/bytes.h"

/* A passphrase in guarded memory: locked where the system lets us, between pages that nobody may touch, wiped when it
 * goes. */
struct cli_secret {
    uint8_t *at; /* NULL: none */
    size_t len;
};
void cli_secret_wipe(struct cli_secret *secret);

/* The first line of a file. SAT_ERR_LOCKED names what is wrong with it; then there is nothing to wipe. */
enum sat_err cli_passphrase_file(const char *path, struct cli_secret *out, struct sat_fault *fault) SAT_MUST_CHECK;

struct cli_asking {
    const char *prompt; /* "Passphrase: " */
    bool repeat;        /* twice: it is a new one */
    const char *else_;  /* what to do where there is nobody to ask */
};
/* Asks on the terminal. SAT_ERR_LOCKED where there is none, or no answer; then there is nothing to wipe. */
enum sat_err cli_passphrase_ask(const struct cli_asking *asking, struct cli_secret *out,
                                struct sat_fault *fault) SAT_MUST_CHECK;
/* Is there a terminal, and somebody who sees the prompt? */
bool cli_passphrase_can_ask(void);

/* Reads one line, without its newline, from a descriptor; at most size_max bytes. false: it cannot be read, or is
 * longer. Unbuffered, so that no copy stays behind in a stream. */
bool cli_passphrase_line(int fd, size_t size_max, struct sat_buf *out);

#endif
