/* Accepting: listeners of our own, so that the limit holds and a busy port is named at the start. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/sockets_state.h"

enum {
    ACCEPTS_AT_ONCE = 64,   /* so that newcomers do not keep those waiting who are here */
    REST_MS = 100,          /* after running out of descriptors or memory */
    OUTSTANDING_MS = 60000, /* unacknowledged bytes for that long: the other side is gone */
    SURPLUS = 64,           /* connections beyond the limit, to be told so */
    /* What the kernel keeps for one peer: not yet on its way, and come but not yet read by us. */
    UNSENT_BYTES_MAX = 128 * 1024,
    UNREAD_BYTES_MAX = 256 * 1024,
};

static void resume_accepting(lws_sorted_usec_list_t *timer)
{
    struct satd_sockets *sockets = lws_container_of(timer, struct satd_sockets, resume_accepting);
    for (unsigned i = 0; i < SATD_DOORS; i++)
        if (sockets->doors[i].wsi) (void)lws_rx_flow_control(sockets->doors[i].wsi, 1);
}

/* Out of descriptors or memory: the listener would wake us for ever, so it rests for a moment. */
static void rest(struct satd_sockets *sockets, const struct satd_listener *door, int number)
{
    satd_log(sockets->config.log, ACCEPT_FAILED, satd_place("why", strerror(number)));
    (void)lws_rx_flow_control(door->wsi, 0);
    lws_sul_schedule(sockets->context, 0, &sockets->resume_accepting, resume_accepting, REST_MS * LWS_US_PER_MS);
}

static void set_up_socket(int fd)
{
    int on = 1, outstanding_ms = OUTSTANDING_MS, unsent_bytes = UNSENT_BYTES_MAX, unread_bytes = UNREAD_BYTES_MAX;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &outstanding_ms, sizeof outstanding_ms);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &unread_bytes, sizeof unread_bytes);
}

static void accept_some(struct satd_sockets *sockets, struct satd_listener *door)
{
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(lws_get_socket_fd(door->wsi), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
            rest(sockets, door, errno);
        if (fd < 0) return; /* most likely there is nobody else; else poll says so again */
        if (sockets->connections >= sockets->config.connections_max + SURPLUS) {
            satd_log(sockets->config.log, CONNECTIONS_FULL, satd_number("connections", sockets->connections));
            (void)close(fd);
            continue;
        }
        set_up_socket(fd);
        struct lws *wsi = lws_adopt_socket_vhost(door->vhost, fd); /* closes it if it fails */
        if (wsi) lws_set_opaque_user_data(wsi, door);
    }
}

/* The library may move a connection to another vhost, by the Host that its request names: the door stays. */
bool satd_listener_is_metrics(struct lws *wsi)
{
    const struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    return lws_get_opaque_user_data(wsi) == &sockets->doors[SATD_DOOR_METRICS];
}

static struct satd_listener *door_of(struct satd_sockets *sockets, const struct lws *wsi)
{
    for (unsigned i = 0; i < SATD_DOORS; i++)
        if (sockets->doors[i].wsi == wsi) return &sockets->doors[i];
    return NULL;
}

int satd_listener_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct satd_sockets *sockets = lws_context_user(lws_get_context(wsi));
    struct satd_listener *door = door_of(sockets, wsi);
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION) return -1;
    if (reason == LWS_CALLBACK_RAW_RX_FILE && door) accept_some(sockets, door);
    if (reason == LWS_CALLBACK_RAW_CLOSE_FILE && door) door->wsi = NULL;
    return 0;
}
