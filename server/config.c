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

/* A line that the command line overrides is checked all the same: a mistake in it is one. */
static enum sat_err take(const struct place *place, const char *name, const char *text, struct sat_arena *arena,
                         const struct satd_options *line, struct satd_options *options)
{
    struct satd_options overridden = *line;
    char complaint[SATD_COMPLAINT_BYTES];
    enum satd_option option = satd_option_find(name, strlen(name));
    if (option == SATD_OPTION_COUNT || !satd_option_in_file(option))
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: unknown key %s", place->path, place->line,
                        sat_utf8_shown(arena, name));
    if (options->line[option])
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: %s is given twice", place->path, place->line, name);
    struct satd_options *target = line->value[option] ? &overridden : options;
    options->line[option] = target->line[option] = place->line;
    if (!satd_option_take(target, option, sat_arena_text(arena, text, strlen(text)), complaint))
        return satd_option_fail(target, option, complaint, place->fault);
    return SAT_OK;
}

static enum sat_err take_line(const struct place *place, char *text, struct sat_arena *arena,
                              const struct satd_options *line, struct satd_options *options)
{
    if (!sat_utf8_valid(sat_span_text(text)))
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: this line is not UTF-8", place->path, place->line);
    text = trim(text);
    if (!*text || *text == '#') return SAT_OK;
    char *equals = strchr(text, '=');
    if (!equals)
        return sat_fail(place->fault, SAT_ERR_CONFIG, "%s:%u: not of the form name = value", place->path, place->line);
    *equals = 0;
    return take(place, trim(text), trim(equals + 1), arena, line, options);
}

enum sat_err satd_config_read(struct sat_arena *arena, struct satd_options *options, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    const struct satd_options line = *options; /* what the command line says: it wins */
    struct place place = {.path = options->value[SATD_OPTION_CONFIG], .fault = fault};
    char text[4096];
    FILE *file = fopen(place.path, "re");
    if (!file) return sat_fail(fault, SAT_ERR_CONFIG, "%s: %s", place.path, strerror(errno));
    while (err == SAT_OK && fgets(text, sizeof text, file)) {
        place.line++;
        if (strlen(text) == sizeof text - 1)
            err = sat_fail(fault, SAT_ERR_CONFIG, "%s:%u: this line is too long", place.path, place.line);
        else
            err = take_line(&place, text, arena, &line, options);
    }
    if (err == SAT_OK && ferror(file)) err = sat_fail(fault, SAT_ERR_CONFIG, "%s: it cannot be read", place.path);
    (void)fclose(file);
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++)
        if (line.value[i]) options->line[i] = 0; /* what counts is not what the file says */
    return err;
}
