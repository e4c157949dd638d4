#include "client/wholes.h"

#include <inttypes.h>
#include <string.h>

#include "client/rows.h"
#include "client/view/view.h"

enum { HOPS_MAX = 256 };

/* ---- A record as the transaction leaves it ---- */

struct seen {
    const struct sat_type *type;
    bool there; /* of that type, and not archived */
    struct sat_merged_record merged;
    uint32_t first; /* of the transaction's edits of it */
};

static enum sat_err see(struct satchel_tx *tx, const struct sat_type *type, const struct sat_record_id *record,
                        struct seen *out)
{
    struct client_known *known;
    struct client_place place;
    struct sat_record_view view;
    *out = (struct seen){.type = type};
    enum sat_err err = client_tx_known(tx, record, &known);
    if (!err) err = client_locate(tx->satchel, record, &tx->arena, &place, &view);
    if (err) return err;
    out->first = known->first;
    out->there = known->place.here && !known->place.archived && known->place.type == type->number;
    if (place.here) out->merged = view.merged;
    return SAT_OK;
}

static uint16_t number_of(const struct sat_type *type, const char *field)
{
    return sat_field_by_name(type, field)->number;
}

/* The value of a plain field; kind NIL: none. */
static struct sat_value value_of(const struct satchel_tx *tx, const struct seen *seen, const char *field)
{
    uint16_t number = number_of(seen->type, field);
    const struct sat_merged *cell = sat_merged_cell(&seen->merged, number, (struct sat_span){0});
    struct sat_value value = cell ? cell->value : (struct sat_value){0};
    for (uint32_t at = seen->first; at; at = tx->steps[at - 1].next)
        for (uint32_t i = 0; i < tx->edits[at - 1].cells_n; i++)
            if (tx->edits[at - 1].cells[i].field == number && !tx->edits[at - 1].cells[i].in_set)
                value = tx->edits[at - 1].cells[i].value;
    return value;
}

static bool is_beside(const struct sat_edit *edit, const char *field)
{
    uint16_t number = number_of(sat_type_by_number(edit->type), field);
    for (uint32_t i = 0; i < edit->cells_n; i++)
        if (edit->cells[i].field == number) return true;
    return false;
}

/* What was checked already, for an edit before. */
struct checking {
    struct satchel_tx *tx;
    json_t *checked;
};

/* ---- A territory is no part of itself ---- */

static const char *name_of(struct satchel_tx *tx, const struct seen *seen, const struct sat_record_id *record)
{
    struct sat_value name = value_of(tx, seen, "name");
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(record->b, id);
    if (name.kind != SAT_VALUE_TEXT) return sat_arena_format(&tx->arena, "%s", id);
    return sat_arena_text(&tx->arena, (const char *)name.text.at, name.text.len);
}

static enum sat_err check_territory(struct satchel_tx *tx, const struct sat_edit *edit)
{
    const struct sat_type *type = sat_type_by_number(edit->type);
    struct sat_record_id self = edit->record, at = self;
    const char *way = "";
    for (uint32_t hops = 0; hops < HOPS_MAX; hops++) {
        struct seen seen;
        enum sat_err err = see(tx, type, &at, &seen);
        if (err) return err;
        struct sat_value parent = value_of(tx, &seen, "parent");
        way = sat_arena_format(&tx->arena, "%s%s%s", way, hops ? " is a part of " : "", name_of(tx, &seen, &at));
        if (hops && sat_record_equal(&at, &self)) break;
        if (!seen.there || parent.kind != SAT_VALUE_REF) return SAT_OK;
        at = parent.ref;
    }
    if (!sat_record_equal(&at, &self)) return SAT_OK; /* a ring above it, which is not of its making */
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(self.b, id);
    return sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                    "territory %s: its parents lead back to it (rule: a territory is no part of itself): %.150s", id,
                    way);
}

/* ---- The parts of a target sum to it ---- */

/* The newest version of its value: the longest name of one, then the greatest (view/follows.c). */
static bool newest_value(const struct satchel_tx *tx, const struct seen *seen, int64_t *out)
{
    uint16_t number = number_of(seen->type, "values");
    struct sat_span best = {0};
    bool any = false, there = false;
    *out = 0;
    for (uint32_t pass = 0; pass < 2; pass++) { /* what is here, then what the transaction says of it */
        for (uint32_t at = pass ? seen->first : 1; at; at = pass ? tx->steps[at - 1].next : 0) {
            uint32_t n = pass ? tx->edits[at - 1].cells_n : seen->merged.cells_n;
            for (uint32_t i = 0; i < n; i++) {
                const struct sat_merged *old = pass ? NULL : &seen->merged.cells[i];
                const struct sat_cell *cell = pass ? &tx->edits[at - 1].cells[i] : NULL;
                struct sat_span key = pass ? cell->element : old->element;
                struct sat_value value = pass ? cell->value : old->value;
                if ((pass ? cell->field : old->field) != number || value.kind == SAT_VALUE_NIL) continue;
                int order = key.len != best.len ? (key.len > best.len ? 1 : -1)
                                                : (key.len ? memcmp(key.at, best.at, key.len) : 0);
                if (any && order < 0) continue;
                any = true;
                best = key;
                there = value.kind == SAT_VALUE_INT;
                *out = there ? value.integer : 0;
            }
        }
    }
    return there;
}

