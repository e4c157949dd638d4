/* HOST:PORT, or a list of them, and a socket that listens there. */
#ifndef SATD_ADDRESS_H
#define SATD_ADDRESS_H

#include "common/base/err.h"

struct satd_address {
    char host[256]; /* without brackets */
    uint16_t port;
};

enum { SATD_ADDRESSES_MAX = 8 };
struct satd_addresses {
    struct satd_address at[SATD_ADDRESSES_MAX];
    uint32_t n; /* at least one */
};

/* "HOST:PORT" or "[v6]:PORT". SAT_ERR_USAGE. */
enum sat_err satd_address_parse(const char *text, struct satd_address *out, struct sat_fault *fault) SAT_MUST_CHECK;
/* The same several times, with commas between. */
enum sat_err satd_addresses_parse(const char *text, struct satd_addresses *out, struct sat_fault *fault) SAT_MUST_CHECK;
/* A listening, non-blocking socket; the caller closes it. Port 0 is replaced by the one that was picked. With
 * `loopback` an address that is reachable from outside is refused: SAT_ERR_USAGE. SAT_ERR_PORT names the address and
 * what is wrong. */
enum sat_err satd_address_listen(struct satd_address *address, bool loopback, int *out,
                                 struct sat_fault *fault) SAT_MUST_CHECK;
/* "wss://HOST:PORT". */
void satd_address_url(const struct satd_address *address, const char *scheme, char *out, unsigned out_size);

#endif
