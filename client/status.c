/* satchel_status(): how things stand, from what is here. */
#include <string.h>

#include "client/alert.h"
#include "client/restored.h"
#include "client/bundles.h"
#include "client/carry.h"
#include "client/conflicts.h"
#include "client/held_up.h"
#include "client/json.h"
#include "client/membership.h"
#include "client/names.h"
#include "client/session.h"
#include "client/skew.h"
#include "client/unread.h"
#include "common/proof/hash.h"

enum { DRAFTS_AT_ONCE = 1000 };

static enum sat_err count_drafts(struct satchel *satchel, const struct sat_space_row *spaces, uint32_t spaces_n,
                                 struct client_waiting *counts)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint64_t counter = 0;
    uint32_t n = DRAFTS_AT_ONCE;
    enum sat_err err = SAT_OK;
    while (!err && n == DRAFTS_AT_ONCE) {
        struct sat_draft_row *rows;
        err = sat_store_drafts(satchel->store, counter, DRAFTS_AT_ONCE, SIZE_MAX, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) {
            for (uint32_t s = 0; s < spaces_n; s++)
                if (spaces[s].sid == rows[i].sid) counts[s].pending++;
            counter = rows[i].counter + 1;
        }
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* Does this device lack the key of the space's current epoch though it may read there? */
static bool owes_key(struct satchel *satchel, const struct sat_space *space)
{
    const struct sat_epoch_key *key;
    if (!space || space->epoch == 0 || !(client_rights(satchel, &space->id) & SAT_RIGHT_READ)) return false;
    return sat_keys_get(satchel->keys, &satchel->directory, &space->id, space->epoch, &key) != SAT_OK;
}

struct standing { /* of the whole home */
    struct client_waiting total;
    uint64_t debts;
    bool lapsed; /* the lease has run out: names, which are records, are not shown */
};

/* Where somebody lost access since the current key was made: a new one is owed. 0: it is not. */
static uint64_t owed_since(struct satchel *satchel, const struct sat_space_id *space)
{
    return sat_directory_owed(&satchel->directory, space, client_now_ms());
}

/* Of a territory that was taken from this device nothing is here but its name. */
static bool is_gone(struct satchel *satchel, const struct sat_space_row *row, const struct client_waiting *counts)
{
    bool empty = row->log.size == 0 && counts->pending == 0 && counts->refused + counts->escrowed == 0;
    return empty && !(client_rights(satchel, &row->id) & SAT_RIGHT_READ);
}

static const char *name_of_space(struct satchel *satchel, const struct sat_space_id *space, bool lapsed,
                                 struct sat_arena *arena)
{
    const struct sat_space *known = sat_directory_space(&satchel->directory, space);
    bool own = known && (known->kind == SAT_SPACE_ORG || known->kind == SAT_SPACE_PEOPLE);
    if (own || !lapsed) return client_space_name(satchel, space, arena);
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(space->b, text);
    return sat_arena_text(arena, text, sizeof text - 1);
}

static json_t *json_of_space(struct satchel *satchel, const struct sat_space_row *row,
                             const struct client_waiting *counts, struct standing *standing, struct sat_arena *arena)
{
    const struct sat_space *space = sat_directory_space(&satchel->directory, &row->id);
    uint64_t owed = owed_since(satchel, &row->id);
    bool debt = owed || owes_key(satchel, space);
    standing->total.pending += counts->pending;
    uint64_t refused = counts->refused + counts->escrowed; /* which the server did not take, either */
    standing->total.refused += refused;
    standing->debts += debt;
    json_t *json = json_object();
    (void)json_object_set_new(json, "space", client_json_of_uuid(row->id.b));
    (void)json_object_set_new(json, "name", json_string(name_of_space(satchel, &row->id, standing->lapsed, arena)));
    (void)json_object_set_new(json, "cursor", json_integer((json_int_t)row->log.size));
    (void)json_object_set_new(json, "live", json_integer((json_int_t)row->live));
    (void)json_object_set_new(json, "pending", json_integer((json_int_t)counts->pending));
    (void)json_object_set_new(json, "refused", json_integer((json_int_t)refused));
    (void)json_object_set_new(json, "held_up",
                              client_json_of_text(client_held_name(client_held_up(satchel, &row->id, counts))));
    (void)json_object_set_new(json, "synced_at", row->synced_ms ? client_json_of_time(row->synced_ms) : json_null());
    (void)json_object_set_new(json, "epoch", json_integer(space ? space->epoch : 0));
    (void)json_object_set_new(json, "debt", json_boolean(debt));
    (void)json_object_set_new(json, "owed_since", owed ? json_integer((json_int_t)owed) : json_null());
    return json;
}

/* What everybody in the org sees the same way: the directory and the people space. */
static json_t *fingerprint_of(struct satchel *satchel)
{
    const struct sat_directory *directory = &satchel->directory;
    struct sat_hash head = sat_directory_hash_at(directory, directory->seq);
    const struct sat_space *people = sat_directory_space_of_kind(directory, SAT_SPACE_PEOPLE);
    struct sat_space_row row = {0};
    bool found = false;
    if (people && sat_store_space_find(satchel->store, &people->id, &row, &found)) found = false;
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "fingerprint");
    sat_hash_add(&hasher, directory->org.b, sizeof directory->org.b);
    sat_hash_add_u64(&hasher, directory->seq);
    sat_hash_add(&hasher, head.b, sizeof head.b);
    sat_hash_add_u64(&hasher, found ? row.log.size : 0);
    if (found) sat_hash_add(&hasher, row.log_epoch.b, sizeof row.log_epoch.b);
    struct sat_hash hash = sat_hash_end(&hasher);
    char text[2 * 16 + 1];
    sat_hex_format(hash.b, 16, text);
    return json_string(text);
}

