#define _GNU_SOURCE
#include "client/transport.h"

#include <libwebsockets.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/limits.h"
#include "common/wire/message.h"

enum {
    TICK_MS = 50,
    SILENCE_S = 40,
    HTTP_SWITCHING_PROTOCOLS = 101,
    RX_BYTES = 64 * 1024,
    TURNS_TOGETHER_MAX = 32,
    PATH_BYTES_MAX = CLIENT_PATH_BYTES_MAX + sizeof((struct client_address *)0)->base,
    HOST_PORT_MAX = CLIENT_HOST_BYTES_MAX + 16,
    SPKI_BYTES_MAX = 4096,
    FRAMING_BYTES = 64,       /* of a WebSocket frame, with room to spare */
    PING_BYTES_MAX = 512,     /* with TLS around it, and a few times over */
    METERED_BYTES = 32 * 1024 /* where bytes are counted, so many may be on their way unread */
};

/* One connection. */
struct carrier {
    struct client_session *session;
    struct client_address address;
    struct lws *wsi;          /* NULL: not connected, or no longer */
    bool open;                /* the WebSocket is, or was */
    bool told;                /* the session knows that the connection is gone */
    struct sat_buf message;   /* what has come of the message that is arriving */
    bool came;                /* a message was whole */
    struct sat_buf rest;      /* room, then the fragments of a message that are still to be written, … */
    size_t rest_at;           /* … from here on; 0: none */
    uint64_t received, acked; /* by TCP, when it was last looked */
    lws_sorted_usec_list_t tick;
    struct lws_context *context;
};

static void close_with(struct carrier *carrier, enum sat_err err, const char *text)
{
    if (carrier->told) return;
    carrier->told = true;
    client_session_closed(carrier->session, err, text);
}

/* What the answer to the upgrade says stands in its headers, as libwebsockets does not read the body of a refusal. */
static bool take_refusal(struct carrier *carrier, struct lws *wsi)
{
    char protocols[200] = "", retry[20] = "", text[300];
    unsigned status = lws_http_client_http_response(wsi);
    if (status == 0 || status == HTTP_SWITCHING_PROTOCOLS || carrier->told) return false;
    if (lws_hdr_copy(wsi, protocols, sizeof protocols, WSI_TOKEN_PROTOCOL) < 0) protocols[0] = 0;
    if (lws_hdr_copy(wsi, retry, sizeof retry, WSI_TOKEN_HTTP_RETRY_AFTER) < 0) retry[0] = 0;
    (void)snprintf(text, sizeof text, "%s\nRetry-After: %s", protocols, retry);
    carrier->told = true;
    client_session_refused(carrier->session, status, sat_span_text(text));
    return true;
}

/* lws says "HS: …" when the other side speaks HTTP but not what we asked for, and quotes OpenSSL when it does not
 * speak TLS. */
static void fail_to_connect(struct carrier *carrier, const char *said)
{
    char text[300];
    const char *host = carrier->address.host;
    unsigned port = carrier->address.port;
    if (strncmp(said, "HS:", 3) == 0)
        (void)snprintf(text, sizeof text, "%.100s:%u answers, but not as a Satchel server (%.80s)", host, port, said);
    else if (strstr(said, "SSL"))
        (void)snprintf(text, sizeof text, "%.100s:%u answers, but does not speak TLS", host, port);
    else
        (void)snprintf(text, sizeof text, "the server at %.100s:%u cannot be reached%s%.100s", host, port,
                       said[0] ? ": " : "", said);
    close_with(carrier, SAT_ERR_UNREACHABLE, text);
}

/* What ties the handshake to this channel: the key of the certificate, whoever signed it. */
static bool bind_channel(const struct carrier *carrier, struct lws *wsi, struct sat_binding *out)
{
    *out = (struct sat_binding){.kind = SAT_BINDING_NONE};
    if (!carrier->address.tls) return true;
    union {
        union lws_tls_cert_info_results info;
        char room[SPKI_BYTES_MAX];
    } key;
    size_t room = sizeof key.room - sizeof key.info + sizeof key.info.ns.name;
    if (lws_tls_peer_cert_info(wsi, LWS_TLS_CERT_INFO_OPAQUE_PUBLIC_KEY, &key.info, room) != 0 || key.info.ns.len <= 0)
        return false;
    *out = sat_binding_tls_key(sat_span(key.info.ns.name, (size_t)key.info.ns.len));
    return true;
}

/* A network that is gone says nothing: who has nothing to send would wait for ever, and who has, a quarter of an hour.
 * The kernel asks and gives up after 40 s, and no slow line is taken for a dead one, as it hears every
 * acknowledgement. Where it cannot, the connection is as good as it is. */
