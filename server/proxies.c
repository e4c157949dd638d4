#define _GNU_SOURCE
#include "server/proxies.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { V4_PREFIX_BITS = 96 };

static const uint8_t V4_PREFIX[12] = {[10] = 0xff, [11] = 0xff};

static struct satd_ip of_v4(const void *bytes)
{
    struct satd_ip ip;
    memcpy(ip.b, V4_PREFIX, sizeof V4_PREFIX);
    memcpy(ip.b + sizeof V4_PREFIX, bytes, 4);
    return ip;
}

bool satd_ip_is_v4(const struct satd_ip *ip)
{
    return memcmp(ip->b, V4_PREFIX, sizeof V4_PREFIX) == 0;
}

/* `text` of `len` bytes is an address and nothing else. */
static bool parse_ip(const char *text, size_t len, struct satd_ip *out)
{
    char copy[SATD_FROM_SIZE];
    uint8_t v4[4];
    if (len == 0 || len >= sizeof copy) return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    if (inet_pton(AF_INET, copy, v4) == 1) {
        *out = of_v4(v4);
        return true;
    }
    return inet_pton(AF_INET6, copy, out->b) == 1;
}

/* "10.0.0.0/8": the address with how many of its bits count. */
static bool parse_network(const char *text, size_t len, struct satd_ip *ip, unsigned *bits)
{
    const char *slash = memchr(text, '/', len);
    if (!parse_ip(text, slash ? (size_t)(slash - text) : len, ip)) return false;
    unsigned most = satd_ip_is_v4(ip) ? 32 : 128, n = most;
    if (slash) {
        n = 0;
        if (slash + 1 == text + len || len - (size_t)(slash - text) > 4) return false;
        for (const char *p = slash + 1; p < text + len; p++) {
            if (*p < '0' || *p > '9') return false;
            n = n * 10 + (unsigned)(*p - '0');
        }
    }
    *bits = n + (satd_ip_is_v4(ip) ? V4_PREFIX_BITS : 0);
    return n <= most;
}

enum sat_err satd_proxies_parse(const char *text, struct satd_proxies *out)
{
    *out = (struct satd_proxies){0};
    while (*text) {
        text += strspn(text, ", \t");
        size_t len = strcspn(text, ", \t");
        if (len == 0) break;
        if (out->n == SATD_PROXIES_MAX || !parse_network(text, len, &out->at[out->n].ip, &out->at[out->n].bits))
            return SAT_ERR_INVALID;
        out->n++;
        text += len;
    }
    return out->n ? SAT_OK : SAT_ERR_INVALID;
}

struct satd_ip satd_ip_of_socket(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    struct satd_ip ip = {{0}};
    if (getpeername(fd, (struct sockaddr *)&address, &len) != 0) return ip;
    if (address.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address, sizeof v4);
        return of_v4(&v4.sin_addr);
    }
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address, sizeof v6);
        memcpy(ip.b, &v6.sin6_addr, sizeof ip.b);
    }
    return ip;
}

bool satd_ip_is_loopback(const struct satd_ip *ip)
{
    static const struct satd_ip one = {{[15] = 1}};
    return satd_ip_is_v4(ip) ? ip->b[12] == 127 : memcmp(ip, &one, sizeof one) == 0;
}

void satd_ip_format(const struct satd_ip *ip, char out[SATD_FROM_SIZE])
{
    const char *done = satd_ip_is_v4(ip) ? inet_ntop(AF_INET, ip->b + sizeof V4_PREFIX, out, SATD_FROM_SIZE)
                                         : inet_ntop(AF_INET6, ip->b, out, SATD_FROM_SIZE);
    if (!done) out[0] = 0;
}

static bool is_within(const struct satd_ip *ip, const struct satd_ip *network, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(ip->b, network->b, whole) != 0) return false;
    return rest == 0 || (ip->b[whole] ^ network->b[whole]) >> (8 - rest) == 0;
}

static bool is_trusted(const struct satd_proxies *proxies, const struct satd_ip *ip)
{
    for (uint32_t i = 0; i < proxies->n; i++)
        if (is_within(ip, &proxies->at[i].ip, proxies->at[i].bits)) return true;
    return false;
}

/* Each proxy puts whom it spoke to at the end, so the list is read from there, as long as who wrote it is trusted. */
struct satd_ip satd_proxies_client(const struct satd_proxies *proxies, const struct satd_ip *peer,
                                   const char *forwarded)
{
    struct satd_ip client = *peer;
    size_t end = strlen(forwarded);
    while (end && is_trusted(proxies, &client)) {
        size_t start = end;
        while (start && forwarded[start - 1] != ',') start--;
        const char *word = forwarded + start + strspn(forwarded + start, " \t");
        size_t len = (size_t)(forwarded + end - word);
        while (len && (word[len - 1] == ' ' || word[len - 1] == '\t')) len--;
        struct satd_ip next;
        if (!parse_ip(word, len, &next)) break;
        client = next;
        end = start ? start - 1 : 0;
    }
    return client;
}