static enum sat_err set_spaces(struct satchel *satchel, json_t *json, struct standing *standing,
                               struct sat_arena *arena)
{
    struct sat_space_row *rows;
    uint32_t n = 0;
    enum sat_err err = sat_store_spaces(satchel->store, arena, &rows, &n);
    struct client_waiting *counts = sat_arena_array(arena, err ? 0 : n, sizeof *counts);
    if (!err) err = count_drafts(satchel, rows, n, counts);
    for (uint32_t i = 0; i < n && !err; i++) err = client_count_waiting(satchel, rows[i].sid, &counts[i]);
    json_t *spaces = json_array();
    for (uint32_t i = 0; i < n && !err; i++) {
        if (is_gone(satchel, &rows[i], &counts[i])) continue;
        (void)json_array_append_new(spaces, json_of_space(satchel, &rows[i], &counts[i], standing, arena));
    }
    (void)json_object_set_new(json, "spaces", spaces);
    return err;
}

static void set_identity(struct satchel *satchel, json_t *json, const struct client_membership *membership, bool lapsed,
                         struct sat_arena *arena)
{
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    const char *org_name = lapsed ? NULL : client_org_name(satchel, arena);
    char org[65], pin[65];
    sat_hex_format(membership->org.b, sizeof membership->org.b, org);
    sat_hex_format(satchel->directory.server.b, sizeof satchel->directory.server.b, pin);
    (void)json_object_set_new(json, "org", client_json_of_text(org_name ? org_name : membership->org_name));
    (void)json_object_set_new(json, "org_id", json_string(org));
    (void)json_object_set_new(
        json, "user", client_json_of_text(user && !lapsed ? client_user_name(satchel, user->number, arena) : NULL));
    (void)json_object_set_new(json, "role", json_string(user ? sat_role_name(user->role) : "unknown"));
    (void)json_object_set_new(json, "state", json_string(client_device_state(satchel, client_device(satchel))));
    (void)json_object_set_new(json, "device", json_integer(client_device(satchel)));
    const char *device_name = lapsed ? NULL : client_device_name(satchel, client_device(satchel), arena);
    (void)json_object_set_new(json, "device_name", client_json_of_text(device_name));
    const struct sat_device *own = sat_directory_device(&satchel->directory, client_device(satchel));
    (void)json_object_set_new(json, "copy_of", own && own->parent ? json_integer(own->parent) : json_null());
    const char *moved_to = satchel->directory.server_url;
    (void)json_object_set_new(json, "server", json_string(moved_to[0] ? moved_to : membership->server_url));
    (void)json_object_set_new(json, "server_last", client_json_of_text(membership->server_url_last));
    (void)json_object_set_new(json, "pin", json_string(pin));
}

