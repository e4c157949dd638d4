#include "common/proof/life.h"

#include <string.h>

#include "common/base/limits.h"
#include "common/proof/hash.h"

static void put_statement(struct sat_buf *out, const struct sat_life *life)
{
    sat_put_bytes(out, life->epoch.b, sizeof life->epoch.b);
    sat_put_bytes(out, life->parent.b, sizeof life->parent.b);
    sat_put_u64(out, life->size);
    sat_put_bytes(out, life->root.b, sizeof life->root.b);
    sat_put_u64(out, life->time_ms);
}

static void put_signed(struct sat_buf *out, const struct sat_life *life)
{
    sat_put_bytes(out, life->space.b, sizeof life->space.b);
    put_statement(out, life);
}

void sat_life_sign(struct sat_life *life, const struct sat_hash *org, const struct sat_sign_key *server)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_signed(&statement, life);
    life->signature = sat_sign(server, "life", org, sat_buf_span(&statement));
    sat_buf_deinit(&statement);
}

enum sat_err sat_life_verify(const struct sat_life *life, const struct sat_hash *org,
                             const struct sat_public_key *server)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_signed(&statement, life);
    enum sat_err err = sat_verify(server, "life", org, sat_buf_span(&statement), &life->signature);
    sat_buf_deinit(&statement);
    return err;
}

void sat_life_encode(const struct sat_life *life, struct sat_buf *out)
{
    put_statement(out, life);
    sat_put_bytes(out, life->signature.b, sizeof life->signature.b);
}

enum sat_err sat_life_decode(struct sat_span bytes, const struct sat_space_id *space, struct sat_life *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    *out = (struct sat_life){.space = *space};
    sat_take_bytes(&reader, out->epoch.b, sizeof out->epoch.b);
    sat_take_bytes(&reader, out->parent.b, sizeof out->parent.b);
    out->size = sat_take_u64(&reader);
    sat_take_bytes(&reader, out->root.b, sizeof out->root.b);
    out->time_ms = sat_take_u64(&reader);
    sat_take_bytes(&reader, out->signature.b, sizeof out->signature.b);
    if (out->size > SAT_COUNTER_MAX || out->time_ms > SAT_TIME_MS_MAX) return SAT_ERR_MALFORMED;
    return sat_reader_end(&reader);
}

struct sat_log_epoch sat_life_first(const struct sat_hash *link)
{
    struct sat_log_epoch epoch;
    struct sat_hash hash = sat_hash("log-epoch", SAT_SPAN(link->b));
    memcpy(epoch.b, hash.b, sizeof epoch.b);
    return epoch;
}

struct sat_log_epoch sat_lives_at(const struct sat_lives *lives, const struct sat_log_epoch *now, uint64_t seq)
{
    if (!lives || lives->n == 0) return *now;
    for (uint32_t i = lives->n; i-- > 0;)
        if (seq > lives->at[i].size) return lives->at[i].epoch;
    return lives->at[0].parent;
}

bool sat_lives_later(const struct sat_lives *lives, uint64_t seq)
{
    return lives && lives->n && seq > lives->at[0].size;
}

bool sat_lives_know(const struct sat_lives *lives, const struct sat_log_epoch *epoch)
{
    for (uint32_t i = 0; lives && i < lives->n; i++)
        if (sat_log_epoch_equal(&lives->at[i].epoch, epoch) || sat_log_epoch_equal(&lives->at[i].parent, epoch))
            return true;
    return false;
}

bool sat_lives_chain(const struct sat_lives *lives)
{
    static const struct sat_log_epoch none;
    for (uint32_t i = 0; i < lives->n; i++) {
        const struct sat_life *life = &lives->at[i], *before = i ? life - 1 : NULL;
        if (sat_log_epoch_equal(&life->parent, &none) || sat_log_epoch_equal(&life->epoch, &none)) return false;
        if (sat_log_epoch_equal(&life->parent, &life->epoch)) return false;
        if (before && (!sat_log_epoch_equal(&life->parent, &before->epoch) || life->size < before->size)) return false;
    }
    return true;
}
