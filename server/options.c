#include "server/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "server/address.h"
#include "server/config.h"
#include "server/proxies.h"

enum { TEXT, FLAG, NUMBER, BYTES, ADDRESS, ADDRESSES, LEVEL, NETWORKS };
enum { BOTH, LINE };

static const struct {
    const char *name, *argument, *preset, *help;
    int kind, where;
    uint64_t least, most;
} list[] = {
#define X(NAME, name, kind, where, argument, preset, least, most, help)                                                \
    {name, argument, preset, help, kind, where, least, most},
#include "server/options.def"
#undef X
};

static const struct {
    const char *name;
    enum satd_command command;
    unsigned operands_max;
} commands[] = {
    {"serve", SATD_COMMAND_SERVE, 0},   {"token", SATD_COMMAND_TOKEN, 0},     {"identity", SATD_COMMAND_IDENTITY, 2},
    {"backup", SATD_COMMAND_BACKUP, 1}, {"restore", SATD_COMMAND_RESTORE, 1},
};

enum satd_option satd_option_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++)
        if (strlen(list[i].name) == len && memcmp(list[i].name, name, len) == 0) return (enum satd_option)i;
    return SATD_OPTION_COUNT;
}

bool satd_option_in_file(enum satd_option option)
{
    return list[option].where == BOTH;
}

void satd_options_help(FILE *out)
{
    (void)fputs(
        "satcheld, the blind sync server of Satchel\n\n"
        "  satcheld [serve] --data DIR [OPTION…]   serve until SIGTERM; when ready, one JSON line on stdout:\n"
        "                                          {\"event\":\"ready\",\"url\":\"wss://HOST:PORT\",\"pin\":\"…\"}\n"
        "  satcheld --check-config --config FILE   say whether the configuration is right\n"
        "  satcheld token --data DIR               print a one-time token that allows creating an org;\n"
        "                                          works beside a running server\n"
        "  satcheld identity --data DIR            list the identity keys, which devices pin, and how many orgs trust\n"
        "                                          each\n"
        "  satcheld identity new --data DIR        make a new one, print its pin; the one before is kept for who "
        "knows it\n"
        "  satcheld identity drop PIN --data DIR   remove a former one that no org trusts any more; the server takes\n"
        "                                          up both at its next start\n"
        "  satcheld backup --data DIR FILE         copy everything into one file, whole or not at all; works beside a\n"
        "                                          running server\n"
        "  satcheld restore --data DIR FILE        put a copy back; what is there is moved aside\n\n",
        out);
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++) {
        char left[48];
        (void)snprintf(left, sizeof left, "--%s%s%s", list[i].name, list[i].argument ? " " : "",
                       list[i].argument ? list[i].argument : "");
        (void)fprintf(out, "  %-29s %s", left, list[i].help);
        if (list[i].preset) (void)fprintf(out, " [%s]", list[i].preset);
        (void)fputc('\n', out);
    }
    (void)fputs(
        "\nThe log is one JSON object a line on stderr. GET /healthz and /readyz answer on the same port; SIGHUP "
        "opens\n"
        "the log file and the TLS certificate again.\n"
        "Exit codes: 0 done, 1 usage, 2 not found or not yet there, 5 damaged data, 7 local trouble (port, disk,\n"
        "permissions, configuration, directory in use).\n",
        out);
}

/* ---- Values ---- */

/* What a letter behind a number multiplies it by; 0: no such letter. */
static uint64_t factor_of(const char *letter)
{
    if (!*letter) return 1;
    if (letter[1]) return 0;
    switch (*letter) {
    case 'K':
        return 1024;
    case 'M':
        return 1024 * 1024;
    case 'G':
        return 1024 * 1024 * 1024;
    default:
        return 0;
    }
}

static bool take_number(enum satd_option option, const char *text, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') return false;
    unsigned long long n = strtoull(text, &end, 10);
    uint64_t factor = factor_of(end);
    if (factor == 0 || (factor > 1 && list[option].kind != BYTES)) return false;
    if (n > list[option].most / factor || n * factor < list[option].least) return false;
    *out = n * factor;
    return true;
}

static bool take_value(struct satd_options *options, enum satd_option option, const char *text, char *complaint)
{
    enum satd_level level;
    struct satd_address address;
    struct satd_addresses addresses;
    struct satd_proxies proxies;
    struct sat_fault fault;
    switch (list[option].kind) {
    case FLAG:
        (void)snprintf(complaint, SATD_COMPLAINT_BYTES, "is true or false");
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    case NUMBER:
    case BYTES:
        (void)snprintf(complaint, SATD_COMPLAINT_BYTES, "%.60s is not a number%s from %" PRIu64 " to %" PRIu64, text,
                       list[option].kind == BYTES ? " (of bytes; K, M or G may follow)" : "", list[option].least,
                       list[option].most);
        return take_number(option, text, &options->number[option]);
    case LEVEL:
        (void)snprintf(complaint, SATD_COMPLAINT_BYTES, "%.60s is none of debug, info, warn, error", text);
        if (satd_level_parse(text, &level) != SAT_OK) return false;
        options->number[option] = (uint64_t)level;
        return true;
    case ADDRESS:
        (void)snprintf(complaint, SATD_COMPLAINT_BYTES, "%.60s is not of the form HOST:PORT or [IPv6]:PORT", text);
        return satd_address_parse(text, &address, &fault) == SAT_OK;
    case ADDRESSES:
        (void)snprintf(complaint, SATD_COMPLAINT_BYTES,
                       "%.60s is not of the form HOST:PORT or [IPv6]:PORT, or up to %d of them with commas between",
                       text, SATD_ADDRESSES_MAX);
        return satd_addresses_parse(text, &addresses, &fault) == SAT_OK;
    case NETWORKS:
        (void)snprintf(complaint, SATD_COMPLAINT_BYTES, "%.60s is not a list of addresses and networks (10.0.0.0/8)",
                       text);
        return satd_proxies_parse(text, &proxies) == SAT_OK;
    default:
        return true;
    }
}

