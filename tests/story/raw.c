#include "tests/story/raw.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/subscription.h"
#include "tests/story/world_parts.h"

struct raw_heard {
    struct sat_message message;
    struct raw_heard *next;
};

/* ---- Talking ---- */

static void hear(struct raw *raw, struct sat_span bytes)
{
    struct raw_heard *heard = sat_arena_alloc(&raw->arena, sizeof *heard), **at = &raw->heard;
    must(sat_message_decode(sat_span_copy(&raw->arena, bytes), SAT_SENDER_SERVER, &raw->arena, &heard->message));
    while (*at) at = &(*at)->next;
    *at = heard;
}

static void take_action(struct raw *raw, const struct sat_action *action)
{
    if (action->peer != raw->peer) return;
    if (action->kind == SAT_ACTION_SEND) hear(raw, action->bytes);
    if (action->kind == SAT_ACTION_WRITABLE) raw->writable = true;
    if (action->kind != SAT_ACTION_CLOSE) return;
    raw->closed = true;
    raw->err = action->err;
}

/* Of one world. */
static void step_all(struct raw *const *raws, uint32_t raws_n, const struct sat_event *events, uint32_t n)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    must(sat_host_step(raws[0]->world->host, raws[0]->world->now_ms, events, n, &actions));
    for (const struct sat_action *action = actions.first; action; action = action->next)
        for (uint32_t i = 0; i < raws_n; i++) take_action(raws[i], action);
    sat_arena_deinit(&arena);
}

static void step(struct raw *raw, const struct sat_event *event)
{
    step_all(&raw, 1, event, 1);
}

void raw_open(struct raw *raw, struct world *world)
{
    *raw = (struct raw){.world = world, .peer = world->next_peer++};
    sat_arena_init(&raw->arena);
    sat_entropy_fill(&world->dice, raw->client_nonce, sizeof raw->client_nonce);
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = raw->peer};
    memcpy(event.client_nonce, raw->client_nonce, sizeof event.client_nonce);
    step(raw, &event);
    raw->hello = *raw_hear(raw, SAT_MESSAGE_HELLO);
}

void raw_end(struct raw *raw)
{
    if (!raw->closed) step(raw, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = raw->peer});
    sat_arena_deinit(&raw->arena);
}

void raw_say(struct raw *raw, const struct sat_message *message)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_message_encode(message, &buf);
    step(raw, &(struct sat_event){.kind = SAT_EVENT_MESSAGE, .peer = raw->peer, .bytes = sat_buf_span(&buf)});
    sat_buf_deinit(&buf);
}

void raw_say_together(struct raw *const *raws, const struct sat_message *const *messages, uint32_t n)
{
    struct sat_event events[8] = {0};
    struct sat_buf bytes[8];
    sat_check(n <= 8);
    for (uint32_t i = 0; i < n; i++) {
        sat_buf_init(&bytes[i]);
        sat_message_encode(messages[i], &bytes[i]);
        events[i] =
            (struct sat_event){.kind = SAT_EVENT_MESSAGE, .peer = raws[i]->peer, .bytes = sat_buf_span(&bytes[i])};
    }
    step_all(raws, n, events, n);
    for (uint32_t i = 0; i < n; i++) sat_buf_deinit(&bytes[i]);
}

static void fetch(struct raw *raw)
{
    while (raw->writable && !raw->closed) {
        struct sat_buf frame;
        sat_buf_init(&frame);
        must(sat_host_frame(raw->world->host, raw->peer, raw->world->now_ms, &frame));
        raw->writable = frame.len > 0;
        if (frame.len) hear(raw, sat_buf_span(&frame));
        sat_buf_deinit(&frame);
    }
}

const struct sat_message *raw_hear(struct raw *raw, enum sat_message_type type)
{
    fetch(raw);
    for (struct raw_heard **at = &raw->heard; *at; at = &(*at)->next) {
        const struct raw_heard *heard = *at;
        if (heard->message.type != type) continue;
        *at = heard->next;
        return &heard->message;
    }
    return NULL;
}

