/* Transactions: edits gathered in memory, written all or none. */
#include <stdlib.h>
#include <string.h>

#include "client/conflicts.h"
#include "client/tx.h"
#include "common/base/check.h"

int satchel_begin(struct satchel *satchel, struct satchel_tx **out)
{
    client_begin(satchel);
    *out = NULL;
    if (satchel->tx)
        return client_end(satchel, sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open already"));
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
    free(tx->known);
    free(tx);
}

static void add_edit(struct satchel_tx *tx, const struct sat_edit *edit)
{
    if (tx->n == tx->cap) {
        tx->cap = tx->cap ? tx->cap * 2 : 64;
        tx->edits = realloc(tx->edits, tx->cap * sizeof *tx->edits);
        sat_check(tx->edits != NULL);
    }
    tx->edits[tx->n++] = *edit;
}

/* ---- Put ---- */

static enum sat_err choose_id(struct satchel_tx *tx, const char *id, struct sat_record_id *out)
{
    if (id) return client_parse_id(tx->satchel, id, out);
    uint8_t random[10];
    sat_entropy_fill(&tx->satchel->entropy, random, sizeof random);
    sat_uuid_v7(client_now_ms(), random, out->b);
    return SAT_OK;
}

static enum sat_err check_existing(struct satchel *satchel, const struct sat_type *type,
                                   const struct client_known *known)
{
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(known->record.b, id);
    if (!known->place.here || known->place.type == 0) return SAT_OK;
    const struct sat_type *other = sat_type_by_number(known->place.type);
    if (other != type)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s is of type %s, not %s", id,
                        other ? other->name : "a later version", type->name);
    if (known->place.archived)
        return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "%s %s is archived: restore it before changing it", type->name,
                        id);
    return SAT_OK;
}

static bool names_element(const struct sat_cell *cells, uint32_t n, const struct sat_cell *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (sat_cell_compare(&cells[i], name) == 0) return true;
    return false;
}

/* The elements of a set as the transaction sees it: those stored, and those that earlier edits of the record name;
 * each as a cell that takes it out. */
static enum sat_err list_elements(struct satchel_tx *tx, const struct client_known *known, uint16_t field,
                                  struct sat_cell **cells, uint32_t *n)
{
    struct client_place place;
    struct sat_record_view view;
    *n = 0;
    enum sat_err err = client_locate(tx->satchel, &known->record, &tx->arena, &place, &view);
    if (err) return err;
    size_t most = view.merged.cells_n;
    for (uint32_t i = 0; i < tx->n && known->edited; i++)
        if (sat_record_equal(&tx->edits[i].record, &known->record)) most += tx->edits[i].cells_n;
    *cells = sat_arena_array(&tx->arena, most, sizeof **cells);
    struct sat_value out = {.kind = SAT_VALUE_BOOL};
    for (uint32_t i = 0; i < view.merged.cells_n; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        if (cell->field == field && cell->in_set && cell->value.truth)
            (*cells)[(*n)++] =
                (struct sat_cell){.field = field, .in_set = true, .element = cell->element, .value = out};
    }
    for (uint32_t i = 0; i < tx->n && known->edited; i++) {
        const struct sat_edit *edit = &tx->edits[i];
        for (uint32_t c = 0; c < edit->cells_n && sat_record_equal(&edit->record, &known->record); c++) {
            struct sat_cell cell = edit->cells[c];
            cell.value = out;
            if (cell.field == field && cell.in_set && !names_element(*cells, *n, &cell)) (*cells)[(*n)++] = cell;
        }
    }
    return SAT_OK;
}