/* When it runs out is told by this device's own clock, to the second. */
static void set_lease(struct satchel *satchel, json_t *json, bool lapsed)
{
    uint32_t days = client_lease_days(satchel);
    uint64_t renewed_ms = client_lease_renewed_ms(satchel);
    uint64_t until_ms = client_now_ms() / 1000 * 1000 + client_lease_left_ms(satchel) / 1000 * 1000;
    (void)json_object_set_new(json, "lease", json_string(!days ? "none" : lapsed ? "lapsed" : "held"));
    (void)json_object_set_new(json, "lease_days", json_integer(days));
    (void)json_object_set_new(json, "lease_renewed", renewed_ms ? client_json_of_time(renewed_ms) : json_null());
    (void)json_object_set_new(json, "lease_until", days && !lapsed ? client_json_of_time(until_ms) : json_null());
}

/* As the server saw it when it was met last, and this device since. */
static void set_clock(struct satchel *satchel, json_t *json, struct sat_arena *arena)
{
    int64_t skew_ms;
    bool known = client_skew_get(satchel, &skew_ms);
    (void)json_object_set_new(json, "clock_skew_ms", known ? json_integer(skew_ms) : json_null());
    (void)json_object_set_new(json, "clock", client_json_of_text(known ? client_skew_text(skew_ms, arena) : NULL));
}

static enum sat_err status(struct satchel *satchel, json_t *json, struct sat_arena *arena)
{
    struct client_membership membership;
    struct standing standing = {.lapsed = client_lease_has_lapsed(satchel)};
    uint64_t last_ms = 0, refused = 0, aside = 0, returning = 0;
    uint32_t conflicts = 0;
    struct client_unread_counts unread = {0};
    bool was_in_sync = false;
    enum sat_err err = client_membership_get(satchel, arena, &membership);
    if (err) return err;
    set_identity(satchel, json, &membership, standing.lapsed, arena);
    err = set_spaces(satchel, json, &standing, arena);
    if (!err) err = client_membership_last_sync(satchel, &last_ms, &was_in_sync);
    if (!err) err = client_conflicts_count(satchel, &conflicts);
    if (!err) err = client_count_aside(satchel, &refused, &aside);
    if (!err && !standing.lapsed) err = client_unread_count(satchel, &unread);
    if (!err) err = sat_store_return_count(satchel->store, 0, false, &returning);
    if (!err) err = client_alerts_show(satchel, json, arena);
    (void)json_object_set_new(json, "pending", json_integer((json_int_t)standing.total.pending));
    (void)json_object_set_new(json, "refused", json_integer((json_int_t)(standing.total.refused + refused)));
    (void)json_object_set_new(json, "aside", json_integer((json_int_t)aside));
    (void)json_object_set_new(json, "unreadable", json_integer((json_int_t)unread.unreadable));
    (void)json_object_set_new(json, "later", json_integer((json_int_t)unread.later));
    (void)json_object_set_new(json, "conflicts", json_integer((json_int_t)conflicts));
    (void)json_object_set_new(json, "debts", json_integer((json_int_t)standing.debts));
    (void)json_object_set_new(json, "last_sync", last_ms ? client_json_of_time(last_ms) : json_null());
    (void)json_object_set_new(json, "in_sync",
                              json_boolean(was_in_sync && standing.total.pending == 0 && standing.total.refused == 0));
    uint64_t mended = 0, recovering = 0;
    if (!err) err = sat_store_meta_get_u64(satchel->store, CLIENT_MENDED_KEY, 0, &mended);
    if (!err) err = client_restored_waits(satchel, &recovering);
    (void)json_object_set_new(json, "mended", json_integer((json_int_t)mended));
    (void)json_object_set_new(json, "recovering", json_boolean(recovering || returning));
    (void)json_object_set_new(json, "mass_changes", client_brake_status(satchel, standing.lapsed, arena));
    set_clock(satchel, json, arena);
    json_t *moved_on = NULL;
    if (!err) err = client_carry_told(satchel, &moved_on);
    if (moved_on) (void)json_object_set_new(json, "moved_on", moved_on);
    set_lease(satchel, json, standing.lapsed);
    (void)json_object_set_new(json, "fingerprint", fingerprint_of(satchel));
    return err;
}

int satchel_status(struct satchel *satchel, char **out)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    client_begin(satchel);
    *out = NULL;
    json_t *json = json_object();
    enum sat_err err = status(satchel, json, &arena);
    if (!err) err = satchel->unread;
    if (err)
        json_decref(json);
    else
        *out = client_json_text(json);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
