#define _GNU_SOURCE
#include "client/alert.h"

#include <string.h>

#include "client/handle.h"
#include "client/json.h"

static const char KEY[] = "alert";
enum { VERSION = 2, VERSION_OF_ONE = 1, TEXT_BYTES_MAX = 400 };

/* The gravest first: what a liar alone does, what may be a fault, what is healed. Others come between. */
static const uint32_t BY_WEIGHT[] = {SAT_ERR_FORK,   SAT_ERR_TAMPERED,  SAT_ERR_UNJUSTIFIED,   SAT_ERR_COLLECTED_EARLY,
                                     SAT_ERR_BOUNDS, SAT_ERR_BAD_CHAIN, SAT_ERR_UNDECRYPTABLE, SAT_ERR_WRONG_SERVER};
enum { HEALED = 1000 };

static uint32_t weight(const struct client_alert *alert)
{
    uint32_t n = sizeof BY_WEIGHT / sizeof BY_WEIGHT[0];
    if (alert->what >= CLIENT_ALERT_SERVER_SET_BACK) return HEALED;
    for (uint32_t i = 0; i < n; i++)
        if (BY_WEIGHT[i] == alert->what) return i;
    return n;
}

/* An older or newer side is no liar. */
static bool is_worth_it(uint32_t what)
{
    if (what >= CLIENT_ALERT_SERVER_SET_BACK) return true;
    return sat_err_class((enum sat_err)what) == SAT_CLASS_PEER && what != SAT_ERR_VERSION;
}

static const char *name_of(uint32_t what)
{
    if (what == CLIENT_ALERT_SERVER_SET_BACK) return "server_set_back";
    if (what == CLIENT_ALERT_HOME_COPIED) return "home_was_copied";
    if (what == CLIENT_ALERT_EXPELLED) return "expelled";
    if (what == CLIENT_ALERT_STARTED_ANEW) return "started_anew";
    return sat_err_name(sat_err_from_wire(what));
}

/* ---- Kept ---- */

static const char *take_text(struct sat_reader *reader, size_t len, struct sat_arena *arena)
{
    struct sat_span text = sat_take_span(reader, len);
    return sat_arena_text(arena, text.at ? (const char *)text.at : "", text.len);
}

static enum sat_err parse(struct sat_span bytes, struct sat_arena *arena, struct client_alerts *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    uint8_t version = sat_take_u8(&reader);
    if (version > VERSION) return SAT_OK; /* of a later version, which will show it */
    out->count = sat_take_u32(&reader);
    if (version == VERSION_OF_ONE) {
        struct client_alert *one = &out->by_kind[out->n++];
        one->times = 1;
        one->at_ms = sat_take_u64(&reader);
        one->what = sat_take_u32(&reader);
        one->text = take_text(&reader, sat_reader_left(&reader), arena);
    }
    while (version == VERSION && sat_reader_left(&reader) && out->n < CLIENT_ALERTS_MAX) {
        struct client_alert *one = &out->by_kind[out->n++];
        one->what = sat_take_u32(&reader);
        one->times = sat_take_u32(&reader);
        one->at_ms = sat_take_u64(&reader);
        one->text = take_text(&reader, sat_take_u32(&reader), arena);
    }
    return sat_reader_end(&reader) ? SAT_ERR_CORRUPT : SAT_OK;
}

enum sat_err client_alerts_get(struct satchel *satchel, struct sat_arena *arena, struct client_alerts *out)
{
    struct sat_span bytes;
    bool found = false;
    *out = (struct client_alerts){0};
    enum sat_err err = sat_store_meta_get(satchel->store, KEY, arena, &bytes, &found);
    return err || !found ? err : parse(bytes, arena, out);
}

static void put_one(struct sat_buf *buf, const struct client_alert *alert)
{
    sat_put_u32(buf, alert->what);
    sat_put_u32(buf, alert->times);
    sat_put_u64(buf, alert->at_ms);
    sat_put_counted(buf, sat_span(alert->text, strnlen(alert->text, TEXT_BYTES_MAX)));
}

static enum sat_err put(struct satchel *satchel, uint32_t what, const char *text, struct sat_buf *buf)
{
    struct sat_arena arena;
    struct client_alerts alerts;
    struct client_alert one = {.what = what, .times = 1, .at_ms = client_now_ms(), .text = text};
    sat_arena_init(&arena);
    enum sat_err err = client_alerts_get(satchel, &arena, &alerts);
    for (uint32_t i = 0; i < alerts.n; i++)
        if (alerts.by_kind[i].what == what && alerts.by_kind[i].times < UINT32_MAX)
            one.times = alerts.by_kind[i].times + 1;
    sat_put_u8(buf, VERSION);
    sat_put_u32(buf, alerts.count < UINT32_MAX ? alerts.count + 1 : alerts.count);
    put_one(buf, &one);
    for (uint32_t i = 0, n = 1; i < alerts.n && n < CLIENT_ALERTS_MAX; i++) {
        if (alerts.by_kind[i].what == what) continue;
        put_one(buf, &alerts.by_kind[i]);
        n++;
    }
    sat_arena_deinit(&arena);
    return err ? err : sat_store_meta_put(satchel->store, KEY, sat_buf_span(buf));
}

