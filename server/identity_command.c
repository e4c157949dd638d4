#define _GNU_SOURCE
#include "server/identity_command.h"

#include <inttypes.h>
#include <string.h>

#include "server/line.h"
#include "server/trust.h"

static enum sat_err finish(struct sat_fault *fault)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_IO, "stdout cannot be written");
}

static void print(bool json, const struct sat_public_key *pin, const char *state, const uint32_t *orgs)
{
    char hex[65];
    struct satd_line line;
    sat_hex_format(pin->b, sizeof pin->b, hex);
    if (!json && orgs)
        (void)printf("%s  %-7s  %" PRIu32 " %s\n", hex, state, *orgs, *orgs == 1 ? "organisation" : "organisations");
    else if (!json)
        (void)printf("%s  %s\n", hex, state);
    if (!json) return;
    satd_line_begin(&line);
    satd_line_text(&line, "pin", hex);
    satd_line_text(&line, "state", state);
    if (orgs) satd_line_number(&line, "orgs", *orgs);
    satd_line_end(&line);
    (void)fwrite(line.at, 1, line.len, stdout);
}

/* What there is, is shown also when the orgs cannot be asked. */
static enum sat_err list(const struct satd_datadir *dir, bool json, struct sat_fault *fault)
{
    struct satd_identities identities;
    struct satd_trust trust;
    enum sat_err err = satd_identities_read(dir, &identities, fault);
    if (err == SAT_OK) {
        err = satd_trust_read(dir, &identities, &trust, fault);
        for (uint32_t i = 0; i < identities.n; i++) {
            struct sat_public_key pin = sat_sign_public(&identities.keys[i]);
            print(json, &pin, i == 0 ? "current" : "former", err == SAT_OK ? &trust.of[i].orgs : NULL);
        }
        if (err == SAT_OK && trust.orgs_lost) print(json, &trust.lost, "missing", &trust.orgs_lost);
    }
    satd_identities_close(&identities);
    return err == SAT_OK ? finish(fault) : err;
}

static enum sat_err make_new(const struct satd_datadir *dir, bool json, struct sat_fault *fault)
{
    struct sat_entropy entropy = sat_entropy_system();
    struct sat_public_key pin;
    char hex[65];
    enum sat_err err = satd_identity_new(dir, &entropy, &pin, fault);
    if (err != SAT_OK) return err;
    sat_hex_format(pin.b, sizeof pin.b, hex);
    if (json)
        print(json, &pin, "current", NULL);
    else
        (void)puts(hex);
    if (!json)
        (void)fprintf(stderr,
                      "satcheld: restart the server, copy identity.key to where you keep its copies, and have an admin "
                      "of each\norganisation announce it: satchel server set --pin %s\n",
                      hex);
    return finish(fault);
}

/* Is it of no use to any org any more? */
static enum sat_err check_unused(const struct satd_datadir *dir, const struct sat_public_key *pin,
                                 struct sat_fault *fault)
{
    struct satd_identities identities;
    struct satd_trust trust;
    char org[17];
    enum sat_err err = satd_identities_read(dir, &identities, fault);
    const struct sat_sign_key *key = err == SAT_OK ? satd_identities_find(&identities, pin->b, sizeof pin->b) : NULL;
    if (key) err = satd_trust_read(dir, &identities, &trust, fault);
    if (key && err == SAT_OK && trust.of[key - identities.keys].orgs) {
        sat_hex_format(trust.of[key - identities.keys].one.b, 8, org);
        err = sat_fail(fault, SAT_ERR_INVALID,
                       "%" PRIu32 " of the organisations here trust this identity still, %s… for one: an admin of each "
                       "has to announce the current one first (satchel server set --pin)",
                       trust.of[key - identities.keys].orgs, org);
    }
    satd_identities_close(&identities);
    return err;
}

static enum sat_err drop(const struct satd_datadir *dir, const char *text, bool json, struct sat_fault *fault)
{
    struct sat_public_key pin;
    if (strlen(text) != 64 || sat_hex_parse(text, pin.b, sizeof pin.b) != SAT_OK)
        return sat_fail(fault, SAT_ERR_INVALID, "a pin is 64 hexadecimal digits, lower case");
    enum sat_err err = check_unused(dir, &pin, fault);
    if (err == SAT_OK) err = satd_identity_drop(dir, &pin, fault);
    if (err != SAT_OK) return err;
    print(json, &pin, "dropped", NULL);
    if (!json) (void)fputs("satcheld: a server that runs has it until its next start\n", stderr);
    return finish(fault);
}

enum sat_err satd_identity_command(const struct satd_options *options, struct sat_fault *fault)
{
    struct satd_datadir dir;
    const char *word = options->operands[0], *pin = options->operands[1];
    bool json = options->value[SATD_OPTION_JSON];
    bool makes = word && strcmp(word, "new") == 0, drops = word && strcmp(word, "drop") == 0;
    if (word && !makes && !drops)
        return sat_fail(fault, SAT_ERR_USAGE, "identity %.100s: it is identity, identity new or identity drop PIN",
                        word);
    if (drops != (pin != NULL))
        return sat_fail(fault, SAT_ERR_USAGE, drops ? "identity drop needs a PIN" : "identity new takes no argument");
    enum sat_err err = satd_datadir_open(options->value[SATD_OPTION_DATA], &dir, fault);
    if (err == SAT_OK && makes)
        err = make_new(&dir, json, fault);
    else if (err == SAT_OK && drops)
        err = drop(&dir, pin, json, fault);
    else if (err == SAT_OK)
        err = list(&dir, json, fault);
    satd_datadir_close(&dir);
    return err;
}
