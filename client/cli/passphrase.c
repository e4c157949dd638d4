#define _GNU_SOURCE

#include "client/cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client/include/satchel.h"

enum { INTERRUPT = 3 };

/* ---- Guarded memory ---- */

static bool make_secret(struct cli_secret *out)
{
    *out = (struct cli_secret){0};
    if (sodium_init() < 0) return false;
    out->at = sodium_malloc(SATCHEL_PASSPHRASE_BYTES_MAX);
    return out->at != NULL;
}

void cli_secret_wipe(struct cli_secret *secret)
{
    sodium_free(secret->at);
    *secret = (struct cli_secret){0};
}

/* ---- From a descriptor ---- */

static bool read_line(int fd, uint8_t *at, size_t size_max, size_t *len)
{
    *len = 0;
    for (;;) {
        uint8_t byte;
        ssize_t n = read(fd, &byte, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0 || byte == '\n') break;
        if (*len == size_max) {
            errno = EFBIG;
            return false;
        }
        at[(*len)++] = byte;
    }
    if (*len && at[*len - 1] == '\r') --*len;
    return true;
}

bool cli_passphrase_line(int fd, size_t size_max, struct sat_buf *out)
{
    size_t len = 0;
    sat_buf_reserve(out, size_max + 1);
    bool done = read_line(fd, out->at + out->len, size_max - out->len, &len);
    out->len += len;
    return done;
}

enum sat_err cli_passphrase_file(const char *path, struct cli_secret *out, struct sat_fault *fault)
{
    if (!make_secret(out)) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && read_line(fd, out->at, SATCHEL_PASSPHRASE_BYTES_MAX, &out->len);
    int reason = errno;
    if (fd >= 0) (void)close(fd);
    if (done && out->len > 0) return SAT_OK;
    cli_secret_wipe(out);
    if (done) return sat_fail(fault, SAT_ERR_LOCKED, "the first line of %s is empty: no passphrase", path);
    return sat_fail(fault, SAT_ERR_LOCKED, "the passphrase cannot be read from %s: %s", path, strerror(reason));
}

/* ---- From a terminal ---- */

static void say(int terminal, const char *text)
{
    size_t len = strlen(text);
    while (len) {
        ssize_t n = write(terminal, text, len);
        if (n <= 0) return;
        text += n;
        len -= (size_t)n;
    }
}

/* One line without echo. The terminal's interrupt key ends the line instead of the process, so that the echo always
 * comes back. False: interrupted, empty, or longer than any passphrase. */
static bool ask_once(int terminal, const char *prompt, struct cli_secret *out)
{
    struct termios before, quiet;
    if (tcgetattr(terminal, &before) != 0) return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_lflag |= ICANON;
    quiet.c_cc[VEOL] = INTERRUPT;
    if (tcsetattr(terminal, TCSAFLUSH, &quiet) != 0) return false;
    say(terminal, prompt);
    uint8_t byte = 0;
    bool fits = true;
    while (read(terminal, &byte, 1) == 1 && byte != '\n' && byte != INTERRUPT) {
        fits = fits && out->len < SATCHEL_PASSPHRASE_BYTES_MAX;
        if (fits) out->at[out->len++] = byte;
    }
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    say(terminal, "\n");
    return fits && byte != INTERRUPT && out->len > 0;
}

/* A prompt that nobody sees would only hang a script. -1: there is none to see it. */
static int open_terminal(void)
{
    return isatty(STDERR_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
}

bool cli_passphrase_can_ask(void)
{
    int terminal = open_terminal();
    if (terminal >= 0) (void)close(terminal);
    return terminal >= 0;
}

static bool same(const struct cli_secret *a, const struct cli_secret *b)
{
    return a->len == b->len && sodium_memcmp(a->at, b->at, a->len) == 0;
}

static enum sat_err ask_on(int terminal, const struct cli_asking *asking, struct cli_secret *out,
                           struct cli_secret *again, struct sat_fault *fault)
{
    if (!make_secret(out) || !make_secret(again)) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    if (!ask_once(terminal, asking->prompt, out)) return sat_fail(fault, SAT_ERR_LOCKED, "no passphrase was given");
    if (asking->repeat && (!ask_once(terminal, "Once more: ", again) || !same(out, again)))
        return sat_fail(fault, SAT_ERR_LOCKED, "the two passphrases are not the same");
    return SAT_OK;
}

enum sat_err cli_passphrase_ask(const struct cli_asking *asking, struct cli_secret *out, struct sat_fault *fault)
{
    struct cli_secret again = {0};
    *out = (struct cli_secret){0};
    int terminal = open_terminal();
    if (terminal < 0) return sat_fail(fault, SAT_ERR_LOCKED, "%s", asking->else_);
    enum sat_err err = ask_on(terminal, asking, out, &again, fault);
    cli_secret_wipe(&again);
    if (err) cli_secret_wipe(out);
    (void)close(terminal);
    return err;
}
