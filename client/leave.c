/* satchel_leave(): this device takes itself out, and nothing of it stays here. */
#include <inttypes.h>
#include <stdlib.h>

#include "client/act.h"
#include "client/bundles.h"
#include "client/conflicts.h"
#include "client/home.h"
#include "client/sync.h"
#include "client/view/view.h"

/* What is nowhere but here: drafts, bundles under way, and what the server refused, unless the admins have that. */
static enum sat_err check_synced(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_space_row *spaces;
    uint32_t n = 0;
    uint64_t drafts = 0;
    struct client_waiting work = {0};
    enum sat_err err = sat_store_draft_count(satchel->store, &drafts);
    if (!err) err = sat_store_spaces(satchel->store, &arena, &spaces, &n);
    for (uint32_t i = 0; i < n && !err; i++) err = client_count_waiting(satchel, spaces[i].sid, &work);
    sat_arena_deinit(&arena);
    uint64_t waiting = drafts + work.pending;
    if (err || !(waiting || work.refused)) return err;
    if (!work.refused)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                        "%" PRIu64 " changes are not synced yet, and would be lost: run `satchel sync` first", waiting);
    return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                    "%" PRIu64 " changes are not synced yet and %" PRIu64 " were refused by the server: all of them "
                    "would be lost (see `satchel refused`)",
                    waiting, work.refused);
}

static bool is_approved(const struct satchel *satchel)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, client_device(satchel));
    return device && device->approved_seq;
}

static enum sat_err build_leaving(void *context, struct client_links *links)
{
    struct satchel *satchel = context;
    /* By now all of the logs is here, and what there was is sent; of who was never let in, nothing. */
    enum sat_err err = is_approved(satchel) ? check_synced(satchel) : SAT_OK;
    return err ? err : client_links_add_revoke(links, client_device(satchel));
}

/* Only the lock stays until the handle is closed. */
static void remove_home(struct satchel *satchel)
{
    client_view_discard(satchel);
    sat_store_close(satchel->store);
    satchel->store = NULL;
    client_home_remove(satchel->home, true);
}

int satchel_leave(struct satchel *satchel)
{
    struct client_act act = {.satchel = satchel, .context = satchel, .build = build_leaving, .ends = true};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ANYONE);
    bool approved = is_approved(satchel);
    if (!err) (void)client_sync_quietly(satchel);
    if (!err && approved) err = check_synced(satchel);
    act.when_pulled = approved; /* who waits for approval has no logs */
    bool out = sat_directory_out(&satchel->directory, client_device(satchel)) != 0;
    if (!err && !out) err = client_act_run(&act);
    int number = client_end(satchel, err);
    if (!err) remove_home(satchel);
    return number;
}
