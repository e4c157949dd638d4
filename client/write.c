/* Transactions: edits gathered in memory, written all or none. */
#include <stdlib.h>
#include <string.h>

#include "client/amendment.h"
#include "client/conflicts.h"
#include "client/contacted.h"
#include "client/copied.h"
#include "client/disclosures.h"
#include "client/fits.h"
#include "client/forgotten.h"
#include "client/grants.h"
#include "client/survivor.h"
#include "client/tx.h"
#include "client/wholes.h"
#include "client/wipe.h"
#include "common/base/check.h"
#include "common/vault/derived.h"

int satchel_begin(struct satchel *satchel, struct satchel_tx **out)
{
    client_begin(satchel);
    *out = NULL;
    if (satchel->tx)
        return client_end(satchel, sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open already"));
    if (client_wipe_check(satchel)) return client_end(satchel, SAT_ERR_REVOKED);
    struct satchel_tx *tx = calloc(1, sizeof *tx);
    if (!tx) return client_end(satchel, SAT_ERR_NO_MEMORY);
    tx->satchel = satchel;
    sat_arena_init(&tx->arena);
    satchel->tx = *out = tx;
    return client_end(satchel, SAT_OK);
}

void satchel_rollback(struct satchel_tx *tx)
{
    if (!tx) return;
    tx->satchel->tx = NULL;
    sat_arena_deinit(&tx->arena);
    free(tx->edits);
    free(tx->steps);
    free(tx->known);
    free(tx);
}

/* `known`: the entry of the edit's record. */
static struct client_step *add_edit(struct satchel_tx *tx, struct client_known *known, const struct sat_edit *edit)
{
    if (tx->n == tx->cap) {
        tx->cap = tx->cap ? tx->cap * 2 : 64;
        tx->edits = realloc(tx->edits, tx->cap * sizeof *tx->edits);
        tx->steps = realloc(tx->steps, tx->cap * sizeof *tx->steps);
        sat_check_memory(tx->edits != NULL && tx->steps != NULL);
    }
    struct client_step *step = &tx->steps[tx->n];
    *step = (struct client_step){0};
    tx->edits[tx->n++] = *edit;
    if (known->last)
        tx->steps[known->last - 1].next = tx->n;
    else
        known->first = tx->n;
    known->last = tx->n;
    return step;
}

/* A step about a record, which its references have been looked up for, is found with the record: asking how it stands
 * costs what there is about it, not what the transaction holds. */
static void note_state(struct satchel_tx *tx, const struct sat_type *type, const struct sat_edit *edit)
{
    const struct sat_field *about = sat_field_by_name(type, "about");
    if (strcmp(type->name, "state_event") != 0 || !about) return;
    for (uint32_t i = 0; i < edit->cells_n; i++) {
        const struct sat_cell *cell = &edit->cells[i];
        if (cell->field != about->number || cell->value.kind != SAT_VALUE_REF) continue;
        struct client_known *known = (struct client_known *)client_tx_find(tx, &cell->value.ref);
        sat_check(known != NULL);
        if (known->state_last)
            tx->steps[known->state_last - 1].next_state = tx->n;
        else
            known->state_first = tx->n;
        known->state_last = tx->n;
        return;
    }
}

/* A disclosure is written by what discloses; by hand it would say nothing. */
static enum sat_err find_writable_type(struct satchel *satchel, const char *name, const struct sat_type **type)
{
    enum sat_err err = client_find_type(satchel, name, type);
    if (err || strcmp((*type)->name, CLIENT_DISCLOSURE_TYPE) != 0) return err;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a %s is recorded by what lets data out, never by hand",
                    CLIENT_DISCLOSURE_TYPE);
}

/* The roles of who writes are looked up once. */
static enum sat_err check_granted(struct satchel_tx *tx, const struct sat_type *type)
{
    enum sat_err err = SAT_OK;
    if (!tx->grants) {
        struct client_grants *grants = sat_arena_alloc(&tx->arena, sizeof *grants);
        err = client_grants_get(tx->satchel, &tx->arena, grants);
        if (!err) tx->grants = grants;
    }
    return err ? err : client_grants_check(tx->satchel, tx->grants, type);
}