uint64_t raw_hear_links(struct raw *raw)
{
    uint64_t last = 0;
    for (const struct sat_message *links; (links = raw_hear(raw, SAT_MESSAGE_LINKS)) != NULL;)
        last = links->as.LINKS.first_seq + links->as.LINKS.links.n - 1;
    return last;
}

/* ---- Who it is ---- */

static struct sat_auth auth_of(const struct raw *raw, uint32_t device, uint64_t dir_seq)
{
    const struct sat_directory *directory = sat_host_directory(raw->world->host);
    struct sat_auth auth = {.server = sat_sign_public(&raw->world->server_key),
                            .device = device,
                            .dir_seq = dir_seq,
                            .dir_hash = sat_directory_hash_at(directory, dir_seq)};
    memcpy(auth.client_nonce, raw->client_nonce, sizeof auth.client_nonce);
    memcpy(auth.server_nonce, raw->hello.as.HELLO.server_nonce, sizeof auth.server_nonce);
    return auth;
}

void raw_auth(struct raw *raw, const struct world_device *device, uint64_t dir_seq)
{
    const struct sat_directory *directory = sat_host_directory(raw->world->host);
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(device->handle.keyring);
    struct sat_auth auth = auth_of(raw, secrets->device, dir_seq);
    struct sat_signature signature = sat_auth_sign(&auth, &directory->org, &secrets->sign);
    struct sat_message message = {.type = SAT_MESSAGE_AUTH};
    message.as.AUTH = (struct sat_message_AUTH){.device = secrets->device, .dir_seq = dir_seq};
    memcpy(message.as.AUTH.signature, signature.b, sizeof signature.b);
    raw_say(raw, &message);
}

void raw_auth_kit(struct raw *raw, const struct sat_sign_key *kit)
{
    const struct sat_directory *directory = sat_host_directory(raw->world->host);
    struct sat_auth auth = auth_of(raw, 0, 0);
    auth.kit = true;
    struct sat_signature signature = sat_auth_sign(&auth, &directory->org, kit);
    struct sat_message message = {.type = SAT_MESSAGE_AUTH_KIT};
    memcpy(message.as.AUTH_KIT.signature, signature.b, sizeof signature.b);
    raw_say(raw, &message);
}

void raw_enter(struct raw *raw, struct world *world, const struct world_device *device)
{
    raw_open(raw, world);
    raw_auth(raw, device, sat_host_directory(world->host)->seq);
}

void raw_subscribe(struct raw *raw, uint32_t sub, const struct sat_space_id *space)
{
    struct sat_buf item;
    sat_buf_init(&item);
    sat_subscription_encode(&(struct sat_subscription){.sub = sub, .space = *space}, &item);
    struct sat_span span = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_SUBSCRIBE};
    message.as.SUBSCRIBE.subs = (struct sat_list){&span, 1};
    raw_say(raw, &message);
    sat_buf_deinit(&item);
}

/* ---- Bundles ---- */

void raw_bundle(struct raw_bundle *out, struct world *world, const struct world_device *device,
                const struct sat_space_id *space, uint64_t counter, const struct raw_bundle *prev, uint64_t dir_seq)
{
    const struct sat_directory *directory = sat_host_directory(world->host);
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(device->handle.keyring);
    *out = (struct raw_bundle){.header = {0, 0, 0, 0, 0, 0, 0, 1}};
    struct sat_manifest *m = &out->bundle.manifest;
    *m = (struct sat_manifest){.suite = SAT_SUITE_1,
                               .org = directory->org,
                               .space = *space,
                               .epoch = sat_directory_epoch_at(directory, space, dir_seq),
                               .device = secrets->device,
                               .first = counter,
                               .count = 1,
                               .dir_seq = dir_seq,
                               .dir_hash = sat_directory_hash_at(directory, dir_seq)};
    if (m->epoch == 0) m->epoch = 1; /* of a space that there is not */
    if (prev) m->prev = prev->bundle.id;
    out->change = (struct sat_change){.record = world_record((uint32_t)counter),
                                      .header = SAT_SPAN(out->header),
                                      .body = sat_span_text("nothing that anybody can open")};
    out->change.rest = sat_change_rest(out->change.header, out->change.body);
    out->bundle.changes = &out->change;
    m->changes_root = sat_changes_root(&out->change, 1);
    out->bundle.id = sat_bundle_id(m);
    out->bundle.signature = sat_bundle_sign(m, &secrets->sign);
    sat_buf_init(&out->bytes);
    sat_bundle_encode(&out->bundle, SAT_BUNDLE_FULL, &out->bytes);
}

