#include "client/reindex.h"

#include "client/alert.h"
#include "client/known.h"
#include "client/links.h"
#include "common/sync/copied.h"
#include "common/vault/author_again.h"
#include "common/vault/author_was.h"

enum { PENDING_MAX = 64 };

static const char CANDIDATE[] = "candidate", INDEX[] = "index";

/* ---- Keys ---- */

static enum sat_err get_candidate(struct satchel *satchel, struct sat_arena *arena, struct sat_span *sealed)
{
    uint8_t fresh[SAT_KEYRING_INDEX_BYTES];
    bool found;
    enum sat_err err = sat_store_meta_get(satchel->store, CANDIDATE, arena, sealed, &found);
    if (err || sealed->len) return err;
    err = sat_keyring_index_make(satchel->keyring, &satchel->entropy, fresh);
    if (!err) err = sat_store_meta_put(satchel->store, CANDIDATE, SAT_SPAN(fresh));
    *sealed = sat_span_copy(arena, SAT_SPAN(fresh));
    return err;
}

/* The device that has these keys; 0: there is none yet. */
static uint32_t find_device(const struct satchel *satchel, const struct sat_keyring *keyring)
{
    const struct sat_directory *directory = &satchel->directory;
    struct sat_public_key sign = sat_keyring_sign_public(keyring);
    for (uint32_t i = directory->devices_n; i-- > 0;)
        if (sat_span_equal(SAT_SPAN(directory->devices[i].sign.b), SAT_SPAN(sign.b)))
            return directory->devices[i].number;
    return 0;
}

/* The home was copied once more between the keys and the number, and the copy was first: it has written under it. */
static enum sat_err is_taken(struct satchel *satchel, uint32_t device, struct sat_arena *arena, bool *taken)
{
    struct sat_space_row *rows;
    uint32_t n = 0;
    *taken = false;
    enum sat_err err = device ? sat_store_spaces(satchel->store, arena, &rows, &n) : SAT_OK;
    for (uint32_t i = 0; i < n && !err && !*taken; i++) {
        struct sat_bundle_row tip;
        err = sat_store_bundle_tip(satchel->store, rows[i].sid, device, false, &tip, taken);
    }
    return err;
}

static enum sat_err open_candidate(struct satchel *satchel, struct sat_arena *arena, struct sat_keyring **out)
{
    struct sat_span sealed;
    bool taken = false;
    enum sat_err err = get_candidate(satchel, arena, &sealed);
    *out = NULL;
    if (!err) err = sat_keyring_index_open(satchel->keyring, sealed, 0, out);
    if (!err) err = is_taken(satchel, find_device(satchel, *out), arena, &taken);
    if (!err && !taken) return SAT_OK;
    sat_keyring_free(*out);
    *out = NULL;
    if (err) return err;
    err = sat_store_meta_put(satchel->store, CANDIDATE, (struct sat_span){0});
    if (!err) err = get_candidate(satchel, arena, &sealed);
    return err ? err : sat_keyring_index_open(satchel->keyring, sealed, 0, out);
}

enum sat_err client_reindex_build(struct satchel *satchel, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct sat_keyring *candidate;
    struct client_links links;
    *out = (struct sat_link_batch){0};
    enum sat_err err = open_candidate(satchel, arena, &candidate);
    if (err) return err;
    if (!find_device(satchel, candidate)) {
        err = client_links_begin(&links, satchel, satchel->directory.time_ms, arena, &satchel->fault);
        if (!err) err = client_links_add_reindex(&links, candidate);
        if (!err) client_links_give(&links, out);
        client_links_end(&links);
    }
    sat_keyring_free(candidate);
    return err;
}

/* ---- The change of index ---- */

static enum sat_err find_places(struct satchel *satchel, struct sat_arena *arena, struct sat_again_place **out,
                                uint32_t *n)
{
    struct sat_space_row *rows;
    enum sat_err err = sat_store_spaces(satchel->store, arena, &rows, n);
    if (err) return err;
    *out = sat_arena_array(arena, *n, sizeof **out);
    for (uint32_t i = 0; i < *n && !err; i++) {
        (*out)[i] = (struct sat_again_place){.sid = rows[i].sid, .first = 1};
        err = sat_copied_cut(satchel->store, rows[i].sid, client_device(satchel), &(*out)[i].cut);
    }
    return err;
}

/* device: whose dots it stands under. */
static enum sat_err write_places(struct satchel *satchel, const struct sat_keyring *keyring, uint32_t device,
                                 bool drafts_stay, struct sat_again_place *places, uint32_t n, struct sat_arena *arena,
                                 struct sat_again_done *done)
{
    struct client_known known;
    uint32_t provisional;
    client_known_begin(&known, satchel);
    enum sat_err err = sat_copied_number(satchel->store, &provisional);
    for (uint32_t i = 0; !err && i < n && device >= SAT_PROVISIONAL; i++) places[i].cut = 0;
    struct sat_vault vault = client_vault(satchel);
    vault.keyring = keyring;
    if (!err)
        err = sat_author_again(&vault,
                               &(struct sat_again){.device = device,
                                                   .drafts_stay = drafts_stay,
                                                   .keep = device < SAT_PROVISIONAL && provisional,
                                                   .places = places,
                                                   .places_n = n,
                                                   .origins = true,
                                                   .context = &known,
                                                   .known = client_known_look},
                               arena, done);
    if (!err) err = client_known_settle(&known);
    if (!err && done->n == 0 && !drafts_stay) err = sat_was_clear(satchel->store); /* nothing waits */
    if (!err && done->n == 0 && !drafts_stay) err = sat_store_meta_put_u64(satchel->store, SAT_TAKEN_KEY, 0);
    client_known_end(&known);
    return err;
}

