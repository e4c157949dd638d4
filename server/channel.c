#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/wire/message.h"
#include "server/certificate.h"
#include "server/clock.h"
#include "server/sockets_state.h"
#include "server/upgrade.h"

enum {
    FLUSH_WITHIN_S = 5, /* for the last messages to an ending peer … */
    CLOSE_WITHIN_S = 2  /* … and then for its answer to our close frame */
};

/* libwebsockets sends a close frame by itself only when a reading callback fails; ours comes after what waits to be
 * written. Its header leaves this number out (it is reserved there), its writer knows it. */
#define WRITE_CLOSE ((enum lws_write_protocol)4)

/* ---- Ending a peer ---- */

/* What it said before it closed by itself is heard; what comes behind an error is not. */
static void leave_org(struct satd_sockets *sockets, struct satd_peer *peer, bool heard)
{
    satd_turns_forget(&sockets->turns, peer);
    peer->has_frames = peer->granted = false;
    peer->behind_since_ms = 0;
    if (peer->account) satd_quota_leave(peer->account);
    if (peer->guest) satd_guest_leave(peer->guest, heard);
    if (peer->known) sockets->known--;
    peer->account = NULL;
    peer->guest = NULL;
    peer->org = NULL;
}

void satd_channel_cut(struct satd_sockets *sockets, struct satd_peer *peer, const char *why)
{
    if (peer->state == SATD_PEER_ENDED) return;
    bool open = peer->state == SATD_PEER_OPEN;
    peer->state = SATD_PEER_ENDED;
    peer->why = why;
    satd_journal_slow(&sockets->journal, peer);
    if (open) leave_org(sockets, peer, false);
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

/* Closes the peer when its outbox has been written. */
static void end(struct satd_sockets *sockets, struct satd_peer *peer, const char *why)
{
    if (peer->state != SATD_PEER_OPEN) return;
    peer->state = SATD_PEER_ENDING;
    peer->why = why;
    sat_buf_deinit(&peer->incoming);
    leave_org(sockets, peer, false);
    if (peer->paused) (void)lws_rx_flow_control(peer->wsi, 1); /* its close is to be read */
    peer->paused = false;
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, FLUSH_WITHIN_S);
    lws_callback_on_writable(peer->wsi);
}

static void send_message(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span message)
{
    if (!satd_outbox_put(&peer->outbox, message)) {
        satd_channel_cut(sockets, peer, "it does not read");
        return;
    }
    satd_journal_told(&sockets->journal, peer, message);
    if (peer->guest && peer->outbox.bytes > SATD_OUTBOX_BYTES_ENOUGH) satd_guest_hold(peer->guest, true);
    lws_callback_on_writable(peer->wsi);
}

void satd_channel_refuse(struct satd_sockets *sockets, struct satd_peer *peer, const struct satd_refusal *refusal)
{
    struct sat_buf message;
    if (peer->state != SATD_PEER_OPEN) return;
    satd_journal_refused(&sockets->journal, peer, refusal->err);
    sat_buf_init(&message);
    sat_host_error(refusal->err, refusal->retry_ms, refusal->text, &message);
    send_message(sockets, peer, sat_buf_span(&message));
    sat_buf_deinit(&message);
    end(sockets, peer, refusal->text);
}

static void refuse(struct satd_sockets *sockets, struct satd_peer *peer, enum sat_err err, const char *text)
{
    struct satd_refusal refusal = {.err = err, .text = text ? text : sat_err_text(err)};
    satd_channel_refuse(sockets, peer, &refusal);
}

/* ---- Attempts to show who one is ---- */

/* It was no failure after all: it succeeded, or nobody has judged it. */
static void forgive_attempt(struct satd_sockets *sockets, struct satd_peer *peer)
{
    if (peer->attempted) satd_guesses_forgive(&sockets->guesses, &peer->ip);
    peer->attempted = false;
}

/* Once for each peer: after a failure it is closed. */
static struct satd_refusal begin_attempt(struct satd_sockets *sockets, struct satd_peer *peer)
{
    if (peer->known || peer->attempted) return (struct satd_refusal){0};
    uint64_t wait_ms = satd_guesses_begin(&sockets->guesses, &peer->ip, satd_mono_us());
    peer->attempted = wait_ms == 0;
    if (peer->attempted) return (struct satd_refusal){0};
    struct satd_refusal refusal = {SAT_ERR_BUSY, satd_retry_ms(wait_ms),
                                   "too many attempts from your network have failed: wait before the next"};
    satd_journal_attempts_limited(&sockets->journal, peer, refusal.retry_ms);
    return refusal;
}

