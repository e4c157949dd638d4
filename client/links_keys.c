/* Links that hand out keys: spaces, epochs, grants, invites, approvals, with a box for each who is due one. */
#include <sodium.h>
#include <string.h>

#include "client/links.h"

enum { SUITE = 1, HEADS_MAX = 4 };

/* ---- Boxes ---- */

/* Seals the key to each recipient and adds the boxes behind those of earlier links; the root says which they are. */
static struct sat_boxes add_boxes(struct client_links *links, const struct sat_space_id *space, uint32_t epoch,
                                  const struct sat_epoch_key *key, const struct sat_recipient *recipients, uint32_t n)
{
    struct sat_box *boxes = sat_arena_array(links->arena, (size_t)links->boxes_n + n, sizeof *boxes);
    if (links->boxes_n) memcpy(boxes, links->boxes, links->boxes_n * sizeof *boxes);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_box *box = &boxes[links->boxes_n + i];
        *box = (struct sat_box){
            .space = *space, .epoch = epoch, .kind = recipients[i].kind, .number = recipients[i].number};
        sat_epoch_box_seal(key, &recipients[i].box, box->bytes);
    }
    links->boxes = boxes;
    struct sat_boxes out = {.root = sat_boxes_root(boxes + links->boxes_n, n), .count = n};
    links->boxes_n += n;
    return out;
}

/* The key of a space's current epoch; without it nobody can be let in. */
static enum sat_err current_key(struct client_links *links, const struct sat_space_id *space, uint32_t *epoch,
                                const struct sat_epoch_key **key)
{
    const struct sat_space *known = sat_directory_space(&links->ahead, space);
    *epoch = known ? known->epoch : 0;
    enum sat_err err = sat_keys_get(links->satchel->keys, &links->ahead, space, *epoch, key);
    if (err == SAT_ERR_DEBT)
        return sat_fail(links->fault, err,
                        "this device does not have the key of a territory yet: sync, then try again; where that does "
                        "not bring it (status says which), rotate gives that territory another");
    return err;
}

/* The same key of many spaces for one recipient: `due` says which. */
static enum sat_err add_boxes_for(struct client_links *links, const struct sat_recipient *recipient,
                                  bool (*due)(const struct client_links *links, const struct sat_space *space,
                                              uint32_t user),
                                  uint32_t user, struct sat_boxes *out)
{
    uint32_t first = links->boxes_n;
    for (uint32_t i = 0; i < links->ahead.spaces_n; i++) {
        const struct sat_space *space = &links->ahead.spaces[i];
        uint32_t epoch;
        const struct sat_epoch_key *key;
        if (space->epoch == 0 || !due(links, space, user)) continue;
        enum sat_err err = current_key(links, &space->id, &epoch, &key);
        if (err == SAT_ERR_DEBT && links->some_keys) continue;
        if (err) return err;
        (void)add_boxes(links, &space->id, epoch, key, recipient, 1);
    }
    out->count = links->boxes_n - first;
    out->root = sat_boxes_root(links->boxes + first, out->count);
    return SAT_OK;
}

/* What this device may not read either, somebody else lets the user into. */
static bool is_read(const struct client_links *links, const struct sat_space *space, uint32_t user)
{
    const struct sat_directory *ahead = &links->ahead;
    uint32_t own = client_device(links->satchel);
    return (sat_directory_rights(ahead, &space->id, user, ahead->seq) & SAT_RIGHT_READ) &&
           (sat_directory_device_rights(ahead, &space->id, own, ahead->seq) & SAT_RIGHT_READ);
}

static bool is_any(const struct client_links *links, const struct sat_space *space, uint32_t user)
{
    (void)links, (void)space, (void)user;
    return true;
}

/* ---- Epochs ---- */

static struct sat_epoch_ctx context(const struct client_links *links, const struct sat_space_id *space, uint32_t epoch)
{
    return (struct sat_epoch_ctx){.org = links->ahead.org, .space = *space, .epoch = epoch, .suite = SUITE};
}

