#include "client/book/step.h"

#include <string.h>

#include "client/book/ask.h"
#include "client/book/gates.h"
#include "client/locate.h"
#include "client/view/view.h"
#include "common/base/utf8.h"
#include "common/vault/derived.h"

/* ---- Where it stands ---- */

const char *client_states_told(const struct sat_machine *machine, uint32_t states, const char *between,
                               struct sat_arena *arena)
{
    const char *told = "";
    for (uint8_t i = 0; i < machine->states_n; i++)
        if (states >> i & 1) told = sat_arena_format(arena, "%s%s%s", told, *told ? between : "", machine->states[i]);
    return told;
}

static void add_step(struct client_standing *out, const struct sat_record_id *id, const struct client_step_said *said,
                     uint32_t duties, uint64_t effective)
{
    out->by[out->steps_n] = (struct client_step_taken){.user = said->user, .effective = effective};
    out->steps[out->steps_n++] = (struct sat_step_taken){.id = *id,
                                                         .after = said->after,
                                                         .after_n = said->after_n,
                                                         .to = sat_machine_state(out->machine, said->to),
                                                         .duties = duties};
}

/* Taken back by one who settles: steps stay, whoever else archives them. */
static enum sat_err is_back(struct satchel *satchel, const struct client_standing *of,
                            const struct client_step_said *said, struct sat_arena *arena, bool *back)
{
    uint32_t duties = 0;
    enum sat_err err = said->is_back ? client_duties_given(satchel, said->back, arena, &duties) : SAT_OK;
    *back = said->is_back && ((duties | sat_duties_of_role(said->back_role)) & of->machine->settlers);
    return err;
}

/* One that lies in the record's own territory: who may write another one takes no step here. */
static enum sat_err add_stored(struct satchel *satchel, const char *id, struct sat_arena *arena,
                               struct client_standing *out)
{
    struct sat_record_id record;
    struct sat_record_view view;
    struct client_step_said said;
    struct sat_vault vault = client_vault(satchel);
    uint32_t duties = 0;
    bool back = false;
    enum sat_err err = client_parse_id(satchel, id, &record);
    if (!err) err = sat_record_load(&vault, out->sid, &record, arena, &view);
    if (err || view.merged.moved || view.merged.type != sat_type_by_name("state_event")->number ||
        !client_step_read(satchel, &view.merged, arena, &said) || !sat_record_equal(&said.about, &out->record))
        return err;
    err = is_back(satchel, out, &said, arena, &back);
    if (err || back) return err;
    err = client_duties_given(satchel, said.user, arena, &duties);
    uint64_t newest = 0;
    for (uint32_t i = 0; i < view.live_n; i++)
        if (view.live[i].effective > newest) newest = view.live[i].effective;
    duties |= sat_duties_of_role(said.role);
    if (said.user && said.user == out->asker) duties |= SAT_DUTY_ASKER;
    if (!err) add_step(out, &record, &said, duties, newest);
    return err;
}

/* A step that the transaction takes, out of the cells of its edit. */
static void add_made(const struct sat_edit *edit, struct sat_arena *arena, struct client_standing *out)
{
    const struct sat_type *type = sat_type_by_number(edit->type);
    uint16_t about = sat_field_by_name(type, "about")->number, to = sat_field_by_name(type, "to_state")->number;
    uint16_t after = sat_field_by_name(type, "after")->number;
    struct sat_record_id *ids = sat_arena_array(arena, edit->cells_n, sizeof *ids);
    struct client_step_said said = {.after = ids};
    bool is_about = false;
    for (uint32_t i = 0; i < edit->cells_n; i++) {
        const struct sat_cell *cell = &edit->cells[i];
        if (cell->field == about && cell->value.kind == SAT_VALUE_REF)
            is_about = sat_record_equal(&cell->value.ref, &out->record);
        if (cell->field == to && cell->value.kind == SAT_VALUE_TEXT) said.to = cell->value.text;
        if (cell->field != after || !cell->in_set || !cell->value.truth) continue;
        const char *text = sat_arena_text(arena, (const char *)cell->element.at, cell->element.len);
        if (sat_uuid_parse(text, ids[said.after_n].b) == SAT_OK) said.after_n++;
    }
    if (is_about && said.to.len) add_step(out, &edit->record, &said, out->duties, 0);
}

