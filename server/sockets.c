#define _GNU_SOURCE
#include "server/sockets.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/wire/message.h"
#include "server/certificate.h"
#include "server/clock.h"
#include "server/peer.h"
#include "server/upgrade.h"

enum {
    AUTHENTICATE_WITHIN_MS = 10000, /* from the upgrade on; the upgrade itself has as long */
    HANDSHAKE_S = 10,
    FLUSH_WITHIN_S = 5,      /* for the last messages to an ending peer … */
    CLOSE_WITHIN_S = 2,      /* … and then for its answer to our close frame */
    ACCEPTS_AT_ONCE = 64,    /* so that newcomers do not keep those waiting who are here */
    OUTSTANDING_MS = 60000,  /* unacknowledged bytes for that long: the other side is gone */
    GOODBYE_MS = 500,        /* come back after this … */
    GOODBYE_SPREAD_MS = 4500 /* … and a random part of this, so that not all come at once */
};

/* libwebsockets sends a close frame by itself only when a reading callback fails; ours comes after what waits to be
 * written. Its header leaves this number out (it is reserved there), its writer knows it. */
#define WRITE_CLOSE ((enum lws_write_protocol)4)

struct satd_sockets {
    struct satd_sockets_config config;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws *listener;
    struct satd_peers peers;
    uint32_t connections; /* sockets accepted and not yet gone, in whatever state */
    unsigned stops;
    bool draining;
    struct sat_buf frame; /* LWS_PRE bytes of room, then the message that is being built */
    lws_sorted_usec_list_t sweep, resume_accepting;
};

struct session { /* what libwebsockets keeps for us with each connection */
    struct satd_peer *peer;
    const struct satd_answer *answer;
};

/* ---- Ending a peer ---- */

static void tell_closed(struct satd_peer *peer)
{
    struct sat_event event = {.kind = SAT_EVENT_CLOSED, .peer = peer->id};
    if (peer->org) satd_org_add(peer->org, &event);
    peer->org = NULL;
}

/* At once, without ceremony: for a peer that does not read, ceremony would wait for ever. */
static void cut(struct satd_peer *peer)
{
    peer->state = SATD_PEER_ENDED;
    tell_closed(peer);
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static void send_message(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span message)
{
    if (satd_outbox_put(&peer->outbox, message)) {
        lws_callback_on_writable(peer->wsi);
        return;
    }
    satd_log(sockets->config.log, PEER_SLOW, satd_number("peer", peer->id),
             satd_number("waiting_bytes", peer->outbox.bytes));
    cut(peer);
}

/* Closes the peer when its outbox has been written. */
static void end(struct satd_peer *peer)
{
    if (peer->state != SATD_PEER_OPEN) return;
    peer->state = SATD_PEER_ENDING;
    sat_buf_deinit(&peer->incoming);
    tell_closed(peer);
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, FLUSH_WITHIN_S);
    lws_callback_on_writable(peer->wsi);
}

static void refuse(struct satd_sockets *sockets, struct satd_peer *peer, enum sat_err err, const char *text)
{
    struct sat_buf message;
    if (peer->state != SATD_PEER_OPEN) return;
    sat_buf_init(&message);
    sat_host_error(err, 0, text, &message);
    send_message(sockets, peer, sat_buf_span(&message));
    sat_buf_deinit(&message);
    end(peer);
    satd_log(sockets->config.log, PEER_REFUSED, satd_number("peer", peer->id), satd_err(err));
}

/* ---- The engine's actions ---- */

static void deliver(void *context, const struct sat_action *action)
{
    struct satd_sockets *sockets = context;
    struct satd_peer *peer = satd_peer_find(&sockets->peers, action->peer);
    if (!peer || peer->state != SATD_PEER_OPEN) return;
    switch (action->kind) {
    case SAT_ACTION_SEND:
        send_message(sockets, peer, action->bytes);
        return;
    case SAT_ACTION_WRITABLE:
        peer->has_frames = true;
        lws_callback_on_writable(peer->wsi);
        return;
    case SAT_ACTION_CLOSE:
        if (action->err != SAT_OK)
            satd_log(sockets->config.log, PEER_REFUSED, satd_number("peer", peer->id), satd_err(action->err));
        end(peer);
        return;
    case SAT_ACTION_NOTICE:
        return;
    }
}

static void step(struct satd_sockets *sockets)
{
    if (satd_hub_waiting(sockets->config.hub)) satd_hub_step(sockets->config.hub, satd_wall_ms(), deliver, sockets);
}

/* ---- Reading ---- */

static void take_message(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span message)
{
    struct sat_event event = {.kind = SAT_EVENT_MESSAGE, .peer = peer->id, .bytes = message};
    satd_org_add(peer->org, &event);
    if (satd_hub_full(sockets->config.hub)) step(sockets);
}

