/* The client appends to the directory: what the application wishes, and epochs that are owed. */
#include <string.h>

#include "common/sync/replica_state.h"

static enum sat_err take_countersign(struct sat_span bytes, struct sat_countersign *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    out->time_ms = sat_take_u64(&in);
    sat_take_bytes(&in, out->signature.b, sizeof out->signature.b);
    return sat_reader_end(&in);
}

/* ---- Sending ---- */

static struct sat_list encode_boxes(struct replica_step *step, const struct sat_box *boxes, uint32_t n)
{
    struct sat_span *items = sat_arena_array(step->arena, n, sizeof *items);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        sat_box_encode(&boxes[i], &item);
        items[i] = sat_span_copy(step->arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    return (struct sat_list){items, n};
}

static struct sat_list encode_links(struct replica_step *step, const struct sat_link_batch *batch)
{
    struct sat_span *items = sat_arena_array(step->arena, batch->n, sizeof *items);
    for (uint32_t i = 0; i < batch->n; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        sat_link_encode(&batch->links[i], &item);
        items[i] = sat_span_copy(step->arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    return (struct sat_list){items, batch->n};
}

static void send_create(struct replica_step *step, const struct sat_link_batch *batch)
{
    struct sat_message message = {.type = SAT_MESSAGE_CREATE};
    message.as.CREATE = (struct sat_message_CREATE){.token = step->replica->config.token,
                                                    .links = encode_links(step, batch),
                                                    .boxes = encode_boxes(step, batch->boxes, batch->boxes_n)};
    replica_send(step, &message);
}

static void send_append(struct replica_step *step, const struct sat_link_batch *batch)
{
    for (uint32_t done = 0; done < batch->boxes_n;) {
        uint32_t left = batch->boxes_n - done, n = left < SAT_BOXES_PER_MESSAGE_MAX ? left : SAT_BOXES_PER_MESSAGE_MAX;
        struct sat_message message = {.type = SAT_MESSAGE_BOXES};
        message.as.BOXES.boxes = encode_boxes(step, batch->boxes + done, n);
        replica_send(step, &message);
        done += n;
    }
    struct sat_message message = {.type = SAT_MESSAGE_APPEND};
    message.as.APPEND.links = encode_links(step, batch);
    replica_send(step, &message);
}

/* Grows with everything that links may have been built upon. */
static uint64_t version(const struct sat_replica *replica)
{
    uint64_t sum = replica->config.directory->seq;
    for (uint32_t i = 0; i < replica->subs_n; i++) sum += replica->subs[i].row.log.size;
    return sum;
}

static void send_batch(struct replica_step *step, enum link_batch_kind kind)
{
    struct sat_replica *replica = step->replica;
    replica->wish = WISH_SENT;
    replica->batch_kind = kind;
    replica->version_sent = version(replica);
    if (replica->config.mode == SAT_REPLICA_CREATE)
        send_create(step, &replica->batch);
    else
        send_append(step, &replica->batch);
}

static enum sat_err begin_batch(struct replica_step *step)
{
    sat_arena_reset(&step->replica->batch_arena);
    step->replica->batch = (struct sat_link_batch){0};
    return replica_begin(step);
}

/* ---- What the application wishes ---- */

static bool is_pulled(const struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (!replica->subs[i].head_here && replica_may_read(replica, &replica->subs[i].row.id)) return false;
    return replica->subs_n > 0;
}

enum sat_err replica_wish(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    if (replica->wish != WISH_OPEN || version(replica) == replica->version_stale) return SAT_OK;
    if (replica->config.links_when_pulled && !is_pulled(replica)) return SAT_OK;
    enum sat_err err = begin_batch(step);
    if (!err && replica->config.links_when_pulled) err = replica_save_spaces(replica); /* the hook reads them there */
    if (err) return err;
    err = hooks->build_links(hooks->context, &replica->batch_arena, &replica->batch);
    if (sat_err_is_local(err)) return err;
    replica->batch_kind = BATCH_WISH;
    if (err) return replica_append_refused(step, err, sat_span_text(sat_err_text(err)));
    replica->wish = WISH_NONE;
    if (replica->batch.n) send_batch(step, BATCH_WISH);
    return SAT_OK;
}

/* ---- Epochs that are owed ---- */

static bool work_waits(const struct sat_replica *replica, const struct sat_space_id *space)
{
    for (uint32_t i = 0; i < replica->frozen.owing_n; i++)
        if (sat_space_equal(&replica->frozen.owing[i], space)) return true;
    return false;
}

/* Whoever used the kit to repudiate may lack the key: then anybody who has it pays. */
static bool is_repudiated(const struct sat_directory *directory, const struct sat_space_id *space)
{
    const struct sat_space *known = sat_directory_space(directory, space);
    const struct sat_epoch *epoch = known ? sat_directory_epoch(directory, space, known->epoch) : NULL;
    return epoch && epoch->seq < directory->repudiated_seq;
}

/* Whose work waits pays, and who is there to see to it that nobody reads who must not. */
static bool is_payer(const struct sat_replica *replica, const struct sat_space_id *space)
{
    const struct sat_directory *directory = replica->config.directory;
    const struct sat_device *device = sat_directory_device(directory, replica->config.device);
    const struct sat_user *user = device ? sat_directory_user(directory, device->user) : NULL;
    uint8_t rights = sat_directory_device_rights(directory, space, replica->config.device, directory->seq);
    if (!(rights & SAT_RIGHT_READ)) return false;
    return work_waits(replica, space) || (user && user->role == SAT_ROLE_ADMIN) || (rights & SAT_RIGHT_MANAGE) ||
           is_repudiated(directory, space);
}

static uint32_t find_debts(const struct replica_step *step, struct sat_space_id out[SAT_LINKS_PER_APPEND_MAX])
{
    const struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    uint32_t n = 0;
    for (uint32_t i = 0; i < directory->spaces_n && n < SAT_LINKS_PER_APPEND_MAX; i++) {
        const struct sat_space_id *space = &directory->spaces[i].id;
        if (sat_directory_owed(directory, space, replica_now(step)) && is_payer(replica, space)) out[n++] = *space;
    }
    return n;
}

/* Once a session. */
static enum sat_err tell_debts(struct replica_step *step, enum sat_err why, struct sat_span text)
{
    struct sat_replica *replica = step->replica;
    struct sat_space_id spaces[SAT_LINKS_PER_APPEND_MAX];
    uint32_t n = replica->told_debt ? 0 : find_debts(step, spaces);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_space_row row;
        bool found;
        enum sat_err err = sat_store_space_find(replica->config.store, &spaces[i], &row, &found);
        if (err) return err;
        struct sat_action *notice = replica_notice(step, SAT_NOTICE_DEBT);
        notice->space = spaces[i];
        notice->sid = found ? row.sid : 0;
        notice->err = why;
        notice->text = sat_arena_text(step->out->arena, (const char *)text.at, text.len);
    }
    if (n) replica->told_debt = true;
    return SAT_OK;
}

static enum sat_err give_up_debts(struct replica_step *step, enum sat_err why, struct sat_span text)
{
    step->replica->debts_given_up = true;
    return tell_debts(step, why, text);
}

enum sat_err replica_pay(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    struct sat_space_id spaces[SAT_LINKS_PER_APPEND_MAX];
    uint64_t at = replica->config.directory->seq + 1;
    if (replica->wish != WISH_NONE || replica->boxes_asked || replica->debts_given_up) return SAT_OK;
    if (replica->debts_at == at && replica->debts_owing == replica->frozen.owing_n) return SAT_OK;
    replica->debts_at = at;
    replica->debts_owing = replica->frozen.owing_n;
    uint32_t n = find_debts(step, spaces);
    if (n == 0) return SAT_OK;
    enum sat_err err = begin_batch(step);
    if (err) return err;
    if (hooks->pay_debts)
        err = hooks->pay_debts(hooks->context, replica_now(step), spaces, n, &replica->batch_arena, &replica->batch);
    if (sat_err_is_local(err)) return err;
    if (err) return give_up_debts(step, err, sat_span_text(sat_err_text(err)));
    if (replica->batch.n == 0) return tell_debts(step, SAT_ERR_DEBT, sat_span_text(sat_err_text(SAT_ERR_DEBT)));
    send_batch(step, BATCH_DEBTS);
    return SAT_OK;
}

/* ---- A new index ---- */

static enum sat_err finish_reindex(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = replica_begin(step);
    if (!err) err = replica_save_spaces(replica);
    if (!err) err = replica->config.hooks.reindexed(replica->config.hooks.context);
    replica->ending = ENDING_REINDEXED;
    return err;
}

enum sat_err replica_reindex(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    if (version(replica) == replica->version_stale) return SAT_OK;
    enum sat_err err = begin_batch(step);
    if (err) return err;
    replica->batch_kind = BATCH_REINDEX;
    err = replica->config.hooks.reindex(replica->config.hooks.context, &replica->batch_arena, &replica->batch);
    if (sat_err_is_local(err)) return err;
    if (err) return replica_append_refused(step, err, sat_span_text(sat_err_text(err)));
    if (replica->batch.n == 0) return finish_reindex(step);
    send_batch(step, BATCH_REINDEX);
    return SAT_OK;
}

/* ---- Who was expelled is back ---- */

/* As soon as it is here, before it brings what waited: from then on nothing is forgotten without it. */
enum sat_err replica_say_back(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_config *config = &replica->config;
    const struct sat_directory *directory = config->directory;
    uint64_t at = directory->seq + 1;
    if (replica->wish != WISH_NONE || replica->back_refused || replica->back_at == at ||
        !sat_directory_expelled(directory, config->device, NULL))
        return SAT_OK;
    enum sat_err err = begin_batch(step);
    if (err) return err;
    struct sat_link *link = sat_arena_alloc(&replica->batch_arena, sizeof *link);
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_expel_encode(&(struct sat_body_expel){config->device}, &body);
    *link = (struct sat_link){.seq = at,
                              .prev = sat_directory_hash_at(directory, directory->seq),
                              .author = config->device,
                              .type = SAT_LINK_EXPEL,
                              .critical = 1,
                              .suite = 1,
                              .body = sat_span_copy(&replica->batch_arena, sat_buf_span(&body))};
    sat_buf_deinit(&body);
    sat_link_finish(link, &replica->batch_arena);
    sat_link_sign(link, SAT_SIGNER_DEVICE, config->device, &directory->org, config->key);
    replica->batch = (struct sat_link_batch){.links = link, .n = 1};
    replica->back_at = at;
    send_batch(step, BATCH_BACK);
    return SAT_OK;
}

/* ---- The answer ---- */

static enum sat_err keep_batch(struct replica_step *step, const struct sat_list *signs)
{
    const struct sat_replica *replica = step->replica;
    const struct sat_link_batch *batch = &replica->batch;
    for (uint32_t i = 0; i < batch->n; i++) {
        struct sat_countersign sign;
        enum sat_err err = take_countersign(signs->at[i], &sign);
        if (err) return err;
        if (batch->links[i].seq <= replica->config.directory->seq) continue;
        struct sat_buf bytes;
        sat_buf_init(&bytes);
        sat_link_encode(&batch->links[i], &bytes);
        struct sat_link again; /* as received: decoded from the bytes that are kept */
        err = sat_link_decode(sat_buf_span(&bytes), &again);
        if (!err) err = replica_keep_link(step, &again, sat_buf_span(&bytes), &sign);
        sat_buf_deinit(&bytes);
        if (err) return err;
    }
    return SAT_OK;
}

/* Our batch is in the directory: apply and keep it, with the server's countersignatures. */
enum sat_err replica_appended(struct replica_step *step, const struct sat_message_APPENDED *message)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    if (replica->wish != WISH_SENT || message->signs.n != replica->batch.n)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "nothing was to be appended");
    bool creates = replica->config.mode == SAT_REPLICA_CREATE;
    if (creates) replica->config.org = sat_link_org(&replica->batch.links[0]);
    enum sat_err err = keep_batch(step, &message->signs);
    if (err) return err;
    if (replica->dir_goal < replica->config.directory->seq) replica->dir_goal = replica->config.directory->seq;
    replica->wish = WISH_NONE;
    if (replica->batch_kind == BATCH_DEBTS || replica->batch_kind == BATCH_BACK) {
        replica_notice(step, SAT_NOTICE_DIRECTORY);
        return SAT_OK;
    }
    if (replica->batch_kind == BATCH_REINDEX) return finish_reindex(step);
    err = replica_begin(step);
    if (!err && hooks->links_appended) err = hooks->links_appended(hooks->context);
    replica_notice(step, creates ? SAT_NOTICE_CREATED : SAT_NOTICE_LINKS_APPENDED);
    return err;
}