/* ---- Put ---- */

/* What a record of such a type is about decides its id, if nobody gives one. */
static enum sat_err choose_id(struct satchel_tx *tx, const struct sat_type *type, const char *id, const char *json,
                              struct sat_record_id *out)
{
    if (id) return client_parse_id(tx->satchel, id, out);
    if (sat_type_has_keys(type)) {
        struct client_fields fields;
        enum sat_err err = client_json_fields(type, json, &tx->arena, &fields, &tx->satchel->fault);
        if (err || !sat_record_id_derived(&tx->satchel->directory.org, type, fields.cells, fields.n, out)) return err;
    }
    uint8_t random[10];
    sat_entropy_fill(&tx->satchel->entropy, random, sizeof random);
    sat_uuid_v7(client_now_ms(), random, out->b);
    return SAT_OK;
}

/* An import that is repeated does not bring it back; who wants it says so. */
static enum sat_err check_forgotten(struct satchel_tx *tx, const struct sat_type *type,
                                    const struct client_known *known)
{
    char id[SAT_UUID_TEXT_SIZE];
    int64_t sid;
    if (known->place.here || known->first) return SAT_OK;
    enum sat_err err = client_forgotten_find(tx->satchel, &known->record, known->only, &tx->arena, &sid);
    if (err || !sid) return err;
    sat_uuid_format(known->record.b, id);
    return sat_fail(&tx->satchel->fault, SAT_ERR_EXISTS,
                    "%s %s was deleted, and everybody has seen that: restore it before changing it", type->name, id);
}

static enum sat_err check_existing(struct satchel *satchel, const struct sat_type *type,
                                   const struct client_known *known)
{
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(known->record.b, id);
    if (!known->place.here) return client_check_moved(satchel, "", &known->record, &known->place);
    if (known->place.type == 0) return SAT_OK;
    const struct sat_type *other = sat_type_by_number(known->place.type);
    if (other != type)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s is of type %s, not %s", id,
                        other ? other->name : "a later version", type->name);
    if (known->place.archived)
        return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "%s %s is archived: restore it before changing it", type->name,
                        id);
    return SAT_OK;
}

static int compare_cells(const void *a, const void *b)
{
    return sat_cell_compare(a, b);
}

/* Sorts cells by their names and drops those that are named before. */
static uint32_t sort_names(struct sat_cell *cells, uint32_t n)
{
    uint32_t left = 0;
    if (n > 1) qsort(cells, n, sizeof *cells, compare_cells);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || sat_cell_compare(&cells[left - 1], &cells[i]) != 0) cells[left++] = cells[i];
    return left;
}

/* The elements of a set as the transaction sees it: those stored, and those that earlier edits of the record name;
 * each as a cell that takes it out. Sorted. */
static enum sat_err list_elements(struct satchel_tx *tx, const struct client_known *known, uint16_t field,
                                  struct sat_cell **cells, uint32_t *n)
{
    struct sat_record_view view;
    *n = 0;
    enum sat_err err = client_tx_view(tx, known, &tx->arena, &view);
    if (err) return err;
    size_t most = view.merged.cells_n;
    for (uint32_t at = known->first; at; at = tx->steps[at - 1].next) most += tx->edits[at - 1].cells_n;
    *cells = sat_arena_array(&tx->arena, most, sizeof **cells);
    struct sat_value out = {.kind = SAT_VALUE_BOOL};
    for (uint32_t i = 0; i < view.merged.cells_n; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        if (cell->field == field && cell->in_set && cell->value.truth)
            (*cells)[(*n)++] =
                (struct sat_cell){.field = field, .in_set = true, .element = cell->element, .value = out};
    }
    for (uint32_t at = known->first; at; at = tx->steps[at - 1].next) {
        const struct sat_edit *edit = &tx->edits[at - 1];
        for (uint32_t i = 0; i < edit->cells_n; i++) {
            struct sat_cell cell = edit->cells[i];
            cell.value = out;
            if (cell.field == field && cell.in_set) (*cells)[(*n)++] = cell;
        }
    }
    *n = sort_names(*cells, *n);
    return SAT_OK;
}

