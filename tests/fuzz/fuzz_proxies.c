/* Who is at the other end, and where to listen: the operator's list of proxies, what X-Forwarded-For says behind them,
 * HOST:PORT. The first byte says which. */
#include <string.h>

#include "server/address.h"
#include "server/proxies.h"
#include "tests/fuzz/fuzz.h"

static bool is_among(const struct satd_proxies *proxies, const struct satd_ip *ip)
{
    for (uint32_t i = 0; i < proxies->n; i++) {
        bool within = true;
        for (unsigned bit = 0; bit < proxies->at[i].bits; bit++)
            if ((ip->b[bit / 8] ^ proxies->at[i].ip.b[bit / 8]) >> (7 - bit % 8) & 1) within = false;
        if (within) return true;
    }
    return false;
}

/* What is shown of an address is that address. */
static void check_shown(const struct satd_ip *ip)
{
    char text[SATD_FROM_SIZE];
    struct satd_proxies again;
    satd_ip_format(ip, text);
    fuzz_must(satd_proxies_parse(text, &again));
    sat_check(again.n == 1 && again.at[0].bits == 128 && memcmp(again.at[0].ip.b, ip->b, sizeof ip->b) == 0);
    (void)satd_ip_is_loopback(ip);
}

/* Whoever is no trusted proxy is believed nothing; and he comes last who was not trusted, or of whom nothing was said.
 */
static void check_forwarded(struct sat_span input, struct sat_arena *arena)
{
    struct satd_proxies proxies;
    struct satd_ip peer = {{0}};
    struct sat_span list = fuzz_piece(&input);
    for (size_t i = 0; i < sizeof peer.b; i++) peer.b[i] = fuzz_byte(&input);
    bool taken = satd_proxies_parse(sat_arena_text(arena, (const char *)list.at, list.len), &proxies) == SAT_OK;
    sat_check(!taken || (proxies.n >= 1 && proxies.n <= SATD_PROXIES_MAX));
    if (!taken) proxies.n = 0;
    for (uint32_t i = 0; i < proxies.n; i++) sat_check(proxies.at[i].bits <= 128);
    const char *forwarded = sat_arena_text(arena, (const char *)input.at, input.len);
    struct satd_ip client = satd_proxies_client(&proxies, &peer, forwarded);
    if (!is_among(&proxies, &peer)) sat_check(memcmp(client.b, peer.b, sizeof peer.b) == 0);
    check_shown(&client);
}

static void check_address(const char *text)
{
    struct satd_address address, again;
    struct sat_fault fault = {0};
    char url[300];
    enum sat_err err = satd_address_parse(text, &address, &fault);
    sat_check(!err || (err == SAT_ERR_USAGE && fault.err == err));
    if (err) {
        fuzz_check_sentence(fault.text);
        return;
    }
    if (strpbrk(address.host, "[]")) return; /* no host, but it is found out where it is looked for */
    satd_address_url(&address, "ws", url, sizeof url);
    fuzz_must(satd_address_parse(url + strlen("ws://"), &again, &fault));
    sat_check(strcmp(address.host, again.host) == 0 && address.port == again.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    sat_arena_init(&arena);
    if (fuzz_byte(&input) & 1)
        check_forwarded(input, &arena);
    else
        check_address(sat_arena_text(&arena, (const char *)input.at, input.len));
    sat_arena_deinit(&arena);
    return 0;
}
