/* The command line: what every command is given, how it fails, and how it gets at the home.
 *
 * One run is one command: main.c reads the options, finds the command in commands.def and calls it. A command looks at
 * its arguments first, opens the home then, and prints last. Functions here return 0 or an exit code, and then the
 * failure has been told on stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "client/cli/options.h"
#include "client/cli/passphrase.h"
#include "client/cli/progress.h"
#include "client/include/satchel.h"
#include "common/base/bytes.h"

struct cli_command;

struct cli {
    struct sat_arena arena; /* lives as long as the run */
    struct cli_options options;
    const struct cli_command *command;
    const char *const *args; /* the words behind the command's own */
    int args_n;
    bool json;
    int output_errno; /* the first failure to write stdout; 0: none */
    struct cli_progress progress;
    struct satchel *satchel; /* the open home; main closes it */
};

struct cli_command {
    const char *words; /* "org create" */
    const char *group; /* its heading in the help */
    int (*run)(struct cli *cli);
    int args_min, args_max;
    unsigned __int128 options; /* 1 << enum cli_option */
    const char *usage, *summary, *text;
};

const char *cli_option(const struct cli *cli, enum cli_option option); /* NULL: not given */
bool cli_has(const struct cli *cli, enum cli_option option);
/* An option that the command cannot do without. */
int cli_need(struct cli *cli, enum cli_option option, const char **value) SAT_MUST_CHECK;

/* ---- Failing ---- */
int cli_fail(struct cli *cli, enum sat_err err, const char *format, ...) __attribute__((format(printf, 3, 4)));
int cli_fail_fault(struct cli *cli, const struct sat_fault *fault);
/* What the library said; `where` stands before its message, NULL: nothing does. */
int cli_fail_error(struct cli *cli, const struct satchel_error *error, const char *where);
/* The last failure on the open handle. */
int cli_fail_handle(struct cli *cli);
/* A word to the person, on stderr. */
void cli_note(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- The home ---- */
int cli_home(struct cli *cli, const char **home) SAT_MUST_CHECK;
enum cli_purpose {
    CLI_EVERYDAY,       /* an admin's signing key stays wrapped */
    CLI_ADMINISTRATION, /* it is opened, and asked for where it has a passphrase of its own */
};
/* Opens and unlocks the home into cli->satchel. */
int cli_open(struct cli *cli, enum cli_purpose purpose) SAT_MUST_CHECK;
/* The passphrases of a home, and the options to open or make one with; for org create and join, which make one. */
struct cli_passphrases {
    struct cli_secret own, admin;
    struct satchel_open_options options; /* borrows from the two */
};
/* The home's. To be wiped on failure, too. A prompt asks twice when `creating`. */
enum sat_err cli_passphrases_take(struct cli *cli, bool creating, struct cli_passphrases *out,
                                  struct sat_fault *fault) SAT_MUST_CHECK;
/* The admin's own as well, if a file is named for it. */
enum sat_err cli_passphrases_admin(struct cli *cli, struct cli_passphrases *passphrases,
                                   struct sat_fault *fault) SAT_MUST_CHECK;
/* … or by asking, where it turned out to be needed. */
enum sat_err cli_passphrases_ask_admin(struct cli_passphrases *passphrases, struct sat_fault *fault) SAT_MUST_CHECK;
void cli_passphrases_wipe(struct cli_passphrases *passphrases);

/* A text from stdin where `argument` is "-", else the argument; one line. The buffer holds it with its NUL and is wiped
 * by the caller. */
int cli_secret_argument(struct cli *cli, const char *argument, const char *what, struct sat_buf *out) SAT_MUST_CHECK;

#endif