/* The cells of the fields and those of the elements that they do not name. A set's own stand together and are
 * sorted. */
static void take_out_others(struct satchel_tx *tx, struct client_fields *fields, uint16_t field,
                            const struct sat_cell *elements, uint32_t n)
{
    struct sat_cell *cells = sat_arena_array(&tx->arena, (size_t)fields->n + n, sizeof *cells);
    uint32_t total = 0, at = 0;
    while (at < fields->n && fields->cells[at].field != field) at++;
    for (uint32_t i = 0; i < fields->n; i++) cells[total++] = fields->cells[i];
    for (uint32_t i = 0; i < n; i++) {
        while (at < fields->n && fields->cells[at].field == field &&
               sat_cell_compare(&fields->cells[at], &elements[i]) < 0)
            at++;
        bool named = at < fields->n && sat_cell_compare(&fields->cells[at], &elements[i]) == 0;
        if (!named) cells[total++] = elements[i];
    }
    fields->cells = cells;
    fields->n = total;
}

static bool is_named(const struct client_fields *fields, const struct sat_cell *cell)
{
    for (uint32_t i = 0; i < fields->n; i++)
        if (sat_cell_compare(&fields->cells[i], cell) == 0) return true;
    return false;
}

/* What is taken out is written down as the one who takes it out says it: the first that is masked is noted. */
static enum sat_err note_taken_out(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                                   const struct client_fields *fields, uint16_t field)
{
    struct sat_record_view view;
    enum sat_err err = client_tx_view(tx, known, &tx->arena, &view);
    const struct client_copied *before = tx->copied;
    for (uint32_t i = 0; !err && i < view.merged.cells_n && tx->copied == before; i++) {
        const struct sat_merged *merged = &view.merged.cells[i];
        struct sat_cell cell = {merged->field, merged->in_set, merged->element, merged->value};
        if (merged->field != field || !merged->in_set || !merged->value.truth || is_named(fields, &cell)) continue;
        err = client_copied_value(tx, &view.id, type, sat_field_by_number(type, field), merged->source,
                                  "taken out of a set");
    }
    return err;
}

/* A set given as a whole takes out what is in it now and is not named. */
static enum sat_err complete_sets(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                                  struct client_fields *fields)
{
    for (uint32_t w = 0; w < fields->whole_n && known->place.here; w++) {
        struct sat_cell *elements;
        uint32_t n = 0;
        enum sat_err err = note_taken_out(tx, type, known, fields, fields->whole[w]);
        if (!err) err = list_elements(tx, known, fields->whole[w], &elements, &n);
        if (err) return err;
        take_out_others(tx, fields, fields->whole[w], elements, n);
    }
    return SAT_OK;
}

/* A record that the caller knows by its id is named where its fields are too large; those of a new one say all. */
static enum sat_err name_record(struct satchel_tx *tx, const struct sat_type *type, const char *id, enum sat_err err)
{
    if (err != SAT_ERR_TOO_LARGE || !id) return err;
    const char *text = sat_arena_format(&tx->arena, "%s", tx->satchel->fault.text);
    return sat_fail(&tx->satchel->fault, err, "%s %s: %s", type->name, id, text);
}

/* People, and what the organisation publishes under an id that follows from its name, are in one space each. */
static bool is_of_one_space(const struct sat_type *type)
{
    return type->home == SAT_HOME_PEOPLE || (type->home == SAT_HOME_ORG && sat_type_has_keys(type));
}

/* Something is here under an id that others can work out, too: is it the one that is meant? */
static enum sat_err mean_own(struct satchel_tx *tx, const struct sat_type *type, const char *id, const char *json,
                             const struct client_wish *wish)
{
    struct client_known *known = NULL;
    struct client_fields fields = {0};
    struct client_wish keyed = {.type = type, .record = wish->record, .territory = wish->territory, .fields = &fields};
    if (id ? wish->territory || !is_of_one_space(type) : !sat_type_has_keys(type)) return SAT_OK;
    enum sat_err err = client_tx_known(tx, wish->record, &known);
    if (err || known->first) return err;
    if (!id) err = client_json_fields(type, json, &tx->arena, &fields, &tx->satchel->fault);
    return err ? err : client_place_keyed(tx, &keyed);
}