/* STALE: something came first that is here by now, or on its way. What has not come when the server has answered once
 * more (to a question for no box) does not count: then it is tried again all the same, and in the end it is refused. */
static bool try_again(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    bool changed = version(replica) != replica->version_sent;
    if (replica->batch.n == 0 || replica->config.mode == SAT_REPLICA_CREATE) return false;
    if (replica->batch_kind == BATCH_DEBTS) {
        if (changed) replica->debts_at = 0;
        return true; /* as soon as there is more of the directory */
    }
    if (replica->batch_kind == BATCH_BACK) return true; /* the same */
    replica->stale = changed ? 0 : replica->stale + 1;
    if (replica->stale >= STALE_MAX) return false;
    if (replica->batch_kind == BATCH_WISH) replica->wish = WISH_OPEN;
    replica->version_stale = replica->version_sent;
    if (changed || replica->boxes_asked) return true;
    replica_send_wants(step, (struct sat_list){0});
    return true;
}

enum sat_err replica_append_refused(struct replica_step *step, enum sat_err err, struct sat_span text)
{
    struct sat_replica *replica = step->replica;
    replica->wish = WISH_NONE;
    if (err == SAT_ERR_STALE && try_again(step)) return SAT_OK;
    if (replica->batch_kind == BATCH_DEBTS) return give_up_debts(step, err, text);
    if (replica->batch_kind == BATCH_BACK) {
        replica->back_refused = true; /* a server that takes no links now; it is a member all the same */
        return SAT_OK;
    }
    if (replica->batch_kind == BATCH_REINDEX) replica->reindex_refused = true;
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_LINKS_REFUSED);
    notice->err = err;
    notice->text = sat_arena_text(step->out->arena, (const char *)text.at, text.len);
    return SAT_OK;
}
