#include "client/act.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/conflicts.h"
#include "client/membership.h"
#include "client/names.h"
#include "client/proposal.h"
#include "client/sync.h"
#include "client/wipe.h"
#include "common/proof/directory_index.h"

enum { TIMEOUT_MS = 30 * 1000, REKEY_POKES_MAX = 3 };

/* ---- Who ---- */

static enum sat_err check_role(struct satchel *satchel, enum client_author author)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, client_device(satchel));
    if (author == CLIENT_BY_ANYONE) return SAT_OK;
    if (device && device->revoked_seq) return sat_fail(&satchel->fault, SAT_ERR_REVOKED, NULL);
    if (device && !device->approved_seq)
        return sat_fail(&satchel->fault, SAT_ERR_DENIED,
                        "this device waits for approval: an admin runs `satchel device approve %u`",
                        (unsigned)device->number);
    bool may = author == CLIENT_BY_MEMBER || client_is_admin(satchel) ||
               (author == CLIENT_BY_MANAGER && client_is_manager(satchel));
    if (may) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_DENIED, "only an admin%s may do that",
                    author == CLIENT_BY_MANAGER ? " or a manager" : "");
}

enum sat_err client_act_begin(struct satchel *satchel, enum client_author author)
{
    client_begin(satchel);
    free(satchel->proposal);
    satchel->proposal = NULL;
    if (satchel->tx)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open: commit it or roll it back first");
    enum sat_err err = client_wipe_check(satchel);
    if (!err) err = check_role(satchel, author);
    if (err || author == CLIENT_BY_MEMBER || author == CLIENT_BY_ANYONE) return err;
    const struct sat_sign_key *key = &sat_keyring_secrets(satchel->keyring)->admin;
    if (!sodium_is_zero(key->b, sizeof key->b)) return SAT_OK;
    if (!sat_keyring_has_admin(satchel->keyring))
        return sat_fail(&satchel->fault, SAT_ERR_DENIED,
                        "this device has no admin key, as it joined before its user had the role: join anew");
    return sat_fail(&satchel->fault, SAT_ERR_LOCKED, "the admin key is locked: the admin's own passphrase is needed");
}

enum sat_err client_act_check_sees(struct satchel *satchel)
{
    return check_role(satchel, CLIENT_BY_MANAGER);
}

const char *client_act_user(struct satchel *satchel, uint32_t user, struct sat_arena *arena)
{
    const char *name = client_user_name(satchel, user, arena);
    return name ? name : sat_arena_format(arena, "user %u", (unsigned)user);
}

enum sat_err client_act_check_manages(struct satchel *satchel, uint32_t user)
{
    if (!client_is_manager(satchel) || sat_directory_manages(&satchel->directory, client_user(satchel), user))
        return SAT_OK;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = sat_fail(&satchel->fault, SAT_ERR_DENIED,
                                "you do not manage %.100s: a manager manages reps who use no territory but those that "
                                "he or she manages; an admin may do it",
                                client_act_user(satchel, user, &arena));
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_act_find_user(struct satchel *satchel, const char *name, uint32_t *user)
{
    enum sat_err err = client_find_user(satchel, name ? name : "", user, &satchel->fault);
    if (err != SAT_ERR_NOT_FOUND) return err;
    bool reached;
    enum sat_err local = client_sync_to_find(satchel, &reached);
    if (local || !reached) return local ? local : err;
    return client_find_user(satchel, name ? name : "", user, &satchel->fault);
}

enum sat_err client_act_find_space(struct satchel *satchel, const char *name, struct sat_space_id *space)
{
    enum sat_err err = client_find_space(satchel, name ? name : "", space, &satchel->fault);
    if (err != SAT_ERR_NOT_FOUND) return err;
    bool reached;
    enum sat_err local = client_sync_to_find(satchel, &reached);
    if (local || !reached) return local ? local : err;
    return client_find_space(satchel, name ? name : "", space, &satchel->fault);
}

enum sat_err client_act_refuse_taken(struct satchel *satchel, const char *what, const char *taken, const char *name)
{
    if (!taken) return satchel->unread; /* where a name could not be read, it may be that one */
    const char *why = strcmp(taken, name) == 0 ? "" : ": names that differ only in case or white space count as one";
    return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "there is a %s \"%.100s\" already%s", what, taken, why);
}

/* ---- The links ---- */

/* By the server's clock, as it judges what expires; the directory's own time never goes back. */
static uint64_t directory_time(const struct satchel *satchel)
{
    uint64_t now_ms = satchel->session ? client_session_time(satchel->session) : client_now_ms();
    return now_ms > satchel->directory.time_ms ? now_ms : satchel->directory.time_ms;
}

/* Reads it now, and did not before the links. */
static bool reads_anew(const struct client_act *act, const struct sat_directory *ahead,
                       const struct sat_space_id *space)
{
    uint8_t before = sat_directory_rights(ahead, space, act->rekey_for, act->before_seq);
    return !(before & SAT_RIGHT_READ) &&
           (sat_directory_rights(ahead, space, act->rekey_for, ahead->seq) & SAT_RIGHT_READ);
}