/* A device is heard whatever others behind its address have done; only its own failure counts as one. */
static void judge_attempt(struct satd_sockets *sockets, struct satd_peer *peer, const struct sat_action *closed)
{
    bool failed = closed->stranger && (closed->err == SAT_ERR_DENIED || closed->err == SAT_ERR_TOKEN_USED);
    if (!failed) {
        forgive_attempt(sockets, peer);
        return;
    }
    satd_journal_attempt_failed(&sockets->journal, peer, closed->err);
    if (!peer->attempted) satd_guesses_fail(&sockets->guesses, &peer->ip, satd_mono_us());
}

/* ---- The engine's actions ---- */

/* The engine tells everybody the same time to come back; they are not to come back together. */
static void send_spread(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    struct sat_buf spread;
    sat_arena_init(&arena);
    sat_buf_init(&spread);
    if (sat_message_decode(bytes, SAT_SENDER_SERVER, &arena, &message) == SAT_OK && message.type == SAT_MESSAGE_ERROR &&
        message.as.ERROR.retry_ms) {
        message.as.ERROR.retry_ms = satd_retry_ms(message.as.ERROR.retry_ms);
        sat_message_encode(&message, &spread);
        bytes = sat_buf_span(&spread);
    }
    send_message(sockets, peer, bytes);
    sat_buf_deinit(&spread);
    sat_arena_deinit(&arena);
}

void satd_channel_deliver(void *context, const struct sat_action *action)
{
    struct satd_sockets *sockets = context;
    struct satd_peer *peer = satd_peer_find(&sockets->peers, action->peer);
    if (!peer || peer->state != SATD_PEER_OPEN) return;
    switch (action->kind) {
    case SAT_ACTION_SEND:
        send_spread(sockets, peer, action->bytes);
        return;
    case SAT_ACTION_WRITABLE:
        satd_turns_want(&sockets->turns, peer);
        return;
    case SAT_ACTION_CLOSE:
        judge_attempt(sockets, peer, action);
        if (action->err != SAT_OK) satd_journal_refused(&sockets->journal, peer, action->err);
        end(sockets, peer, action->err == SAT_OK ? "done" : sat_err_text(action->err));
        return;
    case SAT_ACTION_NOTICE:
        return;
    }
}

/* A phone that has lost its network comes back before the server has noticed: the newest connection is the one that
 * counts, and the oldest makes room for it. */
static void check_device(struct satd_sockets *sockets, struct satd_peer *peer)
{
    static const uint64_t retry_ms = 5000;
    peer->known = satd_org_knows(peer->org, peer->id, &peer->device);
    if (!peer->known) return;
    forgive_attempt(sockets, peer);
    sockets->known++;
    satd_journal_authenticated(&sockets->journal, peer);
    if (!peer->device) return;
    peer->account = satd_org_join(peer->org, peer->device);
    while (peer->account && peer->account->peers > sockets->config.limits->device_peers) {
        struct satd_peer *oldest = satd_peer_oldest(&sockets->peers, peer->org, peer->device);
        struct satd_refusal refusal = {SAT_ERR_BUSY, satd_retry_ms(retry_ms),
                                       "this device has as many connections as it may have, and newer ones"};
        sat_check(oldest != NULL);
        satd_channel_refuse(sockets, oldest, &refusal);
    }
}

void satd_channel_heard(void *context, uint64_t id)
{
    struct satd_sockets *sockets = context;
    struct satd_peer *peer = satd_peer_find(&sockets->peers, id);
    if (!peer || peer->state != SATD_PEER_OPEN) return;
    if (!peer->known) check_device(sockets, peer);
    if (peer->state != SATD_PEER_OPEN) return;
    if (peer->paused && !satd_guest_is_full(peer->guest)) {
        peer->paused = false;
        (void)lws_rx_flow_control(peer->wsi, 1);
    }
    if (peer->postponed.err) lws_callback_on_writable(peer->wsi);
}

/* ---- Reading ---- */

/* Work that is not taken now does not keep its author from reading: he hears of it when there is nothing more to read.
 */
