/* A sync in an event loop of the application's own: the session says where to connect and what to send, and is told
 * what came. The network here is libwebsockets; with another one, on_event() is what has to be written again. */
#include <libwebsockets.h>
#include <satchel.h>
#include <stdio.h>
#include <string.h>

struct loop {
    struct satchel_session *session;
    unsigned char in[SATCHEL_MESSAGE_BYTES_MAX + 1], out[LWS_PRE + SATCHEL_MESSAGE_BYTES_MAX];
    size_t in_len; /* of the message that is arriving: they come in pieces */
    lws_sorted_usec_list_t timer;
};
static struct loop loop;

/* The connection is open: the key of the server's certificate ties the handshake to it. */
static void opened(struct lws *wsi)
{
    static union {
        union lws_tls_cert_info_results info;
        char room[4096];
    } key;
    int failed = lws_tls_peer_cert_info(wsi, LWS_TLS_CERT_INFO_OPAQUE_PUBLIC_KEY, &key.info, sizeof key.room / 2);
    satchel_session_opened(loop.session, failed ? NULL : key.info.ns.name, failed ? 0 : (size_t)key.info.ns.len);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    const void *message;
    (void)user;
    if (!loop.session) return 0; /* it is over */
    if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) opened(wsi);
    if (reason == LWS_CALLBACK_CLIENT_CLOSED) satchel_session_closed(loop.session, NULL);
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) {
        char versions[200] = "";
        unsigned status = lws_http_client_http_response(wsi);
        if (status) (void)lws_hdr_copy(wsi, versions, sizeof versions, WSI_TOKEN_PROTOCOL);
        if (status)
            satchel_session_refused(loop.session, (int)status, versions);
        else
            satchel_session_closed(loop.session, (const char *)in);
    }
    if (reason == LWS_CALLBACK_CLIENT_RECEIVE) {
        if (len > sizeof loop.in - loop.in_len) len = sizeof loop.in - loop.in_len; /* too long: the session says so */
        memcpy(loop.in + loop.in_len, in, len);
        loop.in_len += len;
        if (lws_remaining_packet_payload(wsi) || !lws_is_final_fragment(wsi)) return 0;
        satchel_session_received(loop.session, loop.in, loop.in_len);
        loop.in_len = 0;
    }
    if (reason == LWS_CALLBACK_CLIENT_WRITEABLE && satchel_session_writable(loop.session, &message, &len)) {
        memcpy(loop.out + LWS_PRE, message, len);
        if (lws_write(wsi, loop.out + LWS_PRE, len, LWS_WRITE_BINARY) < 0) return -1;
    }
    return 0;
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    (void)timer; /* it has woken the loop, which is all that it is for */
}

static struct lws *connect_to(struct lws_context *context, char *url)
{
    struct lws_client_connect_info info;
    const char *scheme, *path;
    char whole[300];
    memset(&info, 0, sizeof info);
    if (lws_parse_uri(url, &scheme, &info.address, &info.port, &path)) return NULL;
    (void)snprintf(whole, sizeof whole, "/%s", path);
    info.context = context;
    info.path = whole;
    info.host = info.address;
    info.protocol = satchel_session_subprotocol();
    info.local_protocol_name = "satchel";
    if (strcmp(scheme, "wss") == 0) /* any certificate: the server proves itself by another key */
        info.ssl_connection = LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
                              LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
    return lws_client_connect_via_info(&info);
}

static int run(struct satchel *satchel, struct satchel_sync_result *result)
{
    static const struct lws_protocols protocols[] = {{"satchel", on_event, 0, 65536, 0, NULL, 0},
                                                     {NULL, NULL, 0, 0, 0, NULL, 0}};
    struct lws_context_creation_info info;
    char url[600];
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    lws_set_log_level(0, NULL);
    int failed = satchel_session_open(satchel, NULL, &loop.session);
    if (failed) return failed;
    struct satchel_session *session = loop.session;
    struct lws_context *context = lws_create_context(&info);
    (void)snprintf(url, sizeof url, "%s", satchel_session_url(session));
    struct lws *wsi = context ? connect_to(context, url) : NULL;
    if (!wsi && !satchel_session_over(session)) satchel_session_closed(session, "no connection");
    while (!satchel_session_over(session)) {
        uint32_t wait_ms = satchel_session_wakeup_ms(session);
        lws_sul_schedule(context, 0, &loop.timer, on_timer, ((lws_usec_t)wait_ms + 1) * LWS_US_PER_MS);
        if (satchel_session_wants_write(session)) lws_callback_on_writable(wsi);
        (void)lws_service(context, 0);
    }
    loop.session = NULL;
    loop.in_len = 0;
    lws_sul_cancel(&loop.timer);
    lws_context_destroy(context);
    failed = satchel_session_result(session, result);
    satchel_session_free(session);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: example_loop HOME PASSPHRASE\n"), 1;
    struct satchel_open_options options = {{argv[2], strlen(argv[2])}, 5000, 0, 1, {NULL, 0}};
    struct satchel_sync_result result;
    struct satchel_error error;
    struct satchel *satchel;
    if (satchel_open(argv[1], &options, &satchel, &error))
        return fprintf(stderr, "%s\n", error.message), error.exit_code;
    int failed = run(satchel, &result);
    for (int again = 2; failed && again && strcmp(satchel_error_of(satchel)->class_, "retry") == 0; again--)
        failed = run(satchel, &result); /* the server may have another address: each session is about the next one */
    int code = failed ? satchel_error_of(satchel)->exit_code : 0;
    if (failed) fprintf(stderr, "%s\n", satchel_error_of(satchel)->message);
    if (!failed) printf("received %d, in sync: %s\n", (int)result.received, result.in_sync ? "yes" : "no");
    satchel_close(satchel);
    return code;
}
