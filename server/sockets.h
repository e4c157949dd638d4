/* The sockets: libwebsockets carries bytes between peers and the hub. It accepts, assembles messages, writes one
 * message whenever a socket can take one, and closes who misbehaves; what the bytes mean is the engine's affair. */
#ifndef SATD_SOCKETS_H
#define SATD_SOCKETS_H

#include "server/address.h"
#include "server/hub.h"
#include "server/proxies.h"

struct satd_sockets;

struct satd_sockets_config {
    const char *cert_path, *key_path; /* NULL: no TLS. Borrowed, as all that is not said to be taken */
    uint32_t connections_max;
    uint64_t ping_s;
    const struct satd_proxies *proxies;
    const struct satd_limits *limits;
    const struct satd_identities *identities;
    struct satd_hub *hub;
    struct satd_disk *disk;
    struct satd_log *log;
    struct satd_metrics *metrics;
    int listen_fds[SATD_ADDRESSES_MAX]; /* taken; -1: none */
    int metrics_fd;                     /* taken; -1: /metrics is served to loopback on the service's port */
    int signal_fd;                      /* taken: SIGHUP reloads, every other signal stops */
};

enum sat_err satd_sockets_open(const struct satd_sockets_config *config, struct satd_sockets **out,
                               struct sat_fault *fault) SAT_MUST_CHECK;
void satd_sockets_close(struct satd_sockets *sockets); /* NULL is fine */
/* Waits for something to happen and does it, once. */
void satd_sockets_service(struct satd_sockets *sockets);
/* Has a signal asked to stop? How often? */
unsigned satd_sockets_stops(const struct satd_sockets *sockets);
/* Has a signal asked to reload since this was asked last? */
bool satd_sockets_reload(struct satd_sockets *sockets);
/* Takes the certificate and key from their files again, for connections to come. False: they stay as they were. */
bool satd_sockets_renew_certificate(struct satd_sockets *sockets);
/* Accepts no more, says goodbye to everybody, and closes each when its outbox is empty. */
void satd_sockets_drain(struct satd_sockets *sockets);
/* How many WebSockets are still open. */
uint32_t satd_sockets_peers(const struct satd_sockets *sockets);

#endif
