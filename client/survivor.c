#include "client/survivor.h"

#include <string.h>

enum { HOPS_MAX = 64 };

static const struct sat_type *account_type(void)
{
    return sat_type_by_name("account");
}

/* The next one on the way, where there is one. */
static enum sat_err next_of(struct satchel *satchel, const struct sat_record_id *account, struct sat_arena *arena,
                            bool *there, bool *on, struct sat_record_id *next)
{
    const struct sat_type *type = account_type();
    struct client_place place;
    struct sat_record_view view;
    *on = false;
    enum sat_err err = client_locate(satchel, account, arena, &place, &view);
    *there = !err && place.here && !place.archived && place.type == type->number;
    if (err || !*there) return err;
    const struct sat_merged *cell =
        sat_merged_cell(&view.merged, sat_field_by_name(type, "merged_into")->number, (struct sat_span){0});
    *on = cell && cell->value.kind == SAT_VALUE_REF;
    if (*on) *next = cell->value.ref;
    return SAT_OK;
}

static struct sat_record_id lowest(const struct sat_record_id *ids, uint32_t n)
{
    struct sat_record_id out = ids[0];
    for (uint32_t i = 1; i < n; i++)
        if (memcmp(ids[i].b, out.b, sizeof out.b) < 0) out = ids[i];
    return out;
}

enum sat_err client_survivor(struct satchel *satchel, const struct sat_record_id *account, struct sat_arena *arena,
                             struct sat_record_id *out)
{
    struct sat_record_id way[HOPS_MAX] = {*account};
    *out = *account;
    for (uint32_t n = 1; n < HOPS_MAX; n++) {
        bool there, on;
        enum sat_err err = next_of(satchel, &way[n - 1], arena, &there, &on, &way[n]);
        if (err) return err;
        if (there) *out = way[n - 1];
        if (!there || !on) return SAT_OK;
        for (uint32_t i = 0; i < n; i++) {
            if (!sat_record_equal(&way[i], &way[n])) continue;
            *out = lowest(way + i, n - i);
            return SAT_OK;
        }
    }
    return SAT_OK;
}

enum sat_err client_land_on_survivor(struct satchel_tx *tx, const struct sat_type *type, const char *json,
                                     struct sat_record_id *record)
{
    struct sat_record_id stays;
    if (type != account_type()) return SAT_OK;
    enum sat_err err = client_survivor(tx->satchel, record, &tx->arena, &stays);
    if (err || sat_record_equal(&stays, record)) return err;
    json_t *fields = json && *json ? json_loads(json, JSON_ALLOW_NUL, NULL) : NULL;
    if (!json_object_get(fields, "merged_into")) *record = stays;
    json_decref(fields);
    return SAT_OK;
}
