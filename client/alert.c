#define _GNU_SOURCE
#include "client/alert.h"

#include <string.h>

#include "client/handle.h"

static const char KEY[] = "alert";
enum { VERSION = 1, TEXT_BYTES_MAX = 400 };

/* An older or newer side is no liar. */
static bool is_worth_it(uint32_t what)
{
    if (what >= CLIENT_ALERT_SERVER_SET_BACK) return true;
    return sat_err_class((enum sat_err)what) == SAT_CLASS_PEER && what != SAT_ERR_VERSION;
}

const char *client_alert_name(uint32_t what)
{
    if (what == CLIENT_ALERT_SERVER_SET_BACK) return "server_set_back";
    if (what == CLIENT_ALERT_HOME_COPIED) return "home_was_copied";
    if (what == CLIENT_ALERT_STARTED_ANEW) return "started_anew";
    if (what == CLIENT_ALERT_EXPELLED) return "expelled";
    return sat_err_name(sat_err_from_wire(what));
}

enum sat_err client_alert_get(struct satchel *satchel, struct sat_arena *arena, struct client_alert *out)
{
    struct sat_span bytes;
    struct sat_reader reader;
    bool found = false;
    *out = (struct client_alert){.text = ""};
    enum sat_err err = sat_store_meta_get(satchel->store, KEY, arena, &bytes, &found);
    if (err || !found) return err;
    sat_reader_init(&reader, bytes);
    if (sat_take_u8(&reader) != VERSION) return SAT_OK; /* of a later version, which will show it */
    out->count = sat_take_u32(&reader);
    out->at_ms = sat_take_u64(&reader);
    out->what = sat_take_u32(&reader);
    struct sat_span text = sat_take_span(&reader, sat_reader_left(&reader));
    if (sat_reader_end(&reader)) return SAT_ERR_CORRUPT;
    out->text = sat_arena_text(arena, (const char *)text.at, text.len);
    return SAT_OK;
}

static enum sat_err put(struct satchel *satchel, uint32_t what, const char *text, struct sat_buf *buf)
{
    struct sat_arena arena;
    struct client_alert last;
    sat_arena_init(&arena);
    enum sat_err err = client_alert_get(satchel, &arena, &last);
    sat_put_u8(buf, VERSION);
    sat_put_u32(buf, last.count < UINT32_MAX ? last.count + 1 : last.count);
    sat_put_u64(buf, client_now_ms());
    sat_put_u32(buf, what);
    sat_put_bytes(buf, text, strnlen(text, TEXT_BYTES_MAX));
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