bool satd_option_take(struct satd_options *options, enum satd_option option, const char *text,
                      char complaint[SATD_COMPLAINT_BYTES])
{
    (void)snprintf(complaint, SATD_COMPLAINT_BYTES, "has no value");
    if (!*text || !take_value(options, option, text, complaint)) return false;
    bool off = list[option].kind == FLAG && strcmp(text, "false") == 0;
    options->value[option] = off ? NULL : text;
    return true;
}

enum sat_err satd_option_fail(const struct satd_options *options, enum satd_option option, const char *complaint,
                              struct sat_fault *fault)
{
    if (options->line[option])
        return sat_fail(fault, SAT_ERR_CONFIG, "%.150s:%u: %s %s", options->value[SATD_OPTION_CONFIG],
                        options->line[option], list[option].name, complaint);
    return sat_fail(fault, SAT_ERR_USAGE, "--%s %s", list[option].name, complaint);
}

/* ---- The command line ---- */

/* argv[i] begins with "--". Advances *i past its value. */
static enum sat_err read_option(int argc, char **argv, int *i, struct satd_options *out, struct sat_fault *fault)
{
    char complaint[SATD_COMPLAINT_BYTES];
    const char *name = argv[*i] + 2, *equals = strchr(name, '='), *value = "true";
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    enum satd_option option = satd_option_find(name, len);
    if (option == SATD_OPTION_COUNT)
        return sat_fail(fault, SAT_ERR_USAGE, "unknown option --%.*s; see --help", (int)(len < 100 ? len : 100), name);
    if (out->value[option]) return satd_option_fail(out, option, "is given twice", fault);
    if (list[option].kind == FLAG) {
        if (equals) return satd_option_fail(out, option, "takes no value", fault);
    } else if (equals) {
        value = equals + 1;
    } else {
        if (*i + 1 >= argc)
            return sat_fail(fault, SAT_ERR_USAGE, "--%s needs a value: %s", list[option].name, list[option].argument);
        value = argv[++*i];
    }
    return satd_option_take(out, option, value, complaint) ? SAT_OK : satd_option_fail(out, option, complaint, fault);
}

static enum sat_err read_command(const char *word, struct satd_options *out, unsigned *operands_max,
                                 struct sat_fault *fault)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(word, commands[i].name) != 0) continue;
        out->command = commands[i].command;
        *operands_max = commands[i].operands_max;
        return SAT_OK;
    }
    return sat_fail(fault, SAT_ERR_USAGE, "unknown command %.100s; see --help", word);
}

static enum sat_err read_line(int argc, char **argv, struct satd_options *out, struct sat_fault *fault)
{
    bool command = false;
    unsigned operands_max = 0;
    for (int i = 1; i < argc; i++) {
        enum sat_err err = SAT_OK;
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2]) {
            err = read_option(argc, argv, &i, out, fault);
        } else if (!command) {
            err = read_command(argv[i], out, &operands_max, fault);
            command = true;
        } else if (out->operands_n < operands_max) {
            out->operands[out->operands_n++] = argv[i];
        } else {
            err = sat_fail(fault, SAT_ERR_USAGE, "unexpected argument %.100s; see --help", argv[i]);
        }
        if (err != SAT_OK) return err;
    }
    return SAT_OK;
}

static void take_presets(struct satd_options *options)
{
    char complaint[SATD_COMPLAINT_BYTES];
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++)
        if (!options->value[i] && list[i].preset)
            sat_check(satd_option_take(options, (enum satd_option)i, list[i].preset, complaint));
}

/* Options that need or exclude each other. */
static enum sat_err check_together(const struct satd_options *options, struct sat_fault *fault)
{
    const char *file = options->value[SATD_OPTION_CONFIG];
    bool certificate = options->value[SATD_OPTION_TLS_CERT], key = options->value[SATD_OPTION_TLS_KEY];
    if (!options->value[SATD_OPTION_DATA] && options->value[SATD_OPTION_CHECK_CONFIG] && file)
        return sat_fail(fault, SAT_ERR_CONFIG, "%.150s: there is no line data = DIR", file);
    if (!options->value[SATD_OPTION_DATA]) return sat_fail(fault, SAT_ERR_USAGE, "--data DIR is missing");
    if (certificate && !key) return satd_option_fail(options, SATD_OPTION_TLS_CERT, "needs tls-key", fault);
    if (key && !certificate) return satd_option_fail(options, SATD_OPTION_TLS_KEY, "needs tls-cert", fault);
    if (certificate && options->value[SATD_OPTION_INSECURE])
        return satd_option_fail(options, SATD_OPTION_INSECURE, "serves without TLS: tls-cert does not go with it",
                                fault);
    return SAT_OK;
}

enum sat_err satd_options_read(int argc, char **argv, struct sat_arena *arena, struct satd_options *out,
                               struct sat_fault *fault)
{
    *out = (struct satd_options){0};
    enum sat_err err = read_line(argc, argv, out, fault);
    if (err == SAT_OK && (out->value[SATD_OPTION_HELP] || out->value[SATD_OPTION_VERSION])) return SAT_OK;
    if (err == SAT_OK && out->value[SATD_OPTION_CONFIG]) err = satd_config_read(arena, out, fault);
    take_presets(out);
    return err == SAT_OK ? check_together(out, fault) : err;
}
