/* How a record stands, for who asks. */
#include <string.h>

#include "client/book/ask.h"
#include "client/book/step.h"
#include "client/names.h"
#include "client/view/view.h"

static json_t *names_of(const struct sat_machine *machine, uint32_t states)
{
    json_t *names = json_array();
    for (uint8_t i = 0; i < machine->states_n; i++)
        if (states >> i & 1) (void)json_array_append_new(names, json_string(machine->states[i]));
    return names;
}

/* What did not come to count: overtaken, or somebody else's to say. */
static json_t *asked_of(const struct client_standing *standing)
{
    uint32_t asked = standing->state.overtaken;
    for (uint32_t i = 0; i < standing->steps_n; i++)
        if (standing->came_to[i] == SAT_STEP_ASKS) asked |= (uint32_t)1 << standing->steps[i].to;
    return names_of(standing->machine, asked);
}

/* ---- After it was closed ---- */

static bool is_closed(const struct client_standing *standing)
{
    bool closed = !standing->state.disputed && standing->steps_n;
    for (uint8_t to = 0; to < standing->machine->states_n; to++) {
        const struct sat_state_move *move = sat_machine_move(standing->machine, standing->state.state, to);
        if (move && move->kind != SAT_MOVE_AGAIN) closed = false;
    }
    return closed;
}

static json_t *written_after(const struct client_standing *standing)
{
    json_t *fields = json_array();
    const struct sat_merged_record *merged = &standing->view.merged;
    uint64_t closed = 0;
    uint16_t last = 0;
    for (uint32_t i = 0; i < standing->steps_n; i++)
        if (standing->came_to[i] == SAT_STEP_LAST && standing->by[i].effective > closed)
            closed = standing->by[i].effective;
    for (uint32_t i = 0; i < merged->cells_n && closed && is_closed(standing); i++) {
        const struct sat_merged *cell = &merged->cells[i];
        const struct sat_field *field = sat_field_by_number(standing->type, cell->field);
        bool after = field && cell->source && cell->source->effective > closed;
        if (!after || cell->field == last || strcmp(field->name, standing->machine->field) == 0) continue;
        (void)json_array_append_new(fields, json_string(field->name));
        last = cell->field;
    }
    return fields;
}

/* ---- Moves ---- */

static json_t *move_to(const struct client_standing *standing, uint8_t to, const char *kind, uint32_t duties,
                       json_t *needs, struct sat_arena *arena)
{
    json_t *move = json_object();
    (void)json_object_set_new(move, "to", json_string(standing->machine->states[to]));
    (void)json_object_set_new(move, "kind", json_string(kind));
    (void)json_object_set_new(move, "who", json_string(client_duties_told(duties, arena)));
    (void)json_object_set_new(move, "yours", json_boolean(duties & standing->duties));
    (void)json_object_set_new(move, "needs", needs);
    return move;
}

static json_t *needs_of(const struct client_standing *standing, uint8_t to, enum sat_move_kind kind)
{
    json_t *needs = json_array();
    const char *field;
    if (kind == SAT_MOVE_BACK || kind == SAT_MOVE_AGAIN) (void)json_array_append_new(needs, json_string("reason"));
    for (uint32_t i = 0; (field = sat_machine_need(standing->machine, to, i)); i++)
        if (!client_standing_says(standing, NULL, field)) (void)json_array_append_new(needs, json_string(field));
    return needs;
}

static json_t *moves_of(const struct client_standing *standing, struct sat_arena *arena)
{
    static const char *const kinds[] = {
        [SAT_MOVE_ON] = "on", [SAT_MOVE_BACK] = "back", [SAT_MOVE_END] = "end", [SAT_MOVE_AGAIN] = "again"};
    const struct sat_machine *machine = standing->machine;
    json_t *moves = json_array();
    for (uint8_t to = 0; to < machine->states_n; to++) {
        const struct sat_state_move *move = sat_machine_move(machine, standing->state.state, to);
        if (standing->state.disputed) {
            if (standing->state.among >> to & 1)
                (void)json_array_append_new(moves,
                                            move_to(standing, to, "settle", machine->settlers, json_array(), arena));
        } else if (move) {
            (void)json_array_append_new(moves, move_to(standing, to, kinds[move->kind], move->duties,
                                                       needs_of(standing, to, move->kind), arena));
        }
    }
    return moves;
}

/* ---- Steps ---- */

static void complete(struct satchel *satchel, const struct client_standing *standing, json_t *row,
                     struct sat_arena *arena)
{
    static const char *const told[] = {[SAT_STEP_COUNTS] = "counts",
                                       [SAT_STEP_LAST] = "counts",
                                       [SAT_STEP_WAITS] = "waits",
                                       [SAT_STEP_ILLEGAL] = "illegal",
                                       [SAT_STEP_ASKS] = "asks"};
    struct sat_record_id id;
    const char *text = client_book_text(row, "id");
    if (!text || sat_uuid_parse(text, id.b)) return;
    for (uint32_t i = 0; i < standing->steps_n; i++) {
        if (!sat_record_equal(&standing->steps[i].id, &id)) continue;
        (void)json_object_set_new(row, "by",
                                  client_json_of_text(client_user_name(satchel, standing->by[i].user, arena)));
        (void)json_object_set_new(row, "state", json_string(told[standing->came_to[i]]));
        break;
    }
    if (json_is_null(json_object_get(row, "state"))) (void)json_object_set_new(row, "state", json_string("elsewhere"));
    (void)json_object_del(row, "id");
}

static enum sat_err steps_of(struct satchel *satchel, const struct client_standing *standing, const char *id,
                             struct sat_arena *arena, json_t **out)
{
    json_t *row;
    size_t index;
    enum sat_err err = client_book_ask(satchel,
                                       "SELECT DISTINCT id, to_state AS \"to\", at, NULL AS \"by\", from_state AS"
                                       " \"from\", reason, NULL AS state FROM state_event WHERE about = ?1"
                                       " ORDER BY strftime('%s', at), at, id",
                                       &id, 1, out);
    json_array_foreach(*out, index, row) complete(satchel, standing, row, arena);
    return err;
}

static enum sat_err tell(struct satchel *satchel, const char *type, const char *id, struct sat_arena *arena,
                         json_t *out)
{
    struct client_standing standing;
    char text[SAT_UUID_TEXT_SIZE];
    json_t *steps = NULL;
    enum sat_err err = client_standing_get(satchel, NULL, type, id, arena, &standing);
    if (err) return err;
    sat_uuid_format(standing.record.b, text);
    err = steps_of(satchel, &standing, text, arena, &steps);
    if (err) return err;
    const struct sat_state *state = &standing.state;
    (void)json_object_set_new(out, "type", json_string(type));
    (void)json_object_set_new(out, "id", json_string(text));
    (void)json_object_set_new(out, "state", json_string(standing.machine->states[state->state]));
    (void)json_object_set_new(out, "disputed",
                              state->disputed ? names_of(standing.machine, state->among) : json_null());
    (void)json_object_set_new(out, "asked", asked_of(&standing));
    (void)json_object_set_new(out, "written_after", written_after(&standing));
    (void)json_object_set_new(out, "moves", moves_of(&standing, arena));
    (void)json_object_set_new(out, "steps", steps);
    return SAT_OK;
}

int satchel_state(struct satchel *satchel, const char *type, const char *id, char **json)
{
    struct sat_arena arena;
    json_t *out = json_object();
    *json = NULL;
    client_begin(satchel);
    sat_arena_init(&arena);
    enum sat_err err = tell(satchel, type, id, &arena, out);
    if (!err) *json = client_json_text(json_incref(out));
    json_decref(out);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
