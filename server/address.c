#define _GNU_SOURCE
#include "server/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum sat_err parse_port(const char *text, uint16_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') return SAT_ERR_USAGE;
    unsigned long port = strtoul(text, &end, 10);
    if (*end || port > 65535) return SAT_ERR_USAGE;
    *out = (uint16_t)port;
    return SAT_OK;
}

enum sat_err satd_address_parse(const char *text, struct satd_address *out, struct sat_fault *fault)
{
    const char *colon = strrchr(text, ':'), *host = text;
    size_t len = colon ? (size_t)(colon - text) : 0;
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (len && memchr(host, ':', len)) {
        len = 0; /* a bare IPv6 address: where does it end? */
    }
    if (len == 0 || len >= sizeof out->host || parse_port(colon + 1, &out->port) != SAT_OK)
        return sat_fail(fault, SAT_ERR_USAGE, "%.200s is not of the form HOST:PORT or [IPv6]:PORT", text);
    memcpy(out->host, host, len);
    out->host[len] = 0;
    return SAT_OK;
}

static enum sat_err parse_piece(const char *piece, size_t len, struct satd_address *out, struct sat_fault *fault)
{
    char text[300];
    while (len && *piece == ' ') {
        piece++;
        len--;
    }
    while (len && piece[len - 1] == ' ') len--;
    if (len >= sizeof text) len = sizeof text - 1; /* longer than any address: it is refused all the same */
    memcpy(text, piece, len);
    text[len] = 0;
    return satd_address_parse(text, out, fault);
}

enum sat_err satd_addresses_parse(const char *text, struct satd_addresses *out, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    const char *piece = text;
    out->n = 0;
    while (err == SAT_OK && piece) {
        size_t len = strcspn(piece, ",");
        if (out->n == SATD_ADDRESSES_MAX)
            return sat_fail(fault, SAT_ERR_USAGE, "more than %d addresses to listen on", SATD_ADDRESSES_MAX);
        err = parse_piece(piece, len, &out->at[out->n++], fault);
        piece = piece[len] ? piece + len + 1 : NULL;
    }
    return err;
}

void satd_address_url(const struct satd_address *address, const char *scheme, char *out, unsigned out_size)
{
    bool v6 = strchr(address->host, ':');
    (void)snprintf(out, out_size, "%s://%s%s%s:%u", scheme, v6 ? "[" : "", address->host, v6 ? "]" : "", address->port);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof v6);
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static uint16_t port_of(int fd, uint16_t otherwise)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0) return otherwise;
    if (bound.ss_family == AF_INET6) {
        memcpy(&v6, &bound, sizeof v6);
        return ntohs(v6.sin6_port);
    }
    memcpy(&v4, &bound, sizeof v4);
    return ntohs(v4.sin_port);
}

static enum sat_err listen_on(struct satd_address *address, const struct addrinfo *info, int *out,
                              struct sat_fault *fault)
{
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, 1024) == 0) {
        address->port = port_of(fd, address->port);
        *out = fd;
        return SAT_OK;
    }
    int number = errno;
    if (fd >= 0) (void)close(fd);
    return sat_fail(fault, SAT_ERR_PORT, "cannot listen on %.200s port %u: %s", address->host, address->port,
                    number == EADDRINUSE ? "the port is in use" : strerror(number));
}

enum sat_err satd_address_listen(struct satd_address *address, bool loopback, int *out, struct sat_fault *fault)
{
    char port[8];
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *info = NULL;
    (void)snprintf(port, sizeof port, "%u", address->port);
    int failed = getaddrinfo(address->host, port, &hints, &info);
    if (failed || !info)
        return sat_fail(fault, SAT_ERR_PORT, "cannot listen on %.200s: %s", address->host, gai_strerror(failed));
    enum sat_err err;
    if (loopback && !is_loopback(info->ai_addr))
        err = sat_fail(fault, SAT_ERR_USAGE,
                       "--insecure-loopback serves on a loopback address only, and %.200s is none", address->host);
    else
        err = listen_on(address, info, out, fault);
    freeaddrinfo(info);
    return err;
}