static void postpone(struct satd_sockets *sockets, struct satd_peer *peer, const struct satd_refusal *refusal)
{
    peer->postponed = *refusal;
    peer->postponed_ms = satd_mono_ms();
    satd_journal_postponed(&sockets->journal, peer);
    lws_callback_on_writable(peer->wsi);
}

static void take_message(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span message)
{
    struct satd_said said = satd_intake_read(message);
    bool work = said.kind != SATD_SAID_OTHER;
    if (peer->postponed.err && work) return; /* it will be told, and sends this again */
    struct satd_refusal refusal = {0};
    if (said.attempt) refusal = begin_attempt(sockets, peer);
    if (refusal.err == SAT_OK) refusal = satd_org_admit(peer->org, peer->account, &said, message.len);
    if (refusal.err != SAT_OK && work && peer->known) {
        postpone(sockets, peer, &refusal);
        return;
    }
    if (refusal.err != SAT_OK) {
        forgive_attempt(sockets, peer);
        satd_channel_refuse(sockets, peer, &refusal);
        return;
    }
    satd_journal_heard(&sockets->journal, peer, &said, message.len);
    satd_guest_say(peer->guest, message, said.weight);
    bool room = sockets->full_n < sockets->config.connections_max;
    if (peer->paused || !room || !satd_guest_is_full(peer->guest)) return;
    peer->paused = true;
    sockets->full[sockets->full_n++] = peer->id;
}

void satd_channel_pause(struct satd_sockets *sockets)
{
    while (sockets->full_n) {
        struct satd_peer *peer = satd_peer_find(&sockets->peers, sockets->full[--sockets->full_n]);
        if (peer && peer->paused && peer->state == SATD_PEER_OPEN) (void)lws_rx_flow_control(peer->wsi, 0);
    }
}

/* A piece of a message; messages come in pieces of whatever size, and libwebsockets knows no maximum. */
void satd_channel_receive(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span piece)
{
    peer->heard = true;
    if (peer->state != SATD_PEER_OPEN) return;
    bool last = lws_is_final_fragment(peer->wsi) && lws_remaining_packet_payload(peer->wsi) == 0;
    if (!lws_frame_is_binary(peer->wsi)) {
        refuse(sockets, peer, SAT_ERR_MALFORMED, "messages are binary frames");
        return;
    }
    if (peer->incoming.len + piece.len > SAT_MESSAGE_BYTES_MAX) {
        refuse(sockets, peer, SAT_ERR_TOO_LARGE, "the message is larger than the protocol allows");
        return;
    }
    if (last && !peer->reading) {
        take_message(sockets, peer, piece);
        return;
    }
    peer->reading = !last;
    sat_put_span(&peer->incoming, piece);
    if (!last) return;
    struct sat_buf whole = peer->incoming;
    sat_buf_init(&peer->incoming);
    take_message(sockets, peer, sat_buf_span(&whole));
    sat_buf_deinit(&whole); /* a quiet peer keeps no buffer */
}

/* ---- Writing: one message whenever the socket can take one ---- */

/* The next fragment of a message that goes in several. */
static int write_rest(struct satd_peer *peer)
{
    size_t left = peer->rest.len - peer->rest_at, len = left < peer->frame_bytes ? left : peer->frame_bytes;
    bool first = peer->rest_at == LWS_PRE, last = len == left;
    enum lws_write_protocol kind = (enum lws_write_protocol)lws_write_ws_flags(LWS_WRITE_BINARY, first, last);
    int written = lws_write(peer->wsi, peer->rest.at + peer->rest_at, len, kind);
    peer->rest_at += len;
    if (last) {
        sat_buf_deinit(&peer->rest);
        sat_buf_init(&peer->rest);
        peer->rest_at = 0;
    }
    lws_callback_on_writable(peer->wsi);
    return written < (int)len ? -1 : 0;
}

static int write_bytes(struct satd_peer *peer, uint8_t *at, size_t len)
{
    static const uint8_t room[LWS_PRE] = {0};
    if (len <= peer->frame_bytes) return lws_write(peer->wsi, at, len, LWS_WRITE_BINARY) < (int)len ? -1 : 0;
    sat_put_bytes(&peer->rest, room, sizeof room);
    sat_put_bytes(&peer->rest, at, len);
    peer->rest_at = LWS_PRE;
    return write_rest(peer);
}