static enum sat_err put(struct satchel_tx *tx, const char *type_name, const char *id, const char *territory,
                        const char *json, struct sat_record_id *record)
{
    struct satchel *satchel = tx->satchel;
    const struct sat_type *type;
    struct client_known *known;
    struct client_fields fields;
    struct client_wish wish = {.record = record, .territory = territory, .fields = &fields};
    int64_t sid = 0;
    bool unsure = false;
    enum sat_err err = find_writable_type(satchel, type_name, &type);
    if (!err) err = check_granted(tx, type);
    if (!err) err = choose_id(tx, type, id, json, record);
    if (!err && id) err = client_land_on_survivor(tx, type, json, record);
    if (!err) err = mean_own(tx, type, id, json, &wish);
    if (!err) err = client_tx_known(tx, record, &known);
    if (!err) err = check_existing(satchel, type, known);
    if (!err && (id || sat_type_has_keys(type))) err = check_forgotten(tx, type, known);
    if (!err) err = name_record(tx, type, id, client_json_fields(type, json, &tx->arena, &fields, &satchel->fault));
    if (!err) err = complete_sets(tx, type, known, &fields);
    if (!err) err = client_fits(tx, type, known, &fields);
    if (!err) err = client_check_references(tx, type, fields.cells, fields.n, &unsure);
    wish.type = type;
    if (!err) err = client_place_record(tx, &wish, &sid);
    if (!err) err = client_tx_known(tx, record, &known); /* again: looking others up may have moved it */
    if (err) return err;
    struct sat_edit edit = {
        .record = *record, .sid = sid, .type = type->number, .cells = fields.cells, .cells_n = fields.n};
    add_edit(tx, known, &edit)->unsure = unsure;
    note_state(tx, type, &edit);
    known->created = known->created || !known->place.here;
    known->place = (struct client_place){.here = true, .spaces_n = 1, .sid = sid, .type = type->number};
    return SAT_OK;
}

int satchel_put(struct satchel_tx *tx, const char *type, const char *id, const char *territory, const char *fields,
                char id_out[SATCHEL_ID_SIZE])
{
    struct satchel *satchel = tx->satchel;
    struct sat_record_id record;
    client_begin(satchel);
    enum sat_err err = put(tx, type, id, territory, fields, &record);
    if (!err && id_out) sat_uuid_format(record.b, id_out);
    if (!err) err = client_contacted(tx, type, fields);
    return client_end(satchel, err);
}

/* ---- Remove, restore ---- */

/* The record of that type and id as the transaction sees it; an edit of it may follow. */
static enum sat_err find(struct satchel_tx *tx, const char *type_name, const char *id, struct client_known **known)
{
    struct satchel *satchel = tx->satchel;
    const struct sat_type *type;
    struct sat_record_id record;
    enum sat_err err = find_writable_type(satchel, type_name, &type);
    if (!err) err = check_granted(tx, type);
    if (!err) err = client_parse_id(satchel, id, &record);
    if (!err) err = client_tx_known(tx, &record, known);
    if (!err) err = client_check_moved(satchel, "", &record, &(*known)->place);
    if (err) return err;
    if (!(*known)->place.here || (*known)->place.type != type->number)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no %s %s", type->name, id);
    return (*known)->place.sid ? client_check_right(satchel, (*known)->place.sid, &record) : SAT_OK;
}

static enum sat_err archive(struct satchel_tx *tx, const char *type, const char *id)
{
    struct client_known *known = NULL;
    enum sat_err err = find(tx, type, id, &known);
    if (!err) err = client_amendment_check_back(tx->satchel, &known->record, &tx->arena);
    if (err) return err;
    struct sat_edit edit = {
        .record = known->record, .sid = known->place.sid, .type = known->place.type, .remove = true};
    (void)add_edit(tx, known, &edit);
    known->place.archived = true;
    return SAT_OK;
}

