#include "common/sync/fresh.h"

#include <stdlib.h>
#include <string.h>

static void let_go(struct sat_fresh_bundle *place)
{
    free(place->memory);
    *place = (struct sat_fresh_bundle){0};
}

void sat_fresh_deinit(struct sat_fresh *fresh)
{
    for (uint32_t i = 0; i < SAT_FRESH_MAX; i++) let_go(&fresh->at[i]);
}

static struct sat_span copy(struct sat_span bytes, uint8_t **at)
{
    struct sat_span out = sat_span(*at, bytes.len);
    if (bytes.len) memcpy(*at, bytes.at, bytes.len);
    *at += bytes.len;
    return out;
}

void sat_fresh_keep(struct sat_fresh *fresh, const struct sat_bundle *bundle)
{
    struct sat_fresh_bundle *place = &fresh->at[fresh->next++ % SAT_FRESH_MAX];
    uint32_t n = bundle->manifest.count;
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) bytes += bundle->changes[i].header.len + bundle->changes[i].body.len;
    let_go(place);
    struct sat_change *changes = malloc(n * sizeof *changes + bytes);
    if (!changes) return;
    uint8_t *at = (uint8_t *)(changes + n);
    for (uint32_t i = 0; i < n; i++) {
        changes[i] = bundle->changes[i];
        changes[i].header = copy(changes[i].header, &at);
        changes[i].body = copy(changes[i].body, &at);
    }
    *place = (struct sat_fresh_bundle){.bundle = *bundle, .memory = changes};
    place->bundle.changes = changes;
}

static struct sat_fresh_bundle *find(const struct sat_fresh *fresh, const struct sat_hash *id)
{
    for (uint32_t i = 0; i < SAT_FRESH_MAX; i++)
        if (fresh->at[i].memory && sat_hash_equal(&fresh->at[i].bundle.id, id))
            return (struct sat_fresh_bundle *)&fresh->at[i];
    return NULL;
}

const struct sat_bundle *sat_fresh_find(const struct sat_fresh *fresh, const struct sat_hash *id)
{
    const struct sat_fresh_bundle *place = find(fresh, id);
    return place ? &place->bundle : NULL;
}

void sat_fresh_drop(struct sat_fresh *fresh, const struct sat_hash *id)
{
    struct sat_fresh_bundle *place = find(fresh, id);
    if (place) let_go(place);
}
