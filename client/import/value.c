#define _GNU_SOURCE
#include "client/import/value.h"

#include <string.h>
#include <strings.h>

#include "common/proof/hash.h"

/* ---- Ids ---- */

struct sat_record_id import_id(const struct import_ids *ids, const char *as, const char *const *key, uint32_t n)
{
    struct sat_hasher hasher;
    struct sat_record_id id;
    sat_hash_begin_keyed(&hasher, ids->secret, "import-id");
    sat_hash_add(&hasher, ids->org.b, sizeof ids->org.b);
    sat_hash_add_counted(&hasher, sat_span_text(ids->map));
    sat_hash_add_counted(&hasher, sat_span_text(as));
    for (uint32_t i = 0; i < n; i++) sat_hash_add_counted(&hasher, sat_span_text(key[i]));
    struct sat_hash hash = sat_hash_end(&hasher);
    memcpy(id.b, hash.b, sizeof id.b);
    id.b[6] = (uint8_t)(0x80 | (id.b[6] & 0x0f));
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    return id;
}

/* ---- Cells ---- */

static bool is_null(const struct import_form *form, const char *text)
{
    size_t index;
    const json_t *word;
    if (json_is_string(form->nulls)) return strcmp(json_string_value(form->nulls), text) == 0;
    json_array_foreach(form->nulls, index, word)
    {
        const char *null = json_string_value(word);
        if (null && strcmp(null, text) == 0) return true;
    }
    return false;
}

/* Trimmed; "" for what stands for nothing. */
static const char *cell_at(const struct import_source *source, uint32_t at, const struct import_form *form)
{
    const char *text = import_trim(source->arena, source->row->cells[at]);
    return is_null(form, text) ? "" : text;
}

const char *const *import_key(const struct import_source *source, const struct import_columns *columns,
                              const struct import_form *form)
{
    const char **texts = sat_arena_array(source->arena, columns->n, sizeof *texts);
    for (uint32_t i = 0; i < columns->n; i++) {
        texts[i] = columns->constant ? columns->names[i] : cell_at(source, columns->at[i], form);
        source->bad->column = columns->names[i];
        if (!texts[i][0]) return NULL;
    }
    return texts;
}

bool import_when(const struct import_source *source, const struct import_record *record)
{
    size_t index;
    const json_t *word;
    if (record->when.n == 0) return true;
    const char *text = cell_at(source, record->when.at[0], &record->form);
    if (!record->when_is) return text[0] != 0;
    json_array_foreach(record->when_is, index, word)
    {
        const char *wanted = json_string_value(word);
        if (wanted && strcmp(wanted, text) == 0) return true;
    }
    return false;
}

/* ---- Numbers ---- */

