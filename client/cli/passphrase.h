/* Passphrases: from a file or from the terminal without echo; never an argument, never longer in memory than needed. */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "common/base/bytes.h"

/* The first line of a file, of which whoever calls wipes the buffer. SAT_ERR_LOCKED names what is wrong with it. */
enum sat_err cli_passphrase_file(const char *path, struct sat_buf *out, struct sat_fault *fault) SAT_MUST_CHECK;
/* Asks on the terminal, twice if `repeat`. SAT_ERR_LOCKED where there is no terminal or no answer. */
enum sat_err cli_passphrase_ask(bool repeat, struct sat_buf *out, struct sat_fault *fault) SAT_MUST_CHECK;
/* Reads one line, without its newline, from a descriptor; at most size_max bytes. false: it cannot be read, or is
 * longer. Unbuffered, so that no copy stays behind in a stream. */
bool cli_passphrase_line(int fd, size_t size_max, struct sat_buf *out);

#endif
