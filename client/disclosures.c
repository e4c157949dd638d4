#include "client/disclosures.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/directory_index.h"
#include "common/proof/disclosure.h"
#include "common/vault/author.h"
#include "common/vault/types.h"

static const char NUMBER_KEY[] = "disclosures";

/* ---- Whose ---- */

static int compare_prefix(const struct sat_record_id *a, const struct sat_record_id *b)
{
    return memcmp(a->b, b->b, SAT_DISCLOSURE_PREFIX);
}

static int compare_disclosers(const void *a, const void *b)
{
    return compare_prefix(&((const struct client_discloser *)a)->first, &((const struct client_discloser *)b)->first);
}

void client_disclosers_make(const struct sat_directory *directory, struct sat_arena *arena,
                            struct client_disclosers *out)
{
    out->n = directory->devices_n;
    out->at = sat_arena_array(arena, out->n, sizeof *out->at);
    for (uint32_t i = 0; i < out->n; i++)
        out->at[i] = (struct client_discloser){sat_disclosure_record(&directory->org, i + 1, 0), i + 1};
    if (out->n) qsort(out->at, out->n, sizeof *out->at, compare_disclosers);
}

uint32_t client_discloser_of(const struct client_disclosers *disclosers, const struct sat_record_id *record)
{
    struct client_discloser wanted = {.first = *record};
    const struct client_discloser *found =
        disclosers->n ? bsearch(&wanted, disclosers->at, disclosers->n, sizeof wanted, compare_disclosers) : NULL;
    return found ? found->device : 0;
}

/* ---- Writing ---- */

static struct sat_cell cell_of(const struct sat_type *type, const char *field, struct sat_value value)
{
    return (struct sat_cell){.field = sat_field_by_name(type, field)->number, .value = value};
}

static struct sat_value text_of(const char *text)
{
    if (!text) return (struct sat_value){0};
    return (struct sat_value){.kind = SAT_VALUE_TEXT, .text = sat_span_text(text)};
}

static int compare_cells(const void *a, const void *b)
{
    return sat_cell_compare(a, b);
}

/* All is named, those that have nothing as taken out: the record may have been another disclosure's, long ago.
 */
static enum sat_err write_record(struct satchel *satchel, const struct client_disclosing *what, uint32_t number)
{
    enum { CELLS_MAX = 7 + 64 };
    const struct sat_type *type = sat_type_by_name(CLIENT_DISCLOSURE_TYPE);
    const struct sat_space *people = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_PEOPLE);
    if (!people) return SAT_ERR_NOT_FOUND;
    struct sat_value records = {.kind = SAT_VALUE_INT, .integer = (int64_t)what->records};
    struct sat_value at = {.kind = SAT_VALUE_TIME, .integer = (int64_t)client_now_ms()};
    struct sat_value record = {0};
    if (what->record) record = (struct sat_value){.kind = SAT_VALUE_REF, .ref = *what->record};
    struct sat_cell cells[CELLS_MAX] = {cell_of(type, "kind", text_of(what->kind)),
                                        cell_of(type, "format", text_of(what->format)),
                                        cell_of(type, "records", records),
                                        cell_of(type, "at", at),
                                        cell_of(type, "record", record),
                                        cell_of(type, "field", text_of(what->field)),
                                        cell_of(type, "reason", text_of(what->reason))};
    uint32_t n = 7;
    sat_check(n + sat_types_count() <= CELLS_MAX);
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        struct sat_value in = {.kind = SAT_VALUE_BOOL, .truth = what->types[i]};
        cells[n] = cell_of(type, "types", in);
        cells[n].in_set = true;
        cells[n++].element = sat_span_text(sat_type_at(i)->name);
    }
    qsort(cells, n, sizeof cells[0], compare_cells);
    struct sat_edit edit = {.record = sat_disclosure_record(&satchel->directory.org, client_device(satchel), number),
                            .type = type->number,
                            .cells = cells,
                            .cells_n = n};
    struct sat_vault vault = client_vault(satchel);
    uint32_t written;
    enum sat_err err = client_sid_of_space(satchel, &people->id, &edit.sid);
    return err ? err : sat_author_commit(&vault, &edit, 1, client_now_ms(), &written);
}