static enum sat_err gather(struct satchel *satchel, const struct satchel_tx *tx, struct sat_arena *arena,
                           struct client_standing *out)
{
    json_t *rows, *row;
    size_t index;
    char about[SAT_UUID_TEXT_SIZE];
    const char *const values[] = {about};
    const struct client_known *known = tx ? client_tx_find(tx, &out->record) : NULL;
    uint32_t made_n = 0, first = known ? known->state_first : 0;
    for (uint32_t at = first; at; at = tx->steps[at - 1].next_state) made_n++;
    sat_uuid_format(out->record.b, about);
    enum sat_err err = client_view_rows_unshown(satchel,
                                                "SELECT id FROM state_event WHERE about = ?1 UNION SELECT id FROM "
                                                "archived.state_event WHERE about = ?1 ORDER BY"
                                                " id",
                                                values, 1, &rows);
    if (err) return err;
    out->steps = sat_arena_array(arena, json_array_size(rows) + made_n, sizeof *out->steps);
    out->by = sat_arena_array(arena, json_array_size(rows) + made_n, sizeof *out->by);
    json_array_foreach(rows, index, row)
    {
        if (!err) err = add_stored(satchel, client_book_text(row, "id"), arena, out);
    }
    json_decref(rows);
    for (uint32_t at = first; at && !err; at = tx->steps[at - 1].next_state) add_made(&tx->edits[at - 1], arena, out);
    return err;
}

/* What the record says of its own state, here and by the transaction. */
static void find_start(const struct satchel_tx *tx, const struct client_standing *of, struct sat_began *began)
{
    uint16_t field = sat_field_by_name(of->type, of->machine->field)->number;
    uint8_t submitted = sat_machine_state(of->machine, sat_span_text("submitted"));
    (void)client_began(of->type, &of->view.merged, began);
    const struct client_known *known = tx ? client_tx_find(tx, &of->record) : NULL;
    for (uint32_t at = known ? known->first : 0; at; at = tx->steps[at - 1].next) {
        const struct sat_edit *edit = &tx->edits[at - 1];
        for (uint32_t k = 0; k < edit->cells_n; k++) {
            const struct sat_value *value = &edit->cells[k].value;
            uint8_t state =
                value->kind == SAT_VALUE_TEXT ? sat_machine_state(of->machine, value->text) : (uint8_t)SAT_NO_STATE;
            if (edit->cells[k].field == field) began->start = state == SAT_NO_STATE ? 0 : (uint32_t)1 << state;
            if (edit->cells[k].field == of->type->submits && of->type->submits && submitted != SAT_NO_STATE)
                began->beside = value->kind == SAT_VALUE_NIL ? 0 : (uint32_t)1 << submitted;
        }
    }
}

/* Who asked for it; what the transaction makes one asks for oneself. */
static void find_asker(const struct satchel *satchel, const struct satchel_tx *tx, struct client_standing *out)
{
    const struct client_known *known = tx ? client_tx_find(tx, &out->record) : NULL;
    out->asker = client_asker(satchel, &out->view.merged, NULL);
    if (known && known->created && sat_machine_asked(out->machine)) out->asker = client_user(satchel);
    if (out->asker == client_user(satchel)) out->duties |= SAT_DUTY_ASKER;
}

/* The record that is meant, here or in the transaction. */
static enum sat_err find_record(struct satchel *satchel, struct satchel_tx *tx, const char *id, struct sat_arena *arena,
                                struct client_standing *out)
{
    struct client_place place;
    struct client_known *known = NULL;
    enum sat_err err = client_parse_id(satchel, id, &out->record);
    if (!err && tx) err = client_tx_known(tx, &out->record, &known);
    if (!err && known) err = client_tx_view(tx, known, arena, &out->view);
    if (!err && !known) err = client_locate(satchel, &out->record, arena, &place, &out->view);
    if (!err && known) place = known->place;
    if (!err) err = client_check_moved(satchel, "", &out->record, &place);
    if (err) return err;
    if (!place.here || place.type != out->type->number)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no %s %s", out->type->name, id);
    out->sid = place.sid;
    return SAT_OK;
}

