/* FIELD=VALUE words as JSON, by what the field takes: a word that is no number or truth where one is due stays text,
 * which the library refuses by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/output.h"
#include "client/cli/write.h"

enum field_shape { SHAPE_UNKNOWN, SHAPE_VALUE, SHAPE_SET, SHAPE_MAP, SHAPE_COUNTER };

struct field_question {
    const char *type, *field;
    size_t field_len; /* without the key of a map, `bant.authority` */
    enum field_shape shape;
    bool integer, boolean; /* what it takes, where that is not text */
};

static enum field_shape shape_of(const json_t *field)
{
    if (json_is_true(json_object_get(field, "set"))) return SHAPE_SET;
    if (json_is_true(json_object_get(field, "map"))) return SHAPE_MAP;
    return json_is_true(json_object_get(field, "counter")) ? SHAPE_COUNTER : SHAPE_VALUE;
}

/* A satchel_row_fn over the types. */
static int look_at_type(void *context, const char *json)
{
    struct field_question *question = context;
    json_t *type = json_loads(json, 0, NULL), *field;
    const char *name = json_string_value(json_object_get(type, "type"));
    if (name && strcmp(name, question->type) == 0) {
        size_t index;
        json_array_foreach(json_object_get(type, "fields"), index, field)
        {
            name = json_string_value(json_object_get(field, "name"));
            if (!name || strlen(name) != question->field_len ||
                strncmp(name, question->field, question->field_len) != 0)
                continue;
            question->shape = shape_of(field);
            const char *kind = json_string_value(json_object_get(field, "kind"));
            question->integer = kind && (strcmp(kind, "integer") == 0 || strcmp(kind, "money") == 0);
            question->boolean = kind && strcmp(kind, "boolean") == 0;
        }
    }
    json_decref(type);
    return 0;
}

static struct field_question ask(const char *type, const char *field)
{
    struct field_question question = {.type = type, .field = field, .field_len = strcspn(field, ".")};
    if (satchel_types(look_at_type, &question)) question.shape = SHAPE_UNKNOWN;
    if (strcmp(field, "ext") == 0 || strncmp(field, "ext.", 4) == 0) question.shape = SHAPE_MAP; /* every type's */
    return question;
}

/* As JSON writes integers, and nothing else: whoever gives 01 or +5 may mean something else by it. */
static bool is_integer(const char *word, long long *number)
{
    const char *digits = word + (*word == '-');
    bool zero = strcmp(word, "0") == 0;
    if (!zero && (*digits < '1' || *digits > '9' || digits[strspn(digits, "0123456789")])) return false;
    errno = 0;
    *number = strtoll(word, NULL, 10);
    return errno == 0;
}

json_t *cli_value_of_word(const char *type, const char *field, const char *word)
{
    struct field_question question = ask(type, field);
    long long number;
    if (question.integer && is_integer(word, &number)) return json_integer(number);
    if (question.boolean && (strcmp(word, "true") == 0 || strcmp(word, "false") == 0))
        return json_boolean(*word == 't');
    return json_string(word);
}

/* A word taken apart. */
struct assignment {
    const char *field, *value;
    char verb;    /* '=', '+' or '-' */
    json_t *text; /* the value as JSON; NULL: empty. The one who puts it somewhere counts a reference. */
};

static int take_apart(struct cli *cli, const char *type, const char *word, struct assignment *out)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : 0;
    out->verb = '=';
    if (len > 0 && (word[len - 1] == '+' || word[len - 1] == '-')) out->verb = word[--len];
    if (len == 0) return cli_fail(cli, SAT_ERR_USAGE, "%s is not FIELD=VALUE", word);
    out->field = sat_arena_text(&cli->arena, word, len);
    out->value = equals + 1;
    out->text = *out->value ? cli_value_of_word(type, out->field, out->value) : NULL;
    if (*out->value && !out->text)
        return cli_fail(cli, SAT_ERR_INVALID, "the value of %s is no valid UTF-8", out->field);
    return 0;
}

static int fail_twice(struct cli *cli, const struct assignment *it)
{
    return cli_fail(cli, SAT_ERR_USAGE, "%s is given twice", it->field);
}