/* Where it was deleted and forgotten, and what is still here of it; NOT_FOUND without a sentence: it never was. */
static enum sat_err find_forgotten(struct satchel_tx *tx, const char *type_name, struct client_known *known,
                                   struct sat_record_view *view)
{
    struct satchel *satchel = tx->satchel;
    const struct sat_type *type;
    int64_t sid;
    enum sat_err err = client_find_type(satchel, type_name, &type);
    if (!err) err = client_forgotten_find(satchel, &known->record, known->only, &tx->arena, &sid);
    if (err || !sid) return err ? err : SAT_ERR_NOT_FOUND;
    err = client_forgotten_load(satchel, sid, &known->record, &tx->arena, view);
    if (!err && view->merged.exists && view->merged.type != type->number) err = SAT_ERR_NOT_FOUND;
    if (err) return err;
    known->place = (struct client_place){.here = true, .sid = sid, .type = type->number, .spaces_n = 1};
    return client_check_right(satchel, sid, &known->record);
}

static enum sat_err note_brought_back(struct satchel_tx *tx, const struct client_known *known,
                                      const struct sat_record_view *forgotten)
{
    static const char why[] = "brought back with the record";
    struct client_place place;
    struct sat_record_view view;
    if (forgotten->merged.exists) return client_copied_of_record(tx, forgotten, NULL, why);
    enum sat_err err = client_locate(tx->satchel, &known->record, &tx->arena, &place, &view);
    return err || !view.merged.exists || !view.merged.deleted ? err : client_copied_of_record(tx, &view, NULL, why);
}

/* What an archived record shows comes back with it (author.h); what was forgotten is written anew. */
static enum sat_err restore(struct satchel_tx *tx, const char *type, const char *id)
{
    struct client_known *known = NULL;
    struct sat_record_view was = {0};
    enum sat_err err = find(tx, type, id, &known);
    if (err == SAT_ERR_NOT_FOUND && known && !known->place.here && !known->place.moved) {
        enum sat_err found = find_forgotten(tx, type, known, &was);
        if (found != SAT_ERR_NOT_FOUND) err = found;
    }
    if (!err) err = client_amendment_check_back(tx->satchel, &known->record, &tx->arena);
    if (!err) err = note_brought_back(tx, known, &was);
    if (err) return err;
    struct sat_cell *cells = sat_arena_array(&tx->arena, (size_t)was.merged.cells_n + 1, sizeof *cells);
    struct sat_edit edit = {
        .record = known->record, .sid = known->place.sid, .type = known->place.type, .cells = cells, .cells_n = 1};
    cells[0] = (struct sat_cell){.field = SAT_FIELD_DELETED, .value = {.kind = SAT_VALUE_BOOL}};
    for (uint32_t i = 0; i < was.merged.cells_n; i++) {
        const struct sat_merged *cell = &was.merged.cells[i];
        if (cell->field != SAT_FIELD_DELETED && cell->field < SAT_FIELD_RESERVED)
            cells[edit.cells_n++] = (struct sat_cell){cell->field, cell->in_set, cell->element, cell->value};
    }
    (void)add_edit(tx, known, &edit);
    known->place.archived = false;
    return SAT_OK;
}

int satchel_remove(struct satchel_tx *tx, const char *type, const char *id)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, archive(tx, type, id));
}

int satchel_restore(struct satchel_tx *tx, const char *type, const char *id)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, restore(tx, type, id));
}

/* ---- Resolve ---- */

/* What a person chose among the values of a cell in conflict. */
struct choice {
    const struct sat_type *type;
    const struct sat_field *field; /* NULL: edit against delete, or two types under one id */
    uint16_t number;               /* the field's, SAT_FIELD_DELETED or SAT_FIELD_TYPE */
    struct sat_span key;           /* of a map */
    const struct sat_merged *cell;
    uint32_t pick;
    const char *value;
};