static void notice_silence(int fd)
{
    static const struct {
        int level, option, value;
    } wanted[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, SILENCE_S / 2},
        {IPPROTO_TCP, TCP_KEEPINTVL, SILENCE_S / 8},
        {IPPROTO_TCP, TCP_KEEPCNT, 4},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_S * 1000},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        (void)setsockopt(fd, wanted[i].level, wanted[i].option, &wanted[i].value, sizeof wanted[i].value);
}

/* What only the kernel sees: pings, pieces of pieces, and what the other side has acknowledged, which beyond what a
 * pong costs is part of a message. */
static void notice_life(struct carrier *carrier)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(lws_get_socket_fd(carrier->wsi), IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return;
    if (info.tcpi_bytes_received > carrier->received) client_session_heard(carrier->session);
    carrier->received = info.tcpi_bytes_received;
    if (info.tcpi_bytes_acked <= carrier->acked + PING_BYTES_MAX) return;
    client_session_moved(carrier->session);
    carrier->acked = info.tcpi_bytes_acked;
}

static int established(struct carrier *carrier, struct lws *wsi)
{
    struct sat_binding binding;
    int metered = METERED_BYTES;
    notice_silence(lws_get_socket_fd(wsi));
    if (client_session_is_metered(carrier->session))
        (void)setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_RCVBUF, &metered, sizeof metered);
    if (!bind_channel(carrier, wsi, &binding)) {
        close_with(carrier, SAT_ERR_PROTOCOL, "the server's certificate has no key that can be read");
        return -1;
    }
    carrier->open = true;
    client_session_opened(carrier->session, &binding);
    return 0;
}

/* Messages come in pieces of any size; libwebsockets bounds nothing, so it is done here. */
static int received(struct carrier *carrier, struct lws *wsi, const void *bytes, size_t len)
{
    if (!lws_frame_is_binary(wsi)) {
        close_with(carrier, SAT_ERR_PROTOCOL, "the server sent text where a message was due");
        return -1;
    }
    if (carrier->message.len + len > SAT_MESSAGE_BYTES_MAX) {
        close_with(carrier, SAT_ERR_PROTOCOL, "the server sent a message that is larger than any can be");
        return -1;
    }
    client_session_moved(carrier->session);
    sat_put_bytes(&carrier->message, bytes, len);
    if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi)) return 0;
    carrier->came = true;
    client_session_received(carrier->session, sat_buf_span(&carrier->message));
    sat_buf_clear(&carrier->message);
    return 0;
}

/* The next fragment, mostly the only one, of the message under way. */
static int write_rest(struct carrier *carrier, struct lws *wsi)
{
    size_t left = carrier->rest.len - carrier->rest_at, len = client_session_frame_bytes(carrier->session);
    if (len > left) len = left;
    bool first = carrier->rest_at == LWS_PRE, last = len == left;
    enum lws_write_protocol kind = (enum lws_write_protocol)lws_write_ws_flags(LWS_WRITE_BINARY, first, last);
    int written = lws_write(wsi, carrier->rest.at + carrier->rest_at, len, kind);
    carrier->rest_at = last ? 0 : carrier->rest_at + len;
    return written;
}

/* A pong without a payload is not told of, so there is one. */
static int write_ping(struct lws *wsi)
{
    uint8_t frame[LWS_PRE + 1] = {0};
    return lws_write(wsi, frame + LWS_PRE, 1, LWS_WRITE_PING);
}

static int write_next(struct carrier *carrier, struct lws *wsi)
{
    static const uint8_t room[LWS_PRE] = {0};
    int written = 0;
    if (client_session_asks(carrier->session)) {
        written = write_ping(wsi);
    } else if (carrier->rest_at) {
        written = write_rest(carrier, wsi);
    } else {
        struct sat_buf body;
        sat_buf_init(&body);
        client_session_next(carrier->session, &body);
        sat_buf_clear(&carrier->rest);
        sat_put_bytes(&carrier->rest, room, sizeof room); /* lws writes its header in front of the bytes */
        sat_put_span(&carrier->rest, sat_buf_span(&body));
        carrier->rest_at = body.len ? LWS_PRE : 0;
        sat_buf_deinit(&body);
        if (carrier->rest_at) written = write_rest(carrier, wsi);
    }
    if (written < 0) return -1;
    if (carrier->rest_at || client_session_wants(carrier->session)) lws_callback_on_writable(wsi);
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    struct carrier *carrier = lws_context_user(lws_get_context(wsi));
    if (!carrier) return 0;
    /* libwebsockets has about a hundred reasons; these are all that concern a client. */
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) {
        char said[120];
        (void)snprintf(said, sizeof said, "%.*s", in ? (int)len : 0, in ? (const char *)in : "");
        if (strncmp(said, "HS:", 3) != 0 || !take_refusal(carrier, wsi)) fail_to_connect(carrier, said);
        carrier->wsi = NULL;
    } else if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) {
        return established(carrier, wsi);
    } else if (reason == LWS_CALLBACK_CLIENT_RECEIVE) {
        return received(carrier, wsi, in, len);
    } else if (reason == LWS_CALLBACK_CLIENT_WRITEABLE) {
        return write_next(carrier, wsi);
    } else if (reason == LWS_CALLBACK_CLIENT_CLOSED) {
        close_with(carrier, SAT_ERR_CLOSED, "the connection to the server ended");
        carrier->wsi = NULL;
    }
    return 0;
}