/* A piece of a message; messages come in pieces of whatever size, and libwebsockets knows no maximum. */
static void receive(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span piece)
{
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

static int write_bytes(struct satd_peer *peer, uint8_t *at, size_t len)
{
    return lws_write(peer->wsi, at, len, LWS_WRITE_BINARY) < (int)len ? -1 : 0;
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
    enum sat_err err = satd_org_frame(peer->org, peer->id, satd_wall_ms(), frame);
    if (err != SAT_OK) {
        refuse(sockets, peer, err, sat_err_text(err));
        frame->len = LWS_PRE;
    }
    peer->has_frames = frame->len > LWS_PRE;
    return sat_span(frame->at + LWS_PRE, frame->len - LWS_PRE);
}

static int write_frame(struct satd_sockets *sockets, struct satd_peer *peer)
{
    size_t len = build_frame(sockets, peer).len;
    if (len == 0) return 0;
    lws_callback_on_writable(peer->wsi); /* perhaps there is more */
    return write_bytes(peer, sockets->frame.at + LWS_PRE, len);
}

static int write_next(struct satd_sockets *sockets, struct satd_peer *peer)
{
    struct satd_letter *letter = satd_outbox_take(&peer->outbox);
    if (letter) {
        int result = write_bytes(peer, satd_letter_message(letter), letter->len);
        free(letter);
        lws_callback_on_writable(peer->wsi);
        return result;
    }
    switch (peer->state) {
    case SATD_PEER_OPEN:
        return peer->has_frames ? write_frame(sockets, peer) : 0;
    case SATD_PEER_ENDING:
        return write_close(peer);
    case SATD_PEER_ENDED:
        return 0;
    }
    return 0;
}

/* ---- WebSocket callbacks ---- */

static int established(struct satd_sockets *sockets, struct lws *wsi, struct session *session)
{
    struct satd_upgrade upgrade;
    struct sat_fault fault;
    if (satd_upgrade_read(wsi, &upgrade) != SAT_OK) return -1; /* it was read before, so this cannot be */
    struct satd_peer *peer = satd_peer_new(&sockets->peers, wsi, satd_mono_ms());
    if (!peer) return -1;
    session->peer = peer;
    satd_log(sockets->config.log, PEER_OPENED, satd_number("peer", peer->id),
             satd_number("peers", satd_peers_count(&sockets->peers)));
    enum sat_err err = SAT_OK;
    if (upgrade.founding)
        peer->org = satd_hub_nursery(sockets->config.hub);
    else
        err = satd_hub_org(sockets->config.hub, &upgrade.org, &peer->org, &fault);
    if (err != SAT_OK) {
        refuse(sockets, peer, err,
               err == SAT_ERR_NOT_FOUND ? fault.text : "the server cannot open this org; its log says why");
        return 0;
    }
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = peer->id, .binding = sockets->config.binding};
    memcpy(event.client_nonce, upgrade.client_nonce, sizeof event.client_nonce);
    satd_org_add(peer->org, &event);
    return 0;
}

static void closed(struct satd_sockets *sockets, struct session *session)
{
    struct satd_peer *peer = session->peer;
    if (!peer) return;
    session->peer = NULL;
    tell_closed(peer);
    satd_log(sockets->config.log, PEER_CLOSED, satd_number("peer", peer->id));
    satd_peer_free(&sockets->peers, peer);
}

static int on_satchel(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    struct session *session = user;
    if (reason == LWS_CALLBACK_ESTABLISHED) return established(sockets, wsi, session);
    if (!session || !session->peer) return 0;
    if (reason == LWS_CALLBACK_RECEIVE) receive(sockets, session->peer, sat_span(in, len));
    if (reason == LWS_CALLBACK_SERVER_WRITEABLE) return write_next(sockets, session->peer);
    if (reason == LWS_CALLBACK_CLOSED) closed(sockets, session);
    return 0;
}

static int confirm_upgrade(struct satd_sockets *sockets, struct lws *wsi, const char *to)
{
    struct satd_upgrade upgrade;
    enum sat_err err = to && strcasecmp(to, "websocket") == 0 ? satd_upgrade_read(wsi, &upgrade) : SAT_ERR_PROTOCOL;
    if (err == SAT_OK && sockets->draining) err = SAT_ERR_BUSY;
    if (err == SAT_OK) return 0;
    satd_log(sockets->config.log, UPGRADE_REFUSED, satd_err(err));
    return satd_upgrade_refuse(wsi, err);
}

/* The first protocol of the vhost: it hears of every connection until that has chosen another. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    struct session *session = user;
    (void)len;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(sockets, wsi, in);
    case LWS_CALLBACK_HTTP:
        return session ? satd_http_request(wsi, sockets->draining, &session->answer) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return session && session->answer ? satd_http_body(wsi, session->answer) : -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* a WebSocket without our subprotocol */
    case LWS_CALLBACK_RAW_ADOPT:                  /* no HTTP at all */
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_HTTP_BODY:
        return -1;
    case LWS_CALLBACK_WSI_CREATE:
        sockets->connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        sockets->connections--;
        return 0;
    default:
        return 0;
    }
}

