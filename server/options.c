#include "server/options.h"

#include <stdlib.h>
#include <string.h>

#include "server/config.h"

enum { TEXT, FLAG };
enum { BOTH, LINE };

static const struct {
    const char *name, *argument, *preset, *help;
    int kind, where;
} list[] = {
#define X(NAME, name, kind, where, argument, preset, help) {name, argument, preset, help, kind, where},
#include "server/options.def"
#undef X
};

static const struct {
    const char *name;
    enum satd_command command;
} commands[] = {
    {"serve", SATD_COMMAND_SERVE},
    {"token", SATD_COMMAND_TOKEN},
    {"backup", SATD_COMMAND_BACKUP},
    {"restore", SATD_COMMAND_RESTORE},
};

enum satd_option satd_option_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++)
        if (strlen(list[i].name) == len && memcmp(list[i].name, name, len) == 0) return (enum satd_option)i;
    return SATD_OPTION_COUNT;
}

bool satd_option_is_flag(enum satd_option option)
{
    return list[option].kind == FLAG;
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
        "  satcheld token --data DIR               print a one-time token that allows creating an org;\n"
        "                                          works beside a running server\n"
        "  satcheld backup --data DIR FILE         comes with a later version\n"
        "  satcheld restore --data DIR FILE        comes with a later version\n\n",
        out);
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++) {
        char left[48];
        (void)snprintf(left, sizeof left, "--%s%s%s", list[i].name, list[i].argument ? " " : "",
                       list[i].argument ? list[i].argument : "");
        (void)fprintf(out, "  %-24s %s", left, list[i].help);
        if (list[i].preset) (void)fprintf(out, " [%s]", list[i].preset);
        (void)fputc('\n', out);
    }
    (void)fputs(
        "\nThe log is one JSON object a line on stderr. GET /healthz and /readyz answer on the same port.\n"
        "Exit codes: 0 done, 1 usage, 2 not found or not yet there, 5 damaged data, 7 local trouble (port, disk,\n"
        "permissions, configuration, directory in use).\n",
        out);
}

/* argv[i] begins with "--". Advances *i past its value. */
static enum sat_err read_option(int argc, char **argv, int *i, struct satd_options *out, struct sat_fault *fault)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    enum satd_option option = satd_option_find(name, len);
    if (option == SATD_OPTION_COUNT)
        return sat_fail(fault, SAT_ERR_USAGE, "unknown option --%.*s; see --help", (int)(len < 100 ? len : 100), name);
    if (out->value[option]) return sat_fail(fault, SAT_ERR_USAGE, "--%s is given twice", list[option].name);
    if (satd_option_is_flag(option)) {
        if (equals) return sat_fail(fault, SAT_ERR_USAGE, "--%s takes no value", list[option].name);
        out->value[option] = "true";
        return SAT_OK;
    }
    if (equals) {
        out->value[option] = equals + 1;
    } else {
        if (*i + 1 >= argc)
            return sat_fail(fault, SAT_ERR_USAGE, "--%s needs a value: %s", list[option].name, list[option].argument);
        out->value[option] = argv[++*i];
    }
    return out->value[option][0] ? SAT_OK : sat_fail(fault, SAT_ERR_USAGE, "--%s is empty", list[option].name);
}

static enum sat_err read_command(const char *word, struct satd_options *out, struct sat_fault *fault)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(word, commands[i].name) != 0) continue;
        out->command = commands[i].command;
        return SAT_OK;
    }
    return sat_fail(fault, SAT_ERR_USAGE, "unknown command %.100s; see --help", word);
}

static enum sat_err read_line(int argc, char **argv, struct satd_options *out, struct sat_fault *fault)
{
    bool command = false, file = false;
    for (int i = 1; i < argc; i++) {
        enum sat_err err = SAT_OK;
        bool takes_file = command && (out->command == SATD_COMMAND_BACKUP || out->command == SATD_COMMAND_RESTORE);
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2]) {
            err = read_option(argc, argv, &i, out, fault);
        } else if (!command) {
            err = read_command(argv[i], out, fault);
            command = true;
        } else if (takes_file && !file) {
            file = true;
        } else {
            err = sat_fail(fault, SAT_ERR_USAGE, "unexpected argument %.100s; see --help", argv[i]);
        }
        if (err != SAT_OK) return err;
    }
    return SAT_OK;
}

/* What is wrong with a value says CONFIG if the file gave it, USAGE if the command line did: `wrong` is which. */
static enum sat_err read_values(struct satd_options *out, enum sat_err wrong, struct sat_fault *fault)
{
    const char *level = out->value[SATD_OPTION_LOG_LEVEL], *connections = out->value[SATD_OPTION_CONNECTIONS];
    if (level && satd_level_parse(level, &out->log_level) != SAT_OK)
        return sat_fail(fault, wrong, "log-level %.100s is none of debug, info, warn, error", level);
    if (connections) {
        char *end;
        long n = strtol(connections, &end, 10);
        if (*end || connections[0] < '0' || connections[0] > '9' || n < 1 || n > 60000)
            return sat_fail(fault, wrong, "connections %.100s is not a number from 1 to 60000", connections);
        out->connections_max = (uint32_t)n;
    }
    if (out->value[SATD_OPTION_METRICS])
        return sat_fail(fault, SAT_ERR_NOT_YET, "metrics come with the next version; leave the option out");
    return SAT_OK;
}

/* Options that need or exclude each other. */
static enum sat_err check_together(const struct satd_options *out, struct sat_fault *fault)
{
    bool certificate = out->value[SATD_OPTION_TLS_CERT], key = out->value[SATD_OPTION_TLS_KEY];
    if (!out->value[SATD_OPTION_DATA]) return sat_fail(fault, SAT_ERR_USAGE, "--data DIR is missing");
    if (certificate != key) return sat_fail(fault, SAT_ERR_USAGE, "--tls-cert and --tls-key belong together");
    if (certificate && out->value[SATD_OPTION_INSECURE])
        return sat_fail(fault, SAT_ERR_USAGE, "--insecure-loopback serves without TLS: --tls-cert does not go with it");
    return SAT_OK;
}

enum sat_err satd_options_read(int argc, char **argv, struct sat_arena *arena, struct satd_options *out,
                               struct sat_fault *fault)
{
    *out = (struct satd_options){.log_level = SATD_LEVEL_INFO};
    enum sat_err err = read_line(argc, argv, out, fault);
    if (err == SAT_OK && (out->value[SATD_OPTION_HELP] || out->value[SATD_OPTION_VERSION])) return SAT_OK;
    if (err == SAT_OK) err = read_values(out, SAT_ERR_USAGE, fault);
    if (err == SAT_OK && out->value[SATD_OPTION_CONFIG])
        err = satd_config_read(out->value[SATD_OPTION_CONFIG], arena, out->value, fault);
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++)
        if (!out->value[i]) out->value[i] = list[i].preset;
    if (err == SAT_OK) err = read_values(out, SAT_ERR_CONFIG, fault);
    return err == SAT_OK ? check_together(out, fault) : err;
}
