#define _GNU_SOURCE
#include "server/sockets.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/wire/message.h"
#include "server/certificate.h"
#include "server/clock.h"
#include "server/sockets_state.h"
#include "server/upgrade.h"

enum {
    HANDSHAKE_S = 10,
    GOODBYE_MS = 500,            /* come back after this … */
    GOODBYE_SPREAD_MS = 4500,    /* … and a random part of this … */
    GOODBYE_SPREAD_PER_PEER = 2, /* … and of so many ms for each peer: a handshake costs us half of one */
    BUSY_RETRY_MS = 5000,
    FRAMING_BYTES = 64 /* of a WebSocket frame, with room to spare */
};

/* ---- WebSocket callbacks ---- */

static int on_satchel(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    struct satd_session *session = user;
    if (reason == LWS_CALLBACK_ESTABLISHED) return satd_channel_open(sockets, wsi, session);
    if (!session || !session->peer) return 0;
    if (reason == LWS_CALLBACK_RECEIVE) satd_channel_receive(sockets, session->peer, sat_span(in, len));
    if (reason == LWS_CALLBACK_RECEIVE_PONG) session->peer->heard = true;
    if (reason == LWS_CALLBACK_SERVER_WRITEABLE) return satd_channel_write(sockets, session->peer);
    if (reason == LWS_CALLBACK_CLOSED) satd_channel_close(sockets, session);
    return 0;
}

static int confirm_upgrade(struct satd_sockets *sockets, struct lws *wsi, const char *to)
{
    struct satd_upgrade upgrade;
    enum sat_err err = to && strcasecmp(to, "websocket") == 0 ? satd_upgrade_read(wsi, &upgrade) : SAT_ERR_PROTOCOL;
    if (satd_listener_is_metrics(wsi)) err = SAT_ERR_NOT_FOUND;
    bool full = satd_peers_count(&sockets->peers) >= sockets->config.connections_max;
    if (err == SAT_OK && (sockets->draining || full)) err = SAT_ERR_BUSY;
    if (err == SAT_OK) return 0;
    satd_count_reason(sockets->config.metrics, SATD_METRIC_UPGRADES_REFUSED, err);
    satd_log(sockets->config.log, UPGRADE_REFUSED, satd_err(err));
    return satd_http_refuse(wsi, err, err == SAT_ERR_BUSY ? satd_retry_ms(BUSY_RETRY_MS) : 0);
}

/* ---- Plain HTTP ---- */

/* What is as it is now is put into the metrics when somebody asks for them. */
static void measure(struct satd_sockets *sockets)
{
    struct satd_metrics *metrics = sockets->config.metrics;
    uint64_t now_ms = satd_mono_ms(), behind = 0, lag_ms = 0;
    for (uint32_t i = 0; i < sockets->peers.slots_n; i++) {
        const struct satd_peer *peer = sockets->peers.slots[i];
        if (!peer || !peer->behind_since_ms) continue;
        behind++;
        if (now_ms - peer->behind_since_ms > lag_ms) lag_ms = now_ms - peer->behind_since_ms;
    }
    satd_set(metrics, SATD_METRIC_BEHIND, behind);
    satd_set(metrics, SATD_METRIC_LAG, lag_ms / 1000);
    satd_set(metrics, SATD_METRIC_SOCKETS, sockets->connections);
    satd_set(metrics, SATD_METRIC_CONNECTIONS, satd_peers_count(&sockets->peers));
    satd_set(metrics, SATD_METRIC_AUTHENTICATED, sockets->known);
    satd_set(metrics, SATD_METRIC_ORGS_OPEN, satd_hub_orgs_open(sockets->config.hub));
    satd_set(metrics, SATD_METRIC_DRAINING, sockets->draining);
    satd_set(metrics, SATD_METRIC_LOG_LOST, sockets->config.log->lost_ever);
}

/* Without a listener of its own, /metrics is for this machine alone, and only where we end TLS ourselves: behind a
 * proxy everybody comes from here. */
