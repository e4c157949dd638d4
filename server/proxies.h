/* Who is really at the other end: behind a reverse proxy the socket's address is the proxy's. What X-Forwarded-For says
 * is believed only from the addresses that the operator named, since anybody can write the header. */
#ifndef SATD_PROXIES_H
#define SATD_PROXIES_H

#include "common/base/bytes.h"
#include "common/base/err.h"

enum { SATD_PROXIES_MAX = 32, SATD_FROM_SIZE = 46 }; /* an address as text, with its NUL */

struct satd_ip {
    uint8_t b[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct satd_proxies {
    struct {
        struct satd_ip ip;
        unsigned bits;
    } at[SATD_PROXIES_MAX];
    uint32_t n;
};

/* "127.0.0.1, ::1, 10.0.0.0/8". SAT_ERR_INVALID. */
enum sat_err satd_proxies_parse(const char *text, struct satd_proxies *out) SAT_MUST_CHECK;
/* The address at the other end of a connected socket; zeros if it has none. */
struct satd_ip satd_ip_of_socket(int fd);
bool satd_ip_is_v4(const struct satd_ip *ip);
bool satd_ip_is_loopback(const struct satd_ip *ip);
void satd_ip_format(const struct satd_ip *ip, char out[SATD_FROM_SIZE]);
/* The client's address: `peer`, or what the chain of proxies says as far as it is trusted. `forwarded` is the header's
 * value; empty for none. */
struct satd_ip satd_proxies_client(const struct satd_proxies *proxies, const struct satd_ip *peer,
                                   const char *forwarded);

#endif