/* ---- Accepting: our own listener, so that the limit holds and a busy port is named ---- */

static void resume_accepting(lws_sorted_usec_list_t *timer)
{
    struct satd_sockets *sockets = lws_container_of(timer, struct satd_sockets, resume_accepting);
    if (sockets->listener) (void)lws_rx_flow_control(sockets->listener, 1);
}

/* Out of descriptors or memory: the listener would wake us for ever, so it rests for a moment. */
static void rest(struct satd_sockets *sockets, int number)
{
    satd_log(sockets->config.log, ACCEPT_FAILED, satd_place("why", strerror(number)));
    (void)lws_rx_flow_control(sockets->listener, 0);
    lws_sul_schedule(sockets->context, 0, &sockets->resume_accepting, resume_accepting, 100 * LWS_US_PER_MS);
}

static void set_up_socket(int fd)
{
    int on = 1, outstanding_ms = OUTSTANDING_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &outstanding_ms, sizeof outstanding_ms);
}

static void accept_some(struct satd_sockets *sockets)
{
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(lws_get_socket_fd(sockets->listener), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) rest(sockets, errno);
        if (fd < 0) return; /* most likely there is nobody else; else poll says so again */
        if (sockets->connections >= sockets->config.connections_max) {
            satd_log(sockets->config.log, CONNECTIONS_FULL, satd_number("connections", sockets->connections));
            (void)close(fd);
            continue;
        }
        set_up_socket(fd);
        (void)lws_adopt_socket_vhost(sockets->vhost, fd); /* closes it if it fails */
    }
}

static int on_listener(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION) return -1;
    if (reason == LWS_CALLBACK_RAW_RX_FILE) {
        if (sockets->draining) return -1; /* closes the listener */
        accept_some(sockets);
    }
    if (reason == LWS_CALLBACK_RAW_CLOSE_FILE && wsi == sockets->listener) sockets->listener = NULL;
    return 0;
}

static int on_signal(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    struct signalfd_siginfo info;
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION) return -1;
    if (reason != LWS_CALLBACK_RAW_RX_FILE) return 0;
    while (read(lws_get_socket_fd(wsi), &info, sizeof info) == (ssize_t)sizeof info) sockets->stops++;
    return 0;
}

/* ---- Opening, serving, closing ---- */

/* Whoever has not shown who it is in time is closed: an open door is no place to stay in. */
static void sweep(lws_sorted_usec_list_t *timer)
{
    struct satd_sockets *sockets = lws_container_of(timer, struct satd_sockets, sweep);
    uint64_t now_ms = satd_mono_ms();
    for (uint32_t i = 0; i < sockets->peers.slots_n; i++) {
        struct satd_peer *peer = sockets->peers.slots[i];
        if (!peer || peer->known || peer->state != SATD_PEER_OPEN) continue;
        peer->known = satd_org_knows(peer->org, peer->id);
        if (!peer->known && now_ms - peer->opened_ms >= AUTHENTICATE_WITHIN_MS)
            refuse(sockets, peer, SAT_ERR_TIMED_OUT, "nobody has authenticated on this connection in time");
    }
    lws_sul_schedule(sockets->context, 0, &sockets->sweep, sweep, LWS_US_PER_SEC);
}

static void on_library(int level, const char *text)
{
    struct satd_log log;
    char line[256];
    (void)level;
    satd_log_init(&log, SATD_LEVEL_WARN);
    lws_strncpy(line, text, sizeof line);
    line[strcspn(line, "\n")] = 0;
    satd_log(&log, LIBRARY, satd_place("text", line));
}

/* After the start, the library's complaints are mostly about what outsiders do: they are for those who look for them.
 */
static void set_library_level(const struct satd_sockets *sockets, bool starting)
{
    bool heard = starting || sockets->config.log->least == SATD_LEVEL_DEBUG;
    lws_set_log_level(heard ? LLL_ERR : 0, on_library);
}

static const struct lws_protocols protocols[] = {
    {.name = "satcheld-http", .callback = on_http, .per_session_data_size = sizeof(struct session)},
    {.name = SAT_SUBPROTOCOL,
     .callback = on_satchel,
     .per_session_data_size = sizeof(struct session),
     .rx_buffer_size = 4096},
    {.name = "satcheld-listener", .callback = on_listener},
    {.name = "satcheld-signal", .callback = on_signal},
    {0},
};

