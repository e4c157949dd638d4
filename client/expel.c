#include "client/expel.h"

#include <string.h>

#include "client/alert.h"
#include "client/calendar.h"
#include "client/handle.h"
#include "client/links.h"
#include "client/skew.h"
#include "common/base/limits.h"

static const char ASKED[] = "silent_asked", TOLD[] = "expelled_told";

static void put_meta(struct satchel *satchel, const char *key, uint64_t value)
{
    struct sat_store *store = satchel->store;
    if (sat_store_in_transaction(store) || sat_store_begin(store)) return;
    enum sat_err err = sat_store_meta_put_u64(store, key, value);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store); /* the next sync does it once more */
}

/* ---- Whether, and of whom ---- */

/* The server's time, if its clock, this one's and the directory's agree on the day: else who has been silent for how
 * long is anybody's guess. The newest link may be old, but it is in no future. 0: they do not. */
static uint64_t trusted_now_ms(struct satchel *satchel)
{
    int64_t skew_ms;
    if (!client_skew_get(satchel, &skew_ms) || skew_ms > (int64_t)SAT_DAY_MS || skew_ms < -(int64_t)SAT_DAY_MS)
        return 0;
    uint64_t now_ms = client_skew_now_ms(satchel);
    return now_ms + SAT_DAY_MS < satchel->directory.time_ms ? 0 : now_ms;
}

static bool is_due(struct satchel *satchel, uint64_t now_ms)
{
    const struct sat_directory *directory = &satchel->directory;
    uint64_t asked_ms = 0;
    if (!now_ms || sat_store_meta_get_u64(satchel->store, ASKED, 0, &asked_ms)) return false;
    if (asked_ms <= now_ms && now_ms - asked_ms < SAT_DAY_MS) return false;
    for (uint32_t device = 1; device <= directory->devices_n; device++)
        if (!sat_directory_expelled(directory, device, NULL) &&
            sat_directory_may_expel(directory, client_device(satchel), device, now_ms))
            return true;
    return false;
}

/* When something of the device came into a log that is here: the server cannot take that back. */
static enum sat_err last_work(struct satchel *satchel, uint32_t device, struct sat_arena *arena, uint64_t *out_ms)
{
    struct sat_space_row *spaces;
    uint32_t n = 0;
    *out_ms = 0;
    enum sat_err err = sat_store_spaces(satchel->store, arena, &spaces, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        struct sat_bundle_row tip;
        struct sat_entry_row *entries;
        uint32_t got = 0;
        bool found;
        err = sat_store_bundle_tip(satchel->store, spaces[i].sid, device, false, &tip, &found);
        if (err || !found) continue;
        err = sat_store_entries(satchel->store, spaces[i].sid, tip.seq, 1, arena, &entries, &got);
        if (!err && got && entries[0].entry.recv_ms > *out_ms) *out_ms = entries[0].entry.recv_ms;
    }
    return err;
}

static enum sat_err look_at(struct client_expelling *expelling, const struct sat_device_item *item, uint64_t now_ms,
                            struct sat_arena *arena)
{
    struct satchel *satchel = expelling->satchel;
    const struct sat_directory *directory = &satchel->directory;
    uint64_t days = sat_directory_policy(directory, SAT_POLICY_SILENT_DAYS), worked_ms;
    if (item->seen_ms + days * SAT_DAY_MS > now_ms || sat_directory_expelled(directory, item->device, NULL) ||
        !sat_directory_may_expel(directory, client_device(satchel), item->device, now_ms))
        return SAT_OK;
    enum sat_err err = last_work(satchel, item->device, arena, &worked_ms);
    uint64_t heard_ms = worked_ms > item->seen_ms ? worked_ms : item->seen_ms;
    if (!err && heard_ms + days * SAT_DAY_MS <= now_ms) expelling->found[expelling->found_n++] = item->device;
    return err;
}

static enum sat_err take_page(void *context, const struct sat_device_item *items, uint32_t n, bool more)
{
    struct client_expelling *expelling = context;
    struct sat_arena arena;
    uint64_t now_ms = trusted_now_ms(expelling->satchel);
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < n && now_ms && !err && expelling->found_n < CLIENT_EXPELLED_AT_ONCE; i++) {
        err = look_at(expelling, &items[i], now_ms, &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    expelling->answered = !more;
    return err;
}

/* ---- Saying it ---- */

static enum sat_err add(struct client_links *links, uint32_t device)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_expel_encode(&(struct sat_body_expel){device}, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_EXPEL, &buf);
    sat_buf_deinit(&buf);
    return err;
}

