#define _GNU_SOURCE
#include "tests/bench/connection.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/measure.h"

enum { WAIT_MS_MAX = 30000, KEY_BYTES_MAX = 4096, URL_BYTES_MAX = 512 };

struct connection {
    struct satchel *satchel;
    struct satchel_session *session;
    struct lws_context *context;
    struct lws *wsi;
    lws_sorted_usec_list_t alarm;
    uint8_t *message; /* that is arriving */
    size_t message_len;
    bool in_sync, woken;
};

static void on_told(void *context, const struct satchel_event *event)
{
    struct connection *connection = context;
    if (event->kind == SATCHEL_EVENT_IN_SYNC) connection->in_sync = true;
}

static void opened(struct connection *connection)
{
    union {
        union lws_tls_cert_info_results info;
        char room[KEY_BYTES_MAX];
    } key;
    size_t room = sizeof key.room - sizeof key.info + sizeof key.info.ns.name;
    bench_require(lws_tls_peer_cert_info(connection->wsi, LWS_TLS_CERT_INFO_OPAQUE_PUBLIC_KEY, &key.info, room) == 0,
                  "reading the certificate's key");
    satchel_session_opened(connection->session, key.info.ns.name, (size_t)key.info.ns.len);
}

static void received(struct connection *connection, const void *bytes, size_t len)
{
    bench_require(connection->message_len + len <= SATCHEL_MESSAGE_BYTES_MAX, "a message within its bound");
    memcpy(connection->message + connection->message_len, bytes, len);
    connection->message_len += len;
    if (lws_remaining_packet_payload(connection->wsi) > 0 || !lws_is_final_fragment(connection->wsi)) return;
    satchel_session_received(connection->session, connection->message, connection->message_len);
    connection->message_len = 0;
}

static void write_one(struct connection *connection)
{
    static uint8_t frame[LWS_PRE + SATCHEL_MESSAGE_BYTES_MAX];
    const void *message;
    size_t len;
    if (!satchel_session_writable(connection->session, &message, &len)) return;
    memcpy(frame + LWS_PRE, message, len);
    bench_require(lws_write(connection->wsi, frame + LWS_PRE, len, LWS_WRITE_BINARY) == (int)len, "sending");
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct connection *connection = lws_context_user(lws_get_context(wsi));
    (void)user;
    if (!connection) return 0;
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) bench_require(false, in ? in : "connecting");
    if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) opened(connection);
    if (reason == LWS_CALLBACK_CLIENT_RECEIVE) received(connection, in, len);
    if (reason == LWS_CALLBACK_CLIENT_WRITEABLE) write_one(connection);
    if (reason == LWS_CALLBACK_CLIENT_CLOSED) connection->wsi = NULL;
    return 0;
}

static void wake(lws_sorted_usec_list_t *alarm)
{
    struct connection *connection = lws_container_of(alarm, struct connection, alarm);
    connection->woken = true;
    lws_cancel_service(connection->context); /* a timer alone does not end the waiting */
}

/* One round of the loop, at most until the alarm. */
static void turn(struct connection *connection)
{
    if (connection->wsi && satchel_session_wants_write(connection->session)) lws_callback_on_writable(connection->wsi);
    bench_require(lws_service(connection->context, 0) >= 0, "waiting for the network");
    if (!satchel_session_over(connection->session)) return;
    struct satchel_sync_result result;
    bool failed = satchel_session_result(connection->session, &result) != 0;
    bench_require(false, failed ? satchel_error_of(connection->satchel)->message : "the session ended");
}

void connection_rest(struct connection *connection, uint32_t ms)
{
    connection->woken = false;
    lws_sul_schedule(connection->context, 0, &connection->alarm, wake, (lws_usec_t)ms * LWS_US_PER_MS);
    while (!connection->woken) turn(connection);
}

static void wait_for_sync(struct connection *connection)
{
    connection->in_sync = connection->woken = false;
    lws_sul_schedule(connection->context, 0, &connection->alarm, wake, WAIT_MS_MAX * LWS_US_PER_MS);
    satchel_session_poke(connection->session);
    while (!connection->in_sync && !connection->woken) turn(connection);
    bench_require(connection->in_sync, "being in sync in time");
    lws_sul_cancel(&connection->alarm);
}

void connection_sync(struct connection *connection)
{
    wait_for_sync(connection);
}

static void connect_to(struct connection *connection)
{
    char url[URL_BYTES_MAX], path[URL_BYTES_MAX];
    const char *scheme, *host, *rest;
    int port;
    (void)snprintf(url, sizeof url, "%s", satchel_session_url(connection->session));
    bench_require(lws_parse_uri(url, &scheme, &host, &port, &rest) == 0, "an address");
    (void)snprintf(path, sizeof path, "/%s", rest);
    struct lws_client_connect_info info = {
        .context = connection->context,
        .address = host,
        .host = host,
        .port = port,
        .path = path,
        .protocol = satchel_session_subprotocol(),
        .local_protocol_name = "satchel",
        .ietf_version_or_minus_one = -1,
        .pwsi = &connection->wsi,
        .ssl_connection = LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
                          LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE,
    };
    bench_require(lws_client_connect_via_info(&info) != NULL, "connecting");
}

struct connection *connection_open(struct satchel *satchel)
{
    static const struct lws_protocols protocols[] = {
        {.name = "satchel", .callback = on_event, .rx_buffer_size = 65536},
        {0},
    };
    struct connection *connection = calloc(1, sizeof *connection);
    bench_require(connection != NULL, "memory");
    connection->satchel = satchel;
    connection->message = malloc(SATCHEL_MESSAGE_BYTES_MAX);
    bench_require(connection->message != NULL, "memory");
    struct satchel_sync_options options = {.live = 1, .event = on_told, .event_context = connection};
    bench_require(satchel_session_open(satchel, &options, &connection->session) == 0, "opening a session");
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = connection,
        .gid = -1,
        .uid = -1,
        .pt_serv_buf_size = 65536,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
    };
    lws_set_log_level(LLL_ERR, NULL);
    connection->context = lws_create_context(&info);
    bench_require(connection->context != NULL, "starting libwebsockets");
    connect_to(connection);
    while (!connection->in_sync) turn(connection);
    return connection;
}

void connection_close(struct connection *connection)
{
    lws_sul_cancel(&connection->alarm);
    satchel_session_free(connection->session);
    connection->session = NULL;
    lws_context_destroy(connection->context);
    free(connection->message);
    free(connection);
}