static bool open_context(struct satd_sockets *sockets)
{
    static const lws_retry_bo_t no_pings = {.secs_since_valid_hangup =
                                                0}; /* the library's own cost a tenth of a core at 10,000 peers */
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .user = sockets,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
        .pt_serv_buf_size = 65536,
        .timeout_secs = HANDSHAKE_S,
        .keepalive_timeout = 5,
        .server_string = "satcheld",
        .retry_and_idle_policy = &no_pings,
        .alpn = "http/1.1", /* WebSocket over HTTP/2 would be a second way in, and nobody of ours takes it */
        .vhost_name = "satcheld",
    };
    if (sockets->config.cert_path) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = sockets->config.cert_path;
        info.ssl_private_key_filepath = sockets->config.key_path;
        info.ssl_options_set = satd_certificate_tls_options();
    }
    sockets->context = lws_create_context(&info);
    if (sockets->context) sockets->vhost = lws_create_vhost(sockets->context, &info);
    return sockets->vhost;
}

/* Hands a descriptor over; the library owns it then. NULL: it is still ours. */
static struct lws *adopt(struct satd_sockets *sockets, int *fd, const char *protocol)
{
    lws_sock_file_fd_type descriptor = {.filefd = *fd};
    struct lws *wsi = lws_adopt_descriptor_vhost(sockets->vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, protocol, NULL);
    if (wsi) *fd = -1;
    return wsi;
}

enum sat_err satd_sockets_open(const struct satd_sockets_config *config, struct satd_sockets **out,
                               struct sat_fault *fault)
{
    struct satd_sockets *sockets = calloc(1, sizeof *sockets);
    sat_check(sockets != NULL);
    *out = sockets;
    sockets->config = *config;
    satd_peers_init(&sockets->peers, config->connections_max);
    sat_buf_init(&sockets->frame);
    for (int i = 0; i < LWS_PRE; i++) sat_put_u8(&sockets->frame, 0);
    set_library_level(sockets, true);
    if (!open_context(sockets))
        return sat_fail(fault, SAT_ERR_IO, "the WebSocket library could not be started; the log says why");
    sockets->listener = adopt(sockets, &sockets->config.listen_fd, "satcheld-listener");
    if (!sockets->listener || !adopt(sockets, &sockets->config.signal_fd, "satcheld-signal"))
        return sat_fail(fault, SAT_ERR_IO, "the WebSocket library did not take the listener");
    sockets->connections = 0; /* these two are none */
    sweep(&sockets->sweep);
    set_library_level(sockets, false);
    return SAT_OK;
}

void satd_sockets_close(struct satd_sockets *sockets)
{
    if (!sockets) return;
    lws_set_log_level(0, NULL);
    if (sockets->context) {
        lws_sul_cancel(&sockets->sweep);
        lws_sul_cancel(&sockets->resume_accepting);
        lws_context_destroy(sockets->context);
    }
    if (sockets->config.listen_fd >= 0) (void)close(sockets->config.listen_fd);
    if (sockets->config.signal_fd >= 0) (void)close(sockets->config.signal_fd);
    satd_peers_deinit(&sockets->peers);
    sat_buf_deinit(&sockets->frame);
    free(sockets);
}

void satd_sockets_service(struct satd_sockets *sockets)
{
    (void)lws_service(sockets->context, 0);
    step(sockets); /* all that this round has brought, in one commit for each org */
}

unsigned satd_sockets_stops(const struct satd_sockets *sockets)
{
    return sockets->stops;
}

/* One more frame if there is room for it (it may hold the acknowledgement of what was just committed), and a goodbye.
 */
static void dismiss(struct satd_sockets *sockets, struct satd_peer *peer)
{
    struct sat_buf goodbye;
    if (peer->has_frames && peer->outbox.bytes == 0) {
        struct sat_span frame = build_frame(sockets, peer);
        if (frame.len) (void)satd_outbox_put(&peer->outbox, frame);
    }
    if (peer->state != SATD_PEER_OPEN) return;
    sat_buf_init(&goodbye);
    sat_host_goodbye(GOODBYE_MS + randombytes_uniform(GOODBYE_SPREAD_MS), &goodbye);
    (void)satd_outbox_put(&peer->outbox,
                          sat_buf_span(&goodbye)); /* who has no room for it hears nothing: it does not read */
    sat_buf_deinit(&goodbye);
    end(peer);
}

void satd_sockets_drain(struct satd_sockets *sockets)
{
    sockets->draining = true;
    if (sockets->listener) lws_set_timeout(sockets->listener, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    for (uint32_t i = 0; i < sockets->peers.slots_n; i++) {
        struct satd_peer *peer = sockets->peers.slots[i];
        if (peer && peer->state == SATD_PEER_OPEN) dismiss(sockets, peer);
    }
}

uint32_t satd_sockets_peers(const struct satd_sockets *sockets)
{
    return satd_peers_count(&sockets->peers);
}