enum sat_err client_standing_get(struct satchel *satchel, struct satchel_tx *tx, const char *type, const char *id,
                                 struct sat_arena *arena, struct client_standing *out)
{
    *out = (struct client_standing){0};
    enum sat_err err = client_find_type(satchel, type, &out->type);
    if (!err && !(out->machine = sat_machine_by_type(type)))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "there are no states of type %s", type);
    if (!err) err = find_record(satchel, tx, id, arena, out);
    if (!err) err = client_duties_own(satchel, arena, &out->duties);
    if (!err) find_asker(satchel, tx, out);
    if (!err) err = gather(satchel, tx, arena, out);
    if (err) return err;
    struct sat_began began;
    find_start(tx, out, &began);
    out->came_to = sat_arena_array(arena, out->steps_n, sizeof *out->came_to);
    sat_machine_derive(out->machine, &began, out->steps, out->steps_n, out->came_to, &out->state);
    return SAT_OK;
}

bool client_standing_says(const struct client_standing *standing, const struct satchel_tx *tx, const char *field)
{
    uint16_t number = sat_field_by_name(standing->type, field)->number;
    bool says = false;
    for (uint32_t i = 0; i < standing->view.merged.cells_n; i++) {
        const struct sat_merged *cell = &standing->view.merged.cells[i];
        bool something = cell->value.kind != SAT_VALUE_NIL &&
                         (!cell->in_set || cell->value.kind != SAT_VALUE_BOOL || cell->value.truth);
        says = says || (cell->field == number && something);
    }
    const struct client_known *known = tx ? client_tx_find(tx, &standing->record) : NULL;
    for (uint32_t at = known ? known->first : 0; at; at = tx->steps[at - 1].next)
        for (uint32_t k = 0; k < tx->edits[at - 1].cells_n; k++)
            if (tx->edits[at - 1].cells[k].field == number)
                says = tx->edits[at - 1].cells[k].value.kind != SAT_VALUE_NIL;
    return says;
}

/* ---- May it go there? ---- */

/* "proposal, qualified (back, with a reason), …" */
static const char *tell_moves(const struct client_standing *standing, struct sat_arena *arena)
{
    static const char *const kinds[] = {[SAT_MOVE_ON] = "",
                                        [SAT_MOVE_BACK] = " (back, with a reason)",
                                        [SAT_MOVE_END] = "",
                                        [SAT_MOVE_AGAIN] = " (again, with a reason)"};
    const char *told = "";
    for (uint8_t to = 0; to < standing->machine->states_n; to++) {
        const struct sat_state_move *move = sat_machine_move(standing->machine, standing->state.state, to);
        if (!move) continue;
        const char *who = move->duties & standing->duties
                              ? ""
                              : sat_arena_format(arena, " (by %s)", client_duties_told(move->duties, arena));
        told = sat_arena_format(arena, "%s%s%s%s%s", told, *told ? ", " : "", standing->machine->states[to],
                                kinds[move->kind], who);
    }
    return *told ? told : "nothing";
}

static enum sat_err check_settling(struct satchel *satchel, const struct client_standing *standing, const char *id,
                                   uint8_t to, struct sat_arena *arena)
{
    const struct sat_machine *machine = standing->machine;
    const char *among = client_states_told(machine, standing->state.among, " and ", arena);
    if (!(standing->duties & machine->settlers))
        return sat_fail(&satchel->fault, SAT_ERR_DENIED, "%s %s is disputed, %s stand side by side: %s settles that",
                        machine->type, id, among, client_duties_told(machine->settlers, arena));
    if (!(standing->state.among >> to & 1))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                        "%s %s is disputed, %s stand side by side: it is settled by one of these", machine->type, id,
                        among);
    return SAT_OK;
}

