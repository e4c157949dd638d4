#include "client/grades.h"

#include <stdio.h>
#include <string.h>

#include "client/locate.h"
#include "common/base/utf8.h"
#include "common/proof/directory_index.h"
#include "common/sync/copied.h"
#include "common/vault/derived.h"
#include "common/vault/machines.h"

/* ---- Roles ---- */

const struct client_role client_roles[] = {
#define ROLE(code, name, max_grade, duty, grants) {#code, name, max_grade, duty, grants},
#include "client/roles.def"
#undef ROLE
};
const size_t client_roles_n = sizeof client_roles / sizeof client_roles[0];

/* Where nobody gave a business role. Auditors look at what people do, not at whom they call. */
static uint8_t grade_of_role(uint8_t role)
{
    switch ((enum sat_role)role) {
    case SAT_ROLE_MANAGER:
        return SAT_GRADE_G3;
    case SAT_ROLE_ADMIN:
    case SAT_ROLE_REP:
    case SAT_ROLE_SERVICE:
        return SAT_GRADE_G2;
    case SAT_ROLE_AUDITOR:
        break;
    }
    return SAT_GRADE_G1;
}

static uint8_t grade_that_comes(struct sat_span code, uint8_t otherwise)
{
    for (size_t i = 0; i < client_roles_n; i++)
        if (sat_span_equal(code, sat_span_text(client_roles[i].code))) return client_roles[i].max_grade;
    return otherwise;
}

/* As an admin has it: the role's template; else as it comes. */
static enum sat_err grade_of_code(struct satchel *satchel, struct sat_span code, uint8_t otherwise,
                                  struct sat_arena *arena, uint8_t *out)
{
    const struct sat_type *type = sat_type_by_name("role_template");
    struct sat_cell key = {.field = sat_field_by_name(type, "code")->number,
                           .value = {.kind = SAT_VALUE_TEXT, .text = code}};
    struct sat_record_id id;
    struct sat_record_view view;
    *out = grade_that_comes(code, otherwise);
    enum sat_err err = sat_record_id_derived(&satchel->directory.org, type, &key, 1, &id);
    if (!err) err = client_locate_in_kind(satchel, SAT_SPACE_ORG, &id, arena, &view);
    if (err || !view.merged.exists || view.merged.deleted || view.merged.type != type->number) return err;
    const struct sat_merged *cell =
        sat_merged_cell(&view.merged, sat_field_by_name(type, "max_grade")->number, (struct sat_span){0});
    if (cell && cell->value.kind == SAT_VALUE_INT && cell->value.integer >= 0 && cell->value.integer <= SAT_GRADE_G3)
        *out = (uint8_t)cell->value.integer;
    return SAT_OK;
}

static enum sat_err find_most(struct satchel *satchel, struct client_sight *sight, struct sat_arena *arena)
{
    const struct sat_type *type = sat_type_by_name("user");
    const struct sat_user *user = sat_directory_user(&satchel->directory, sight->user);
    uint16_t roles = sat_field_by_name(type, "roles")->number;
    struct sat_record_view view;
    uint8_t most = 0, one;
    bool any = false;
    enum sat_err err = client_locate_in_kind(satchel, SAT_SPACE_PEOPLE, &sight->person, arena, &view);
    for (uint32_t i = 0; !err && i < view.merged.cells_n; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        if (cell->field != roles || !cell->in_set || !cell->value.truth) continue;
        uint8_t otherwise = user ? grade_of_role(user->role) : SAT_GRADE_G1;
        err = grade_of_code(satchel, cell->element, otherwise, arena, &one);
        if (!err && (!any || one > most)) most = one;
        any = true;
    }
    if (!err && !any && user)
        err = grade_of_code(satchel, sat_span_text(sat_role_name(user->role)), grade_of_role(user->role), arena, &most);
    if (!err) sight->most = most;
    return err;
}

void client_sight_get(struct satchel *satchel, struct client_sight *out)
{
    struct sat_arena arena;
    *out = (struct client_sight){.directory = &satchel->directory, .user = client_user(satchel)};
    out->person = sat_name_record_user(&satchel->directory.org, out->user);
    sat_arena_init(&arena);
    if (find_most(satchel, out, &arena)) out->most = SAT_GRADE_G0;
    sat_arena_deinit(&arena);
}

bool client_sight_shows(const struct client_sight *sight, const struct sat_type *type)
{
    for (uint16_t i = 0; i < type->fields_n; i++)
        if (type->fields[i].grade > sight->most) return false;
    return true;
}

/* ---- Masks ---- */

static struct sat_span keep_ends(const char *from, size_t from_n, size_t first, size_t last, struct sat_arena *arena)
{
    const char *text = sat_arena_format(arena, "%.*s****%.*s", (int)first, from, (int)last, from + (from_n - last));
    return sat_span_text(text);
}

/* A number as people write it: digits, with what stands between them. */
static bool is_number(struct sat_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789 -+()./", (char)text.at[i]) || text.at[i] == 0) return false;
    return text.len > 0;
}

static struct sat_span mask_number(struct sat_span text, struct sat_arena *arena)
{
    char *digits = sat_arena_alloc(arena, text.len);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= '0' && text.at[i] <= '9') digits[n++] = (char)text.at[i];
    if (text.at[0] == '+' && n > 11 && memcmp(digits, "86", 2) == 0) digits += 2, n -= 2;
    if (n >= 11) return keep_ends(digits, n, 3, 4, arena);
    return keep_ends(digits, n, 0, n >= 7 ? 4 : 0, arena);
}

/* Letters and digits without a blank, digits among them: an account's number, a tax number. */
static bool is_code(struct sat_span text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '-') return false;
        digits += digit;
    }
    return text.len >= 8 && digits >= 4;
}

