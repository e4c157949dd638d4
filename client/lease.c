#include "client/lease.h"

#include <string.h>

#include "common/base/limits.h"

enum { VERSION = 1 };

static uint64_t since(uint64_t later, uint64_t earlier)
{
    return later > earlier ? later - earlier : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What is added can be anything: it stays where it can go no further. */
static void count(struct client_lease *lease, uint64_t ms)
{
    lease->elapsed_ms = ms < UINT64_MAX - lease->elapsed_ms ? lease->elapsed_ms + ms : UINT64_MAX;
}

static bool is_known(const struct client_clocks *clocks)
{
    static const uint8_t unknown[sizeof clocks->boot_id];
    return memcmp(clocks->boot_id, unknown, sizeof unknown) != 0;
}

enum { SAME_BOOT, OTHER_BOOT, TURNED_BACK };

/* Where the boots' names are not known, a boot clock that has not gone back is taken for the same: in another boot less
 * has been counted than has passed. One that goes back within a boot is that of a machine put back to an earlier state.
 */
static int compare_boots(const struct client_clocks *then, const struct client_clocks *now)
{
    bool known = is_known(then) && is_known(now);
    bool same_name = memcmp(then->boot_id, now->boot_id, sizeof now->boot_id) == 0;
    if (known && !same_name) return OTHER_BOOT;
    if (now->boot_ms >= then->boot_ms) return SAME_BOOT;
    return known ? TURNED_BACK : OTHER_BOOT;
}

/* What passed since another boot, as far as the wall clock can be believed; `on_ms` of it may have been this one. */
static uint64_t time_between(const struct client_lease *lease, const struct client_clocks *now, uint64_t on_ms)
{
    uint64_t most_ms = on_ms < UINT64_MAX - SAT_DAY_MS ? on_ms + SAT_DAY_MS : UINT64_MAX;
    uint64_t passed_ms = least(since(now->wall_ms, lease->at.wall_ms), most_ms);
    /* A clock that is behind the server's time is proven wrong and bounds nothing. One that is not cannot have lived
     * through more than what lies between: so a clock that comes and goes (a flat battery, 1970 until there is a
     * network) does not count the years in between a day at a time. */
    if (!lease->server_ms || now->wall_ms < lease->server_ms) return passed_ms;
    return least(passed_ms, since(now->wall_ms - lease->server_ms, lease->elapsed_ms));
}

void client_lease_renew(struct client_lease *lease, uint64_t server_ms, const struct client_clocks *now)
{
    *lease = (struct client_lease){.server_ms = server_ms, .at = *now};
}

bool client_lease_look(struct client_lease *lease, const struct client_clocks *now)
{
    int boot = compare_boots(&lease->at, now);
    switch (boot) {
    case SAME_BOOT:
        count(lease, now->boot_ms - lease->at.boot_ms);
        break;
    case OTHER_BOOT:
        count(lease, time_between(lease, now, now->boot_ms));
        break;
    case TURNED_BACK:
        count(lease, time_between(lease, now, 0));
        break;
    }
    lease->at = *now;
    return boot != SAME_BOOT;
}

bool client_lease_lapsed(const struct client_lease *lease, uint32_t days)
{
    return days > 0 && lease->elapsed_ms >= days * SAT_DAY_MS;
}

void client_lease_encode(const struct client_lease *lease, struct sat_buf *out)
{
    sat_put_u8(out, VERSION);
    sat_put_u64(out, lease->server_ms);
    sat_put_u64(out, lease->elapsed_ms);
    sat_put_bytes(out, lease->at.boot_id, sizeof lease->at.boot_id);
    sat_put_u64(out, lease->at.boot_ms);
    sat_put_u64(out, lease->at.wall_ms);
}

bool client_lease_decode(struct sat_span bytes, struct client_lease *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    uint8_t version = sat_take_u8(&reader);
    out->server_ms = sat_take_u64(&reader);
    out->elapsed_ms = sat_take_u64(&reader);
    sat_take_bytes(&reader, out->at.boot_id, sizeof out->at.boot_id);
    out->at.boot_ms = sat_take_u64(&reader);
    out->at.wall_ms = sat_take_u64(&reader);
    return sat_reader_end(&reader) == SAT_OK && version == VERSION;
}
