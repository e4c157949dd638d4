#include "client/duties.h"

#include <jansson.h>
#include <string.h>

#include "client/grades.h"

/* ---- Duties ---- */

static const struct {
    const char *role, *told;
    enum sat_duty duty;
} duties_named[] = {{"seller", "whoever sells", SAT_DUTY_SELLER},
                    {"manager", "a manager", SAT_DUTY_MANAGER},
                    {"assistant", "an assistant", SAT_DUTY_ASSISTANT},
                    {"supply", "supply", SAT_DUTY_SUPPLY},
                    {"finance", "finance", SAT_DUTY_FINANCE},
                    {NULL, "whoever asked for it", SAT_DUTY_ASKER}}; /* by the record, no role */

enum { DUTIES_N = sizeof duties_named / sizeof duties_named[0] };

uint32_t client_duty_named(struct sat_span role)
{
    for (size_t i = 0; i < DUTIES_N; i++)
        if (duties_named[i].role && sat_span_equal(role, sat_span_text(duties_named[i].role)))
            return duties_named[i].duty;
    for (size_t i = 0; i < client_roles_n; i++)
        if (sat_span_equal(role, sat_span_text(client_roles[i].code))) return client_roles[i].duty;
    return 0;
}

uint32_t client_duties_listed(const char *roles)
{
    uint32_t duties = 0;
    json_t *list = roles ? json_loads(roles, 0, NULL) : NULL, *role;
    size_t index;
    json_array_foreach(list, index, role)
    {
        if (json_is_string(role))
            duties |= client_duty_named(sat_span(json_string_value(role), json_string_length(role)));
    }
    json_decref(list);
    return duties;
}

enum sat_err client_person_load(struct satchel *satchel, uint32_t user, struct sat_arena *arena,
                                struct sat_record_view *view)
{
    struct sat_record_id id = sat_name_record_user(&satchel->directory.org, user);
    struct sat_space_row row;
    struct sat_vault vault = client_vault(satchel);
    const struct sat_space *people = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_PEOPLE);
    bool known = false;
    *view = (struct sat_record_view){0};
    enum sat_err err = people ? sat_store_space_find(satchel->store, &people->id, &row, &known) : SAT_OK;
    if (err || !known) return err;
    err = sat_record_load(&vault, row.sid, &id, arena, view);
    bool there = !err && view->live_n && !view->merged.moved && !view->merged.deleted &&
                 view->merged.type == sat_type_by_name("user")->number;
    if (!there) *view = (struct sat_record_view){0};
    return err;
}

enum sat_err client_duties_given(struct satchel *satchel, uint32_t user, struct sat_arena *arena, uint32_t *duties)
{
    struct sat_record_view view;
    uint16_t roles = sat_field_by_name(sat_type_by_name("user"), "roles")->number;
    *duties = 0;
    enum sat_err err = client_person_load(satchel, user, arena, &view);
    for (uint32_t i = 0; i < view.merged.cells_n && !err; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        if (cell->field == roles && cell->in_set && cell->value.truth) *duties |= client_duty_named(cell->element);
    }
    return err;
}

enum sat_err client_duties_own(struct satchel *satchel, struct sat_arena *arena, uint32_t *duties)
{
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    enum sat_err err = client_duties_given(satchel, client_user(satchel), arena, duties);
    if (!err && user) *duties |= sat_duties_of_role(user->role);
    return err;
}

const char *client_duties_told(uint32_t duties, struct sat_arena *arena)
{
    const char *told = "";
    if ((duties & SAT_DUTY_ANYONE) == SAT_DUTY_ANYONE) return "whoever may write it";
    for (size_t i = 0; i < DUTIES_N; i++)
        if (duties & (uint32_t)duties_named[i].duty)
            told = sat_arena_format(arena, "%s%s%s", told, *told ? " or " : "", duties_named[i].told);
    return told;
}

/* ---- Steps ---- */

static bool is_passing(const struct sat_source *source)
{
    return source->pending || sat_source_author(source) != source->dot.device;
}