/* Wakes the loop, so that deadlines and a caller's wish to stop are seen. */
static void tick(lws_sorted_usec_list_t *list)
{
    struct carrier *carrier = lws_container_of(list, struct carrier, tick);
    lws_sul_schedule(carrier->context, 0, &carrier->tick, tick, TICK_MS * LWS_US_PER_MS);
    if (!carrier->open || !carrier->wsi || carrier->told) return;
    notice_life(carrier);
    if (client_session_is_silent(carrier->session)) lws_callback_on_writable(carrier->wsi);
}

static struct lws_context *make_context(struct carrier *carrier)
{
    static const struct lws_protocols protocols[] = {
        {.name = SAT_SUBPROTOCOL,
         .callback = on_event,
         .rx_buffer_size = RX_BYTES,
         .tx_packet_size = SAT_FRAGMENT_BYTES + FRAMING_BYTES},
        {0},
    };
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = carrier,
        .gid = -1,
        .uid = -1,
        .pt_serv_buf_size = RX_BYTES,
        .http_proxy_address = "", /* else it would be taken from the environment, which a library does not read */
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
    };
    return lws_create_context(&info);
}

static void connect_to(struct carrier *carrier)
{
    const struct client_address *at = &carrier->address;
    char path[PATH_BYTES_MAX], host[HOST_PORT_MAX];
    (void)snprintf(path, sizeof path, "%s%s", at->base, client_session_path(carrier->session));
    (void)snprintf(host, sizeof host, strchr(at->host, ':') ? "[%s]:%u" : "%s:%u", at->host, (unsigned)at->port);
    struct lws_client_connect_info info = {
        .context = carrier->context,
        .address = at->host,
        .port = at->port,
        .path = path,
        .host = host,
        .protocol = SAT_SUBPROTOCOL,
        .local_protocol_name = SAT_SUBPROTOCOL,
        .ietf_version_or_minus_one = -1,
        .pwsi = &carrier->wsi,
        .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
    };
    if (at->tls)
        info.ssl_connection |= LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
                               LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
    if (!lws_client_connect_via_info(&info)) fail_to_connect(carrier, ""); /* which may have come without a callback */
}

/* Waits for something to happen; then goes on with what is here already, so that messages that came together while a
 * step was under way are one step, too. libwebsockets hands over one at a time; -1 does not wait. */
static bool serve(struct carrier *carrier)
{
    int wait = 0;
    uint32_t turns =
        client_session_is_metered(carrier->session) ? 1 : TURNS_TOGETHER_MAX; /* it may be enough already */
    for (uint32_t turn = 0; turn < turns; turn++, wait = -1) {
        carrier->came = false;
        if (lws_service(carrier->context, wait) < 0) return false;
        if (!carrier->came) break;
    }
    return true;
}

static void carry(struct carrier *carrier)
{
    while (!client_session_over(carrier->session)) {
        if (carrier->wsi && client_session_wants(carrier->session)) lws_callback_on_writable(carrier->wsi);
        if (!serve(carrier)) close_with(carrier, SAT_ERR_IO, "waiting for the network failed");
        client_session_take(carrier->session);
    }
    carrier->told = true;
}

enum sat_err client_transport_run(struct client_session *session, struct sat_fault *fault)
{
    struct carrier carrier = {.session = session};
    enum sat_err err = client_address_parse(client_session_address(session), &carrier.address, fault);
    if (err) return err;
    /* A broken pipe is an error to look at, not the end of the application's process. */
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    (void)sigaction(SIGPIPE, &ignore, &before);
    carrier.context = make_context(&carrier);
    if (carrier.context) {
        sat_buf_init(&carrier.message);
        sat_buf_init(&carrier.rest);
        lws_sul_schedule(carrier.context, 0, &carrier.tick, tick, TICK_MS * LWS_US_PER_MS);
        connect_to(&carrier);
        carry(&carrier);
        lws_sul_cancel(&carrier.tick);
        lws_context_destroy(carrier.context);
        sat_buf_deinit(&carrier.message);
        sat_buf_deinit(&carrier.rest);
    } else {
        err = sat_fail(fault, SAT_ERR_NO_MEMORY, "a connection cannot be made: out of memory or of file descriptors");
    }
    (void)sigaction(SIGPIPE, &before, NULL);
    return err;
}
