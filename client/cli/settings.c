/* Settings of this home: its passphrases. */
#include "client/cli/commands.h"
#include "client/cli/output.h"

enum { SHORT_BYTES = 8 };

struct change {
    struct cli *cli;
    const char *home;
    struct cli_passphrases present;
    struct cli_secret new_;
    struct satchel_passphrase_options options;
};

static int fail_usage(struct cli *cli)
{
    return cli_fail(cli, SAT_ERR_USAGE, "there is no terminal to ask on: give --new-passphrase-file FILE");
}

/* May it be changed at all? Asked before somebody thinks of a new one. An admin's key that has a passphrase of its own
 * is known by this only, and then that is asked for. */
static int check(struct change *change)
{
    struct cli *cli = change->cli;
    struct satchel_error error = {0};
    struct sat_fault fault = {0};
    change->options.only_check = 1;
    int failed = satchel_passphrase_set(change->home, &change->present.options, &change->options, &error);
    if (failed == SAT_ERR_LOCKED && change->options.admin && !change->present.admin.len) {
        if (cli_passphrases_ask_admin(&change->present, &fault)) return cli_fail_fault(cli, &fault);
        failed = satchel_passphrase_set(change->home, &change->present.options, &change->options, &error);
    }
    change->options.only_check = 0;
    return failed ? cli_fail_error(cli, &error, NULL) : 0;
}

static int take_new(struct change *change, const char *path)
{
    struct cli *cli = change->cli;
    struct cli_asking asking = {
        .prompt = change->options.admin ? "New admin passphrase: " : "New passphrase: ", .repeat = true, .else_ = ""};
    struct sat_fault fault = {0};
    if (path && cli_passphrase_file(path, &change->new_, &fault)) {
        fault.err = SAT_ERR_INVALID; /* it is no lock that stays closed */
        return cli_fail_fault(cli, &fault);
    }
    if (!path && cli_passphrase_ask(&asking, &change->new_, &fault)) return cli_fail_fault(cli, &fault);
    change->options.new_passphrase = (struct satchel_bytes){change->new_.at, change->new_.len};
    return 0;
}

static int set(struct change *change)
{
    struct cli *cli = change->cli;
    struct satchel_error error = {0};
    if (satchel_passphrase_set(change->home, &change->present.options, &change->options, &error))
        return cli_fail_error(cli, &error, NULL);
    if (change->new_.len < SHORT_BYTES)
        cli_note(cli, "the new passphrase is short: whoever has this device's files tries all of that length");
    if (cli->json)
        return cli_print_new(
            cli, json_pack("{s:s, s:s}", "home", change->home, "changed", change->options.admin ? "admin" : "home"));
    cli_note(cli, change->options.admin ? "the admin key has its new passphrase: administration asks for it"
                                        : "the passphrase is changed");
    return 0;
}

static int change_passphrase(struct change *change)
{
    struct cli *cli = change->cli;
    const char *path = cli_option(cli, CLI_OPTION_NEW_PASSPHRASE_FILE);
    struct sat_fault fault = {0};
    if (!path && !cli_passphrase_can_ask()) return fail_usage(cli);
    enum sat_err err = cli_passphrases_take(cli, false, &change->present, &fault);
    if (!err && change->options.admin) err = cli_passphrases_admin(cli, &change->present, &fault);
    if (err) return cli_fail_fault(cli, &fault);
    int code = check(change);
    if (!code) code = take_new(change, path);
    return code ? code : set(change);
}

int cli_run_passphrase(struct cli *cli)
{
    struct change change = {.cli = cli, .options = {.admin = cli_has(cli, CLI_OPTION_ADMIN)}};
    int code = cli_home(cli, &change.home);
    if (code) return code;
    code = change_passphrase(&change);
    cli_passphrases_wipe(&change.present);
    cli_secret_wipe(&change.new_);
    return code;
}