/* An epoch with this key for all who are due it; `previous` is NULL in the first, else the key of epoch `back`. */
static enum sat_err add_epoch(struct client_links *links, const struct sat_space_id *space, uint32_t epoch,
                              const struct sat_epoch_key *key, const struct sat_epoch_key *previous, uint32_t back)
{
    struct sat_epoch_ctx ctx = context(links, space, epoch), previous_ctx = context(links, space, back);
    struct sat_body_epoch body = {
        .space = *space, .epoch = epoch, .suite = SUITE, .kc = sat_epoch_commitment(key, &ctx)};
    if (previous) {
        uint8_t nonce[24];
        sat_epoch_chain_nonce(epoch, back, nonce);
        sat_epoch_chain_seal(key, &ctx, previous, &previous_ctx, nonce, body.chain);
    }
    struct sat_recipient *recipients;
    uint32_t n = sat_directory_recipients(&links->ahead, space, links->now_ms, links->arena, &recipients);
    if (n > SAT_BOXES_PER_LINK_MAX)
        return sat_fail(links->fault, SAT_ERR_TOO_LARGE, "%u devices are due a key, %d can be", (unsigned)n,
                        SAT_BOXES_PER_LINK_MAX);
    body.boxes = add_boxes(links, space, epoch, key, recipients, n);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_epoch_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_EPOCH, &buf);
    sat_buf_deinit(&buf);
    return err;
}

/* A narrow space is nobody's by role: who makes it has it by grant, until that is taken back. It has no key yet. */
static enum sat_err add_first_grant(struct client_links *links, const struct sat_space_id *space)
{
    struct sat_buf body;
    struct sat_body_grant grant = {.space = *space,
                                   .user = client_user(links->satchel),
                                   .rights = SAT_RIGHT_READ | SAT_RIGHT_WRITE | SAT_RIGHT_MANAGE};
    grant.boxes = add_boxes(links, space, 0, NULL, NULL, 0);
    sat_buf_init(&body);
    sat_body_grant_encode(&grant, &body);
    enum sat_err err = client_links_add(links, SAT_LINK_GRANT, &body);
    sat_buf_deinit(&body);
    return err;
}

enum sat_err client_links_add_space(struct client_links *links, const struct sat_space_id *space,
                                    enum sat_space_kind kind, struct sat_epoch_key *key)
{
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_space_encode(&(struct sat_body_space){.space = *space, .kind = (uint8_t)kind}, &body);
    enum sat_err err = client_links_add(links, SAT_LINK_SPACE, &body);
    if (!err && kind == SAT_SPACE_NARROW) err = add_first_grant(links, space);
    if (!err) sat_entropy_fill(&links->satchel->entropy, key->b, sizeof key->b);
    if (!err) err = add_epoch(links, space, 1, key, NULL, 0);
    sat_buf_deinit(&body);
    return err;
}

enum sat_err client_links_look_back(struct satchel *satchel, const struct sat_space_id *space, bool *torn)
{
    struct sat_keys_head heads[2];
    uint32_t n;
    enum sat_err err = sat_keys_heads(satchel->keys, &satchel->directory, space, heads, 2, &n);
    if (!err && n > 1) *torn = true;
    return err;
}

/* How many epochs of the space still go into this batch, with a box each for all; the first always does. */
static uint32_t room(const struct client_links *links, const struct sat_space_id *space)
{
    struct sat_recipient *recipients;
    uint32_t n = sat_directory_recipients(&links->ahead, space, links->now_ms, links->arena, &recipients);
    uint32_t by_links = CLIENT_LINKS_MAX - links->n;
    uint32_t by_boxes = n ? (SAT_BOXES_PER_LINK_MAX - links->boxes_n) / n : HEADS_MAX;
    uint32_t least = by_links < by_boxes ? by_links : by_boxes;
    return least < 1 ? 1 : least < HEADS_MAX ? least : HEADS_MAX;
}

