/* The pulse: once a second the peers are looked at, each once in its interval. Who is quiet is asked; who has given no
 * sign of life since then is gone. The library's own pings cost a tenth of a core at 10,000 peers, as its timers are
 * one list; this is one walk over some of the slots. */
#define _GNU_SOURCE
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "server/clock.h"
#include "server/sockets_state.h"

enum {
    AUTHENTICATE_WITHIN_MS = 10000, /* from the upgrade on; the upgrade itself has as long */
    POSTPONED_MS = 30000,           /* so long does a peer go on reading whose work is not taken */
    PING_BYTES_MAX = 512            /* with TLS around it, and a few times over */
};

/* A peer on a slow line cannot answer before it has taken what is on its way. What its kernel acknowledges is a sign of
 * life only beyond what a ping costs: the program behind it may hang. */
static bool has_taken_something(struct satd_peer *peer)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(lws_get_socket_fd(peer->wsi), IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return false;
    bool more = info.tcpi_bytes_acked > peer->acked_bytes + PING_BYTES_MAX;
    peer->acked_bytes = info.tcpi_bytes_acked;
    return more;
}

static void ask(struct satd_sockets *sockets, struct satd_peer *peer)
{
    bool alive = has_taken_something(peer) || peer->heard;
    if (peer->asked && !alive) {
        satd_channel_cut(sockets, peer, "it gives no sign of life");
        return;
    }
    peer->asked = !peer->heard;
    peer->heard = false;
    if (!peer->asked) return;
    satd_count(sockets->config.metrics, SATD_METRIC_PINGS, 1);
    peer->ping_due = true;
    lws_callback_on_writable(peer->wsi);
}

/* Whoever has not shown who it is in time is closed: an open door is no place to stay in. */
static void check_time(struct satd_sockets *sockets, struct satd_peer *peer, uint64_t now_ms)
{
    static const struct satd_refusal nobody = {.err = SAT_ERR_TIMED_OUT,
                                               .text = "nobody has authenticated on this connection in time"};
    if (!peer->known && now_ms - peer->opened_ms >= AUTHENTICATE_WITHIN_MS)
        satd_channel_refuse(sockets, peer, &nobody);
    else if (peer->postponed.err && now_ms - peer->postponed_ms >= POSTPONED_MS)
        satd_channel_refuse(sockets, peer, &peer->postponed);
}

static void beat(lws_sorted_usec_list_t *timer)
{
    struct satd_sockets *sockets = lws_container_of(timer, struct satd_sockets, pulse);
    uint64_t now_ms = satd_mono_ms(), interval = sockets->config.ping_s;
    (void)satd_disk_is_low(sockets->config.disk);
    sockets->beats++;
    sockets->maintain_due = true;
    for (uint32_t i = 0; i < sockets->peers.slots_n; i++) {
        struct satd_peer *peer = sockets->peers.slots[i];
        if (!peer || peer->state != SATD_PEER_OPEN) continue;
        check_time(sockets, peer, now_ms);
        if (i % interval == sockets->beats % interval && peer->known && peer->state == SATD_PEER_OPEN)
            ask(sockets, peer);
    }
    lws_sul_schedule(sockets->context, 0, &sockets->pulse, beat, SATD_BEAT_MS * LWS_US_PER_MS);
}

void satd_pulse_start(struct satd_sockets *sockets)
{
    lws_sul_schedule(sockets->context, 0, &sockets->pulse, beat, SATD_BEAT_MS * LWS_US_PER_MS);
}