/* What the record is to say before. A reason that it has a field for may come with the step. */
static enum sat_err check_needs(struct satchel_tx *tx, const struct client_standing *standing, const char *id,
                                uint8_t to, const char *reason, struct sat_arena *arena)
{
    const char *field, *missing = "";
    for (uint32_t i = 0; (field = sat_machine_need(standing->machine, to, i)); i++) {
        bool comes = strcmp(field, "reason") == 0 && reason && *reason;
        if (!comes && !client_standing_says(standing, tx, field))
            missing = sat_arena_format(arena, "%s%s%s", missing, *missing ? ", " : "", field);
    }
    if (!*missing) return SAT_OK;
    return sat_fail(&tx->satchel->fault, SAT_ERR_INVALID, "%s %s becomes %s when it says more: %s",
                    standing->type->name, id, standing->machine->states[to], missing);
}

static enum sat_err check_move(struct satchel_tx *tx, const struct client_standing *standing, const char *id,
                               uint8_t to, const char *reason, struct sat_arena *arena)
{
    struct satchel *satchel = tx->satchel;
    const struct sat_machine *machine = standing->machine;
    const char *at = machine->states[standing->state.state];
    if (standing->state.disputed) return check_settling(satchel, standing, id, to, arena);
    const struct sat_state_move *move = sat_machine_move(machine, standing->state.state, to);
    if (!move)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s %s is %s, and does not become %s from there, but: %s",
                        machine->type, id, at, machine->states[to], tell_moves(standing, arena));
    if (!(move->duties & standing->duties))
        return sat_fail(&satchel->fault, SAT_ERR_DENIED, "%s %s is %s: %s may make it %s; from there there are: %s",
                        machine->type, id, at, client_duties_told(move->duties, arena), machine->states[to],
                        tell_moves(standing, arena));
    bool needs_reason = move->kind == SAT_MOVE_BACK || move->kind == SAT_MOVE_AGAIN;
    if (needs_reason && (!reason || !*reason))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s %s is %s: that it becomes %s %s needs a reason",
                        machine->type, id, at, machine->states[to],
                        move->kind == SAT_MOVE_BACK ? "is a step back, which" : "opens it again, which");
    return check_needs(tx, standing, id, to, reason, arena);
}

/* ---- Taking it ---- */

/* The ids of the last steps, those that count and that nothing stands on. */
static json_t *last_steps(const struct client_standing *standing)
{
    json_t *last = json_array();
    for (uint32_t i = 0; i < standing->steps_n; i++)
        if (standing->came_to[i] == SAT_STEP_LAST)
            (void)json_array_append_new(last, client_json_of_uuid(standing->steps[i].id.b));
    return last;
}

/* Somebody whose move it was not took this very step: then it is taken anew, under an id that follows from that one and
 * who does it. NULL: nobody did, and the id follows from the step. */
static const char *other_id(struct satchel *satchel, const struct client_standing *standing, const char *fields,
                            struct sat_arena *arena)
{
    const struct sat_type *type = sat_type_by_name("state_event");
    const struct sat_hash *org = &satchel->directory.org;
    struct client_fields read;
    struct sat_fault unsaid = {0};
    struct sat_record_id id;
    if (client_json_fields(type, fields, arena, &read, &unsaid) ||
        sat_record_id_derived(org, type, read.cells, read.n, &id))
        return NULL;
    bool taken = false; /* what counts is no step to take once more */
    for (uint32_t i = 0; i < standing->steps_n; i++) taken = taken || sat_record_equal(&standing->steps[i].id, &id);
    if (!taken) return NULL;
    id = sat_record_id_following(org, &id, "step", client_user(satchel));
    char *text = sat_arena_alloc(arena, SAT_UUID_TEXT_SIZE);
    sat_uuid_format(id.b, text);
    return text;
}

