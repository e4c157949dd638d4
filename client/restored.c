#include "client/restored.h"

#include "client/act.h"

static const char KEY[] = "recovering";

enum sat_err client_restored_waits(struct satchel *satchel, uint64_t *from)
{
    return sat_store_meta_get_u64(satchel->store, KEY, 0, from);
}

void client_restored_note(struct satchel *satchel, uint64_t from)
{
    struct sat_store *store = satchel->store;
    uint64_t known;
    if (sat_store_in_transaction(store) || client_restored_waits(satchel, &known) || known == from) return;
    if (sat_store_begin(store)) return;
    enum sat_err err = sat_store_meta_put_u64(store, KEY, from);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store); /* the next sync will say it again */
}

static enum sat_err build(void *context, struct client_links *links)
{
    struct sat_body_log_epoch body = {.from = *(const uint64_t *)context};
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_log_epoch_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_LOG_EPOCH, &buf);
    sat_buf_deinit(&buf);
    return err;
}

enum sat_err client_restored_confirm(struct satchel *satchel)
{
    uint64_t from = 0;
    struct client_act act = {.satchel = satchel, .context = &from, .build = build};
    enum sat_err err = client_restored_waits(satchel, &from);
    if (err || !from) return err;
    err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    return err ? err : client_act_run(&act);
}