/* A set given as a whole takes out what is in it now and is not named. */
static enum sat_err complete_sets(struct satchel_tx *tx, const struct sat_record_id *record,
                                  struct client_fields *fields)
{
    for (uint32_t w = 0; w < fields->whole_n; w++) {
        struct client_known *known;
        struct sat_cell *elements;
        uint32_t n = 0;
        enum sat_err err = client_tx_known(tx, record, &known);
        if (!err && !known->place.here) continue;
        if (!err) err = list_elements(tx, known, fields->whole[w], &elements, &n);
        if (err) return err;
        struct sat_cell *cells = sat_arena_array(&tx->arena, (size_t)fields->n + n, sizeof *cells);
        if (fields->n) memcpy(cells, fields->cells, fields->n * sizeof *cells);
        uint32_t total = fields->n;
        for (uint32_t i = 0; i < n; i++)
            if (!names_element(fields->cells, fields->n, &elements[i])) cells[total++] = elements[i];
        fields->cells = cells;
        fields->n = total;
    }
    return SAT_OK;
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
    enum sat_err err = client_find_type(satchel, type_name, &type);
    if (!err) err = choose_id(tx, id, record);
    if (!err) err = client_tx_known(tx, record, &known);
    if (!err) err = check_existing(satchel, type, known);
    if (!err) err = client_json_fields(type, json, &tx->arena, &fields, &satchel->fault);
    if (!err) err = complete_sets(tx, record, &fields);
    if (!err) err = client_check_references(tx, type, &fields);
    wish.type = type;
    if (!err) err = client_place_record(tx, &wish, &sid);
    if (!err) err = client_tx_known(tx, record, &known); /* again: looking others up may have moved it */
    if (err) return err;
    struct sat_edit edit = {
        .record = *record, .sid = sid, .type = type->number, .cells = fields.cells, .cells_n = fields.n};
    add_edit(tx, &edit);
    known->created = known->created || !known->place.here;
    known->edited = true;
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
    return client_end(satchel, err);
}

/* ---- Remove, restore ---- */

/* The record of that type and id as the transaction sees it; an edit of it may follow. */
static enum sat_err find(struct satchel_tx *tx, const char *type_name, const char *id, struct client_known **known)
{
    struct satchel *satchel = tx->satchel;
    const struct sat_type *type;
    struct sat_record_id record;
    enum sat_err err = client_find_type(satchel, type_name, &type);
    if (!err) err = client_parse_id(satchel, id, &record);
    if (!err) err = client_tx_known(tx, &record, known);
    if (err) return err;
    if (!(*known)->place.here || (*known)->place.type != type->number)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no %s %s", type->name, id);
    return client_check_right(satchel, (*known)->place.sid, &record);
}

static struct sat_cell *deleted_cell(struct satchel_tx *tx, bool truth)
{
    struct sat_cell *cell = sat_arena_alloc(&tx->arena, sizeof *cell);
    *cell = (struct sat_cell){.field = SAT_FIELD_DELETED, .value = {.kind = SAT_VALUE_BOOL, .truth = truth}};
    return cell;
}

static enum sat_err archive(struct satchel_tx *tx, const char *type, const char *id, bool archived)
{
    struct client_known *known;
    enum sat_err err = find(tx, type, id, &known);
    if (err) return err;
    struct sat_edit edit = {
        .record = known->record, .sid = known->place.sid, .type = known->place.type, .remove = archived};
    if (!archived) {
        edit.cells = deleted_cell(tx, false);
        edit.cells_n = 1;
    }
    add_edit(tx, &edit);
    known->edited = true;
    known->place.archived = archived;
    return SAT_OK;
}

int satchel_remove(struct satchel_tx *tx, const char *type, const char *id)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, archive(tx, type, id, true));
}

int satchel_restore(struct satchel_tx *tx, const char *type, const char *id)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, archive(tx, type, id, false));
}

/* ---- Resolve ---- */

/* What a person chose among the values of a cell in conflict. */
struct choice {
    const struct sat_type *type;
    const struct sat_field *field; /* NULL: edit against delete, or two types under one id */
    uint16_t number;               /* the field's, SAT_FIELD_DELETED or SAT_FIELD_TYPE */
    const struct sat_merged *cell;
    uint32_t pick;
    const char *value;
};