struct parts {
    struct satchel_tx *tx;
    const struct sat_type *type;
    struct sat_record_id whole;
    struct sat_value division; /* NIL: that of no name */
    json_t *ids;               /* those that have been counted */
    int64_t sum;
    uint32_t n;
    bool fits;
};

static enum sat_err count(struct parts *parts, const struct sat_record_id *part)
{
    char id[SAT_UUID_TEXT_SIZE];
    struct seen seen;
    int64_t value;
    sat_uuid_format(part->b, id);
    if (json_object_get(parts->ids, id)) return SAT_OK;
    (void)json_object_set_new(parts->ids, id, json_true());
    enum sat_err err = see(parts->tx, parts->type, part, &seen);
    if (err || !seen.there) return err;
    struct sat_value parent = value_of(parts->tx, &seen, "parent"), division = value_of(parts->tx, &seen, "division");
    if (parent.kind != SAT_VALUE_REF || !sat_record_equal(&parent.ref, &parts->whole)) return SAT_OK;
    if (!sat_value_equal(&division, &parts->division)) return SAT_OK;
    parts->n++;
    if (newest_value(parts->tx, &seen, &value) && __builtin_add_overflow(parts->sum, value, &parts->sum))
        parts->fits = false;
    return SAT_OK;
}

static int take_part(void *context, const char *json)
{
    (void)json_array_append_new(context, json_loads(json, 0, NULL));
    return 0;
}

/* The parts that are here, and those that the transaction makes. */
static enum sat_err count_all(struct parts *parts)
{
    struct satchel *satchel = parts->tx->satchel;
    struct client_view *view;
    char id[SAT_UUID_TEXT_SIZE], sql[120];
    json_t *rows = json_array(), *row;
    size_t index;
    sat_uuid_format(parts->whole.b, id);
    (void)snprintf(sql, sizeof sql, "SELECT id FROM target WHERE parent = '%s'", id);
    enum sat_err err = client_view_open(satchel, &view);
    if (!err) err = client_view_query(view, sql, take_part, rows, &satchel->fault);
    json_array_foreach(rows, index, row)
    {
        struct sat_record_id part;
        const char *text = json_string_value(json_object_get(row, "id"));
        if (!err && text && !sat_uuid_parse(text, part.b)) err = count(parts, &part);
    }
    json_decref(rows);
    for (uint32_t i = 0; i < parts->tx->n && !err; i++)
        if (parts->tx->edits[i].type == parts->type->number) err = count(parts, &parts->tx->edits[i].record);
    return err;
}

/* One division of a target: that of a part that the transaction touches, or the one that is in force. */
static enum sat_err check_division(struct checking *it, const struct sat_record_id *whole, struct sat_value division)
{
    struct satchel_tx *tx = it->tx;
    struct parts parts = {.tx = tx, .type = sat_type_by_name("target"), .whole = *whole, .division = division};
    struct seen seen;
    int64_t target;
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(whole->b, id);
    struct sat_span name = division.kind == SAT_VALUE_TEXT ? division.text : (struct sat_span){0};
    const char *key = sat_arena_format(&tx->arena, "%s %.*s", id, (int)name.len, name.len ? (const char *)name.at : "");
    if (json_object_get(it->checked, key)) return SAT_OK;
    (void)json_object_set_new(it->checked, key, json_true());
    enum sat_err err = see(tx, parts.type, whole, &seen);
    if (err || !seen.there || !newest_value(tx, &seen, &target)) return err;
    parts.fits = true;
    parts.ids = json_object();
    err = count_all(&parts);
    json_decref(parts.ids);
    if (err || parts.n == 0 || (parts.fits && parts.sum == target)) return err;
    return sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                    "target %s: its %u parts make %" PRId64 ", not %" PRId64
                    " (rule: the parts of a target sum to it): put all of them in one transaction",
                    id, (unsigned)parts.n, parts.sum, target);
}

static enum sat_err check_target(struct checking *it, const struct sat_edit *edit)
{
    struct satchel_tx *tx = it->tx;
    struct seen seen;
    if (!is_beside(edit, "values") && !is_beside(edit, "parent") && !edit->remove) return SAT_OK;
    enum sat_err err = see(tx, sat_type_by_number(edit->type), &edit->record, &seen);
    if (err) return err;
    struct sat_value parent = value_of(tx, &seen, "parent");
    if (parent.kind == SAT_VALUE_REF) err = check_division(it, &parent.ref, value_of(tx, &seen, "division"));
    if (err || !seen.there) return err;
    return check_division(it, &edit->record, value_of(tx, &seen, "divided"));
}

/* ---- All of it ---- */

enum sat_err client_tx_check_wholes(struct satchel_tx *tx, uint32_t *culprit)
{
    uint16_t territory = sat_type_by_name("territory")->number, target = sat_type_by_name("target")->number;
    struct checking it = {.tx = tx, .checked = json_object()};
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < tx->n && !err; i++) {
        const struct sat_edit *edit = &tx->edits[i];
        if (edit->type == territory && is_beside(edit, "parent"))
            err = check_territory(tx, edit);
        else if (edit->type == target)
            err = check_target(&it, edit);
        if (err) *culprit = i + 1;
    }
    json_decref(it.checked);
    return err;
}
