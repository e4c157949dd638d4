/* A hard case in every order of arrival: what several people write side by side, none of them having heard of the
 * others, comes to the server in each order that there is. In each of them every device tells the same in the end: the
 * authors, one who hears of each change as it comes, and one who hears of all of them at once. */
#ifndef TESTS_UNIT_ARRIVALS_H
#define TESTS_UNIT_ARRIVALS_H

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/client_world.h"

enum { ARRIVALS_MAX = 4, DEVICES = 6 };

/* Ann is the admin; Bob and Cid write in Northern, and Bob has a tablet as well; Dee looks on: on her phone whenever
 * something has come, on her tablet (late) when all is over. */
static struct satchel *ann, *bob, *tablet, *cid, *dee, *late;
static struct satchel **const devices[DEVICES] = {&ann, &bob, &tablet, &cid, &dee, &late};

struct hard_case {
    void (*begins)(void); /* what everybody has seen before */
    struct arrival {
        struct satchel **by;
        void (*writes)(void);
    } changes[ARRIVALS_MAX];             /* written in this order, a second after each other */
    void (*uploads)(struct satchel *by); /* before it arrives, what comes in between; NULL: nothing */
    void (*tells)(struct satchel *device, struct rows *out);
    const char *wanted;     /* what each device tells at the end */
    bool anew;              /* each time by other people, who have not been there before */
    struct satchel **wrong; /* NULL, or whose clock is wrong, … */
    int64_t ahead_ms;       /* … and by how much */
};

/* What is being played: its number, for names and days of its own; whose change came first. */
static struct {
    int round, turn; /* of all, and of this case alone: from 1 */
    struct satchel *first;
    int64_t passed_ms;
    const struct satchel *wrong; /* its clock is */
    int64_t ahead_ms;
} arrivals;

/* ---- Clocks ---- */

/* In place of the system's: time passes when the test says so, and the clock of a device may be wrong. */
int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (syscall(SYS_clock_gettime, clock, out) != 0) return -1;
    int64_t ms = arrivals.passed_ms + (clock == CLOCK_REALTIME ? the_world.device_ahead_ms : 0);
    int64_t ns = out->tv_nsec + ms % 1000 * 1000000;
    out->tv_sec += (time_t)(ms / 1000 + (ns < 0 ? -1 : ns / 1000000000));
    out->tv_nsec = (long)(ns < 0 ? ns + 1000000000 : ns % 1000000000);
    return 0;
}

/* The device at work: by its clock what follows is done. NULL: nobody's. */
static void clock_of(const struct satchel *device)
{
    the_world.device_ahead_ms = device && device == arrivals.wrong ? arrivals.ahead_ms : 0;
}

static void pass_by(int64_t ms)
{
    arrivals.passed_ms += ms;
}

/* ---- The people ---- */

static int make_people(void **state)
{
    static const char *const names[] = {"Bob", "Cid", "Dee"};
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        must(ann, satchel_user_add(ann, names[i], "rep"));
        must(ann, satchel_territory_grant(ann, "Northern", names[i], 0));
    }
    bob = join_as(ann, "Bob", "bob");
    tablet = join_as(ann, "Bob", "tablet");
    cid = join_as(ann, "Cid", "cid");
    dee = join_as(ann, "Dee", "dee");
    late = join_as(ann, "Dee", "late");
    return 0;
}

static int drop_people(void **state)
{
    for (size_t i = 0; i < DEVICES; i++) satchel_close(*devices[i]);
    return drop_client_world(state);
}

static struct satchel_sync_result sync_one(struct satchel *device)
{
    clock_of(device);
    struct satchel_sync_result result = sync_now(device);
    clock_of(NULL);
    return result;
}

/* Until nobody has anything for the others any more. */
static void sync_people(void)
{
    uint64_t sent = 1;
    while (sent) {
        sent = 0;
        for (size_t i = 0; i < DEVICES; i++) sent += sync_one(*devices[i]).sent;
    }
}