/* The library does not tell of a pong without a payload, so there is one. */
static int write_ping(struct satd_peer *peer)
{
    uint8_t frame[LWS_PRE + 1] = {0};
    peer->ping_due = false;
    lws_callback_on_writable(peer->wsi); /* perhaps there is something else */
    return lws_write(peer->wsi, frame + LWS_PRE, 1, LWS_WRITE_PING) < 0 ? -1 : 0;
}

static int write_close(struct satd_peer *peer)
{
    uint8_t frame[LWS_PRE + 2] = {0};
    frame[LWS_PRE] = LWS_CLOSE_STATUS_NORMAL >> 8;
    frame[LWS_PRE + 1] = LWS_CLOSE_STATUS_NORMAL & 0xff;
    peer->state = SATD_PEER_ENDED;
    /* The connection stays until the other side has answered: closing with unread bytes in the kernel would reset it,
     * and the error message before this would be lost. */
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_WITHIN_S);
    return lws_write(peer->wsi, frame + LWS_PRE, 2, WRITE_CLOSE) < 0 ? -1 : 0;
}

/* Builds the next frame behind the room in sockets->frame; empty when there is none, or when that ended the peer. */
static struct sat_span build_frame(struct satd_sockets *sockets, struct satd_peer *peer)
{
    struct sat_buf *frame = &sockets->frame;
    frame->len = LWS_PRE;
    peer->granted = false;
    enum sat_err err = satd_org_frame(peer->org, peer->id, satd_wall_ms(), frame);
    if (err != SAT_OK) {
        refuse(sockets, peer, err, NULL);
        frame->len = LWS_PRE;
    }
    struct sat_span message = sat_span(frame->at + LWS_PRE, frame->len - LWS_PRE);
    if (message.len) {
        satd_journal_told(&sockets->journal, peer, message);
        satd_turns_want(&sockets->turns, peer); /* perhaps there is more */
    } else {
        peer->has_frames = false;
        peer->behind_since_ms = 0;
        if (peer->state == SATD_PEER_OPEN) satd_journal_caught_up(&sockets->journal, peer);
    }
    return message;
}

static int write_frame(struct satd_sockets *sockets, struct satd_peer *peer)
{
    size_t len = build_frame(sockets, peer).len;
    if (len) return write_bytes(peer, sockets->frame.at + LWS_PRE, len);
    if (peer->postponed.err) lws_callback_on_writable(peer->wsi);
    return 0;
}

static int write_letter(struct satd_peer *peer, struct satd_letter *letter)
{
    int result = write_bytes(peer, satd_letter_message(letter), letter->len);
    free(letter);
    if (peer->guest && peer->outbox.bytes <= SATD_OUTBOX_BYTES_ENOUGH) satd_guest_hold(peer->guest, false);
    lws_callback_on_writable(peer->wsi);
    return result;
}

int satd_channel_write(struct satd_sockets *sockets, struct satd_peer *peer)
{
    if (peer->rest_at && peer->state != SATD_PEER_ENDED) return write_rest(peer);
    struct satd_letter *letter = satd_outbox_take(&peer->outbox);
    if (letter) return write_letter(peer, letter);
    switch (peer->state) {
    case SATD_PEER_OPEN:
        if (peer->ping_due) return write_ping(peer);
        if (peer->granted) return write_frame(sockets, peer);
        if (peer->postponed.err && !peer->has_frames && satd_guest_is_heard(peer->guest))
            satd_channel_refuse(sockets, peer, &peer->postponed);
        return 0;
    case SATD_PEER_ENDING:
        return write_close(peer);
    case SATD_PEER_ENDED:
        return 0;
    }
    return 0;
}

void satd_channel_dismiss(struct satd_sockets *sockets, struct satd_peer *peer, uint64_t retry_ms)
{
    struct sat_buf goodbye;
    if (peer->has_frames && peer->outbox.bytes == 0) {
        struct sat_span frame = build_frame(sockets, peer);
        if (frame.len) (void)satd_outbox_put(&peer->outbox, frame);
    }
    if (peer->state != SATD_PEER_OPEN) return;
    sat_buf_init(&goodbye);
    sat_host_goodbye(retry_ms, &goodbye);
    (void)satd_outbox_put(&peer->outbox,
                          sat_buf_span(&goodbye)); /* who has no room for it hears nothing: it does not read */
    sat_buf_deinit(&goodbye);
    end(sockets, peer, "the server is going down");
}

/* ---- Opening and closing ---- */

