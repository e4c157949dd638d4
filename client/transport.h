/* The transport: one WebSocket connection to the server, and nothing else that touches the network.
 *
 * TLS with any certificate, because what is pinned is the server's identity key, which signs its hello over the
 * channel's binding; plain ws:// to loopback addresses alone. */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include "client/session.h"

#define CLIENT_HOST_BYTES_MAX 255

struct client_address {
    char host[CLIENT_HOST_BYTES_MAX + 1];
    uint16_t port;
    bool tls;
    char base[64]; /* a path in front of /satchel/…, without its last '/'; may be empty */
};
/* wss://host[:port][/base] ; ws:// for loopback alone; IPv6 in brackets. SAT_ERR_INVALID. */
enum sat_err client_address_parse(const char *url, struct client_address *out, struct sat_fault *fault) SAT_MUST_CHECK;

/* Connects to the session's address and carries it until client_session_over(). Failures of the network are told to
 * the session; the return value is for what kept it from trying at all. */
enum sat_err client_transport_run(struct client_session *session, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