/* What the record of the step says, on the heap; NULL: `reason` is no text. */
static char *fields_of(const struct client_standing *standing, uint8_t to, const char *reason, const char *person,
                       struct sat_arena *arena)
{
    char now[CLIENT_TIME_TEXT_SIZE];
    uint32_t from = standing->state.disputed ? standing->state.among : (uint32_t)1 << standing->state.state;
    client_book_now(now);
    json_t *fields = json_object();
    (void)json_object_set_new(fields, "about", client_json_of_uuid(standing->record.b));
    (void)json_object_set_new(fields, "to_state", json_string(standing->machine->states[to]));
    json_t *after = last_steps(standing);
    if (json_array_size(after)) (void)json_object_set(fields, "after", after);
    json_decref(after);
    (void)json_object_set_new(fields, "from_state",
                              json_string(client_states_told(standing->machine, from, "|", arena)));
    (void)json_object_set_new(fields, "at", json_string(now));
    (void)json_object_set_new(fields, "person", json_string(person));
    bool sound = !reason || !*reason || !json_object_set_new(fields, "reason", json_string(reason));
    if (sound) return client_json_text(fields);
    json_decref(fields);
    return NULL;
}

struct stepping {
    struct satchel_tx *tx;
    struct client_standing standing;
    uint8_t to;
    const char *own_id;
    char *fields; /* what to put; NULL: it is in that state already */
    struct sat_arena arena;
};

static enum sat_err decide(struct stepping *it, const char *type, const char *id, const char *to_name,
                           const char *reason)
{
    struct satchel *satchel = it->tx->satchel;
    struct client_standing *standing = &it->standing;
    struct sat_arena *arena = &it->arena;
    struct client_book_self self;
    enum sat_err err = client_standing_get(satchel, it->tx, type, id, arena, standing);
    if (!err) err = client_book_self(satchel, &self);
    if (err) return err;
    it->to = to_name ? sat_machine_state(standing->machine, sat_span_text(to_name)) : (uint8_t)SAT_NO_STATE;
    if (it->to == SAT_NO_STATE)
        return sat_fail(
            &satchel->fault, SAT_ERR_INVALID, "a %s is never \"%.40s\", but: %s", type,
            sat_utf8_shown(arena, to_name ? to_name : ""),
            client_states_told(standing->machine, ((uint32_t)1 << standing->machine->states_n) - 1, ", ", arena));
    if (!standing->state.disputed && standing->state.state == it->to) return SAT_OK;
    err = check_move(it->tx, standing, id, it->to, reason, arena);
    if (err) return err;
    it->fields = fields_of(standing, it->to, reason, self.id, arena);
    if (!it->fields) return sat_fail(&satchel->fault, SAT_ERR_INVALID, "the reason is no valid UTF-8");
    it->own_id = other_id(satchel, standing, it->fields, arena);
    return SAT_OK;
}

static enum sat_err take(struct stepping *it, const char *answers, char *id_out)
{
    struct client_gate gate;
    enum sat_err err = client_gate_open(it->tx, &it->standing, it->to, it->fields == NULL, answers, &it->arena, &gate);
    if (!err && it->fields)
        err = (enum sat_err)satchel_put(it->tx, "state_event", it->own_id, NULL, it->fields, id_out);
    if (!err) err = client_gate_pass(it->tx, &it->standing, &gate, &it->arena);
    client_gate_drop(&gate);
    return err;
}

enum sat_err client_book_step(struct satchel_tx *tx, const char *type, const char *id, const char *to,
                              const char *reason, const char *answers, char id_out[SATCHEL_ID_SIZE])
{
    struct stepping it = {.tx = tx};
    if (id_out) id_out[0] = '\0';
    sat_arena_init(&it.arena);
    enum sat_err err = decide(&it, type, id, to, reason);
    if (!err) err = take(&it, answers, id_out);
    satchel_free(it.fields);
    sat_arena_deinit(&it.arena);
    return err;
}

int satchel_step(struct satchel_tx *tx, const char *type, const char *id, const char *to, const char *reason,
                 char id_out[SATCHEL_ID_SIZE])
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, client_book_step(tx, type, id, to, reason, NULL, id_out));
}