/* A new epoch of each space that the user reads anew and this device too, unless it has had one since. */
static enum sat_err build_rekeying(struct client_act *act, struct client_links *links)
{
    const struct sat_directory *ahead = &links->ahead;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < ahead->spaces_n && !err; i++) {
        const struct sat_space_id *space = &ahead->spaces[i].id;
        const struct sat_epoch *epoch = sat_directory_epoch(ahead, space, ahead->spaces[i].epoch);
        bool reads = reads_anew(act, ahead, space) && (client_rights(act->satchel, space) & SAT_RIGHT_READ);
        if (!epoch || !reads || epoch->seq > act->rekeyed_seq) continue;
        if (!client_links_has_room(links, space)) return SAT_OK; /* asked again when these are in */
        err = client_links_add_epoch(links, space);
    }
    act->rekeyed = !err && links->n == 0;
    return err;
}

static enum sat_err build_batch(struct client_act *act, struct client_links *links)
{
    links->kit = act->satchel->kit;
    if (!act->appended) act->before_seq = links->ahead.seq;
    enum sat_err err = act->appended ? build_rekeying(act, links) : act->build(act->context, links);
    if (err || !links->proposes) return err;
    act->proposed = true;
    free(act->satchel->proposal);
    act->satchel->proposal = client_proposal_text(&links->links[links->n], links->boxes + links->boxes_done,
                                                  links->boxes_n - links->boxes_done, act->name);
    return SAT_OK;
}

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct client_act *act = context;
    struct client_links links;
    *out = (struct sat_link_batch){0};
    if ((act->appended && !act->rekey_for) || act->proposed) return SAT_OK; /* poked for the names' sake: no more */
    enum sat_err err =
        client_links_begin(&links, act->satchel, directory_time(act->satchel), arena, &act->satchel->fault);
    if (!err) err = build_batch(act, &links);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    act->waits_for_keys = err == SAT_ERR_DEBT && !act->waited_for_keys; /* somebody else changed a key a moment ago */
    if (!act->waits_for_keys) return err;
    act->satchel->fault = (struct sat_fault){0};
    return SAT_OK;
}

static enum sat_err links_appended(void *context)
{
    struct client_act *act = context;
    if (act->appended) return SAT_OK;
    act->appended = true;
    act->rekeyed_seq = act->satchel->directory.seq;
    return act->after ? act->after(act->context) : SAT_OK;
}

/* ---- The session ---- */

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    struct client_act *act = context;
    uint16_t type;
    bool conflict;
    switch (action->notice) {
    case SAT_NOTICE_LINKS_APPENDED:
        client_session_poke(session); /* more links or the names follow */
        return false;
    case SAT_NOTICE_IN_SYNC:
    case SAT_NOTICE_IDLE:
        if (act->waits_for_keys) { /* they have come, if ever */
            act->waited_for_keys = true;
            client_session_poke(session);
            return false;
        }
        /* What is owed was paid first, and may have been taken for all that there was to do. */
        if (act->appended && act->rekey_for && !act->rekeyed && act->rekey_pokes++ < REKEY_POKES_MAX) {
            client_session_poke(session);
            return act->rekeyed; /* there is nothing to do: nothing will come that could end the session */
        }
        return act->appended || act->proposed;
    case SAT_NOTICE_RECORD:
        (void)!client_conflicts_look(act->satchel, action->sid, &action->record, false,
                                     client_session_is_alone(session, action), &type, &conflict);
        return false;
    case SAT_NOTICE_CONNECTED:
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_REFUSED:
    case SAT_NOTICE_LINKS_REFUSED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_FAILED:
    case SAT_NOTICE_HANDED_IN:
    case SAT_NOTICE_SPACE_LOST:
    case SAT_NOTICE_DEBT:
    case SAT_NOTICE_SET_BACK:
    case SAT_NOTICE_ANEW:
    case SAT_NOTICE_REVOKED:
    case SAT_NOTICE_BRAKE:
    case SAT_NOTICE_WIPED:
    case SAT_NOTICE_REINDEXED:
        return false;
    }
    return false;
}

enum sat_err client_act_run(struct client_act *act)
{
    struct satchel *satchel = act->satchel;
    struct client_session_config config = {
        .replica = {.hooks = {.context = act, .build_links = build_links, .links_appended = links_appended},
                    .links_when_pulled = act->when_pulled},
        .urls = {act->url},
        .timeout_ms = TIMEOUT_MS,
        .notice = on_notice,
        .context = act,
    };
    struct client_session_result result;
    enum sat_err err = client_conflicts_known(satchel);
    if (!err) err = client_sync_run(satchel, &config, &result);
    /* A network that goes once the links are in takes nothing back; what this device could not write down, such as the
     * name of who was added, is missing. */
    if (err && (!act->appended || sat_err_is_local(err))) return err;
    client_touch(satchel);
    if (act->ends) return SAT_OK;
    err = client_conflicts_save(satchel);
    return err ? err : client_membership_synced(satchel, result.met_at, result.in_sync);
}
