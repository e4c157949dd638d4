#include "client/membership.h"

#include <string.h>

enum sat_err client_membership_put(struct satchel *satchel, const struct client_membership *membership)
{
    struct sat_store *store = satchel->store;
    enum sat_err err = sat_store_meta_put(store, "org", SAT_SPAN(membership->org.b));
    if (!err) err = sat_store_meta_put(store, "server_url", sat_span_text(membership->server_url));
    if (!err) err = sat_store_meta_put(store, "server_pin", SAT_SPAN(membership->server.b));
    if (!err && membership->org_name) err = sat_store_meta_put(store, "org_name", sat_span_text(membership->org_name));
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
    if (!err) err = get_text(satchel, "org_name", arena, &out->org_name);
    if (!err && !out->server_url)
        err = sat_fail(&satchel->fault, SAT_ERR_CORRUPT, "the store in %s does not say where its server is",
                       satchel->home);
    return err;
}

enum sat_err client_membership_synced(struct satchel *satchel, uint64_t now_ms, bool in_sync)
{
    struct sat_store *store = satchel->store;
    enum sat_err err = sat_store_begin(store);
    if (err) return err;
    err = sat_store_meta_put_u64(store, "last_sync_ms", now_ms);
    if (!err) err = sat_store_meta_put_u64(store, "last_in_sync", in_sync);
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
