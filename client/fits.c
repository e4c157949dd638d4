#include "client/fits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/amendment.h"
#include "client/handle.h"
#include "common/base/utf8.h"
#include "common/vault/derived.h"
#include "common/vault/machines.h"

/* ---- What was published ---- */

enum { VERSIONS_MAX = 1000 };

static struct sat_cell text_cell(const struct sat_type *type, const char *field, const char *text)
{
    return (struct sat_cell){.field = sat_field_by_name(type, field)->number,
                             .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(text)}};
}

static const struct sat_value *value_of(const struct sat_record_view *view, const struct sat_type *type,
                                        const char *field)
{
    const struct sat_merged *cell =
        sat_merged_cell(&view->merged, sat_field_by_name(type, field)->number, (struct sat_span){0});
    return cell && cell->value.kind != SAT_VALUE_NIL ? &cell->value : NULL;
}

/* Its id follows from kind, name and version, so that they are looked for one after the other. */
static enum sat_err load_version(struct satchel *satchel, const struct sat_type *type, const char *kind,
                                 const char *name, int64_t version, struct sat_arena *arena, bool *there,
                                 struct sat_record_view *view)
{
    struct sat_cell cells[] = {
        text_cell(type, "kind", kind),
        text_cell(type, "name", name),
        {.field = sat_field_by_name(type, "version")->number, .value = {.kind = SAT_VALUE_INT, .integer = version}},
    };
    struct sat_record_id id;
    enum sat_err err = sat_record_id_derived(&satchel->directory.org, type, cells, sizeof cells / sizeof cells[0], &id);
    if (!err) err = client_locate_in_kind(satchel, SAT_SPACE_ORG, &id, arena, view);
    *there = !err && view->live_n && view->merged.exists && view->merged.type == type->number;
    return err;
}

enum sat_err client_published_get(struct satchel *satchel, const char *kind, const char *name, struct sat_arena *arena,
                                  struct client_published *out)
{
    const struct sat_type *type = sat_type_by_name("config_item");
    bool there = true;
    enum sat_err err = SAT_OK;
    *out = (struct client_published){0};
    for (int64_t version = 1; !err && there && version <= VERSIONS_MAX; version++) {
        struct sat_record_view view;
        err = load_version(satchel, type, kind, name, version, arena, &there, &view);
        if (err || !there || view.merged.deleted || !value_of(&view, type, "published_at")) continue;
        const struct sat_value *body = value_of(&view, type, "body");
        json_decref(out->body);
        *out = (struct client_published){.there = true, .version = version};
        if (body && body->kind == SAT_VALUE_TEXT)
            out->body = json_loadb((const char *)body->text.at, body->text.len, 0, NULL);
    }
    if (!err) return SAT_OK;
    json_decref(out->body);
    *out = (struct client_published){0};
    return err;
}

static bool lists(const json_t *words, struct sat_span word)
{
    size_t index;
    const json_t *one;
    json_array_foreach(words, index, one)
    {
        struct sat_span text = sat_span(json_string_value(one), json_string_length(one));
        if (json_is_string(one) && sat_span_equal(text, word)) return true;
    }
    return false;
}

/* ---- Words ---- */

static enum sat_err check_word(struct satchel_tx *tx, const struct sat_type *type, const struct sat_field *field,
                               const struct sat_cell *cell)
{
    struct sat_span word = cell->value.text;
    if (sat_word_known(field->range->words, word)) return SAT_OK;
    struct client_published more;
    const char *name = sat_arena_format(&tx->arena, "%s.%s", type->name, field->name);
    enum sat_err err = client_published_get(tx->satchel, "words", name, &tx->arena, &more);
    bool known = !err && lists(json_object_get(more.body, "words"), word);
    json_decref(more.body);
    if (err || known) return err;
    const char *shown = sat_utf8_shown(&tx->arena, sat_arena_text(&tx->arena, (const char *)word.at, word.len));
    return sat_fail(&tx->satchel->fault, SAT_ERR_INVALID, "%s is one of \"%s\", not \"%.80s\"", name,
                    field->range->words, shown);
}

/* ---- States ---- */

/* Is that what the record says already? */
static enum sat_err says_already(struct satchel_tx *tx, const struct client_known *known, const struct sat_cell *cell,
                                 bool *already)
{
    struct sat_record_view view;
    enum sat_err err = client_tx_view(tx, known, &tx->arena, &view);
    const struct sat_merged *said = err ? NULL : sat_merged_cell(&view.merged, cell->field, (struct sat_span){0});
    bool nothing = !said || said->value.kind == SAT_VALUE_NIL;
    *already = nothing ? cell->value.kind == SAT_VALUE_NIL
                       : cell->value.kind == SAT_VALUE_TEXT && said->value.kind == SAT_VALUE_TEXT &&
                             sat_span_equal(said->value.text, cell->value.text);
    return err;
}