static bool take_mark(const char **text, const char *mark)
{
    size_t len = mark ? strlen(mark) : 0;
    if (!len || strncmp(*text, mark, len) != 0) return false;
    *text += len;
    return true;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool add_digit(int64_t *number, int digit)
{
    return !__builtin_mul_overflow(*number, 10, number) && !__builtin_sub_overflow(*number, digit, number);
}

const char *import_decimal(const struct import_form *form)
{
    if (form->decimal) return form->decimal;
    return form->thousands && strcmp(form->thousands, ".") == 0 ? "," : ".";
}

/* Up to the mark of decimals; between thousands stand three digits each, or no mark at all. */
static bool take_whole(const char **text, const struct import_form *form, int64_t *number)
{
    unsigned run = 0, marks = 0;
    bool any = false;
    for (;;) {
        if (is_digit(**text)) {
            if (!add_digit(number, *(*text)++ - '0')) return false;
            run++;
            any = true;
        } else if (any && take_mark(text, form->thousands)) {
            if (run > 3 || (marks && run != 3)) return false;
            run = 0;
            marks++;
        } else {
            break;
        }
    }
    return any && (!marks || run == 3);
}

/* Negative numbers reach further, so the number is gathered below zero. */
bool import_number(const char *text, const struct import_form *form, int digits, int64_t *out)
{
    int64_t number = 0;
    bool minus = *text == '-';
    if (*text == '-' || *text == '+') text++;
    if (!take_whole(&text, form, &number)) return false;
    bool fraction = take_mark(&text, import_decimal(form));
    size_t decimals = fraction ? strspn(text, "0123456789") : 0;
    bool guessed = !form->decimal && !form->thousands; /* then 1.000 could be a thousand */
    if (fraction && (decimals == 0 || (guessed && decimals == 3 && digits < 3))) return false;
    for (; digits > 0; digits--)
        if (!add_digit(&number, fraction && is_digit(*text) ? *text++ - '0' : 0)) return false;
    while (fraction && *text == '0') text++;
    if (*text || (!minus && number == INT64_MIN)) return false;
    *out = minus ? number : -number;
    return true;
}

/* The currency's code may stand before or behind. */
static const char *without_currency(const struct import_source *source, const char *currency, const char *text)
{
    size_t len = currency ? strlen(currency) : 0, all = strlen(text);
    if (!len || all < len) return text;
    if (strncasecmp(text, currency, len) == 0) return import_trim(source->arena, text + len);
    if (strcasecmp(text + all - len, currency) == 0)
        return import_trim(source->arena, sat_arena_text(source->arena, text, all - len));
    return text;
}

/* ---- Dates ---- */

struct moment {
    unsigned year, month, day, hour, minute, second;
};

static bool take_digits(const char **text, unsigned least, unsigned most, unsigned *out)
{
    unsigned n = 0;
    for (*out = 0; n < most && is_digit(**text); n++) *out = *out * 10 + (unsigned)(*(*text)++ - '0');
    return n >= least;
}

/* One step of the form, and of the text. */
static bool take_step(const char **form, const char **text, struct moment *moment)
{
    static const struct {
        const char *token;
        unsigned least, most;
        size_t at;
    } tokens[] = {
        {"YYYY", 4, 4, offsetof(struct moment, year)}, {"YY", 2, 2, offsetof(struct moment, year)},
        {"MM", 1, 2, offsetof(struct moment, month)},  {"M", 1, 2, offsetof(struct moment, month)},
        {"DD", 1, 2, offsetof(struct moment, day)},    {"D", 1, 2, offsetof(struct moment, day)},
        {"hh", 1, 2, offsetof(struct moment, hour)},   {"mm", 2, 2, offsetof(struct moment, minute)},
        {"ss", 2, 2, offsetof(struct moment, second)},
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        if (strncmp(*form, tokens[i].token, strlen(tokens[i].token)) != 0) continue;
        unsigned *number = (unsigned *)(void *)((char *)moment + tokens[i].at);
        *form += strlen(tokens[i].token);
        if (!take_digits(text, tokens[i].least, tokens[i].most, number)) return false;
        if (i == 1) *number += *number < 70 ? 2000 : 1900;
        return true;
    }
    return *(*form)++ == *(*text)++;
}

/* A time of day behind a date that takes none says nothing of it: " 00:00:00.000", "T08:30Z". */
static bool is_time_of_day(const char *text)
{
    return (*text == ' ' || *text == 'T') && text[1 + strspn(text + 1, "0123456789:.Z+-")] == 0;
}

const char *import_date(struct sat_arena *arena, const char *text, const struct import_form *form, bool with_time)
{
    const char *step = form->date ? form->date : "YYYY-MM-DD";
    struct moment moment = {0};
    if (with_time && !form->date) return text;
    while (*step)
        if (!*text || !take_step(&step, &text, &moment)) return NULL;
    if (*text && (with_time || !is_time_of_day(text))) return NULL;
    if (!with_time) return sat_arena_format(arena, "%04u-%02u-%02u", moment.year, moment.month, moment.day);
    return sat_arena_format(arena, "%04u-%02u-%02uT%02u:%02u:%02u%s", moment.year, moment.month, moment.day,
                            moment.hour, moment.minute, moment.second, form->zone ? form->zone : "");
}

/* ---- Values ---- */

static enum sat_err refuse(const struct import_source *source, const struct import_value *value, const char *rule,
                           const char *text, const char *what)
{
    const char *column = value->columns.n ? value->columns.names[0] : NULL;
    (void)import_spoil(source->arena, source->bad, source->row->line, rule, "\"%s\" %s",
                       import_shown(source->arena, text), what);
    source->bad->column = column;
    return SAT_ERR_INVALID;
}

static enum sat_err read_bool(const struct import_source *source, const struct import_value *value, const char *text,
                              json_t **out)
{
    static const char *const yes[] = {"true", "yes", "y", "1", "是"}, *const no[] = {"false", "no", "n", "0", "否"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcasecmp(text, yes[i]) == 0) *out = json_true();
        if (strcasecmp(text, no[i]) == 0) *out = json_false();
    }
    return *out ? SAT_OK : refuse(source, value, "value", text, "is neither yes nor no (else the map has \"values\")");
}

static enum sat_err read_number(const struct import_source *source, const struct import_value *value, const char *text,
                                json_t **out)
{
    int64_t number;
    if (!import_number(without_currency(source, value->currency, text), &value->form, value->digits, &number))
        return refuse(source, value, "number", text,
                      value->digits
                          ? sat_arena_format(source->arena, "is no number with up to %d decimals after \"%s\"",
                                             value->digits, import_decimal(&value->form))
                          : "is no whole number");
    *out = json_integer(number);
    return SAT_OK;
}

