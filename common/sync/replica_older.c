/* A server of an earlier version: it says of a question that was added since that this does not belong there, and ends
 * the session. Each such question has a note of its own in meta, as a server may know the one and not the other: the
 * server's time until which it is not asked (docs/decisions/0286). */
#include "common/sync/held.h"
#include "common/sync/replica_state.h"
#include "common/sync/taken.h"

enum { UNKNOWN_MS = 24 * 3600 * 1000 }; /* an upgrade is noticed within a day */

enum sat_err replica_is_unknown(struct replica_step *step, const char *question, bool *unknown)
{
    uint64_t until_ms;
    enum sat_err err = sat_store_meta_get_u64(step->replica->config.store, question, 0, &until_ms);
    *unknown = !err && replica_now(step) < until_ms;
    return err;
}

static enum sat_err note(struct replica_step *step, const char *question, uint64_t until_ms)
{
    struct sat_store *store = step->replica->config.store;
    uint64_t noted_ms;
    enum sat_err err = sat_store_meta_get_u64(store, question, 0, &noted_ms);
    if (err || noted_ms == until_ms) return err;
    err = replica_begin(step);
    return err ? err : sat_store_meta_put_u64(store, question, until_ms);
}

enum sat_err replica_is_known(struct replica_step *step, const char *question)
{
    return note(step, question, 0);
}

static bool is_doubting(const struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (replica->subs[i].doubted) return true;
    return false;
}

static bool is_asking_held(const struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->leaving_n; i++)
        if (replica_awaits_held(&replica->leaving[i])) return true;
    return false;
}

bool replica_may_be_unknown(const struct sat_replica *replica)
{
    return is_doubting(replica) || is_asking_held(replica);
}

enum sat_err replica_is_not_understood(struct replica_step *step)
{
    uint64_t until_ms = replica_now(step) + UNKNOWN_MS;
    enum sat_err err = SAT_OK;
    if (is_doubting(step->replica)) err = note(step, SAT_UNSHOWN_KEY, until_ms);
    if (!err && is_asking_held(step->replica)) err = note(step, SAT_UNHELD_KEY, until_ms);
    if (err) return err;
    return sat_fail(&step->fault, SAT_ERR_CLOSED,
                    "the server is of an earlier version, and does not know what this device asks; try again");
}
