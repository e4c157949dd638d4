/* A server that was put back from an older copy: what its directory has lost is given back by whoever has it, link by
 * link as it was, each under the countersignature that this server gave it. Until an admin has said that all is back
 * (a LOG_EPOCH link) nobody extends the directory, so that it never goes two ways. */
#include "common/sync/host_state.h"

static const char KEY[] = "recovering";

enum sat_err host_recovering_load(struct sat_host *host)
{
    return sat_store_meta_get_u64(host->store, KEY, 0, &host->recovering);
}

static void tell(struct host_step *step, const struct host_peer *peer)
{
    struct sat_message message = {.type = SAT_MESSAGE_RECOVERING};
    message.as.RECOVERING.from = step->host->recovering;
    host_send(step, peer->id, &message);
}

static enum sat_err keep(struct host_step *step, uint64_t from)
{
    struct sat_host *host = step->host;
    enum sat_err err = host_begin(step);
    if (!err) err = sat_store_meta_put_u64(host->store, KEY, from);
    if (err) return err;
    host->recovering = from;
    for (uint32_t i = 0; i < host->peers_n; i++)
        if (host->peers[i]->state == HOST_PEER_DEVICE) tell(step, host->peers[i]);
    return SAT_OK;
}

static enum sat_err came_back(struct host_step *step, uint64_t from)
{
    return step->host->recovering ? SAT_OK : keep(step, from);
}

enum sat_err host_came_back(struct host_step *step)
{
    return came_back(step, step->host->directory.seq);
}

void host_tell_recovering(struct host_step *step, const struct host_peer *peer)
{
    if (step->host->recovering) tell(step, peer);
}

/* ---- Links that come back ---- */

/* One that is here already must be the same. */
static enum sat_err compare(const struct sat_host *host, const struct sat_link *link, struct sat_fault *fault)
{
    struct sat_hash here = sat_directory_hash_at(&host->directory, link->seq), there = sat_link_id(link);
    if (sat_hash_equal(&here, &there)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_FORK, "the directory has gone two ways at link %llu", (unsigned long long)link->seq);
}

static enum sat_err take_link(struct host_step *step, uint64_t seq, struct sat_span item, struct sat_fault *fault)
{
    struct sat_host *host = step->host;
    struct sat_link_row row = {.seq = seq};
    struct sat_reader reader;
    struct sat_link link;
    sat_reader_init(&reader, item);
    row.sign.time_ms = sat_take_u64(&reader);
    sat_take_bytes(&reader, row.sign.signature.b, sizeof row.sign.signature.b);
    row.bytes = sat_take_span(&reader, sat_reader_left(&reader));
    enum sat_err err = sat_reader_end(&reader);
    if (!err) err = sat_link_decode(row.bytes, &link);
    if (!err && link.seq != seq) err = SAT_ERR_MALFORMED;
    if (err) return err;
    if (seq <= host->directory.seq) return compare(host, &link, fault);
    if (seq != host->directory.seq + 1)
        return sat_fail(fault, SAT_ERR_PROTOCOL, "link %llu does not follow on what is here", (unsigned long long)seq);
    err = sat_directory_apply(&host->directory, &link, &row.sign, 0, SAT_DIRECTORY_VERIFY, fault);
    if (err) /* whatever the reducer says: it was never here, or it was countersigned by nobody here */
        return sat_fail(fault, SAT_ERR_TAMPERED, "link %llu was never of this directory", (unsigned long long)seq);
    /* Not before: whoever can reach the port can send a link, and only a true one shows that the server was set back.
     */
    step->directory_changed = true;
    err = came_back(step, seq - 1);
    if (!err) err = host_begin(step);
    if (!err) err = sat_store_link_append(host->store, &row);
    if (!err && link.type == SAT_LINK_SPACE) err = host_open_space(host->store, &link);
    return err;
}

/* What came into the logs before was accepted under an older directory than heads have said that it was under: devices
 * are told by a new life why. */
enum sat_err host_return_links(struct host_step *step, const struct sat_message_RETURN_LINKS *message,
                               struct sat_fault *fault)
{
    uint64_t before = step->host->directory.seq;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < message->links.n && !err; i++)
        err = take_link(step, message->first_seq + i, message->links.at[i], fault);
    bool grown = false;
    if (!err && step->host->directory.seq > before) err = host_has_grown(step, &grown);
    return err || !grown ? err : host_begin_lives(step, message->links.at[0]);
}

/* ---- Until an admin has confirmed ---- */

enum sat_err host_check_recovering(const struct sat_host *host, const struct sat_link *first, struct sat_fault *fault)
{
    if (!host->recovering || first->type == SAT_LINK_LOG_EPOCH) return SAT_OK;
    return sat_fail(fault, SAT_ERR_DENIED,
                    "the server was put back from an older copy: an admin has to run `satchel sync --confirm-restore` "
                    "before anything is changed");
}

enum sat_err host_confirmed(struct host_step *step)
{
    if (!step->host->recovering) return SAT_OK;
    enum sat_err err = keep(step, 0);
    return err ? err : host_decide_again(step);
}
