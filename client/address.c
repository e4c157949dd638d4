/* Reading a server's address. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/transport.h"

enum { PORT_TLS = 443, PORT_PLAIN = 80 };

static bool is_loopback(const char *host)
{
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0) return true;
    if (strncmp(host, "127.", 4) != 0) return false;
    return host[strspn(host, "0123456789.")] == 0; /* 127.example.org is a name */
}

/* A host as it may stand in a header: a name, an IPv4 address, or what stood in brackets. */
static bool take_host(const char **at, struct client_address *out)
{
    bool bracketed = **at == '[';
    if (bracketed) (*at)++;
    size_t len = strspn(*at, bracketed ? "0123456789abcdefABCDEF:."
                                       : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    if (len == 0 || len > CLIENT_HOST_BYTES_MAX) return false;
    memcpy(out->host, *at, len);
    out->host[len] = 0;
    *at += len;
    if (!bracketed) return true;
    return *(*at)++ == ']';
}

static bool take_port(const char **at, struct client_address *out)
{
    if (**at != ':') return true;
    (*at)++;
    size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > 5) return false;
    long port = strtol(*at, NULL, 10);
    *at += digits;
    if (port < 1 || port > 65535) return false;
    out->port = (uint16_t)port;
    return true;
}

static bool take_base(const char **at, struct client_address *out)
{
    size_t len = strlen(*at);
    while (len && (*at)[len - 1] == '/') len--;
    if (len >= sizeof out->base || (len && **at != '/')) return false;
    for (size_t i = 0; i < len; i++)
        if ((*at)[i] <= ' ' || (*at)[i] >= 0x7f || strchr("?#%", (*at)[i])) return false;
    memcpy(out->base, *at, len);
    out->base[len] = 0;
    return true;
}

enum sat_err client_address_parse(const char *url, struct client_address *out, struct sat_fault *fault)
{
    *out = (struct client_address){0};
    const char *at = url;
    if (strncasecmp(at, "wss://", 6) == 0) {
        out->tls = true;
        at += 6;
    } else if (strncasecmp(at, "ws://", 5) == 0) {
        at += 5;
    } else {
        return sat_fail(fault, SAT_ERR_INVALID, "\"%.100s\" is no server's address: it begins with wss://", url);
    }
    out->port = out->tls ? PORT_TLS : PORT_PLAIN;
    if (!take_host(&at, out) || !take_port(&at, out) || !take_base(&at, out))
        return sat_fail(fault, SAT_ERR_INVALID, "\"%.100s\" is no server's address: wss://HOST:PORT", url);
    if (!out->tls && !is_loopback(out->host))
        return sat_fail(fault, SAT_ERR_INVALID,
                        "\"%.100s\" would go without TLS, which is for this machine alone: use wss://", url);
    return SAT_OK;
}