void raw_bundle_free(struct raw_bundle *bundle)
{
    sat_buf_deinit(&bundle->bytes);
}

enum sat_err raw_push(struct raw *raw, uint32_t sub, const struct raw_bundle *bundle)
{
    struct sat_message message = {.type = SAT_MESSAGE_PUSH};
    message.as.PUSH = (struct sat_message_PUSH){.sub = sub, .bundle = sat_buf_span(&bundle->bytes)};
    raw_say(raw, &message);
    const struct sat_message *refused = raw_hear(raw, SAT_MESSAGE_REFUSED);
    return raw->closed ? raw->err : refused ? sat_err_from_wire(refused->as.REFUSED.error) : SAT_OK;
}

enum sat_err raw_hand_in(struct raw *raw, const struct raw_bundle *bundle)
{
    struct sat_message message = {.type = SAT_MESSAGE_HAND_IN};
    message.as.HAND_IN.bundle = sat_buf_span(&bundle->bytes);
    memcpy(message.as.HAND_IN.space, bundle->bundle.manifest.space.b, sizeof message.as.HAND_IN.space);
    raw_say(raw, &message);
    const struct sat_message *answer = raw_hear(raw, SAT_MESSAGE_HANDED_IN);
    if (raw->closed) return raw->err;
    sat_check(answer != NULL);
    sat_check(answer->as.HANDED_IN.first == bundle->bundle.manifest.first);
    return answer->as.HANDED_IN.error ? sat_err_from_wire(answer->as.HANDED_IN.error) : SAT_OK;
}

/* ---- Links ---- */

void raw_links_begin(struct raw_links *links, struct world *world)
{
    *links = (struct raw_links){.world = world};
    sat_arena_init(&links->arena);
}

void raw_links_end(struct raw_links *links)
{
    sat_arena_deinit(&links->arena);
}

void raw_links_add(struct raw_links *links, const struct world_device *author, bool admin, enum sat_link_type type,
                   const struct sat_buf *body)
{
    const struct sat_directory *directory = sat_host_directory(links->world->host);
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(author->handle.keyring);
    sat_check(links->n < SAT_LINKS_PER_APPEND_MAX);
    struct sat_link *link = &links->at[links->n];
    *link = (struct sat_link){
        .seq = directory->seq + links->n + 1,
        .prev = links->n ? sat_link_id(link - 1) : sat_directory_hash_at(directory, directory->seq),
        .author = secrets->device,
        .type = (uint16_t)type,
        .critical = 1,
        .suite = 1,
        .body = sat_span_copy(&links->arena, sat_buf_span(body)),
    };
    sat_link_finish(link, &links->arena);
    sat_link_sign(link, SAT_SIGNER_DEVICE, secrets->device, &directory->org, &secrets->sign);
    if (admin) sat_link_sign(link, SAT_SIGNER_ADMIN, secrets->device, &directory->org, &secrets->admin);
    links->n++;
}

struct sat_boxes raw_links_box(struct raw_links *links, const struct sat_space_id *space, uint32_t epoch,
                               const struct sat_recipient *recipients, uint32_t n)
{
    struct sat_box *boxes = sat_arena_array(&links->arena, links->boxes_n + n + 1, sizeof *boxes);
    if (links->boxes_n) memcpy(boxes, links->boxes, links->boxes_n * sizeof *boxes);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_box *box = &boxes[links->boxes_n + i];
        *box = (struct sat_box){
            .space = *space, .epoch = epoch, .kind = recipients[i].kind, .number = recipients[i].number};
        sat_entropy_fill(&links->world->dice, box->bytes, sizeof box->bytes);
    }
    links->boxes = boxes;
    struct sat_boxes out = {.root = sat_boxes_root(boxes + links->boxes_n, n), .count = n};
    links->boxes_n += n;
    return out;
}