static int on_request(struct satd_sockets *sockets, struct lws *wsi, struct satd_session *session)
{
    bool service = !satd_listener_is_metrics(wsi);
    bool own = sockets->doors[SATD_DOOR_METRICS].vhost;
    struct satd_http http = {
        .disk = sockets->config.disk,
        .metrics = sockets->config.metrics,
        .draining = sockets->draining,
        .service = service,
        .metrics_here = !service || (!own && sockets->config.cert_path && satd_http_is_local(wsi)),
    };
    measure(sockets);
    return satd_http_request(wsi, &http, &session->reply);
}

/* The first protocol of each vhost: it hears of every connection until that has chosen another. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    struct satd_session *session = user;
    (void)len;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(sockets, wsi, in);
    case LWS_CALLBACK_HTTP:
        return session ? on_request(sockets, wsi, session) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return session && session->reply ? satd_http_body(wsi, session->reply) : -1;
    case LWS_CALLBACK_CLOSED_HTTP:
        if (session) {
            satd_http_reply_free(session->reply);
            session->reply = NULL;
        }
        return 0;
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

/* ---- Signals ---- */

static int on_signal(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    struct signalfd_siginfo info;
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION) return -1;
    if (reason != LWS_CALLBACK_RAW_RX_FILE) return 0;
    while (read(lws_get_socket_fd(wsi), &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            sockets->reload = true;
        else
            sockets->stops++;
    }
    return 0;
}

/* ---- Opening, serving, closing ---- */

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
    {.name = "satcheld-http", .callback = on_http, .per_session_data_size = sizeof(struct satd_session)},
    {.name = SAT_SUBPROTOCOL,
     .callback = on_satchel,
     .per_session_data_size = sizeof(struct satd_session),
     .rx_buffer_size = 4096,
     .tx_packet_size = SAT_FRAGMENT_BYTES + FRAMING_BYTES}, /* 0 would be as much as is read at a time */
    {.name = "satcheld-listener", .callback = satd_listener_callback},
    {.name = "satcheld-signal", .callback = on_signal},
    {0},
};

static bool open_context(struct satd_sockets *sockets)
{
    static const lws_retry_bo_t no_pings = {.secs_since_valid_hangup = 0}; /* pulse.c has its own */
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
        .vhost_name = "satcheld-metrics",
    };
    if (sockets->config.cert_path) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    sockets->context = lws_create_context(&info);
    if (!sockets->context) return false;
    if (sockets->config.metrics_fd >= 0) {
        sockets->doors[SATD_DOOR_METRICS].vhost = lws_create_vhost(sockets->context, &info);
        if (!sockets->doors[SATD_DOOR_METRICS].vhost) return false;
    }
    info.vhost_name = "satcheld";
    if (sockets->config.cert_path) {
        info.ssl_cert_filepath = sockets->config.cert_path;
        info.ssl_private_key_filepath = sockets->config.key_path;
        info.ssl_options_set = satd_certificate_tls_options();
    }
    struct lws_vhost *service = lws_create_vhost(sockets->context, &info);
    for (unsigned i = SATD_DOOR_SERVICE; i < SATD_DOORS; i++) sockets->doors[i].vhost = service;
    return service;
}

/* Hands a descriptor over; the library owns it then. NULL: it is still ours. */
static struct lws *adopt(struct lws_vhost *vhost, int *fd, const char *protocol)
{
    lws_sock_file_fd_type descriptor = {.filefd = *fd};
    struct lws *wsi = lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, protocol, NULL);
    if (wsi) *fd = -1;
    return wsi;
}

static bool open_doors(struct satd_sockets *sockets)
{
    struct satd_listener *service = &sockets->doors[SATD_DOOR_SERVICE], *metrics = &sockets->doors[SATD_DOOR_METRICS];
    for (unsigned i = 0; i < SATD_ADDRESSES_MAX; i++) {
        if (sockets->config.listen_fds[i] < 0) continue;
        service[i].wsi = adopt(service[i].vhost, &sockets->config.listen_fds[i], "satcheld-listener");
        if (!service[i].wsi) return false;
    }
    if (!adopt(service->vhost, &sockets->config.signal_fd, "satcheld-signal")) return false;
    if (!metrics->vhost) return true;
    metrics->wsi = adopt(metrics->vhost, &sockets->config.metrics_fd, "satcheld-listener");
    return metrics->wsi;
}

