/* The sockets: libwebsockets carries bytes between peers and the hub. It accepts, assembles messages, writes one
 * message whenever a socket can take one, and closes who misbehaves; what the bytes mean is the engine's affair. */
#ifndef SATD_SOCKETS_H
#define SATD_SOCKETS_H

#include "server/address.h"
#include "server/hub.h"

struct satd_sockets;

struct satd_sockets_config {
    const char *cert_path, *key_path; /* NULL: no TLS */
    struct sat_binding binding;       /* what ties a handshake to this channel */
    uint32_t connections_max;
    struct satd_hub *hub; /* borrowed, as the log */
    struct satd_log *log;
    int listen_fd; /* taken */
    int signal_fd; /* taken: when it can be read, stop */
};

enum sat_err satd_sockets_open(const struct satd_sockets_config *config, struct satd_sockets **out,
                               struct sat_fault *fault) SAT_MUST_CHECK;
void satd_sockets_close(struct satd_sockets *sockets); /* NULL is fine */
/* Waits for something to happen and does it, once. */
void satd_sockets_service(struct satd_sockets *sockets);
/* Has a signal asked to stop? How often? */
unsigned satd_sockets_stops(const struct satd_sockets *sockets);
/* Accepts no more, says goodbye to everybody, and closes each when its outbox is empty. */
void satd_sockets_drain(struct satd_sockets *sockets);
/* How many WebSockets are still open. */
uint32_t satd_sockets_peers(const struct satd_sockets *sockets);

#endif