enum sat_err client_disclose(struct satchel *satchel, const struct client_disclosing *what)
{
    struct sat_store *store = satchel->store;
    uint64_t number = 0;
    enum sat_err err = sat_store_begin(store);
    if (err) return err;
    err = sat_store_meta_get_u64(store, NUMBER_KEY, 0, &number);
    if (!err) err = write_record(satchel, what, (uint32_t)(number % SAT_DISCLOSURES_MAX));
    if (!err) err = sat_store_meta_put_u64(store, NUMBER_KEY, number + 1);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

/* ---- Reading ---- */

struct gathering {
    struct satchel *satchel;
    struct client_disclosers disclosers;
    int64_t people;
    struct sat_record_id *ids;
    uint32_t n, cap;
};

static enum sat_err take_id(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct gathering *it = context;
    if (sid != it->people || !client_discloser_of(&it->disclosers, record)) return SAT_OK;
    if (it->n == it->cap) {
        it->cap = it->cap ? 2 * it->cap : 64;
        it->ids = realloc(it->ids, it->cap * sizeof *it->ids);
        sat_check_memory(it->ids);
    }
    it->ids[it->n++] = *record;
    return SAT_OK;
}

static const struct sat_value *value_of(const struct sat_merged_record *merged, const struct sat_type *type,
                                        const char *field, enum sat_value_kind kind)
{
    const struct sat_merged *cell =
        sat_merged_cell(merged, sat_field_by_name(type, field)->number, (struct sat_span){0});
    return cell && cell->value.kind == kind ? &cell->value : NULL;
}

static const char *text_in(const struct sat_merged_record *merged, const struct sat_type *type, const char *field,
                           struct sat_arena *arena)
{
    const struct sat_value *value = value_of(merged, type, field, SAT_VALUE_TEXT);
    return value ? sat_arena_text(arena, (const char *)value->text.at, value->text.len) : "";
}

static enum sat_err read_one(struct gathering *it, const struct sat_record_id *id, struct sat_arena *arena,
                             struct client_disclosure *out, bool *found)
{
    const struct sat_type *type = sat_type_by_name(CLIENT_DISCLOSURE_TYPE);
    struct sat_vault vault = client_vault(it->satchel);
    struct sat_record_view view;
    enum sat_err err = sat_record_load(&vault, it->people, id, arena, &view);
    *found = !err && view.merged.exists && view.merged.type == type->number;
    if (!*found) return err;
    const struct sat_value *at = value_of(&view.merged, type, "at", SAT_VALUE_TIME);
    const struct sat_value *records = value_of(&view.merged, type, "records", SAT_VALUE_INT);
    *out = (struct client_disclosure){
        .device = client_discloser_of(&it->disclosers, id),
        .at_ms = at && at->integer > 0 ? (uint64_t)at->integer : 0,
        .kind = text_in(&view.merged, type, "kind", arena),
        .format = text_in(&view.merged, type, "format", arena),
        .records = records && records->integer > 0 ? (uint64_t)records->integer : 0,
        .record = "",
        .field = text_in(&view.merged, type, "field", arena),
        .reason = text_in(&view.merged, type, "reason", arena),
        .types = client_json_of_set(sat_field_by_name(type, "types"), &view.merged),
    };
    const struct sat_value *record = value_of(&view.merged, type, "record", SAT_VALUE_REF);
    if (record) {
        char text[SAT_UUID_TEXT_SIZE];
        sat_uuid_format(record->ref.b, text);
        out->record = sat_arena_text(arena, text, sizeof text - 1);
    }
    for (uint32_t i = 0; i < view.live_n; i++)
        if (view.live[i].dot.device != out->device) out->altered_by = view.live[i].dot.device;
    return SAT_OK;
}

static int compare_times(const void *a, const void *b)
{
    const struct client_disclosure *x = a, *y = b;
    if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
    return x->device < y->device ? -1 : x->device > y->device;
}

enum sat_err client_disclosures(struct satchel *satchel, struct sat_arena *arena, struct client_disclosure **out,
                                uint32_t *n)
{
    const struct sat_space *people = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_PEOPLE);
    struct gathering it = {.satchel = satchel};
    *n = 0;
    *out = NULL;
    if (!people) return SAT_OK;
    client_disclosers_make(&satchel->directory, arena, &it.disclosers);
    enum sat_err err = client_sid_of_space(satchel, &people->id, &it.people);
    if (!err) err = sat_store_each_record(satchel->store, take_id, &it);
    *out = sat_arena_array(arena, it.n, sizeof **out);
    for (uint32_t i = 0; i < it.n && !err; i++) {
        bool found;
        err = read_one(&it, &it.ids[i], arena, &(*out)[*n], &found);
        if (!err && found) (*n)++;
    }
    free(it.ids);
    if (*n > 1) qsort(*out, *n, sizeof **out, compare_times);
    return err;
}