void raw_links_revoke(struct raw_links *links, const struct world_device *author, bool admin, uint32_t device,
                      const struct sat_cut *cuts, uint16_t cuts_n)
{
    struct sat_body_revoke *body = sat_arena_alloc(&links->arena, sizeof *body);
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    body->device = device;
    body->cuts_n = cuts_n;
    if (cuts_n) memcpy(body->cuts, cuts, cuts_n * sizeof *cuts);
    sat_body_revoke_encode(body, &bytes);
    raw_links_add(links, author, admin, SAT_LINK_REVOKE, &bytes);
    sat_buf_deinit(&bytes);
}

void raw_links_wipe(struct raw_links *links, const struct world_device *author, uint32_t device)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_body_wipe_encode(&(struct sat_body_wipe){.device = device}, &bytes);
    raw_links_add(links, author, true, SAT_LINK_WIPE, &bytes);
    sat_buf_deinit(&bytes);
}

void raw_links_user(struct raw_links *links, const struct world_device *author, uint32_t user, uint8_t role,
                    uint8_t state)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_body_user_encode(&(struct sat_body_user){.user = user, .role = role, .state = state}, &bytes);
    raw_links_add(links, author, true, SAT_LINK_USER, &bytes);
    sat_buf_deinit(&bytes);
}

void raw_links_grant(struct raw_links *links, const struct world_device *author, const struct sat_space_id *space,
                     uint32_t user, uint8_t rights)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_body_grant_encode(&(struct sat_body_grant){.space = *space, .user = user, .rights = rights}, &bytes);
    raw_links_add(links, author, true, SAT_LINK_GRANT, &bytes);
    sat_buf_deinit(&bytes);
}

void raw_links_decide(struct raw_links *links, const struct world_device *author, enum sat_accept_what what,
                      uint32_t device, const struct sat_bundle *bundle)
{
    struct sat_body_accept body = {.what = (uint8_t)what, .device = device};
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    if (bundle) {
        body.space = bundle->manifest.space;
        body.bundle = bundle->id;
    }
    sat_body_accept_encode(&body, &bytes);
    raw_links_add(links, author, true, SAT_LINK_ACCEPT, &bytes);
    sat_buf_deinit(&bytes);
}

void raw_links_epoch(struct raw_links *links, const struct world_device *author, const struct sat_space_id *space,
                     const struct sat_recipient *recipients, uint32_t n)
{
    const struct sat_space *known = sat_directory_space(sat_host_directory(links->world->host), space);
    struct sat_body_epoch body = {.space = *space, .epoch = known->epoch + 1, .suite = 1};
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_entropy_fill(&links->world->dice, body.kc.b, sizeof body.kc.b);
    if (known->epoch) sat_entropy_fill(&links->world->dice, body.chain, sizeof body.chain);
    body.boxes = raw_links_box(links, space, body.epoch, recipients, n);
    sat_body_epoch_encode(&body, &bytes);
    raw_links_add(links, author, false, SAT_LINK_EPOCH, &bytes);
    sat_buf_deinit(&bytes);
}

static struct sat_span encoded(struct sat_arena *arena, const struct sat_link *link, const struct sat_box *box)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    if (link) sat_link_encode(link, &buf);
    if (box) sat_box_encode(box, &buf);
    struct sat_span out = sat_span_copy(arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    return out;
}

struct sat_message raw_append_message(const struct raw_links *links, struct sat_arena *arena)
{
    struct sat_span *items = sat_arena_array(arena, links->n, sizeof *items);
    for (uint32_t i = 0; i < links->n; i++) items[i] = encoded(arena, &links->at[i], NULL);
    struct sat_message message = {.type = SAT_MESSAGE_APPEND};
    message.as.APPEND.links = (struct sat_list){items, links->n};
    return message;
}