static enum sat_err find_conflict(struct satchel *satchel, const char *id, const char *name,
                                  const struct sat_record_view *view, struct sat_arena *arena, struct choice *choice)
{
    bool deleted = strcmp(name, "deleted") == 0, type = strcmp(name, "type") == 0;
    const char *dot = strchr(name, '.'); /* a key of a map */
    const char *field = dot ? sat_arena_text(arena, name, (size_t)(dot - name)) : name;
    choice->field = deleted || type ? NULL : sat_field_by_name(choice->type, field);
    if (!deleted && !type && !choice->field)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "%s has no field \"%.80s\"", choice->type->name, field);
    choice->number = deleted ? SAT_FIELD_DELETED : type ? SAT_FIELD_TYPE : choice->field->number;
    choice->key = dot ? sat_span_text(dot + 1) : (struct sat_span){0};
    choice->cell = sat_merged_cell(&view->merged, choice->number, choice->key);
    if (choice->cell && choice->cell->conflict) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "%s %s has no conflict in %.80s", choice->type->name, id, name);
}

static enum sat_err choose(struct satchel_tx *tx, const struct choice *choice, struct sat_value *out)
{
    struct sat_fault *fault = &tx->satchel->fault;
    if (choice->pick > choice->cell->alternatives_n)
        return sat_fail(fault, SAT_ERR_INVALID, "there are %u values to pick from, not %u",
                        (unsigned)choice->cell->alternatives_n, (unsigned)choice->pick);
    if (choice->pick) {
        *out = choice->cell->alternatives[choice->pick - 1].value;
        return SAT_OK;
    }
    if (!choice->value) return sat_fail(fault, SAT_ERR_INVALID, "neither a pick nor a value was given");
    if (choice->number == SAT_FIELD_TYPE) return sat_fail(fault, SAT_ERR_INVALID, "a type is settled by a pick");
    if (choice->field) return client_json_value(choice->type, choice->field, choice->value, &tx->arena, out, fault);
    static const struct sat_field deleted = {.name = "deleted", .kind = SAT_KIND_BOOL};
    enum sat_err err = client_json_value(choice->type, &deleted, choice->value, &tx->arena, out, fault);
    if (!err && out->kind != SAT_VALUE_BOOL) err = sat_fail(fault, SAT_ERR_INVALID, "deleted is true or false");
    return err;
}

static enum sat_err resolve(struct satchel_tx *tx, const char *id, const char *field, struct choice *choice,
                            const char *type_name)
{
    struct satchel *satchel = tx->satchel;
    struct client_place place;
    struct sat_record_view view;
    struct client_known *known;
    struct sat_value value;
    enum sat_err err = client_locate_named(satchel, type_name, id, &tx->arena, &choice->type, &place, &view);
    if (!err) err = find(tx, type_name, id, &known);
    if (!err) err = find_conflict(satchel, id, field, &view, &tx->arena, choice);
    if (!err) err = choose(tx, choice, &value);
    if (!err && choice->number == SAT_FIELD_TYPE && value.integer != choice->type->number)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID,
                       "%s stays %s: put the other one under an id of its own (see history), then pick 1", id,
                       choice->type->name);
    if (!err && choice->number == SAT_FIELD_DELETED)
        return value.truth ? archive(tx, type_name, id) : restore(tx, type_name, id);
    if (!err && place.archived)
        err = sat_fail(&satchel->fault, SAT_ERR_EXISTS, "%s %s is archived: restore it first", type_name, id);
    if (!err && choice->pick)
        err = client_copied_value(tx, &view.id, choice->type, choice->field,
                                  choice->cell->alternatives[choice->pick - 1].source, "picked among several");
    if (err) return err;
    struct sat_cell *cell = sat_arena_alloc(&tx->arena, sizeof *cell);
    *cell = (struct sat_cell){
        .field = choice->number, .in_set = choice->key.at != NULL, .element = choice->key, .value = value};
    bool unsure = false;
    struct client_fields fields = {.cells = cell, .n = 1};
    err = client_check_references(tx, choice->type, cell, 1, &unsure);
    if (!err) err = client_tx_known(tx, &view.id, &known);
    if (!err) err = client_fits(tx, choice->type, known, &fields);
    if (err) return err;
    struct sat_edit edit = {
        .record = view.id, .sid = place.sid, .type = choice->type->number, .cells = cell, .cells_n = 1};
    add_edit(tx, known, &edit)->unsure = unsure;
    return SAT_OK;
}