/* A record begins in some state; from then on it goes by steps. */
static enum sat_err check_state(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                                const struct sat_machine *machine, const struct sat_cell *cell)
{
    struct sat_fault *fault = &tx->satchel->fault;
    const char *states = "";
    bool already = false;
    for (uint8_t i = 0; i < machine->states_n; i++)
        states = sat_arena_format(&tx->arena, "%s%s%s", states, i ? " " : "", machine->states[i]);
    enum sat_err err = known->place.here && !known->created ? says_already(tx, known, cell, &already) : SAT_OK;
    if (err || already) return err;
    if (cell->value.kind == SAT_VALUE_TEXT && sat_machine_state(machine, cell->value.text) == SAT_NO_STATE)
        return sat_fail(fault, SAT_ERR_INVALID, "%s.%s is one of \"%s\", not \"%.80s\"", type->name, machine->field,
                        states,
                        sat_utf8_shown(&tx->arena, sat_arena_text(&tx->arena, (const char *)cell->value.text.at,
                                                                  cell->value.text.len)));
    bool first = cell->value.kind != SAT_VALUE_TEXT || sat_machine_state(machine, cell->value.text) == 0;
    if ((!known->place.here || known->created) && sat_machine_decided(machine) && !first)
        return sat_fail(fault, SAT_ERR_INVALID,
                        "%s.%s begins as \"%s\", and is decided by steps alone: satchel state %s", type->name,
                        machine->field, machine->states[0], type->name);
    if (!known->place.here || known->created) return SAT_OK;
    return sat_fail(fault, SAT_ERR_INVALID,
                    "%s.%s is put when the record is made; then it goes by steps: satchel state %s ID TO", type->name,
                    machine->field, type->name);
}

/* ---- Fields that the organisation added ---- */

static bool is_of_kind(const struct sat_value *value, const char *kind)
{
    if (value->kind == SAT_VALUE_NIL) return true;
    if (strcmp(kind, "integer") == 0) return value->kind == SAT_VALUE_INT;
    if (strcmp(kind, "boolean") == 0) return value->kind == SAT_VALUE_BOOL;
    return strcmp(kind, "text") == 0 && value->kind == SAT_VALUE_TEXT;
}

static enum sat_err check_added(struct satchel_tx *tx, const struct sat_type *type, const struct sat_cell *cell)
{
    struct client_published added;
    const char *key = sat_arena_text(&tx->arena, (const char *)cell->element.at, cell->element.len);
    const char *name = sat_arena_format(&tx->arena, "%s.%s", type->name, key);
    const char *shown = sat_utf8_shown(&tx->arena, name);
    struct sat_fault *fault = &tx->satchel->fault;
    enum sat_err err = client_published_get(tx->satchel, "field", name, &tx->arena, &added);
    if (err) return err;
    const char *kind = json_string_value(json_object_get(added.body, "kind"));
    const json_t *words = json_object_get(added.body, "words");
    if (!added.there)
        err = sat_fail(fault, SAT_ERR_NOT_FOUND, "nobody has published a field %.80s (a config_item of kind field)",
                       shown);
    else if (kind && !is_of_kind(&cell->value, kind))
        err = sat_fail(fault, SAT_ERR_INVALID, "%.80s takes a value of kind %.20s (version %" PRId64 ")", shown, kind,
                       added.version);
    else if (words && cell->value.kind == SAT_VALUE_TEXT && !lists(words, cell->value.text))
        err = sat_fail(fault, SAT_ERR_INVALID, "%.80s is none of the words of version %" PRId64, shown, added.version);
    json_decref(added.body);
    return err;
}

/* What a text of the record is with this put: as it says, as the transaction said before, or as it is stored. */
static enum sat_err text_with(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                              const struct client_fields *fields, const char *name, struct sat_span *out)
{
    uint16_t number = sat_field_by_name(type, name)->number;
    struct sat_record_view view;
    enum sat_err err = client_tx_view(tx, known, &tx->arena, &view);
    if (err) return err;
    const struct sat_value *value = value_of(&view, type, name);
    for (uint32_t at = known->first; at; at = tx->steps[at - 1].next)
        for (uint32_t i = 0; i < tx->edits[at - 1].cells_n; i++)
            if (tx->edits[at - 1].cells[i].field == number) value = &tx->edits[at - 1].cells[i].value;
    for (uint32_t i = 0; i < fields->n; i++)
        if (fields->cells[i].field == number) value = &fields->cells[i].value;
    *out = value && value->kind == SAT_VALUE_TEXT ? value->text : (struct sat_span){0};
    return SAT_OK;
}

/* A field has a grade before anybody can write into it. Those that are added stand beside each other in one map, which
 * whoever has the record's territory is shown whole. */