static enum sat_err write_again(struct satchel *satchel, const struct sat_keyring *keyring, uint32_t device,
                                bool drafts_stay, struct sat_arena *arena, struct sat_again_done *done)
{
    struct sat_again_place *places;
    uint32_t n;
    enum sat_err err = find_places(satchel, arena, &places, &n);
    return err ? err : write_places(satchel, keyring, device, drafts_stay, places, n, arena, done);
}

enum sat_err client_reindex_begin(struct satchel *satchel)
{
    struct sat_arena arena;
    struct sat_again_done done;
    uint32_t number;
    sat_entropy_fill(&satchel->entropy, &number, sizeof number);
    sat_arena_init(&arena);
    enum sat_err err = sat_copied_set_number(satchel->store, number | SAT_PROVISIONAL);
    if (!err) err = write_again(satchel, satchel->keyring, client_device(satchel), false, &arena, &done);
    sat_arena_deinit(&arena);
    satchel->conflicts.known = false;
    client_touch(satchel);
    return err;
}

/* Behind something refused nothing moves; what stands in its place stays there, and what is behind that may move. */
static enum sat_err find_line(struct satchel *satchel, struct sat_arena *arena, struct sat_again_place **places,
                              uint32_t *n, bool *refused)
{
    enum sat_err err = find_places(satchel, arena, places, n);
    *refused = false;
    for (uint32_t i = 0; i < *n && !err && !*refused; i++) {
        struct sat_again_place *place = &(*places)[i];
        struct sat_bundle_row *rows;
        uint32_t rows_n;
        err = sat_store_bundles_pending(satchel->store, place->sid, 0, PENDING_MAX, arena, &rows, &rows_n);
        for (uint32_t k = 0; k < rows_n && !err; k++) {
            if (rows[k].state == SAT_BUNDLE_VOID)
                place->first = rows[k].first + rows[k].count;
            else
                *refused = *refused || rows[k].state != SAT_BUNDLE_NORMAL;
        }
    }
    return err;
}

static enum sat_err look(struct satchel *satchel, struct sat_arena *arena, bool *changed)
{
    bool refused;
    struct sat_again_done done = {0};
    struct sat_again_place *places;
    uint32_t n;
    enum sat_err err = find_line(satchel, arena, &places, &n, &refused);
    if (err || refused) return err;
    err = sat_store_mark(satchel->store);
    if (err) return err;
    err = write_places(satchel, satchel->keyring, client_device(satchel), false, places, n, arena, &done);
    *changed = !err && done.n > done.written;
    enum sat_err ended = sat_store_mark_end(satchel->store, *changed);
    if (ended) return ended;
    return sat_err_is_local(err) ? err : SAT_OK;
}

enum sat_err client_reindex_look(struct satchel *satchel, bool *changed)
{
    struct sat_arena arena;
    *changed = false;
    sat_arena_init(&arena);
    enum sat_err err = look(satchel, &arena, changed);
    sat_arena_deinit(&arena);
    if (*changed) satchel->conflicts.known = false;
    if (*changed) client_touch(satchel);
    return err;
}

/* ---- What a server has lost, and taken other work for ---- */

static enum sat_err take_over(struct satchel *satchel, int64_t sid, const struct sat_taken *from,
                              struct sat_arena *arena)
{
    struct client_known known;
    struct sat_vault vault = client_vault(satchel);
    struct sat_again_place place = {.sid = sid};
    struct sat_again_done done;
    uint32_t number;
    client_known_begin(&known, satchel);
    enum sat_err err = sat_copied_number(satchel->store, &number);
    struct sat_again again = {.device = number ? number : client_device(satchel),
                              .places = &place,
                              .places_n = 1,
                              .taken = from,
                              .origins = true,
                              .context = &known,
                              .known = client_known_look};
    if (!err) err = sat_author_again(&vault, &again, arena, &done);
    if (!err) err = client_known_settle(&known);
    if (!err) err = sat_store_meta_put_u64(satchel->store, SAT_TAKEN_KEY, 1);
    client_known_end(&known);
    return err;
}

enum sat_err client_reindex_take_over(struct satchel *satchel, int64_t sid, const struct sat_taken *from, bool *taken)
{
    struct sat_space_id space;
    struct sat_arena arena;
    *taken = false;
    enum sat_err err = client_space_of_sid(satchel, sid, &space);
    if (err || !(client_rights(satchel, &space) & SAT_RIGHT_WRITE)) return err;
    sat_arena_init(&arena);
    err = sat_store_mark(satchel->store);
    if (!err) {
        err = take_over(satchel, sid, from, &arena);
        *taken = !err;
        enum sat_err ended = sat_store_mark_end(satchel->store, *taken);
        if (ended || !sat_err_is_local(err)) err = ended;
    }
    sat_arena_deinit(&arena);
    satchel->conflicts.known = false;
    client_touch(satchel);
    return err;
}