enum sat_err satd_sockets_open(const struct satd_sockets_config *config, struct satd_sockets **out,
                               struct sat_fault *fault)
{
    struct satd_sockets *sockets = calloc(1, sizeof *sockets);
    sat_check(sockets != NULL);
    *out = sockets;
    sockets->config = *config;
    sockets->journal = (struct satd_journal){.log = config->log, .metrics = config->metrics};
    satd_peers_init(&sockets->peers, config->connections_max);
    satd_guesses_init(&sockets->guesses, config->limits->failed_attempts);
    sockets->full = calloc(config->connections_max, sizeof *sockets->full);
    sat_check(sockets->full != NULL);
    sat_buf_init(&sockets->frame);
    for (int i = 0; i < LWS_PRE; i++) sat_put_u8(&sockets->frame, 0);
    set_library_level(sockets, true);
    if (!open_context(sockets))
        return sat_fail(fault, SAT_ERR_IO, "the WebSocket library could not be started; the log says why");
    if (!open_doors(sockets)) return sat_fail(fault, SAT_ERR_IO, "the WebSocket library did not take the listener");
    sockets->connections = 0; /* these are none */
    satd_pulse_start(sockets);
    set_library_level(sockets, false);
    return SAT_OK;
}

static void close_fd(int fd)
{
    if (fd >= 0) (void)close(fd);
}

void satd_sockets_close(struct satd_sockets *sockets)
{
    if (!sockets) return;
    lws_set_log_level(0, NULL);
    if (sockets->context) {
        lws_sul_cancel(&sockets->pulse);
        lws_sul_cancel(&sockets->resume_accepting);
        lws_context_destroy(sockets->context);
    }
    for (unsigned i = 0; i < SATD_ADDRESSES_MAX; i++) close_fd(sockets->config.listen_fds[i]);
    close_fd(sockets->config.metrics_fd);
    close_fd(sockets->config.signal_fd);
    satd_peers_deinit(&sockets->peers);
    satd_guesses_deinit(&sockets->guesses);
    sat_buf_deinit(&sockets->frame);
    free(sockets->full);
    free(sockets);
}

/* What waits for its turn must not wait for the network as well: then the library only looks, and does not sleep. */
void satd_sockets_service(struct satd_sockets *sockets)
{
    const struct satd_hub_calls calls = {
        .context = sockets, .deliver = satd_channel_deliver, .heard = satd_channel_heard};
    satd_turns_grant(&sockets->turns);
    bool waits = satd_hub_waits(sockets->config.hub) || satd_turns_wait(&sockets->turns);
    (void)lws_service(sockets->context, waits ? -1 : 0);
    satd_channel_pause(sockets);
    if (sockets->maintain_due) satd_hub_maintain(sockets->config.hub, &calls);
    sockets->maintain_due = false;
    satd_hub_step(sockets->config.hub, &calls); /* what this round has brought, in one commit for each org */
}

unsigned satd_sockets_stops(const struct satd_sockets *sockets)
{
    return sockets->stops;
}

bool satd_sockets_reload(struct satd_sockets *sockets)
{
    bool reload = sockets->reload;
    sockets->reload = false;
    return reload;
}

bool satd_sockets_renew_certificate(struct satd_sockets *sockets)
{
    const struct satd_sockets_config *config = &sockets->config;
    return !config->cert_path ||
           lws_tls_cert_updated(sockets->context, config->cert_path, config->key_path, NULL, 0, NULL, 0) == 0;
}

void satd_sockets_drain(struct satd_sockets *sockets)
{
    uint32_t spread_ms = GOODBYE_SPREAD_MS + GOODBYE_SPREAD_PER_PEER * satd_peers_count(&sockets->peers);
    sockets->draining = true;
    for (unsigned i = 0; i < SATD_DOORS; i++)
        if (sockets->doors[i].wsi)
            lws_set_timeout(sockets->doors[i].wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    for (uint32_t i = 0; i < sockets->peers.slots_n; i++) {
        struct satd_peer *peer = sockets->peers.slots[i];
        if (peer && peer->state == SATD_PEER_OPEN)
            satd_channel_dismiss(sockets, peer, GOODBYE_MS + randombytes_uniform(spread_ms));
    }
}

uint32_t satd_sockets_peers(const struct satd_sockets *sockets)
{
    return satd_peers_count(&sockets->peers);
}
