#include "client/hanging.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

static int compare(const void *a, const void *b)
{
    const struct client_hang *x = a, *y = b;
    if (x->sid != y->sid) return x->sid < y->sid ? -1 : 1;
    int order = memcmp(x->record.b, y->record.b, sizeof x->record.b);
    if (order) return order;
    return (x->to == 0) - (y->to == 0); /* of two of one record the one that goes is first */
}

bool client_can_hang(const struct sat_record_view *view)
{
    const struct sat_type *type = view->merged.exists ? sat_type_by_number(view->merged.type) : NULL;
    return type && type->home == SAT_HOME_TERRITORY && !view->merged.moved;
}

static bool leads_along(const struct sat_field *field)
{
    const struct sat_type *type = field->ref_type ? sat_type_by_number(field->ref_type) : NULL;
    return field->kind == SAT_KIND_REF && (!type || type->home == SAT_HOME_TERRITORY);
}

static void find_refs(const struct sat_record_view *view, struct client_hang *out)
{
    const struct sat_type *type = sat_type_by_number(view->merged.type);
    for (uint16_t i = 0; i < type->fields_n && out->refs_n < CLIENT_HANG_REFS_MAX; i++) {
        const struct sat_field *field = &type->fields[i];
        const struct sat_merged *cell = sat_merged_cell(&view->merged, field->number, (struct sat_span){0});
        if (!leads_along(field) || !cell || cell->value.kind != SAT_VALUE_REF) continue;
        bool decides = strcmp(field->name, "account") == 0;
        if (decides) out->refs_n = 0;
        out->refs[out->refs_n++] = cell->value.ref;
        if (decides) return;
    }
}

void client_hanging_add(struct client_hanging *hanging, const struct sat_record_view *view, int64_t to)
{
    if (hanging->n == hanging->cap) {
        hanging->cap = hanging->cap ? hanging->cap * 2 : 64;
        hanging->at = realloc(hanging->at, hanging->cap * sizeof *hanging->at);
        sat_check_memory(hanging->at);
    }
    struct client_hang *hang = &hanging->at[hanging->n++];
    *hang = (struct client_hang){.sid = view->sid, .record = view->id, .type = view->merged.type, .to = to};
    find_refs(view, hang);
}

static void sort(struct client_hanging *hanging)
{
    uint32_t left = 0;
    if (hanging->n > 1) qsort(hanging->at, hanging->n, sizeof *hanging->at, compare);
    for (uint32_t i = 0; i < hanging->n; i++) {
        bool again = left && hanging->at[left - 1].sid == hanging->at[i].sid &&
                     sat_record_equal(&hanging->at[left - 1].record, &hanging->at[i].record);
        if (!again) hanging->at[left++] = hanging->at[i];
    }
    hanging->n = left;
}

static const struct client_hang *find(const struct client_hanging *hanging, int64_t sid,
                                      const struct sat_record_id *record)
{
    uint32_t low = 0, high = hanging->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct client_hang *x = &hanging->at[middle];
        int order = x->sid != sid ? (x->sid < sid ? -1 : 1) : memcmp(x->record.b, record->b, sizeof record->b);
        if (order == 0) return x;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

enum sat_err client_hanging_close(struct client_hanging *hanging, void *context,
                                  enum sat_err (*gone)(void *context, int64_t sid, const struct sat_record_id *record,
                                                       int64_t *to))
{
    sort(hanging);
    for (bool more = true, first = true; more; first = false) {
        more = false;
        for (uint32_t i = 0; i < hanging->n; i++) {
            struct client_hang *hang = &hanging->at[i];
            for (uint32_t r = 0; r < hang->refs_n && !hang->to; r++) {
                const struct client_hang *on = find(hanging, hang->sid, &hang->refs[r]);
                enum sat_err err = SAT_OK;
                if (on)
                    hang->to = on->to;
                else if (gone && first) /* that does not change meanwhile */
                    err = gone(context, hang->sid, &hang->refs[r], &hang->to);
                if (err) return err;
                more = more || hang->to;
            }
        }
    }
    return SAT_OK;
}

void client_hanging_free(struct client_hanging *hanging)
{
    free(hanging->at);
    *hanging = (struct client_hanging){0};
}
