#include "client/membership.h"

#include <stdio.h>
#include <string.h>

enum sat_err client_membership_put(struct satchel *satchel, const struct client_membership *membership)
{
    struct sat_store *store = satchel->store;
    enum sat_err err = sat_store_meta_put(store, "org", SAT_SPAN(membership->org.b));
    if (!err) err = sat_store_meta_put(store, "server_url", sat_span_text(membership->server_url));
    if (!err) err = sat_store_meta_put(store, "server_pin", SAT_SPAN(membership->server.b));
    if (!err && membership->org_name) err = sat_store_meta_put(store, "org_name", sat_span_text(membership->org_name));
    struct sat_public_key own = sat_keyring_sign_public(satchel->keyring);
    if (!err) err = sat_store_meta_put(store, "device_key", SAT_SPAN(own.b));
    return err;
}

/* A value of exactly `size` bytes. */
static enum sat_err get_bytes(struct satchel *satchel, const char *key, struct sat_arena *arena, void *out, size_t size)
{
    struct sat_span value;
    bool found = false;
    enum sat_err err = sat_store_meta_get(satchel->store, key, arena, &value, &found);
    if (err) return err;
    if (!found || value.len != size)
        return sat_fail(&satchel->fault, SAT_ERR_CORRUPT, "the store in %s does not say where it belongs (%s)",
                        satchel->home, key);
    memcpy(out, value.at, size);
    return SAT_OK;
}

static enum sat_err get_text(struct satchel *satchel, const char *key, struct sat_arena *arena, const char **out)
{
    struct sat_span value;
    bool found = false;
    enum sat_err err = sat_store_meta_get(satchel->store, key, arena, &value, &found);
    *out = !err && found ? sat_arena_text(arena, (const char *)value.at, value.len) : NULL;
    return err;
}

enum sat_err client_membership_get(struct satchel *satchel, struct sat_arena *arena, struct client_membership *out)
{
    *out = (struct client_membership){0};
    enum sat_err err = get_bytes(satchel, "org", arena, out->org.b, sizeof out->org.b);
    if (!err) err = get_bytes(satchel, "server_pin", arena, out->server.b, sizeof out->server.b);
    if (!err) err = get_text(satchel, "server_url", arena, &out->server_url);
    if (!err) err = get_text(satchel, "server_url_last", arena, &out->server_url_last);
    if (!err) err = get_text(satchel, "org_name", arena, &out->org_name);
    if (!err && !out->server_url)
        err = sat_fail(&satchel->fault, SAT_ERR_CORRUPT, "the store in %s does not say where its server is",
                       satchel->home);
    return err;
}

bool client_membership_none(struct satchel *satchel)
{
    struct sat_arena arena;
    struct sat_span value;
    bool found = true;
    sat_arena_init(&arena);
    bool none = !sat_store_meta_get(satchel->store, "org", &arena, &value, &found) && !found;
    sat_arena_deinit(&arena);
    return none;
}

bool client_membership_own(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_span value;
    bool found = false;
    struct sat_public_key own = sat_keyring_sign_public(satchel->keyring);
    bool other = !sat_store_meta_get(satchel->store, "device_key", &arena, &value, &found) && found &&
                 !sat_span_equal(value, SAT_SPAN(own.b));
    sat_arena_deinit(&arena);
    return !other;
}

static bool among(const char *const *urls, uint32_t n, const char *url)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(urls[i], url) == 0) return true;
    return false;
}

void client_membership_addresses(struct satchel *satchel, const struct client_membership *membership,
                                 struct sat_arena *arena, const char *urls[CLIENT_ADDRESSES_MAX])
{
    struct client_addresses *addresses = &satchel->addresses;
    const char *moved_to = sat_arena_format(arena, "%s", satchel->directory.server_url); /* links change it */
    const char *const all[] = {moved_to[0] ? moved_to : NULL, membership->server_url_last, membership->server_url};
    const char *known[CLIENT_ADDRESSES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < CLIENT_ADDRESSES_MAX; i++)
        if (all[i] && !among(known, n, all[i])) known[n++] = all[i];
    if (strcmp(addresses->known, moved_to) != 0) { /* it has moved: to the new address first */
        (void)snprintf(addresses->known, sizeof addresses->known, "%s", moved_to);
        addresses->next = 0;
    }
    for (uint32_t i = 0; i < CLIENT_ADDRESSES_MAX; i++) urls[i] = i < n ? known[(addresses->next + i) % n] : NULL;
}

enum sat_err client_membership_synced(struct satchel *satchel, const char *url, bool in_sync)
{
    struct sat_store *store = satchel->store;
    enum sat_err err = sat_store_begin(store);
    if (err) return err;
    err = sat_store_meta_put_u64(store, "last_sync_ms", client_now_ms());
    if (!err) err = sat_store_meta_put_u64(store, "last_in_sync", in_sync);
    if (!err) err = sat_store_meta_put(store, "server_url_last", sat_span_text(url));
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

enum sat_err client_membership_last_sync(struct satchel *satchel, uint64_t *ms, bool *in_sync)
{
    uint64_t flag = 0;
    enum sat_err err = sat_store_meta_get_u64(satchel->store, "last_sync_ms", 0, ms);
    if (!err) err = sat_store_meta_get_u64(satchel->store, "last_in_sync", 0, &flag);
    *in_sync = flag != 0;
    return err;
}