/* ---- The orders ---- */

static size_t changes_of(const struct hard_case *hard)
{
    size_t n = 0;
    while (n < ARRIVALS_MAX && hard->changes[n].by) n++;
    return n;
}

/* The next order behind this one; false behind the last. */
static bool next_order(size_t *order, size_t n)
{
    size_t i = n - 1, j = n - 1;
    while (i > 0 && order[i - 1] >= order[i]) i--;
    if (i == 0) return false;
    while (order[j] <= order[i - 1]) j--;
    size_t held = order[i - 1];
    order[i - 1] = order[j];
    order[j] = held;
    for (size_t a = i, b = n - 1; a < b; a++, b--) {
        held = order[a];
        order[a] = order[b];
        order[b] = held;
    }
    return true;
}

static void play_in_order(const struct hard_case *hard, const size_t *order, size_t n)
{
    struct rows meanwhile = {0};
    arrivals.round++;
    arrivals.turn++;
    if (hard->anew && arrivals.turn > 1) {
        void *none = NULL;
        assert_int_equal(drop_people(&none), 0);
        assert_int_equal(make_people(&none), 0);
    }
    arrivals.first = *hard->changes[order[0]].by;
    arrivals.wrong = hard->wrong ? *hard->wrong : NULL;
    arrivals.ahead_ms = hard->ahead_ms;
    hard->begins();
    sync_people();
    for (size_t i = 0; i < n; i++) {
        pass_by(1000);
        clock_of(*hard->changes[i].by);
        hard->changes[i].writes();
        clock_of(NULL);
    }
    pass_by(1000);
    for (size_t i = 0; i < n; i++) {
        struct satchel *by = *hard->changes[order[i]].by;
        if (hard->uploads) hard->uploads(by);
        (void)sync_one(by);
        (void)sync_one(dee);
        hard->tells(dee, &meanwhile); /* whatever it is, it can be told */
        pass_by(1000);
    }
    sync_people();
    for (size_t i = 0; i < DEVICES; i++) {
        struct rows told = {0};
        clock_of(*devices[i]);
        hard->tells(*devices[i], &told);
        clock_of(NULL);
        if (strcmp(told.text, hard->wanted) == 0) continue;
        for (size_t a = 0; a < n; a++) print_error("arrival %zu: change %zu\n", a + 1, order[a] + 1);
        print_error("device %zu of %d\n", i + 1, DEVICES);
        assert_string_equal(told.text, hard->wanted);
    }
}

static void in_every_order(const struct hard_case *hard)
{
    size_t order[ARRIVALS_MAX] = {0, 1, 2, 3}, n = changes_of(hard);
    assert_true(n > 1);
    arrivals.turn = 0;
    do play_in_order(hard, order, n);
    while (next_order(order, n));
}

/* ---- Writing ---- */

/* A record of type, of fields as printf() makes them; edited, where `id` is one. */
static __attribute__((unused, format(printf, 4, 5))) void put(struct satchel *satchel, const char *type,
                                                              char id[SATCHEL_ID_SIZE], const char *format, ...)
{
    char fields[1024];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(fields, sizeof fields, format, values);
    va_end(values);
    put_one(satchel, type, id, NULL, fields);
}

static __attribute__((unused, format(printf, 4, 5))) void put_new(struct satchel *satchel, const char *type,
                                                                  char id[SATCHEL_ID_SIZE], const char *format, ...)
{
    char fields[1024];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(fields, sizeof fields, format, values);
    va_end(values);
    id[0] = '\0';
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    must(satchel, satchel_put(tx, type, NULL, "Northern", fields, id));
    must(satchel, satchel_commit(tx));
}

static __attribute__((unused)) void archive(struct satchel *satchel, const char *type, const char *id)
{
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    must(satchel, satchel_remove(tx, type, id));
    must(satchel, satchel_commit(tx));
}