/* Those that are still to be said, by the directory as it is: another admin may have been first. */
static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct client_expelling *expelling = context;
    struct satchel *satchel = expelling->satchel;
    struct client_links links;
    *out = (struct sat_link_batch){0};
    uint64_t now_ms = expelling->state == CLIENT_EXPEL_SIGNS ? trusted_now_ms(satchel) : 0;
    expelling->nothing = true;
    if (!now_ms) return SAT_OK;
    if (now_ms < satchel->directory.time_ms) now_ms = satchel->directory.time_ms;
    enum sat_err err = client_links_begin(&links, satchel, now_ms, arena, &satchel->fault);
    for (uint32_t i = 0; i < expelling->found_n && !err && links.n < CLIENT_LINKS_MAX; i++)
        if (sat_directory_may_expel(&links.ahead, client_device(satchel), expelling->found[i], now_ms))
            err = add(&links, expelling->found[i]);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    expelling->nothing = out->n == 0;
    return err;
}

static enum sat_err count_links(void *context)
{
    struct client_expelling *expelling = context;
    const struct sat_directory *directory = &expelling->satchel->directory;
    expelling->signed_n = 0;
    for (uint32_t i = 0; i < expelling->found_n; i++)
        expelling->signed_n += sat_directory_expelled(directory, expelling->found[i], NULL);
    return SAT_OK;
}

/* ---- In a session ---- */

void client_expel_prepare(struct client_expelling *expelling, struct satchel *satchel,
                          struct client_session_config *config)
{
    struct sat_replica_hooks *hooks = &config->replica.hooks;
    *expelling = (struct client_expelling){.satchel = satchel};
    expelling->may =
        (client_is_admin(satchel) || client_is_manager(satchel)) && sat_keyring_has_admin(satchel->keyring);
    hooks->context = expelling;
    hooks->devices = expelling->may ? take_page : NULL;
    hooks->build_links = expelling->may ? build_links : NULL;
    hooks->links_appended = expelling->may ? count_links : NULL;
}

static bool begin(struct client_expelling *expelling, struct client_session *session)
{
    uint64_t now_ms = trusted_now_ms(expelling->satchel);
    bool again = expelling->asked_ms && now_ms < expelling->asked_ms + SAT_DAY_MS;
    if (!expelling->may || again || !is_due(expelling->satchel, now_ms)) return false;
    expelling->asked_ms = now_ms;
    expelling->found_n = expelling->signed_n = expelling->told_n = 0;
    expelling->answered = false;
    expelling->state = CLIENT_EXPEL_ASKS;
    client_session_ask_devices(session, 0);
    return true;
}

/* As many as go into one batch; asked again when these are in. */
static bool sign(struct client_expelling *expelling, struct client_session *session)
{
    expelling->state = CLIENT_EXPEL_SIGNS;
    expelling->nothing = true;
    if (expelling->found_n) client_session_poke(session);
    if (expelling->nothing) expelling->state = CLIENT_EXPEL_RESTS;
    return !expelling->nothing;
}

bool client_expel_advance(struct client_expelling *expelling, struct client_session *session)
{
    switch (expelling->state) {
    case CLIENT_EXPEL_RESTS:
        return begin(expelling, session);
    case CLIENT_EXPEL_ASKS:
        if (!expelling->answered) return true;
        put_meta(expelling->satchel, ASKED, expelling->asked_ms);
        return sign(expelling, session);
    case CLIENT_EXPEL_SIGNS:
        return sign(expelling, session);
    }
    return false;
}

bool client_expel_gives_up(struct client_expelling *expelling)
{
    bool own = expelling->state == CLIENT_EXPEL_SIGNS;
    expelling->state = CLIENT_EXPEL_RESTS;
    return own;
}

const char *client_expel_text(struct client_expelling *expelling, struct sat_arena *arena)
{
    unsigned n = expelling->signed_n - expelling->told_n;
    if (!n) return NULL;
    expelling->told_n = expelling->signed_n;
    return sat_arena_format(
        arena,
        "%u device%s been silent for more than %llu days, and nobody waits for %s any more: see "
        "`satchel device list`; one that is lost for good, an admin revokes",
        n, n == 1 ? " has" : "s have",
        (unsigned long long)sat_directory_policy(&expelling->satchel->directory, SAT_POLICY_SILENT_DAYS),
        n == 1 ? "it" : "them");
}

/* ---- Who is expelled ---- */

/* By the time that this is asked it may have said that it is back. */
void client_expel_note_own(struct satchel *satchel, uint32_t device)
{
    uint64_t ms, told = 0, seq = sat_directory_expulsion(&satchel->directory, device, &ms);
    struct sat_arena arena;
    if (!seq || sat_store_meta_get_u64(satchel->store, TOLD, 0, &told) || told == seq) return;
    char at[CLIENT_TIME_TEXT_SIZE];
    client_time_format((int64_t)ms, 0, at);
    sat_arena_init(&arena);
    client_alert_keep(
        satchel, CLIENT_ALERT_EXPELLED,
        sat_arena_format(&arena,
                         "nothing was heard of this device for too long, so that since %s nobody waited "
                         "for it: what was deleted meanwhile may be forgotten by all; what waited here is "
                         "delivered as ever, but for what changes such a record: see `satchel refused`",
                         at));
    sat_arena_deinit(&arena);
    put_meta(satchel, TOLD, seq);
}