static enum sat_err read_date(const struct import_source *source, const struct import_value *value, const char *text,
                              json_t **out)
{
    bool with_time = value->field->kind == SAT_KIND_TIME;
    const char *date = import_date(source->arena, text, &value->form, with_time);
    if (!date)
        return refuse(
            source, value, "date", text,
            sat_arena_format(source->arena, "is no date after %s", value->form.date ? value->form.date : "YYYY-MM-DD"));
    *out = json_string(date);
    return SAT_OK;
}

/* By what the field takes; what it then makes of the value (a day that is in no calendar) is the library's to say. */
static enum sat_err read_kind(const struct import_source *source, const struct import_value *value, const char *text,
                              json_t **out)
{
    switch (value->field ? value->field->kind : SAT_KIND_TEXT) {
    case SAT_KIND_TEXT:
    case SAT_KIND_REF:
        *out = json_string(text);
        return SAT_OK;
    case SAT_KIND_INT:
    case SAT_KIND_MONEY:
        return read_number(source, value, text, out);
    case SAT_KIND_BOOL:
        return read_bool(source, value, text, out);
    case SAT_KIND_DATE:
    case SAT_KIND_TIME:
        return read_date(source, value, text, out);
    }
    return SAT_ERR_INVALID;
}

static enum sat_err translate(const struct import_source *source, const struct import_value *value, const char *text,
                              json_t **out)
{
    const json_t *found = value->table ? json_object_get(value->table, text) : NULL;
    if (!value->table) return read_kind(source, value, text, out);
    if (!found) found = value->otherwise;
    if (!found) return refuse(source, value, "value", text, "is not among the map's \"values\"");
    if (!json_is_null(found)) *out = json_incref((json_t *)found);
    return SAT_OK;
}

static enum sat_err add_element(const struct import_source *source, const struct import_value *value, const char *text,
                                json_t *array)
{
    json_t *element = NULL;
    if (!text[0]) return SAT_OK;
    enum sat_err err = translate(source, value, text, &element);
    if (element) (void)json_array_append_new(array, element);
    return err;
}

/* Of each column one element, or several. */
static enum sat_err read_set(const struct import_source *source, const struct import_value *value, json_t *array)
{
    const char *split = value->split ? value->split : source->table->lists ? "\n" : NULL;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < value->columns.n && !err; i++) {
        const char *rest = cell_at(source, value->columns.at[i], &value->form);
        while (rest && !err) {
            const char *end = split ? strstr(rest, split) : NULL;
            const char *one = end ? sat_arena_text(source->arena, rest, (size_t)(end - rest)) : rest;
            rest = end ? end + strlen(split) : NULL;
            err = add_element(source, value, import_trim(source->arena, one), array);
        }
    }
    return err;
}

static json_t *set_of(const struct import_value *value, json_t *array)
{
    return value->exactly ? array : json_pack("{s:o}", "add", array);
}

static enum sat_err read_elements(const struct import_source *source, const struct import_value *value, json_t **out)
{
    json_t *array = json_array();
    enum sat_err err = read_set(source, value, array);
    if (err || json_array_size(array) == 0)
        json_decref(array);
    else
        *out = set_of(value, array);
    return err;
}

static enum sat_err read_reference(const struct import_source *source, const struct import_value *value, json_t **out)
{
    char text[SAT_UUID_TEXT_SIZE];
    const char *const *key = import_key(source, &value->columns, &value->form);
    if (!key) return SAT_OK;
    struct sat_record_id id = import_id(source->ids, value->target->as, key, value->columns.n);
    sat_uuid_format(id.b, text);
    *out = json_string(text);
    return SAT_OK;
}

static enum sat_err read_joined(const struct import_source *source, const struct import_value *value, json_t **out)
{
    const char *text = "";
    for (uint32_t i = 0; i < value->columns.n; i++) {
        const char *cell = cell_at(source, value->columns.at[i], &value->form);
        if (!cell[0]) continue;
        text = text[0] ? sat_arena_format(source->arena, "%s%s%s", text, value->with, cell) : cell;
    }
    return text[0] ? translate(source, value, text, out) : SAT_OK;
}

enum sat_err import_value_read(const struct import_source *source, const struct import_value *value, json_t **out)
{
    bool set = value->field && value->field->rule == SAT_RULE_ADD;
    enum sat_err err = SAT_OK;
    *out = NULL;
    if (value->constant)
        *out = json_incref((json_t *)value->constant);
    else if (value->target)
        err = read_reference(source, value, out);
    else if (set)
        err = read_elements(source, value, out);
    else
        err = read_joined(source, value, out);
    if (err || *out) return err;
    if (value->missing) {
        *out = json_incref((json_t *)value->missing);
    } else if (value->required) {
        (void)import_spoil(source->arena, source->bad, source->row->line, "required",
                           "nothing stands here, and the map "
                           "says that something must");
        source->bad->column = value->columns.n ? value->columns.names[0] : NULL;
        return SAT_ERR_INVALID;
    } else if (value->form.clear && value->field) {
        *out = json_null();
    }
    return SAT_OK;
}