static __attribute__((unused)) void step(struct satchel *satchel, const char *type, const char *id, const char *to)
{
    char out[SATCHEL_ID_SIZE];
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    must(satchel, satchel_step(tx, type, id, to, NULL, out));
    must(satchel, satchel_commit(tx));
}

/* ---- Telling ---- */

static __attribute__((unused, format(printf, 2, 3))) void tell(struct rows *out, const char *format, ...)
{
    char line[1024];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    (void)collect_row(out, line);
}

static __attribute__((unused, format(printf, 3, 4))) void tell_rows(struct satchel *satchel, struct rows *out,
                                                                    const char *format, ...)
{
    char sql[1024];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(sql, sizeof sql, format, values);
    va_end(values);
    must(satchel, satchel_query(satchel, sql, collect_row, out));
}

static __attribute__((unused)) json_t *parsed(char *text)
{
    json_t *json = json_loads(text ? text : "null", JSON_DECODE_ANY, NULL);
    satchel_free(text);
    assert_non_null(json);
    return json;
}

/* A member of it, as JSON. */
static __attribute__((unused)) void tell_member(struct rows *out, const json_t *object, const char *name)
{
    char *text = json_dumps(json_object_get(object, name), JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    tell(out, "%s: %s", name, text ? text : "nothing");
    free(text);
}

struct conflicts_of {
    const char *record, *field; /* field NULL: any */
    struct rows *out;
};

static int tell_conflict(void *context, const char *json)
{
    const struct conflicts_of *of = context;
    json_t *row = json_loads(json, 0, NULL), *value;
    char line[512] = "";
    size_t i;
    const char *field = json_string_value(json_object_get(row, "field"));
    bool meant = !of->field || strcmp(field, of->field) == 0;
    if (meant && strcmp(json_string_value(json_object_get(row, "id")), of->record) == 0) {
        json_array_foreach(json_object_get(row, "values"), i, value)
        {
            char *text = json_dumps(json_object_get(value, "value"), JSON_ENCODE_ANY | JSON_COMPACT);
            const char *by = json_string_value(json_object_get(value, "by"));
            (void)snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s by %s%s", i ? " | " : "", text, by,
                           json_object_get(value, "clock_ahead_ms") ? ", ahead" : "");
            free(text);
        }
        tell(of->out, "conflict %s: %s", field, line);
    }
    json_decref(row);
    return 0;
}

/* What of the record is to be settled, the value that is shown first. */
static __attribute__((unused)) void tell_conflict_of(struct satchel *satchel, struct rows *out, const char *record,
                                                     const char *field)
{
    struct conflicts_of of = {record, field, out};
    must(satchel, satchel_conflicts(satchel, tell_conflict, &of));
}

static __attribute__((unused)) void tell_conflicts(struct satchel *satchel, struct rows *out, const char *record)
{
    tell_conflict_of(satchel, out, record, NULL);
}

/* How it stands, and what became of each step. */
static __attribute__((unused)) void tell_state(struct satchel *satchel, struct rows *out, const char *type,
                                               const char *id)
{
    char *text = NULL, line[512] = "";
    json_t *step;
    size_t i;
    must(satchel, satchel_state(satchel, type, id, &text));
    json_t *told = parsed(text);
    tell_member(out, told, "state");
    if (json_is_array(json_object_get(told, "disputed"))) tell_member(out, told, "disputed");
    if (json_array_size(json_object_get(told, "asked"))) tell_member(out, told, "asked");
    json_array_foreach(json_object_get(told, "steps"), i, step)
    {
        (void)snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s %s", i ? ", " : "",
                       json_string_value(json_object_get(step, "to")),
                       json_string_value(json_object_get(step, "state")));
    }
    tell(out, "steps: %s", line);
    json_decref(told);
}

static __attribute__((unused)) json_t *report_of(struct satchel *satchel, const char *name, const char *period)
{
    char *text = NULL;
    struct satchel_report_options options = {.period = period};
    must(satchel, satchel_report(satchel, name, &options, &text));
    return parsed(text);
}

#endif