enum sat_err raw_append(struct raw *raw, const struct raw_links *links)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_span *items = sat_arena_array(&arena, links->boxes_n, sizeof *items);
    for (uint32_t i = 0; i < links->boxes_n; i++) items[i] = encoded(&arena, NULL, &links->boxes[i]);
    struct sat_message boxes = {.type = SAT_MESSAGE_BOXES};
    boxes.as.BOXES.boxes = (struct sat_list){items, links->boxes_n};
    if (links->boxes_n) raw_say(raw, &boxes);
    struct sat_message append = raw_append_message(links, &arena);
    if (!raw->closed) raw_say(raw, &append);
    sat_arena_deinit(&arena);
    const struct sat_message *refused = raw_hear(raw, SAT_MESSAGE_ERROR);
    if (raw->closed) return raw->err;
    if (refused) return sat_err_from_wire(refused->as.ERROR.error);
    sat_check(raw_hear(raw, SAT_MESSAGE_APPENDED) != NULL);
    return SAT_OK;
}

/* By the first admin's device. */
static void append_as_admin(struct world *world, const struct raw_links *links)
{
    struct raw admin;
    raw_enter(&admin, world, &world->devices[0]);
    must(raw_append(&admin, links));
    raw_end(&admin);
}

struct world_device *raw_join(struct world *world, const struct sat_invite_code *code, bool admin)
{
    const struct sat_directory *directory = sat_host_directory(world->host);
    struct world_device *device = world_holder(world, code, admin);
    struct sat_invite_keys keys;
    struct raw_links links;
    struct sat_buf bytes;
    sat_invite_keys_derive(code, &keys);
    struct sat_body_join body = {.invite = sat_invite_id(&keys.sign_public, &keys.box_public),
                                 .sign = sat_keyring_sign_public(device->handle.keyring),
                                 .box = sat_keyring_box_public(device->handle.keyring)};
    if (admin) body.admin_sign = sat_sign_public(&sat_keyring_secrets(device->handle.keyring)->admin);
    sat_buf_init(&bytes);
    sat_body_join_encode(&body, &bytes);
    sat_keyring_set_member(device->handle.keyring, &directory->org, directory->devices_n + 1);
    raw_links_begin(&links, world);
    raw_links_add(&links, device, false, SAT_LINK_JOIN, &bytes);
    uint32_t invite = (uint32_t)sat_directory_invite(directory, &body.invite)->seq;
    sat_link_sign(&links.at[0], SAT_SIGNER_INVITE, invite, &directory->org, &keys.sign);
    append_as_admin(world, &links);
    raw_links_end(&links);
    sat_buf_deinit(&bytes);
    if (directory->devices[directory->devices_n - 1].approved_seq) return device;
    raw_links_begin(&links, world);
    raw_links_decide(&links, &world->devices[0], SAT_ACCEPT_DEVICE, directory->devices_n, NULL);
    append_as_admin(world, &links);
    raw_links_end(&links);
    return device;
}

static int compare_cuts(const void *a, const void *b)
{
    const struct sat_cut *left = a, *right = b;
    return memcmp(left->space.b, right->space.b, sizeof left->space.b);
}

uint16_t raw_cuts(struct world *world, uint32_t device, struct sat_cut cuts[SAT_LINK_CUTS_MAX])
{
    struct sat_arena arena;
    struct sat_space_row *rows;
    uint32_t rows_n;
    uint16_t n = 0;
    sat_arena_init(&arena);
    must(sat_store_spaces(world->server_store, &arena, &rows, &rows_n));
    for (uint32_t i = 0; i < rows_n; i++) {
        struct sat_bundle_row tip;
        bool found;
        must(sat_store_bundle_tip(world->server_store, rows[i].sid, device, false, &tip, &found));
        if (found) cuts[n++] = (struct sat_cut){rows[i].id, tip.first + tip.count - 1, tip.id};
    }
    qsort(cuts, n, sizeof *cuts, compare_cuts);
    sat_arena_deinit(&arena);
    return n;
}

void raw_revoke(struct world *world, uint32_t device)
{
    struct sat_cut cuts[SAT_LINK_CUTS_MAX];
    struct raw_links links;
    raw_links_begin(&links, world);
    raw_links_revoke(&links, &world->devices[0], true, device, cuts, raw_cuts(world, device, cuts));
    append_as_admin(world, &links);
    raw_links_end(&links);
}
