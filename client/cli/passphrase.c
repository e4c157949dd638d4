#define _GNU_SOURCE

#include "client/cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSPHRASE_BYTES_MAX = 4096, INTERRUPT = 3 };

bool cli_passphrase_line(int fd, size_t size_max, struct sat_buf *out)
{
    sat_buf_reserve(out, size_max + 1);
    for (;;) {
        uint8_t byte;
        ssize_t n = read(fd, &byte, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0 || byte == '\n') break;
        if (out->len == size_max) {
            errno = EFBIG;
            return false;
        }
        sat_put_u8(out, byte);
    }
    if (out->len && out->at[out->len - 1] == '\r') out->len--;
    return true;
}

enum sat_err cli_passphrase_file(const char *path, struct sat_buf *out, struct sat_fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && cli_passphrase_line(fd, PASSPHRASE_BYTES_MAX, out);
    int reason = errno;
    if (fd >= 0) (void)close(fd);
    if (!done) {
        return sat_fail(fault, SAT_ERR_LOCKED, "the passphrase cannot be read from %s: %s", path, strerror(reason));
    }
    if (out->len == 0) return sat_fail(fault, SAT_ERR_LOCKED, "the first line of %s is empty: no passphrase", path);
    return SAT_OK;
}

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
 * comes back. */
static bool ask_once(int terminal, const char *prompt, struct sat_buf *out)
{
    struct termios before, quiet;
    if (tcgetattr(terminal, &before) != 0) return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_lflag |= ICANON;
    quiet.c_cc[VEOL] = INTERRUPT;
    if (tcsetattr(terminal, TCSAFLUSH, &quiet) != 0) return false;
    say(terminal, prompt);
    sat_buf_reserve(out, PASSPHRASE_BYTES_MAX);
    uint8_t byte = 0;
    while (read(terminal, &byte, 1) == 1 && byte != '\n' && byte != INTERRUPT) {
        if (out->len < PASSPHRASE_BYTES_MAX) sat_put_u8(out, byte);
    }
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    say(terminal, "\n");
    return byte != INTERRUPT && out->len > 0;
}

enum sat_err cli_passphrase_ask(bool repeat, struct sat_buf *out, struct sat_fault *fault)
{
    /* A prompt that nobody sees would only hang a script. */
    int terminal = isatty(STDERR_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    if (terminal < 0) {
        return sat_fail(fault, SAT_ERR_LOCKED,
                        "the home is locked: give --passphrase-file FILE or set SATCHEL_PASSPHRASE_FILE");
    }
    enum sat_err err = SAT_OK;
    struct sat_buf again;
    sat_buf_init(&again);
    if (!ask_once(terminal, repeat ? "New passphrase: " : "Passphrase: ", out)) {
        err = sat_fail(fault, SAT_ERR_LOCKED, "no passphrase was given");
    } else if (repeat && (!ask_once(terminal, "Once more: ", &again) ||
                          !sat_span_equal(sat_buf_span(out), sat_buf_span(&again)))) {
        err = sat_fail(fault, SAT_ERR_LOCKED, "the two passphrases are not the same");
    }
    sat_buf_wipe(&again);
    (void)close(terminal);
    return err;
}
