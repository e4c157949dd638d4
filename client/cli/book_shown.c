#include "client/cli/book_shown.h"

#include <stdlib.h>
#include <string.h>

#include "client/currency.h"

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), len = strlen(end);
    return n > len && strcmp(name + n - len, end) == 0;
}

/* `currency`: of the object around it, where it has none of its own. */
static json_t *shown(struct sat_arena *arena, const json_t *value, const char *currency)
{
    const char *name;
    json_t *member, *out;
    size_t index;
    if (json_is_array(value)) {
        out = json_array();
        json_array_foreach((json_t *)value, index, member)(void)
            json_array_append_new(out, shown(arena, member, currency));
        return out;
    }
    if (!json_is_object(value)) return json_incref((json_t *)value);
    const char *own = json_string_value(json_object_get(value, "currency"));
    if (own) currency = own;
    out = json_object();
    json_object_foreach((json_t *)value, name, member)
    {
        bool minor = ends_in(name, "_minor"), share = ends_in(name, "_bp");
        const char *key = sat_arena_format(arena, "%.*s", (int)(strlen(name) - (minor ? 6 : share ? 3 : 0)), name);
        json_int_t figure = json_integer_value(member);
        if (minor && json_is_integer(member))
            (void)json_object_set_new(out, key, json_string(client_money_shown(arena, figure, currency)));
        else if (share && json_is_integer(member))
            (void)json_object_set_new(out, key, json_string(client_share_shown(arena, figure)));
        else if (strcmp(name, "currency") != 0)
            (void)json_object_set_new(out, key, shown(arena, member, currency));
    }
    return out;
}

/* A list with nothing in it says nothing to a person. */
static void leave_out_empty(json_t *object)
{
    const char *name;
    json_t *member;
    void *next;
    json_object_foreach_safe(object, next, name, member)
    {
        if (json_is_array(member) && !json_array_size(member)) (void)json_object_del(object, name);
    }
}

int cli_book_print(struct cli *cli, const char *json)
{
    if (cli->json) {
        cli_out(cli, "%s\n", json);
        return 0;
    }
    json_t *read = json_loads(json, JSON_ALLOW_NUL, NULL), *told = read ? shown(&cli->arena, read, NULL) : NULL;
    json_decref(read);
    if (!told) return cli_fail(cli, SAT_ERR_INVALID, "what was told cannot be read");
    leave_out_empty(told);
    cli_print_members(cli, told);
    json_decref(told);
    return 0;
}

int cli_book_row(void *context, const char *json)
{
    struct cli_table *table = context;
    if (table->cli->json) return cli_table_row(table, json);
    json_t *read = json_loads(json, JSON_ALLOW_NUL, NULL), *told = read ? shown(&table->cli->arena, read, NULL) : NULL;
    char *text = told ? json_dumps(told, JSON_COMPACT) : NULL;
    int stop = text ? cli_table_row(table, text) : 0;
    free(text);
    json_decref(told);
    json_decref(read);
    return stop;
}

int cli_book_rows_end(struct cli_table *table, int failed, const char *none)
{
    struct cli *cli = table->cli;
    bool any = json_object_size(table->columns) > 0;
    cli_table_finish(table);
    if (failed) return cli_fail_handle(cli);
    if (!any && !cli->json) cli_note(cli, "%s", none);
    return 0;
}