/* FIELD.KEY=V and FIELD.KEY= */
static int assign_key(struct cli *cli, json_t *fields, const struct assignment *it)
{
    const char *dot = strchr(it->field, '.');
    if (!dot || !dot[1])
        return cli_fail(cli, SAT_ERR_USAGE, "%s is a map: name one of its keys, %s.KEY=VALUE", it->field, it->field);
    const char *name = sat_arena_text(&cli->arena, it->field, (size_t)(dot - it->field));
    json_t *map = json_object_get(fields, name);
    if (!map) {
        map = json_object();
        (void)json_object_set_new(fields, name, map);
    }
    if (json_object_get(map, dot + 1)) return fail_twice(cli, it);
    int failed = it->text ? json_object_set(map, dot + 1, it->text) : json_object_set_new(map, dot + 1, json_null());
    return failed ? cli_fail(cli, SAT_ERR_INVALID, "the key %s is no valid UTF-8", it->field) : 0;
}

/* FIELD+=N and FIELD-=N of a counter */
static int count_up(struct cli *cli, json_t *fields, const struct assignment *it)
{
    if (!json_is_integer(it->text) || it->verb == '=')
        return cli_fail(cli, SAT_ERR_USAGE, "%s is a counter: it takes += or -= and an integer", it->field);
    if (json_object_get(fields, it->field)) return fail_twice(cli, it);
    json_int_t n = json_integer_value(it->text);
    if (n < -INT64_MAX) return cli_fail(cli, SAT_ERR_INVALID, "%s: no integer is that small", it->field);
    (void)json_object_set_new(fields, it->field, json_pack("{s:I}", "add", it->verb == '+' ? n : -n));
    return 0;
}

/* FIELD=V and FIELD= ; a set may be given several values. */
static int assign(struct cli *cli, json_t *fields, const struct assignment *it, enum field_shape shape)
{
    json_t *known = json_object_get(fields, it->field);
    if (shape == SHAPE_SET && it->text) {
        if (!known) {
            known = json_array();
            (void)json_object_set_new(fields, it->field, known);
        }
        if (!json_is_array(known)) return fail_twice(cli, it);
        (void)json_array_append(known, it->text);
        return 0;
    }
    if (known) return fail_twice(cli, it);
    int failed =
        it->text ? json_object_set(fields, it->field, it->text) : json_object_set_new(fields, it->field, json_null());
    return failed ? cli_fail(cli, SAT_ERR_INVALID, "the field's name %s is no valid UTF-8", it->field) : 0;
}

/* FIELD+=V and FIELD-=V */
static int add_or_remove(struct cli *cli, const char *type, json_t *fields, const struct assignment *it,
                         enum field_shape shape)
{
    if (shape == SHAPE_VALUE || shape == SHAPE_MAP) {
        return cli_fail(cli, SAT_ERR_INVALID, "%s of %s is no set: only a set takes += and -=", it->field, type);
    }
    if (!it->text) return cli_fail(cli, SAT_ERR_USAGE, "%s%c= needs a value", it->field, it->verb);
    json_t *known = json_object_get(fields, it->field);
    if (!known) {
        known = json_pack("{s:[], s:[]}", "add", "remove");
        if (json_object_set_new(fields, it->field, known)) {
            return cli_fail(cli, SAT_ERR_INVALID, "the field's name %s is no valid UTF-8", it->field);
        }
    }
    if (!json_is_object(known)) return fail_twice(cli, it);
    (void)json_array_append(json_object_get(known, it->verb == '+' ? "add" : "remove"), it->text);
    return 0;
}

int cli_fields_parse(struct cli *cli, const char *type, const char *const *words, int words_n, char **out)
{
    json_t *fields = json_object();
    int code = 0;
    for (int i = 0; i < words_n && !code; i++) {
        struct assignment it = {0};
        code = take_apart(cli, type, words[i], &it);
        if (!code) {
            enum field_shape shape = ask(type, it.field).shape;
            if (shape == SHAPE_COUNTER)
                code = count_up(cli, fields, &it);
            else if (shape == SHAPE_MAP && it.verb == '=')
                code = assign_key(cli, fields, &it);
            else if (it.verb == '=')
                code = assign(cli, fields, &it, shape);
            else
                code = add_or_remove(cli, type, fields, &it, shape);
        }
        json_decref(it.text);
    }
    if (!code) *out = json_dumps(fields, JSON_COMPACT);
    json_decref(fields);
    return code;
}