/* One epoch for each head, the newest of them last, as it is the one that everybody gets: each is the twin of the next,
 * and its chain seals a head's key. */
static enum sat_err add_epochs(struct client_links *links, const struct sat_space_id *space, uint32_t first,
                               const struct sat_keys_head *heads, uint32_t n)
{
    struct sat_epoch_key keys[HEADS_MAX], previous;
    enum sat_err err = SAT_OK;
    sat_entropy_fill(&links->satchel->entropy, keys[n - 1].b, sizeof keys[n - 1].b);
    for (uint32_t i = n - 1; i > 0; i--) {
        struct sat_epoch_ctx ctx = context(links, space, first + i - 1);
        keys[i - 1] = sat_epoch_twin(&keys[i], &ctx);
    }
    for (uint32_t i = 0; i < n && !err; i++) {
        const struct sat_keys_head *head = &heads[n - 1 - i];
        const struct sat_epoch_key *held;
        err = sat_keys_get(links->satchel->keys, &links->ahead, space, head->epoch, &held);
        if (err) break;
        previous = *held;
        err = add_epoch(links, space, first + i, &keys[i], &previous, head->epoch);
    }
    sodium_memzero(keys, sizeof keys);
    sodium_memzero(&previous, sizeof previous);
    return err;
}

enum sat_err client_links_add_epoch(struct client_links *links, const struct sat_space_id *space)
{
    struct sat_keys_head heads[HEADS_MAX];
    uint32_t n;
    const struct sat_space *known = sat_directory_space(&links->ahead, space);
    enum sat_err err = sat_keys_heads(links->satchel->keys, &links->ahead, space, heads, room(links, space), &n);
    if (err) return err;
    if (!known || n == 0)
        return sat_fail(links->fault, SAT_ERR_DEBT,
                        "this device has no key of that territory yet: sync, then try again");
    return add_epochs(links, space, known->epoch + 1, heads, n);
}

bool client_links_has_room(const struct client_links *links, const struct sat_space_id *space)
{
    if (links->n == 0) return true;
    if (links->n == CLIENT_LINKS_MAX || links->proposes) return false;
    struct sat_recipient *recipients;
    uint32_t n = sat_directory_recipients(&links->ahead, space, links->now_ms, links->arena, &recipients);
    return n <= SAT_BOXES_PER_LINK_MAX - links->boxes_n;
}

/* *some: this device is an admin's or a manager's and has some key of the space. A key that a repudiated device made is
 * waited for: others may have it, and the kit's holder has an older one alone. */
static enum sat_err find_older(const struct client_links *links, const struct sat_space_id *space, bool *some)
{
    struct satchel *satchel = links->satchel;
    const struct sat_device *device = sat_directory_device(&links->ahead, client_device(satchel));
    const struct sat_user *user = device ? sat_directory_user(&links->ahead, device->user) : NULL;
    struct sat_keys_head head;
    uint32_t n = 0;
    enum sat_err err = SAT_OK;
    const struct sat_space *known = sat_directory_space(&links->ahead, space);
    const struct sat_epoch *epoch = known ? sat_directory_epoch(&links->ahead, space, known->epoch) : NULL;
    *some = false;
    if (!epoch || epoch->seq < links->ahead.repudiated_seq) return SAT_OK;
    if (user && (user->role == SAT_ROLE_ADMIN || (client_rights(satchel, space) & SAT_RIGHT_MANAGE)))
        err = sat_keys_heads(satchel->keys, &links->ahead, space, &head, 1, &n);
    *some = n > 0;
    return err;
}