static struct sat_event opened_event(const struct satd_peer *peer, const struct satd_upgrade *upgrade,
                                     const struct sat_binding *binding)
{
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = peer->id, .binding = *binding};
    memcpy(event.client_nonce, upgrade->client_nonce, sizeof event.client_nonce);
    memcpy(event.server_hint, upgrade->server_hint, sizeof event.server_hint);
    event.frame_bytes = upgrade->frame_bytes;
    return event;
}

static void note_identity(const struct satd_sockets *sockets, struct satd_peer *peer, const uint8_t hint[8])
{
    const struct sat_sign_key *identity = satd_org_identity(peer->org, hint);
    struct sat_public_key pin = sat_sign_public(identity);
    memcpy(peer->identity, pin.b, sizeof peer->identity);
    peer->by_former = identity != sockets->config.identities->keys;
}

static enum sat_err enter_org(struct satd_sockets *sockets, struct satd_peer *peer, const struct satd_upgrade *upgrade,
                              const struct sat_event *opened, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    if (upgrade->founding)
        peer->org = satd_hub_nursery(sockets->config.hub);
    else
        err = satd_hub_org(sockets->config.hub, &upgrade->org, &peer->org, fault);
    if (err != SAT_OK) return err;
    note_identity(sockets, peer, opened->server_hint);
    peer->guest = satd_org_enter(peer->org, opened);
    return SAT_OK;
}

/* Who asks for an org that is not here learns first that this is the server that was pinned. */
static void greet_stranger(struct satd_sockets *sockets, struct satd_peer *peer, const struct sat_hash *org,
                           const struct sat_event *opened)
{
    struct sat_buf hello;
    sat_buf_init(&hello);
    satd_hub_greet(sockets->config.hub, org, opened, &hello);
    send_message(sockets, peer, sat_buf_span(&hello));
    sat_buf_deinit(&hello);
}

int satd_channel_open(struct satd_sockets *sockets, struct lws *wsi, struct satd_session *session)
{
    static const uint64_t retry_ms = 5000;
    struct satd_upgrade upgrade;
    struct sat_fault fault;
    struct sat_binding binding = {.kind = SAT_BINDING_NONE};
    if (satd_upgrade_read(wsi, &upgrade) != SAT_OK) return -1; /* it was read before, so this cannot be */
    if (sockets->config.cert_path && !satd_certificate_binding(lws_get_ssl(wsi), &binding)) return -1;
    struct satd_peer *peer = satd_peer_new(&sockets->peers, wsi, satd_mono_ms());
    if (!peer) return -1;
    session->peer = peer;
    bool smaller = upgrade.frame_bytes && upgrade.frame_bytes < SAT_FRAGMENT_BYTES;
    peer->frame_bytes = smaller ? upgrade.frame_bytes : SAT_FRAGMENT_BYTES;
    memcpy(peer->org_prefix, upgrade.org.b, sizeof peer->org_prefix);
    peer->ip = satd_http_from(wsi, sockets->config.proxies);
    satd_ip_format(&peer->ip, peer->from);
    satd_journal_opened(&sockets->journal, peer, satd_peers_count(&sockets->peers));
    struct sat_event opened = opened_event(peer, &upgrade, &binding);
    enum sat_err err = enter_org(sockets, peer, &upgrade, &opened, &fault);
    if (err == SAT_OK) return 0;
    if (err == SAT_ERR_NOT_FOUND) greet_stranger(sockets, peer, &upgrade.org, &opened);
    /* What is local trouble stays in our log; an outsider hears that it is the server's. */
    bool ours = err != SAT_ERR_NOT_FOUND && err != SAT_ERR_BUSY;
    struct satd_refusal refusal = {.err = err,
                                   .text = ours ? "the server cannot open this org; its log says why" : fault.text};
    if (err == SAT_ERR_BUSY) refusal.retry_ms = satd_retry_ms(retry_ms);
    satd_channel_refuse(sockets, peer, &refusal);
    peer->why = sat_err_text(err); /* `fault` does not live as long */
    return 0;
}

void satd_channel_close(struct satd_sockets *sockets, struct satd_session *session)
{
    struct satd_peer *peer = session->peer;
    if (!peer) return;
    session->peer = NULL;
    if (peer->state == SATD_PEER_OPEN) leave_org(sockets, peer, true);
    satd_journal_closed(&sockets->journal, peer);
    satd_peer_free(&sockets->peers, peer);
}
