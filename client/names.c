#define _GNU_SOURCE
#include "client/names.h"

#include <string.h>
#include <unistd.h>

#include "common/base/utf8.h"
#include "common/vault/author.h"
#include "common/vault/types.h"

/* ---- From a number to a name ---- */

/* The text of the field `name` of a name record; NULL without one. A name that cannot be read is as good as none. */
static const char *name_of(struct satchel *satchel, const char *type_name, const struct sat_record_id *id,
                           struct sat_arena *arena)
{
    const struct sat_space *people = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_PEOPLE);
    const struct sat_type *type = sat_type_by_name(type_name);
    struct sat_space_row row;
    bool found = false;
    if (!people || sat_store_space_find(satchel->store, &people->id, &row, &found) || !found) return NULL;
    struct sat_vault vault = client_vault(satchel);
    struct sat_record_view view;
    if (sat_record_load(&vault, row.sid, id, arena, &view) || view.merged.type != type->number) return NULL;
    const struct sat_merged *cell =
        sat_merged_cell(&view.merged, sat_field_by_name(type, "name")->number, (struct sat_span){0});
    if (!cell || cell->value.kind != SAT_VALUE_TEXT) return NULL;
    return sat_arena_text(arena, (const char *)cell->value.text.at, cell->value.text.len);
}

const char *client_user_name(struct satchel *satchel, uint32_t user, struct sat_arena *arena)
{
    struct sat_record_id id = sat_name_record_user(&satchel->directory.org, user);
    return name_of(satchel, "user", &id, arena);
}

const char *client_device_name(struct satchel *satchel, uint32_t device, struct sat_arena *arena)
{
    struct sat_record_id id = sat_name_record_device(&satchel->directory.org, device);
    return name_of(satchel, "device", &id, arena);
}

static const char *recorded_space_name(struct satchel *satchel, const struct sat_space_id *space,
                                       struct sat_arena *arena)
{
    struct sat_record_id id = sat_name_record_space(&satchel->directory.org, space);
    return name_of(satchel, "territory", &id, arena);
}

const char *client_org_name(struct satchel *satchel, struct sat_arena *arena)
{
    const struct sat_space *org = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_ORG);
    return org ? recorded_space_name(satchel, &org->id, arena) : NULL;
}

const char *client_space_name(struct satchel *satchel, const struct sat_space_id *space, struct sat_arena *arena)
{
    const struct sat_space *known = sat_directory_space(&satchel->directory, space);
    if (known && known->kind == SAT_SPACE_ORG) return "org";
    if (known && known->kind == SAT_SPACE_PEOPLE) return "people";
    const char *name = known ? recorded_space_name(satchel, space, arena) : NULL;
    if (name) return name;
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(space->b, text);
    return sat_arena_text(arena, text, sizeof text - 1);
}

/* ---- From a name to a number ---- */

enum sat_err client_find_user(struct satchel *satchel, const char *name, uint32_t *user, struct sat_fault *fault)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint32_t found = 0;
    *user = 0;
    for (uint32_t i = 0; i < satchel->directory.users_n; i++) {
        const char *known = client_user_name(satchel, i + 1, &arena);
        if (known && strcmp(known, name) == 0) *user = i + 1, found++;
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    if (found == 1) return SAT_OK;
    if (found == 0) return sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no user \"%.100s\"", name);
    return sat_fail(fault, SAT_ERR_INVALID, "%u users are called \"%.100s\"", (unsigned)found, name);
}

static bool is_called(struct satchel *satchel, const struct sat_space *space, const char *name, struct sat_arena *arena)
{
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(space->id.b, id);
    return strcmp(client_space_name(satchel, &space->id, arena), name) == 0 || strcasecmp(id, name) == 0;
}