enum sat_err client_links_pay(struct satchel *satchel, uint64_t now_ms, const struct sat_space_id *spaces, uint32_t n,
                              struct sat_arena *arena, struct sat_link_batch *out)
{
    struct client_links links;
    *out = (struct sat_link_batch){0};
    enum sat_err err = client_links_begin(&links, satchel, now_ms, arena, &satchel->fault);
    for (uint32_t i = 0; i < n && !err; i++) {
        const struct sat_space *space = sat_directory_space(&links.ahead, &spaces[i]);
        const struct sat_epoch_key *key;
        bool some = true;
        if (!space || !sat_directory_owed(&links.ahead, &space->id, now_ms)) continue;
        if (!client_links_has_room(&links, &space->id)) break;
        /* Whoever has the key pays; with an older one, who sees to the space: it may be that nobody has the newest. */
        enum sat_err held = sat_keys_get(satchel->keys, &links.ahead, &space->id, space->epoch, &key);
        if (held == SAT_ERR_DEBT) held = find_older(&links, &space->id, &some);
        if (!held && !some) continue;
        err = held ? held : client_links_add_epoch(&links, &space->id);
    }
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    return err;
}

/* ---- Grants, invites, approvals, the kit ---- */

enum sat_err client_links_add_grant(struct client_links *links, const struct sat_space_id *space, uint32_t user,
                                    uint8_t rights)
{
    struct sat_body_grant grant = {.space = *space, .user = user, .rights = rights};
    bool reads = sat_directory_rights(&links->ahead, space, user, links->ahead.seq) & SAT_RIGHT_READ;
    enum sat_err err = SAT_OK;
    if ((rights & SAT_RIGHT_READ) && !reads) {
        uint32_t epoch;
        const struct sat_epoch_key *key;
        err = current_key(links, space, &epoch, &key);
        struct sat_recipient *recipients;
        uint32_t n = sat_directory_recipients_of_user(&links->ahead, user, links->now_ms, links->arena, &recipients);
        if (!err) grant.boxes = add_boxes(links, space, epoch, key, recipients, n);
    }
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_grant_encode(&grant, &body);
    if (!err) err = client_links_add(links, SAT_LINK_GRANT, &body);
    sat_buf_deinit(&body);
    return err;
}

enum sat_err client_links_add_invite(struct client_links *links, struct sat_body_invite *body)
{
    struct sat_recipient recipient = {.kind = SAT_BOX_INVITE, .number = links->ahead.seq + 1, .box = body->box};
    bool in_advance = body->role == SAT_ROLE_REP || body->role == SAT_ROLE_SERVICE; /* others wait for approval */
    enum sat_err err = in_advance ? add_boxes_for(links, &recipient, is_read, body->user, &body->boxes) : SAT_OK;
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_invite_encode(body, &buf);
    if (!err) err = client_links_add(links, SAT_LINK_INVITE, &buf);
    sat_buf_deinit(&buf);
    return err;
}

enum sat_err client_links_add_approval(struct client_links *links, uint32_t device)
{
    const struct sat_device *known = sat_directory_device(&links->ahead, device);
    struct sat_body_accept body = {.what = SAT_ACCEPT_DEVICE, .device = device};
    enum sat_err err = SAT_OK;
    if (known && !known->approved_seq) {
        struct sat_recipient recipient = {.kind = SAT_BOX_DEVICE, .number = device, .box = known->box};
        err = add_boxes_for(links, &recipient, is_read, known->user, &body.boxes);
    }
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_accept_encode(&body, &buf);
    if (!err) err = client_links_add(links, SAT_LINK_ACCEPT, &buf);
    sat_buf_deinit(&buf);
    return err;
}

enum sat_err client_links_box_for_kit(struct client_links *links, const struct sat_public_key *kit_box,
                                      struct sat_boxes *out)
{
    struct sat_recipient recipient = {.kind = SAT_BOX_KIT, .number = links->ahead.seq + 1, .box = *kit_box};
    return add_boxes_for(links, &recipient, is_any, 0, out);
}