void client_alert_keep(struct satchel *satchel, uint32_t what, const char *text)
{
    struct sat_store *store = satchel->store;
    if (!is_worth_it(what) || !store || sat_store_in_transaction(store) || sat_store_begin(store)) return;
    struct sat_buf buf;
    sat_buf_init(&buf);
    enum sat_err failed = put(satchel, what, text, &buf);
    if (!failed) failed = sat_store_commit(store);
    if (failed) sat_store_rollback(store);
    sat_buf_deinit(&buf);
}

/* ---- To be told ---- */

static const struct {
    enum sat_notice notice;
    uint32_t what;
    const char *text;
} TO_TELL[] = {
    {SAT_NOTICE_SET_BACK, CLIENT_ALERT_SERVER_SET_BACK,
     "the server was set back to an older copy of its data; what it had lost is given back by the devices that have "
     "it"},
    {SAT_NOTICE_ANEW, CLIENT_ALERT_STARTED_ANEW,
     "this device was away for so long that everybody else had forgotten where it was: it has pulled what it may read "
     "anew. Work of its own that was refused for that is among the refused items"},
};

uint64_t client_alerts_take(struct satchel *satchel, uint64_t told)
{
    struct sat_store *store = satchel->store;
    uint64_t wanted, kept = 0;
    if (sat_store_in_transaction(store) || sat_store_meta_get_u64(store, SAT_TO_TELL_KEY, 0, &wanted) || !wanted)
        return 0;
    if (sat_store_begin(store)) return 0;
    enum sat_err err = sat_store_meta_put_u64(store, SAT_TO_TELL_KEY, 0);
    for (size_t i = 0; i < sizeof TO_TELL / sizeof TO_TELL[0] && !err; i++) {
        uint64_t bit = UINT64_C(1) << TO_TELL[i].notice;
        struct sat_buf buf;
        if (!(wanted & ~told & bit)) continue;
        sat_buf_init(&buf);
        err = put(satchel, TO_TELL[i].what, TO_TELL[i].text, &buf);
        sat_buf_deinit(&buf);
        kept |= bit;
    }
    if (!err) err = sat_store_commit(store);
    if (!err) return kept;
    sat_store_rollback(store);
    return 0;
}

/* ---- Shown ---- */

json_t *client_alert_json(const struct client_alert *alert)
{
    json_t *json = json_object();
    (void)json_object_set_new(json, "error", json_string(name_of(alert->what)));
    (void)json_object_set_new(json, "times", json_integer(alert->times));
    (void)json_object_set_new(json, "at", client_json_of_time(alert->at_ms));
    (void)json_object_set_new(json, "message", client_json_of_text(alert->text));
    return json;
}

/* Few: each goes in behind what is as grave. */
static json_t *list_of(const struct client_alerts *alerts)
{
    json_t *list = json_array();
    uint32_t weights[CLIENT_ALERTS_MAX];
    for (uint32_t i = 0; i < alerts->n; i++) {
        uint32_t own = weight(&alerts->by_kind[i]), at = i;
        for (; at > 0 && weights[at - 1] > own; at--) weights[at] = weights[at - 1];
        weights[at] = own;
        (void)json_array_insert_new(list, at, client_alert_json(&alerts->by_kind[i]));
    }
    return list;
}

enum sat_err client_alerts_show(struct satchel *satchel, json_t *status, struct sat_arena *arena)
{
    struct client_alerts alerts;
    enum sat_err err = client_alerts_get(satchel, arena, &alerts);
    if (err) return err;
    const struct client_alert *newest = alerts.n ? &alerts.by_kind[0] : NULL;
    (void)json_object_set_new(status, "alerts", json_integer(alerts.count));
    (void)json_object_set_new(status, "alert", client_json_of_text(newest ? newest->text : NULL));
    (void)json_object_set_new(status, "alert_error", client_json_of_text(newest ? name_of(newest->what) : NULL));
    (void)json_object_set_new(status, "alert_at", newest ? client_json_of_time(newest->at_ms) : json_null());
    (void)json_object_set_new(status, "alert_list", list_of(&alerts));
    return SAT_OK;
}