enum sat_err client_find_space(struct satchel *satchel, const char *name, struct sat_space_id *space,
                               struct sat_fault *fault)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint32_t found = 0;
    for (uint32_t i = 0; i < satchel->directory.spaces_n; i++) {
        const struct sat_space *known = &satchel->directory.spaces[i];
        if (is_called(satchel, known, name, &arena)) *space = known->id, found++;
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    if (found == 1) return SAT_OK;
    if (found == 0) return sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no territory \"%.100s\"", name);
    return sat_fail(fault, SAT_ERR_INVALID, "%u territories are called \"%.100s\": use the id", (unsigned)found, name);
}

/* ---- Writing names ---- */

static bool has_control(struct sat_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool c1 = text.at[i] == 0xc2 && i + 1 < text.len && text.at[i + 1] < 0xa0;
        if (text.at[i] < 0x20 || text.at[i] == 0x7f || c1) return true;
    }
    return false;
}

enum sat_err client_check_name(const char *what, const char *name, struct sat_fault *fault)
{
    struct sat_span text = sat_span_text(name ? name : "");
    if (text.len == 0) return sat_fail(fault, SAT_ERR_INVALID, "the %s is empty", what);
    if (text.len > CLIENT_NAME_BYTES_MAX)
        return sat_fail(fault, SAT_ERR_TOO_LARGE, "the %s has %zu bytes, at most %d are allowed", what, text.len,
                        CLIENT_NAME_BYTES_MAX);
    if (!sat_utf8_valid(text)) return sat_fail(fault, SAT_ERR_INVALID, "the %s is not valid UTF-8", what);
    if (has_control(text)) return sat_fail(fault, SAT_ERR_INVALID, "the %s contains control characters", what);
    return SAT_OK;
}

static struct sat_cell cell_of(const struct sat_type *type, const char *field, struct sat_value value)
{
    return (struct sat_cell){.field = sat_field_by_name(type, field)->number, .value = value};
}

static enum sat_err write_name(struct satchel *satchel, const char *type_name, struct sat_record_id id, const char *key,
                               struct sat_value value, const char *name)
{
    const struct sat_type *type = sat_type_by_name(type_name);
    const struct sat_space *people = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_PEOPLE);
    if (!people) return SAT_ERR_NOT_FOUND;
    struct sat_value text = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(name)};
    struct sat_cell cells[] = {cell_of(type, key, value), cell_of(type, "name", text)};
    struct sat_edit edit = {.record = id, .type = type->number, .cells = cells, .cells_n = 2};
    uint32_t written;
    struct sat_vault vault = client_vault(satchel);
    enum sat_err err = client_sid_of_space(satchel, &people->id, &edit.sid);
    if (!err) err = sat_author_commit(&vault, &edit, 1, client_now_ms(), &written);
    return err;
}

enum sat_err client_write_user_name(struct satchel *satchel, uint32_t user, const char *name)
{
    struct sat_value number = {.kind = SAT_VALUE_INT, .integer = user};
    return write_name(satchel, "user", sat_name_record_user(&satchel->directory.org, user), "number", number, name);
}

enum sat_err client_write_device_name(struct satchel *satchel, uint32_t device, const char *name)
{
    struct sat_value number = {.kind = SAT_VALUE_INT, .integer = device};
    return write_name(satchel, "device", sat_name_record_device(&satchel->directory.org, device), "number", number,
                      name);
}

enum sat_err client_write_space_name(struct satchel *satchel, const struct sat_space_id *space, const char *name)
{
    struct sat_value ref = {.kind = SAT_VALUE_REF};
    memcpy(ref.ref.b, space->b, sizeof ref.ref.b);
    return write_name(satchel, "territory", sat_name_record_space(&satchel->directory.org, space), "space", ref, name);
}

const char *client_machine_name(struct sat_arena *arena)
{
    char name[CLIENT_NAME_BYTES_MAX + 1] = {0};
    if (gethostname(name, sizeof name - 1) != 0 || client_check_name("name", name, NULL)) return "device";
    return sat_arena_text(arena, name, strlen(name));
}