/* The bytes of the first character. */
static size_t first_character(struct sat_span text)
{
    size_t n = text.len > 0;
    while (n < text.len && (text.at[n] & 0xc0) == 0x80) n++;
    return n;
}

struct sat_span client_masked_text(struct sat_span text, struct sat_arena *arena)
{
    if (text.len == 0) return text;
    if (is_number(text)) return mask_number(text, arena);
    if (is_code(text)) return keep_ends((const char *)text.at, text.len, 0, 4, arena);
    size_t first = first_character(text);
    const uint8_t *at = memchr(text.at, '@', text.len);
    if (at && at > text.at)
        return sat_span_text(sat_arena_format(arena, "%.*s***%.*s", (int)first, (const char *)text.at,
                                              (int)(text.len - (size_t)(at - text.at)), (const char *)at));
    return sat_span_text(sat_arena_format(arena, "%.*s**", (int)first, (const char *)text.at));
}

/* Of what is restricted nothing is left to guess by. */
static struct sat_span mask_text(const struct sat_field *field, struct sat_span text, struct sat_arena *arena)
{
    return field->grade < SAT_GRADE_G3 ? client_masked_text(text, arena) : sat_span_text("**");
}

/* Up to G2 times, yes and no and references are as they are; what is not of its field's kind is of no known form, and
 * gone. */
static struct sat_value mask(const struct sat_field *field, const struct sat_value *value, struct sat_arena *arena)
{
    struct sat_value out = *value;
    bool plain = (field->kind == SAT_KIND_TIME && value->kind == SAT_VALUE_TIME) ||
                 (field->kind == SAT_KIND_BOOL && value->kind == SAT_VALUE_BOOL);
    bool keeps =
        (plain && field->grade < SAT_GRADE_G3) || (field->kind == SAT_KIND_REF && value->kind == SAT_VALUE_REF);
    if (field->kind == SAT_KIND_TEXT && value->kind == SAT_VALUE_TEXT)
        out.text = mask_text(field, value->text, arena);
    else if (!keeps)
        out.kind = SAT_VALUE_NIL;
    return out;
}

/* ---- Whose ---- */

static bool is_own(const struct client_sight *sight, uint32_t device)
{
    if (device >= SAT_PROVISIONAL) return true; /* a copy of a home that has no number yet: this one */
    const struct sat_device *known = sat_directory_device(sight->directory, device);
    return known && known->user == sight->user;
}

static bool wrote(const struct client_sight *sight, const struct sat_source *source)
{
    return source && is_own(sight, sat_source_author(source));
}

static bool owns(const struct client_sight *sight, const struct sat_type *type, const struct sat_merged_record *record)
{
    static const char *const names[] = {"owner", "person"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct sat_field *field = sat_field_by_name(type, names[i]);
        const struct sat_merged *cell = field ? sat_merged_cell(record, field->number, (struct sat_span){0}) : NULL;
        if (cell && cell->value.kind == SAT_VALUE_REF && sat_record_equal(&cell->value.ref, &sight->person))
            return true;
    }
    return false;
}

/* ---- What is shown ---- */

static bool is_set(const struct sat_field *field)
{
    return sat_rule(field->rule)->form == SAT_FORM_SET;
}

bool client_sight_hides(const struct client_sight *sight, const struct sat_field *field,
                        const struct sat_source *source)
{
    return field && field->grade > sight->most && !wrote(sight, source);
}

struct sat_value client_sight_value(const struct client_sight *sight, const struct sat_field *field,
                                    const struct sat_source *source, const struct sat_value *value,
                                    struct sat_arena *arena)
{
    return client_sight_hides(sight, field, source) ? mask(field, value, arena) : *value;
}

static void note(json_t *masked, const char *name)
{
    size_t n = json_array_size(masked);
    const char *last = n ? json_string_value(json_array_get(masked, n - 1)) : NULL;
    if (masked && !(last && strcmp(last, name) == 0)) (void)json_array_append_new(masked, json_string(name));
}

void client_sight_mask(const struct client_sight *sight, struct sat_record_view *view, struct sat_arena *arena,
                       json_t *masked)
{
    const struct sat_type *type = sat_type_by_number(view->merged.type);
    if (!type || client_sight_shows(sight, type) || owns(sight, type, &view->merged)) return;
    for (uint32_t i = 0; i < view->merged.cells_n; i++) {
        struct sat_merged *cell = &view->merged.cells[i];
        const struct sat_field *field = sat_field_by_number(type, cell->field);
        if (!field || field->number == SAT_FIELD_EXT || field->grade <= sight->most || wrote(sight, cell->source))
            continue;
        if (cell->value.kind == SAT_VALUE_NIL || (cell->in_set && is_set(field) && !cell->value.truth)) continue;
        if (cell->in_set && is_set(field))
            cell->element = mask_text(field, cell->element, arena);
        else
            cell->value = mask(field, &cell->value, arena);
        note(masked, field->name);
    }
}

void client_sight_mask_cells(const struct client_sight *sight, uint16_t type_number, uint32_t device,
                             struct sat_cell *cells, uint32_t n, struct sat_arena *arena)
{
    const struct sat_type *type = sat_type_by_number(type_number);
    if (!type || client_sight_shows(sight, type) || is_own(sight, device)) return;
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_field *field = sat_field_by_number(type, cells[i].field);
        if (!field || field->number == SAT_FIELD_EXT || field->grade <= sight->most) continue;
        if (cells[i].in_set && is_set(field))
            cells[i].element = mask_text(field, cells[i].element, arena);
        else
            cells[i].value = mask(field, &cells[i].value, arena);
    }
}