enum sat_err client_reindex_look_back(struct satchel *satchel, int64_t sid, uint64_t now_ms, bool *changed)
{
    struct client_known known;
    struct sat_vault vault = client_vault(satchel);
    struct sat_again_place place = {.sid = sid};
    struct sat_again again = {.places = &place, .places_n = 1, .context = &known, .known = client_known_copy};
    enum sat_err err = SAT_OK;
    bool more = true;
    *changed = false;
    while (more && !err) {
        struct sat_taken from;
        client_known_begin(&known, satchel);
        err = sat_author_find_known(&vault, &again, &from, &more);
        client_known_end(&known);
        from.now_ms = now_ms;
        if (!err && more) err = client_reindex_take_over(satchel, sid, &from, &more);
        *changed = *changed || more;
    }
    return err;
}

void client_reindex_rest(struct satchel *satchel)
{
    struct sat_store *store = satchel->store;
    uint64_t drafts, bundles = 0, changes;
    if (sat_store_in_transaction(store) || sat_store_draft_count(store, &drafts) || drafts) return;
    if (sat_store_pending_count(store, &bundles, &changes) || bundles || sat_store_begin(store)) return;
    enum sat_err err = sat_was_clear(store);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
}

static enum sat_err put_index(struct satchel *satchel, uint32_t device, const struct sat_keyring *next,
                              struct sat_span sealed)
{
    struct sat_public_key own = sat_keyring_sign_public(next);
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_put_u32(&bytes, device);
    sat_put_span(&bytes, sealed);
    enum sat_err err = sat_store_meta_put(satchel->store, INDEX, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    if (!err) err = sat_store_meta_put(satchel->store, "device_key", SAT_SPAN(own.b)); /* membership.c */
    if (!err) err = sat_store_meta_put(satchel->store, CANDIDATE, (struct sat_span){0});
    return err ? err : sat_copied_clear(satchel->store);
}

static enum sat_err finish(struct satchel *satchel, struct sat_arena *arena)
{
    struct sat_span sealed;
    struct sat_again_done done;
    struct sat_keyring *candidate = NULL, *next = NULL;
    enum sat_err err = get_candidate(satchel, arena, &sealed);
    if (!err) err = sat_keyring_index_open(satchel->keyring, sealed, 0, &candidate);
    uint32_t device = err ? 0 : find_device(satchel, candidate);
    if (!err && !device) err = SAT_ERR_CORRUPT;
    if (!err) err = sat_keyring_index_open(satchel->keyring, sealed, device, &next);
    uint32_t number = 0;
    if (!err) err = sat_copied_number(satchel->store, &number);
    /* What was in the log when the home learned that it is a copy, and is not any more, as the server was set back. */
    if (!err && number) err = write_again(satchel, satchel->keyring, client_device(satchel), true, arena, &done);
    if (!err) err = sat_copied_set_number(satchel->store, 0); /* what is written from here on is the new device's */
    if (!err) err = write_again(satchel, next, number ? number : client_device(satchel), false, arena, &done);
    if (!err) err = put_index(satchel, device, next, sealed);
    sat_keyring_free(candidate);
    sat_keyring_free(next);
    return err;
}

enum sat_err client_reindex_finish(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = finish(satchel, &arena);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err take(struct satchel *satchel, struct sat_arena *arena)
{
    struct sat_span bytes;
    struct sat_reader reader;
    struct sat_keyring *next;
    bool found;
    enum sat_err err = sat_store_meta_get(satchel->store, INDEX, arena, &bytes, &found);
    if (err || bytes.len == 0) return err;
    sat_reader_init(&reader, bytes);
    uint32_t device = sat_take_u32(&reader);
    err = sat_keyring_index_open(satchel->keyring, sat_take_span(&reader, sat_reader_left(&reader)), device, &next);
    if (!err) sat_keyring_become(satchel->keyring, next);
    return err;
}

enum sat_err client_reindex_take(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = take(satchel, &arena);
    sat_arena_deinit(&arena);
    satchel->conflicts.known = false;
    client_touch(satchel);
    return err;
}

const char *client_reindex_text(const struct satchel *satchel, struct sat_arena *arena)
{
    const struct sat_device *own = sat_directory_device(&satchel->directory, client_device(satchel));
    return sat_arena_format(arena,
                            "this home was a copy, or an older state, of the home of device %u: it is device %u from "
                            "now on, and has written again what waited here; if the other one is in no use any more, "
                            "or in wrong hands, an admin revokes both, and invites anew",
                            own ? (unsigned)own->parent : 0, (unsigned)client_device(satchel));
}

void client_reindex_tell(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    client_alert_keep(satchel, CLIENT_ALERT_HOME_COPIED, client_reindex_text(satchel, &arena));
    sat_arena_deinit(&arena);
}
