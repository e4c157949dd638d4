/* The offline lease as it is stored, in a first piece, and then what the clocks say at one look after the other. What
 * decodes encodes to the same; the time that is counted never goes back, and is no longer than the boot clock and a day
 * for each reboot allow. */
#include <string.h>

#include "client/lease.h"
#include "tests/fuzz/fuzz.h"

enum { LOOKS_MAX = 32 };
#define DAY_MS (UINT64_C(24) * 3600 * 1000)

static uint64_t take_u64(struct sat_span *input)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) value |= (uint64_t)fuzz_byte(input) << (8 * i);
    return value;
}

static void check_again(struct sat_span bytes, const struct client_lease *lease)
{
    struct sat_buf again;
    sat_buf_init(&again);
    client_lease_encode(lease, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    sat_buf_deinit(&again);
}

static void look(struct client_lease *lease, const struct client_clocks *now)
{
    struct client_lease before = *lease;
    bool rebooted = client_lease_look(lease, now);
    uint64_t counted = lease->elapsed_ms - before.elapsed_ms;
    sat_check(lease->elapsed_ms >= before.elapsed_ms && lease->server_ms == before.server_ms);
    sat_check(memcmp(&lease->at, now, sizeof *now) == 0);
    sat_check(!rebooted || counted <= DAY_MS || counted - DAY_MS <= now->boot_ms);
    sat_check(rebooted || now->boot_ms >= before.at.boot_ms);
    sat_check(rebooted || counted <= now->boot_ms - before.at.boot_ms);
    for (uint32_t days = 0; days < 64; days += 21)
        sat_check(!client_lease_lapsed(&before, days) || client_lease_lapsed(lease, days));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_span stored = fuzz_piece(&input);
    struct client_lease lease = {0};
    if (client_lease_decode(stored, &lease))
        check_again(stored, &lease);
    else
        lease = (struct client_lease){0};
    for (uint32_t i = 0; i < LOOKS_MAX && input.len; i++) {
        struct client_clocks now;
        memset(&now, 0, sizeof now);
        now.boot_id[0] = fuzz_byte(&input) % 4;
        now.wall_ms = take_u64(&input);
        now.boot_ms = take_u64(&input);
        look(&lease, &now);
        if (now.boot_id[0] == 3) client_lease_renew(&lease, now.wall_ms, &now);
    }
    return 0;
}