static enum sat_err check_grade(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                                const struct client_fields *fields)
{
    struct sat_span kind = {0}, name = {0}, body = {0};
    enum sat_err err = text_with(tx, type, known, fields, "kind", &kind);
    if (err || !sat_span_equal(kind, sat_span_text("field"))) return err;
    err = text_with(tx, type, known, fields, "name", &name);
    if (!err) err = text_with(tx, type, known, fields, "body", &body);
    if (err) return err;
    json_t *parsed = body.len ? json_loadb((const char *)body.at, body.len, 0, NULL) : NULL;
    const char *grade = json_string_value(json_object_get(parsed, "grade"));
    const char *shown = sat_utf8_shown(&tx->arena, sat_arena_text(&tx->arena, (const char *)name.at, name.len));
    if (grade && (strcmp(grade, "G2") == 0 || strcmp(grade, "G3") == 0))
        err = sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                       "field %.80s: %s cannot be added, as what is added is masked for nobody who has the territory "
                       "(rule: a field has a grade)",
                       shown, grade);
    else if (!grade || (strcmp(grade, "G0") != 0 && strcmp(grade, "G1") != 0))
        err = sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                       "field %.80s is not published without a grade: say \"grade\":\"G0\" (open in the organisation) "
                       "or \"G1\" (internal) in its body (rule: a field has a grade)",
                       shown);
    json_decref(parsed);
    return err;
}

/* ---- Submitted ---- */

static bool is_said(const struct sat_cell *cells, uint32_t n, uint16_t field)
{
    for (uint32_t i = 0; i < n; i++)
        if (cells[i].field == field && !cells[i].in_set && cells[i].value.kind != SAT_VALUE_NIL) return true;
    return false;
}

/* Is it submitted: here, or by an earlier edit of the transaction? */
static enum sat_err find_submitted(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                                   bool *submitted)
{
    struct sat_record_view view;
    *submitted = false;
    for (uint32_t at = known->first; at && !*submitted; at = tx->steps[at - 1].next)
        *submitted = is_said(tx->edits[at - 1].cells, tx->edits[at - 1].cells_n, type->submits);
    if (*submitted) return SAT_OK;
    enum sat_err err = client_tx_view(tx, known, &tx->arena, &view);
    const struct sat_merged *cell = err ? NULL : sat_merged_cell(&view.merged, type->submits, (struct sat_span){0});
    *submitted = cell && cell->value.kind != SAT_VALUE_NIL;
    return err;
}

static enum sat_err check_submitted(struct satchel_tx *tx, const struct sat_type *type,
                                    const struct client_known *known, const struct client_fields *fields)
{
    const struct sat_field *field = NULL;
    for (uint32_t i = 0; i < fields->n && type->submits && known->place.here; i++) {
        const struct sat_field *one = sat_field_by_number(type, fields->cells[i].field);
        if (one && client_is_amended(one)) field = one;
    }
    if (!field) return SAT_OK;
    bool submitted;
    enum sat_err err = find_submitted(tx, type, known, &submitted);
    if (err || !submitted) return err;
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(known->record.b, id);
    return sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                    "%s %s was submitted, and %s is not edited any more (rule IMM): put an amendment", type->name, id,
                    field->name);
}

/* ---- Counters ---- */

/* This device's part as the transaction sees it. */
static enum sat_err own_part(struct satchel_tx *tx, const struct client_known *known, const struct sat_cell *name,
                             int64_t *out)
{
    struct sat_record_view view;
    *out = 0;
    if (known->place.here) {
        enum sat_err err = client_tx_view(tx, known, &tx->arena, &view);
        if (err) return err;
        const struct sat_merged *cell = sat_merged_cell(&view.merged, name->field, name->element);
        if (cell && cell->value.kind == SAT_VALUE_INT) *out = cell->value.integer;
    }
    for (uint32_t at = known->first; at; at = tx->steps[at - 1].next)
        for (uint32_t i = 0; i < tx->edits[at - 1].cells_n; i++)
            if (sat_cell_compare(&tx->edits[at - 1].cells[i], name) == 0)
                *out = tx->edits[at - 1].cells[i].value.integer;
    return SAT_OK;
}

static enum sat_err count(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                          struct sat_cell *cell)
{
    int64_t part;
    cell->element = sat_span_text(sat_arena_format(&tx->arena, "%" PRIu32, client_device(tx->satchel)));
    enum sat_err err = own_part(tx, known, cell, &part);
    if (!err && __builtin_add_overflow(part, cell->value.integer, &cell->value.integer))
        err = sat_fail(&tx->satchel->fault, SAT_ERR_INVALID, "%s.%s: no integer holds that many", type->name,
                       sat_field_by_number(type, cell->field)->name);
    return err;
}

enum sat_err client_fits(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                         struct client_fields *fields)
{
    enum sat_err err = check_submitted(tx, type, known, fields);
    bool publishes = strcmp(type->name, "config_item") == 0 && is_said(fields->cells, fields->n, type->submits);
    if (!err && publishes) err = check_grade(tx, type, known, fields);
    for (uint32_t i = 0; i < fields->n && !err; i++) {
        const struct sat_cell *cell = &fields->cells[i];
        const struct sat_field *field = sat_field_by_number(type, cell->field);
        if (field && cell->field == SAT_FIELD_EXT)
            err = check_added(tx, type, cell);
        else if (field && field->range->words && cell->value.kind == SAT_VALUE_TEXT)
            err = check_word(tx, type, field, cell);
        else if (field && sat_machine_of(type, field))
            err = check_state(tx, type, known, sat_machine_of(type, field), cell);
    }
    for (uint32_t i = 0; i < fields->counts_n && !err; i++)
        err = count(tx, type, known, &fields->cells[fields->counts[i]]);
    return err;
}
