#define _GNU_SOURCE
#include "server/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"

struct place { /* where in the file we are */
    const char *path;
    unsigned line;
    struct sat_fault *fault;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks at both ends; in place. */
static char *trim(char *text)
{
    while (is_blank(*text)) text++;
    size_t len = strlen(text);
    while (len && is_blank(text[len - 1])) text[--len] = 0;
    return text;
}

static enum sat_err take(const struct place *place, const char *name, const char *text, struct sat_arena *arena,
                         const char **given, bool *seen, const char **value)
{
    enum satd_option option = satd_option_find(name, strlen(name));
    if (option == SATD_OPTION_COUNT || !satd_option_in_file(option))
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: unknown key %s", place->path, place->line,
                        sat_utf8_shown(arena, name));
    if (seen[option])
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: %s is given twice", place->path, place->line, name);
    seen[option] = true;
    if (!*text) return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: %s has no value", place->path, place->line, name);
    bool off = false;
    if (satd_option_is_flag(option)) {
        off = strcmp(text, "false") == 0;
        if (!off && strcmp(text, "true") != 0)
            return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: %s is true or false", place->path, place->line, name);
    }
    if (!given[option] && !off) value[option] = sat_arena_text(arena, text, strlen(text));
    return SAT_OK;
}

static enum sat_err take_line(const struct place *place, char *text, struct sat_arena *arena, const char **given,
                              bool *seen, const char **value)
{
    if (!sat_utf8_valid(sat_span_text(text)))
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: this line is not UTF-8", place->path, place->line);
    text = trim(text);
    if (!*text || *text == '#') return SAT_OK;
    char *equals = strchr(text, '=');
    if (!equals)
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: not of the form name = value", place->path, place->line);
    *equals = 0;
    return take(place, trim(text), trim(equals + 1), arena, given, seen, value);
}

enum sat_err satd_config_read(const char *path, struct sat_arena *arena, const char **value, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    const char *given[SATD_OPTION_COUNT]; /* on the command line: it wins */
    bool seen[SATD_OPTION_COUNT] = {0};
    struct place place = {.path = path, .fault = fault};
    char text[4096];
    memcpy(given, value, sizeof given);
    FILE *file = fopen(path, "re");
    if (!file) return sat_fail(fault, SAT_ERR_CONFIG, "%s: %s", path, strerror(errno));
    while (err == SAT_OK && fgets(text, sizeof text, file)) {
        place.line++;
        if (strlen(text) == sizeof text - 1)
            err = sat_fail(fault, SAT_ERR_CONFIG, "%s:%u: this line is too long", path, place.line);
        else
            err = take_line(&place, text, arena, given, seen, value);
    }
    if (err == SAT_OK && ferror(file)) err = sat_fail(fault, SAT_ERR_CONFIG, "%s: it cannot be read", path);
    (void)fclose(file);
    return err;
}
