/* The floor of whatever crosses the network: so many bytes in frames of one size over libwebsockets and TLS on
 * loopback, from one process to another, and nothing done with them.
 *
 *   bench_transfer CERT KEY BYTES FRAME down|up     prints {"name","us","per_s"} of making the connection, and of one
 *                                                   byte */
#define _GNU_SOURCE
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/measure.h"

enum { FRAME_BYTES_MAX = 1024 * 1024, BUFFER_BYTES = 64 * 1024 };

static const char subprotocol[] = "transfer";

struct side {
    uint64_t to_send, to_receive; /* still */
    size_t frame_bytes;
    uint64_t connect_ns, began_ns,
        ended_ns; /* on the client: connecting; connected; the last byte of the answer is here */
    bool server, gone;
    uint8_t *frame;
};

static void write_frame(struct side *side, struct lws *wsi)
{
    size_t len = side->to_send < side->frame_bytes ? (size_t)side->to_send : side->frame_bytes;
    if (len == 0) return;
    bench_require(lws_write(wsi, side->frame + LWS_PRE, len, LWS_WRITE_BINARY) == (int)len, "sending");
    side->to_send -= len;
    if (side->to_send) lws_callback_on_writable(wsi);
}

static int receive(struct side *side, struct lws *wsi, size_t len)
{
    bench_require(len <= side->to_receive, "receiving what was sent");
    side->to_receive -= len;
    if (side->to_receive) return 0;
    if (side->server)
        lws_callback_on_writable(wsi); /* all is here: one byte says so */
    else
        side->ended_ns = bench_now_ns();
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct side *side = lws_context_user(lws_get_context(wsi));
    (void)user;
    (void)in;
    if (!side) return 0;
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) bench_require(false, "connecting");
    if (reason == LWS_CALLBACK_ESTABLISHED && side->to_receive == 0) lws_callback_on_writable(wsi);
    if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) {
        side->began_ns = bench_now_ns();
        lws_callback_on_writable(wsi);
    }
    if (reason == LWS_CALLBACK_SERVER_WRITEABLE && side->to_receive == 0) write_frame(side, wsi);
    if (reason == LWS_CALLBACK_CLIENT_WRITEABLE) write_frame(side, wsi);
    if (reason == LWS_CALLBACK_RECEIVE || reason == LWS_CALLBACK_CLIENT_RECEIVE) return receive(side, wsi, len);
    if (reason == LWS_CALLBACK_CLOSED) side->gone = true;
    return 0;
}

static struct lws_context *open_context(struct side *side, const char *cert, const char *key)
{
    static const struct lws_protocols protocols[] = {
        {.name = subprotocol, .callback = on_event, .rx_buffer_size = BUFFER_BYTES},
        {0},
    };
    struct lws_context_creation_info info = {
        .port = side->server ? 0 : CONTEXT_PORT_NO_LISTEN,
        .iface = side->server ? "127.0.0.1" : NULL,
        .protocols = protocols,
        .user = side,
        .gid = -1,
        .uid = -1,
        .pt_serv_buf_size = BUFFER_BYTES,
        .ssl_cert_filepath = cert,
        .ssl_private_key_filepath = key,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
    };
    side->frame = calloc(1, LWS_PRE + side->frame_bytes);
    bench_require(side->frame != NULL, "memory");
    struct lws_context *context = lws_create_context(&info);
    bench_require(context != NULL, "starting libwebsockets");
    return context;
}

static void close_context(struct lws_context *context, struct side *side)
{
    lws_context_destroy(context);
    free(side->frame);
}

static void serve(struct side *side, const char *cert, const char *key, int tell)
{
    struct lws_context *context = open_context(side, cert, key);
    int port = lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default"));
    bench_require(write(tell, &port, sizeof port) == (ssize_t)sizeof port, "telling the port");
    while (!side->gone) (void)lws_service(context, 0);
    close_context(context, side);
}

static void fetch(struct side *side, int port)
{
    struct lws_context *context = open_context(side, NULL, NULL);
    struct lws_client_connect_info info = {
        .context = context,
        .address = "127.0.0.1",
        .host = "127.0.0.1",
        .port = port,
        .path = "/",
        .protocol = subprotocol,
        .local_protocol_name = subprotocol,
        .ietf_version_or_minus_one = -1,
        .ssl_connection = LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
                          LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE,
    };
    side->connect_ns = bench_now_ns();
    bench_require(lws_client_connect_via_info(&info) != NULL, "connecting");
    while (!side->ended_ns) (void)lws_service(context, 0);
    close_context(context, side);
}

int main(int argc, char **argv)
{
    bench_require(argc == 6, "bench_transfer CERT KEY BYTES FRAME down|up");
    uint64_t bytes = strtoull(argv[3], NULL, 10);
    size_t frame_bytes = strtoul(argv[4], NULL, 10);
    bool up = strcmp(argv[5], "up") == 0;
    bench_require(bytes > 0 && frame_bytes > 0 && frame_bytes <= FRAME_BYTES_MAX, "sizes in their bounds");
    lws_set_log_level(LLL_ERR, NULL);
    struct side client = {.to_send = up ? bytes : 0, .to_receive = up ? 1 : bytes, .frame_bytes = frame_bytes};
    struct side server = {
        .to_send = client.to_receive, .to_receive = client.to_send, .frame_bytes = frame_bytes, .server = true};
    int ends[2], port = 0, status = 0;
    bench_require(pipe(ends) == 0, "a pipe");
    pid_t child = fork();
    bench_require(child >= 0, "a second process");
    if (child == 0) {
        serve(&server, argv[1], argv[2], ends[1]);
        return 0;
    }
    bench_require(read(ends[0], &port, sizeof port) == (ssize_t)sizeof port, "the server's port");
    fetch(&client, port);
    bench_print("connect", 1, client.began_ns - client.connect_ns);
    bench_print(up ? "transfer_up" : "transfer_down", bytes, client.ended_ns - client.began_ns);
    bench_require(waitpid(child, &status, 0) == child && status == 0, "the server's end");
    return 0;
}
