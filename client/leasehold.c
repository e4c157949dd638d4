#include "client/leasehold.h"

#include "client/clocks.h"
#include "client/handle.h"
#include "client/wipe.h"
#include "common/base/limits.h"

static const char KEY[] = "lease";
enum { WRITE_EVERY_MS = 3600 * 1000, RENEW_EVERY_MS = 60 * 1000 };

static enum sat_policy policy_of(uint8_t role)
{
    switch ((enum sat_role)role) {
    case SAT_ROLE_ADMIN:
        return SAT_POLICY_LEASE_ADMIN;
    case SAT_ROLE_MANAGER:
        return SAT_POLICY_LEASE_MANAGER;
    case SAT_ROLE_REP:
        return SAT_POLICY_LEASE_REP;
    case SAT_ROLE_AUDITOR:
        return SAT_POLICY_LEASE_AUDITOR;
    case SAT_ROLE_SERVICE:
        return SAT_POLICY_LEASE_SERVICE;
    }
    return SAT_POLICY_LEASE_REP;
}

uint32_t client_lease_days(const struct satchel *satchel)
{
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    return (uint32_t)sat_directory_policy(&satchel->directory, policy_of(user ? user->role : SAT_ROLE_REP));
}

/* A failure to write it is none of who only wants to read: the next look counts the same time again. */
static void write(struct satchel *satchel)
{
    struct client_leasehold *hold = &satchel->leasehold;
    struct sat_store *store = satchel->store;
    if (sat_store_in_transaction(store) || sat_store_begin(store)) return;
    struct sat_buf buf;
    sat_buf_init(&buf);
    client_lease_encode(&hold->lease, &buf);
    enum sat_err err = sat_store_meta_put(store, KEY, sat_buf_span(&buf));
    if (!err) err = sat_store_commit(store);
    if (err) {
        sat_store_rollback(store);
    } else {
        hold->written_ms = hold->lease.elapsed_ms;
        hold->due = false;
    }
    sat_buf_deinit(&buf);
}

/* The lease as the store has it; one that begins now where there is none yet. */
static void load(struct satchel *satchel, const struct client_clocks *now)
{
    struct client_leasehold *hold = &satchel->leasehold;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_span bytes;
    bool found = false;
    if (sat_store_meta_get(satchel->store, KEY, &arena, &bytes, &found)) found = false;
    hold->loaded = true;
    hold->due = !found || !client_lease_decode(bytes, &hold->lease);
    if (hold->due) client_lease_renew(&hold->lease, 0, now);
    hold->written_ms = hold->lease.elapsed_ms;
    sat_arena_deinit(&arena);
}

static void look(struct satchel *satchel)
{
    struct client_leasehold *hold = &satchel->leasehold;
    struct client_clocks now = {0};
    if (hold->loaded) now = hold->lease.at; /* its boot is ours */
    client_clocks_read(&now);
    if (!hold->loaded) load(satchel, &now);
    if (client_lease_look(&hold->lease, &now)) hold->due = true;
}

/* The lease as it is now. It is written down when that is due, and else once an hour. */
static const struct client_lease *lease_now(struct satchel *satchel)
{
    struct client_leasehold *hold = &satchel->leasehold;
    look(satchel);
    if (hold->due || hold->lease.elapsed_ms - hold->written_ms >= WRITE_EVERY_MS) write(satchel);
    return &hold->lease;
}

void client_lease_met(struct satchel *satchel, uint64_t server_ms)
{
    struct client_leasehold *hold = &satchel->leasehold;
    look(satchel);
    /* One connection tells it several times. */
    if (!server_ms || (hold->lease.server_ms && hold->lease.elapsed_ms < RENEW_EVERY_MS)) return;
    struct client_clocks now = hold->lease.at;
    client_lease_renew(&hold->lease, server_ms, &now);
    hold->due = true;
    write(satchel);
}

void client_lease_still_met(struct satchel *satchel)
{
    look(satchel);
    const struct client_lease *lease = &satchel->leasehold.lease;
    if (lease->server_ms) client_lease_met(satchel, lease->server_ms + lease->elapsed_ms);
}

bool client_lease_has_lapsed(struct satchel *satchel)
{
    return client_lease_lapsed(lease_now(satchel), client_lease_days(satchel));
}

enum sat_err client_lease_check(struct satchel *satchel)
{
    if (client_wipe_check(satchel))
        return sat_fail(&satchel->fault, SAT_ERR_LOCKED, "this device was wiped by its admins");
    if (!client_lease_has_lapsed(satchel)) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_LOCKED,
                    "this device has not met its server for %llu days, and shows nothing after %u: sync first (what is "
                    "written is kept and goes along)",
                    (unsigned long long)(satchel->leasehold.lease.elapsed_ms / SAT_DAY_MS),
                    (unsigned)client_lease_days(satchel));
}

uint64_t client_lease_left_ms(struct satchel *satchel)
{
    uint64_t all_ms = client_lease_days(satchel) * SAT_DAY_MS, elapsed_ms = lease_now(satchel)->elapsed_ms;
    return elapsed_ms < all_ms ? all_ms - elapsed_ms : 0;
}

uint64_t client_lease_renewed_ms(struct satchel *satchel)
{
    return lease_now(satchel)->server_ms;
}