int satchel_resolve(struct satchel_tx *tx, const char *type, const char *id, const char *field, uint32_t pick,
                    const char *value)
{
    struct choice choice = {.pick = pick, .value = value};
    client_begin(tx->satchel);
    return client_end(tx->satchel, resolve(tx, id, field ? field : "", &choice, type));
}

/* ---- Commit ---- */

/* A record whose next change could not name all those before it: what all else comes to is split. */
static const char *reason(struct satchel_tx *tx, enum sat_err err)
{
    if (err != SAT_ERR_TOO_LARGE) return sat_err_text(err);
    return sat_arena_format(&tx->arena,
                            "too many devices have written it, or too many values stand beside each other in it: a "
                            "change can name %d devices and %d earlier changes",
                            SAT_SEEN_MAX, SAT_KEPT_HOLES_MAX);
}

/* Which edit it was: written one by one, in a transaction that is rolled back. */
static uint32_t find_culprit(struct satchel_tx *tx, enum sat_err err)
{
    struct satchel *satchel = tx->satchel;
    struct sat_vault vault = client_vault(satchel);
    uint32_t culprit = 0;
    if (sat_store_begin(satchel->store)) return 0;
    for (uint32_t i = 0; i < tx->n && !culprit; i++) {
        uint32_t written;
        if (sat_author_commit(&vault, &tx->edits[i], 1, client_now_ms(), &written) != err) continue;
        const struct sat_type *type = sat_type_by_number(tx->edits[i].type);
        char id[SAT_UUID_TEXT_SIZE];
        sat_uuid_format(tx->edits[i].record.b, id);
        (void)sat_fail(&satchel->fault, err, "%s %s: %s", type ? type->name : "record", id, reason(tx, err));
        culprit = i + 1;
    }
    sat_store_rollback(satchel->store);
    return culprit;
}

static enum sat_err look_for_conflicts(struct satchel_tx *tx)
{
    for (uint32_t i = 0; i < tx->known_cap; i++) {
        const struct client_known *known = &tx->known[i];
        if (!known->used || !known->first || known->created) continue; /* what is new has no rival */
        uint16_t type;
        bool conflict;
        enum sat_err err =
            client_conflicts_look(tx->satchel, known->place.sid, &known->record, true, false, &type, &conflict);
        if (err) return err;
    }
    return client_conflicts_save(tx->satchel);
}

static enum sat_err write_all(struct satchel_tx *tx, uint32_t *written, uint32_t *culprit)
{
    struct satchel *satchel = tx->satchel;
    struct sat_vault vault = client_vault(satchel);
    enum sat_err err = client_conflicts_known(satchel);
    if (!err) err = sat_store_begin(satchel->store);
    if (err) return err;
    err = sat_author_commit(&vault, tx->edits, tx->n, client_now_ms(), written);
    bool about_an_edit = err && sat_err_exit_code(err) == 2;
    if (!err && *written) err = look_for_conflicts(tx);
    if (!err) err = sat_store_commit(satchel->store);
    if (!err) return SAT_OK;
    client_explain(satchel, err, &satchel->fault);
    sat_store_rollback(satchel->store);
    satchel->conflicts.known = false; /* it was of a state that never came to be */
    if (about_an_edit) *culprit = find_culprit(tx, err);
    return err;
}

int satchel_commit(struct satchel_tx *tx)
{
    struct satchel *satchel = tx->satchel;
    uint32_t written = 0, culprit = 0;
    client_begin(satchel);
    enum sat_err err = client_tx_settle(tx, &culprit);
    if (!err) err = client_tx_check_wholes(tx, &culprit);
    if (!err && tx->n) err = client_copied_disclose(tx);
    if (!err && tx->n) err = write_all(tx, &written, &culprit);
    if (tx->n) client_touch(satchel);
    satchel_rollback(tx);
    satchel->written = err ? 0 : written;
    int failed = client_end(satchel, err);
    satchel->error.edit = culprit;
    return failed;
}

uint64_t satchel_written(const struct satchel *satchel)
{
    return satchel->written;
}