static enum sat_err find_conflict(struct satchel *satchel, const char *id, const char *name,
                                  const struct sat_record_view *view, struct choice *choice)
{
    bool deleted = strcmp(name, "deleted") == 0, type = strcmp(name, "type") == 0;
    choice->field = deleted || type ? NULL : sat_field_by_name(choice->type, name);
    if (!deleted && !type && !choice->field)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "%s has no field \"%.80s\"", choice->type->name, name);
    choice->number = deleted ? SAT_FIELD_DELETED : type ? SAT_FIELD_TYPE : choice->field->number;
    choice->cell = sat_merged_cell(&view->merged, choice->number, (struct sat_span){0});
    if (choice->cell && choice->cell->alternatives_n > 1) return SAT_OK;
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
    if (!err) err = find_conflict(satchel, id, field, &view, choice);
    if (!err) err = choose(tx, choice, &value);
    if (!err && choice->number == SAT_FIELD_TYPE && value.integer != choice->type->number)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID,
                       "%s stays %s: put the other one under an id of its own (see history), then pick 1", id,
                       choice->type->name);
    if (!err && choice->number == SAT_FIELD_DELETED) return archive(tx, type_name, id, value.truth);
    if (!err && place.archived)
        err = sat_fail(&satchel->fault, SAT_ERR_EXISTS, "%s %s is archived: restore it first", type_name, id);
    if (err) return err;
    struct sat_cell *cell = sat_arena_alloc(&tx->arena, sizeof *cell);
    *cell = (struct sat_cell){.field = choice->number, .value = value};
    struct client_fields fields = {.cells = cell, .n = choice->field ? 1 : 0};
    err = client_check_references(tx, choice->type, &fields);
    if (!err) err = client_tx_known(tx, &view.id, &known);
    if (err) return err;
    struct sat_edit edit = {
        .record = view.id, .sid = place.sid, .type = choice->type->number, .cells = cell, .cells_n = 1};
    add_edit(tx, &edit);
    known->edited = true;
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

/* Which edit it was, for the sentence: written one by one, in a transaction that is rolled back. */
static void name_culprit(struct satchel_tx *tx, enum sat_err err)
{
    struct satchel *satchel = tx->satchel;
    struct sat_vault vault = client_vault(satchel);
    if (sat_store_begin(satchel->store)) return;
    for (uint32_t i = 0; i < tx->n; i++) {
        uint32_t written;
        if (sat_author_commit(&vault, &tx->edits[i], 1, client_now_ms(), &written) != err) continue;
        const struct sat_type *type = sat_type_by_number(tx->edits[i].type);
        char id[SAT_UUID_TEXT_SIZE];
        sat_uuid_format(tx->edits[i].record.b, id);
        (void)sat_fail(&satchel->fault, err, "%s %s: %s", type ? type->name : "record", id, sat_err_text(err));
        break;
    }
    sat_store_rollback(satchel->store);
}

static enum sat_err look_for_conflicts(struct satchel_tx *tx)
{
    for (uint32_t i = 0; i < tx->known_cap; i++) {
        const struct client_known *known = &tx->known[i];
        if (!known->used || !known->edited || known->created) continue; /* what is new has no rival */
        uint16_t type;
        bool conflict;
        enum sat_err err =
            client_conflicts_look(tx->satchel, known->place.sid, &known->record, true, false, &type, &conflict);
        if (err) return err;
    }
    return client_conflicts_save(tx->satchel);
}

static enum sat_err commit(struct satchel_tx *tx)
{
    struct satchel *satchel = tx->satchel;
    struct sat_vault vault = client_vault(satchel);
    uint32_t written = 0;
    enum sat_err err = client_conflicts_known(satchel);
    if (!err) err = sat_store_begin(satchel->store);
    if (err) return err;
    err = sat_author_commit(&vault, tx->edits, tx->n, client_now_ms(), &written);
    bool about_an_edit = err && sat_err_exit_code(err) == 2;
    if (!err && written) err = look_for_conflicts(tx);
    if (!err) err = sat_store_commit(satchel->store);
    if (!err) return SAT_OK;
    client_explain(satchel, err, &satchel->fault);
    sat_store_rollback(satchel->store);
    satchel->conflicts.known = false; /* it was of a state that never came to be */
    if (about_an_edit) name_culprit(tx, err);
    return err;
}

int satchel_commit(struct satchel_tx *tx)
{
    struct satchel *satchel = tx->satchel;
    client_begin(satchel);
    enum sat_err err = tx->n ? commit(tx) : SAT_OK;
    if (tx->n) client_touch(satchel);
    satchel_rollback(tx);
    return client_end(satchel, err);
}