uint32_t client_asker(const struct satchel *satchel, const struct sat_merged_record *merged, bool *passing)
{
    const struct sat_type *type = merged->exists ? sat_type_by_number(merged->type) : NULL;
    const struct sat_machine *machine = type ? sat_machine_by_type(type->name) : NULL;
    const char *asked = machine ? sat_machine_asked(machine) : NULL;
    const struct sat_merged *cell =
        asked ? sat_merged_cell(merged, sat_field_by_name(type, asked)->number, (struct sat_span){0}) : NULL;
    const struct sat_source *source = cell ? cell->source : NULL;
    if (passing) *passing = source && is_passing(source);
    return source ? client_source_user(satchel, source) : 0;
}

uint32_t client_source_user(const struct satchel *satchel, const struct sat_source *source)
{
    const struct sat_device *maker = sat_directory_device(&satchel->directory, source->dot.device);
    const struct sat_device *author = sat_directory_device(&satchel->directory, sat_source_author(source));
    const struct sat_user *user = maker ? sat_directory_user(&satchel->directory, maker->user) : NULL;
    if (user && !sat_role_outweighs(user->role, SAT_ROLE_REP)) return maker->user;
    return author ? author->user : 0;
}

static uint16_t number_of(const char *field)
{
    return sat_field_by_name(sat_type_by_name("state_event"), field)->number;
}

static void read_after(const struct sat_merged_record *merged, struct sat_arena *arena, struct client_step_said *out)
{
    uint16_t field = number_of("after");
    struct sat_record_id *after = sat_arena_array(arena, merged->cells_n, sizeof *after);
    for (uint32_t i = 0; i < merged->cells_n; i++) {
        const struct sat_merged *cell = &merged->cells[i];
        if (cell->field != field || !cell->in_set || !cell->value.truth) continue;
        const char *text = sat_arena_text(arena, (const char *)cell->element.at, cell->element.len);
        if (sat_uuid_parse(text, after[out->after_n].b) == SAT_OK) out->after_n++;
    }
    out->after = after;
}

bool client_step_read(const struct satchel *satchel, const struct sat_merged_record *merged, struct sat_arena *arena,
                      struct client_step_said *out)
{
    const struct sat_merged *about = sat_merged_cell(merged, number_of("about"), (struct sat_span){0});
    const struct sat_merged *to = sat_merged_cell(merged, number_of("to_state"), (struct sat_span){0});
    *out = (struct client_step_said){0};
    if (!about || about->value.kind != SAT_VALUE_REF || !to || to->value.kind != SAT_VALUE_TEXT) return false;
    out->about = about->value.ref;
    out->to = to->value.text;
    out->user = to->source ? client_source_user(satchel, to->source) : 0;
    out->role = to->source ? to->source->role : 0;
    out->passing = to->source && is_passing(to->source);
    const struct sat_merged *gone = sat_merged_cell(merged, SAT_FIELD_DELETED, (struct sat_span){0});
    if (merged->deleted && gone && gone->source) {
        out->is_back = true;
        out->back = client_source_user(satchel, gone->source);
        out->back_role = gone->source->role;
        out->passing = out->passing || is_passing(gone->source);
    }
    read_after(merged, arena, out);
    return true;
}

/* ---- Before any step ---- */

static uint32_t state_in(const struct sat_machine *machine, const struct sat_value *value)
{
    uint8_t state = value->kind == SAT_VALUE_TEXT ? sat_machine_state(machine, value->text) : (uint8_t)SAT_NO_STATE;
    return state == SAT_NO_STATE ? 0 : (uint32_t)1 << state;
}

bool client_began(const struct sat_type *type, const struct sat_merged_record *merged, struct sat_began *out)
{
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    const struct sat_merged *cell =
        sat_merged_cell(merged, sat_field_by_name(type, machine->field)->number, (struct sat_span){0});
    const struct sat_merged *submits = sat_merged_cell(merged, type->submits, (struct sat_span){0});
    uint8_t submitted = sat_machine_state(machine, sat_span_text("submitted"));
    *out = (struct sat_began){0};
    for (uint32_t i = 0; cell && cell->conflict && i < cell->alternatives_n; i++)
        out->start |= state_in(machine, &cell->alternatives[i].value);
    if (cell) out->start |= state_in(machine, &cell->value);
    if (submits && type->submits && submits->value.kind != SAT_VALUE_NIL && submitted != SAT_NO_STATE)
        out->beside = (uint32_t)1 << submitted;
    return sat_machine_decided(machine) || !cell || cell->value.kind == SAT_VALUE_NIL ||
           state_in(machine, &cell->value);
}
