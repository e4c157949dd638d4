#include "client/skew.h"

#include <string.h>

#include "client/clocks.h"
#include "common/sync/clock.h"

static const char KEY[] = "clock";
enum { VERSION = 1, WORTH_WRITING_MS = 60 * 1000 };

struct skew {
    int64_t ms;       /* wall less server */
    uint8_t boot[16]; /* when that was */
    int64_t since;    /* wall less boot clock, then */
};

static bool load(struct satchel *satchel, struct skew *out)
{
    struct sat_arena arena;
    struct sat_span bytes;
    struct sat_reader in;
    bool found = false;
    sat_arena_init(&arena);
    if (sat_store_meta_get(satchel->store, KEY, &arena, &bytes, &found)) found = false;
    if (found) {
        sat_reader_init(&in, bytes);
        found = sat_take_u8(&in) == VERSION;
        out->ms = (int64_t)sat_take_u64(&in);
        sat_take_bytes(&in, out->boot, sizeof out->boot);
        out->since = (int64_t)sat_take_u64(&in);
        found = sat_reader_end(&in) == SAT_OK && found;
    }
    sat_arena_deinit(&arena);
    return found;
}

/* What a clock was set by since then within the same boot; another boot tells nothing. */
static int64_t set_since(const struct skew *skew, const struct client_clocks *now)
{
    if (memcmp(skew->boot, now->boot_id, sizeof skew->boot) != 0) return 0;
    return (int64_t)(now->wall_ms - now->boot_ms) - skew->since;
}

/* A failure to write it down is none of the sync's: the next one tells it again. */
static void save(struct satchel *satchel, const struct skew *skew)
{
    struct sat_store *store = satchel->store;
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_put_u8(&buf, VERSION);
    sat_put_u64(&buf, (uint64_t)skew->ms);
    sat_put_bytes(&buf, skew->boot, sizeof skew->boot);
    sat_put_u64(&buf, (uint64_t)skew->since);
    if (!sat_store_in_transaction(store) && !sat_store_begin(store)) {
        enum sat_err err = sat_store_meta_put(store, KEY, sat_buf_span(&buf));
        if (!err) err = sat_store_commit(store);
        if (err) sat_store_rollback(store);
    }
    sat_buf_deinit(&buf);
}

void client_skew_met(struct satchel *satchel, uint64_t server_ms)
{
    struct client_clocks now = {0};
    struct skew known, skew;
    if (!server_ms) return;
    client_clocks_read(&now);
    skew = (struct skew){.ms = (int64_t)(now.wall_ms - server_ms), .since = (int64_t)(now.wall_ms - now.boot_ms)};
    memcpy(skew.boot, now.boot_id, sizeof skew.boot);
    if (load(satchel, &known)) {
        int64_t change = skew.ms - known.ms - set_since(&known, &now);
        bool same_boot = memcmp(known.boot, skew.boot, sizeof skew.boot) == 0;
        if (same_boot && change < WORTH_WRITING_MS && change > -WORTH_WRITING_MS) return;
    }
    save(satchel, &skew);
}

bool client_skew_get(struct satchel *satchel, int64_t *skew_ms)
{
    struct client_clocks now = {0};
    struct skew skew;
    *skew_ms = 0;
    if (!load(satchel, &skew)) return false;
    client_clocks_read(&now);
    *skew_ms = skew.ms + set_since(&skew, &now);
    return true;
}

uint64_t client_skew_now_ms(struct satchel *satchel)
{
    int64_t skew_ms;
    (void)client_skew_get(satchel, &skew_ms);
    return client_now_ms() - (uint64_t)skew_ms;
}

const char *client_skew_text(int64_t skew_ms, struct sat_arena *arena)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"year", UINT64_C(31557600000)}, {"day", 86400000}, {"hour", 3600000}, {"minute", 60000}};
    uint64_t ms = skew_ms < 0 ? (uint64_t)-skew_ms : (uint64_t)skew_ms;
    if (ms <= SAT_CLOCK_SKEW_MS) return NULL;
    size_t unit = 0;
    while (unit < 3 && ms < 2 * units[unit].ms) unit++;
    unsigned long long n = ms / units[unit].ms;
    return sat_arena_format(arena, "%s by %llu %s%s", skew_ms < 0 ? "behind" : "ahead", n, units[unit].name,
                            n == 1 ? "" : "s");
}
