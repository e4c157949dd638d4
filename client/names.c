#define _GNU_SOURCE
#include "client/names.h"

#include <string.h>
#include <unistd.h>

#include "common/base/utf8.h"
#include "common/vault/author.h"
#include "common/vault/types.h"

/* ---- From a number to a name ---- */

/* A disk or a memory that failed says nothing about what there is; the next time it may be well again. */
static void note_unread(struct satchel *satchel, enum sat_err err)
{
    bool passes = err == SAT_ERR_IO || err == SAT_ERR_DISK_FULL || err == SAT_ERR_NO_MEMORY || err == SAT_ERR_IN_USE;
    if (passes) satchel->unread = err;
}

/* The text of the field `name` of a name record; NULL without one. A name that cannot be read is as good as none, but
 * for satchel->unread. */
static const char *name_of(struct satchel *satchel, const char *type_name, const struct sat_record_id *id,
                           struct sat_arena *arena)
{
    const struct sat_space *people = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_PEOPLE);
    const struct sat_type *type = sat_type_by_name(type_name);
    int64_t sid;
    bool found = false;
    if (!people) return NULL;
    enum sat_err err = sat_store_space_sid(satchel->store, &people->id, &sid, &found);
    struct sat_vault vault = client_vault(satchel);
    struct sat_record_view view;
    if (!err && found) err = sat_record_load(&vault, sid, id, arena, &view);
    note_unread(satchel, err);
    if (err || !found || view.merged.type != type->number) return NULL;
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
    const char *name = NULL;
    while (device && !name) { /* one that went on under a new number has the name that it had */
        struct sat_record_id id = sat_name_record_device(&satchel->directory.org, device);
        const struct sat_device *known = sat_directory_device(&satchel->directory, device);
        name = name_of(satchel, "device", &id, arena);
        device = known ? known->parent : 0;
    }
    return name;
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

/* ---- Names that look the same ---- */

/* Bytes of the white space that the text begins with, Unicode's and what has no width at all; 0: it begins with none.
 */
static size_t blank_at(const char *text)
{
    static const char *const blanks[] = {
        " ",      "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007",
        "\u2008", "\u2009", "\u200a", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff",
    };
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
        if (strncmp(text, blanks[i], strlen(blanks[i])) == 0) return strlen(blanks[i]);
    return 0;
}

/* A to Z small, white space one blank between words and none around them. */
static const char *folded(const char *name, struct sat_arena *arena)
{
    char *out = sat_arena_alloc(arena, strlen(name) + 1);
    size_t len = 0, blank;
    for (const char *at = name; *at; at += blank ? blank : 1) {
        blank = blank_at(at);
        if (!blank)
            out[len++] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        else if (len && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    if (len && out[len - 1] == ' ') len--;
    out[len] = '\0';
    return out;
}

bool client_name_is_like(const char *name, const char *plain)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    bool like = strcmp(folded(name, &arena), folded(plain, &arena)) == 0;
    sat_arena_deinit(&arena);
    return like;
}

const char *client_user_like(struct satchel *satchel, const char *name, struct sat_arena *arena)
{
    struct sat_arena one;
    sat_arena_init(&one);
    const char *like = NULL;
    for (uint32_t user = 1; user <= satchel->directory.users_n && !like; user++) {
        const char *known = client_user_name(satchel, user, &one);
        if (known && client_name_is_like(known, name)) like = sat_arena_text(arena, known, strlen(known));
        sat_arena_reset(&one);
    }
    sat_arena_deinit(&one);
    return like;
}

const char *client_space_like(struct satchel *satchel, const char *name, struct sat_arena *arena)
{
    struct sat_arena one;
    sat_arena_init(&one);
    const char *like = NULL;
    for (uint32_t i = 0; i < satchel->directory.spaces_n && !like; i++) {
        const char *known = client_space_name(satchel, &satchel->directory.spaces[i].id, &one);
        if (client_name_is_like(known, name)) like = sat_arena_text(arena, known, strlen(known));
        sat_arena_reset(&one);
    }
    sat_arena_deinit(&one);
    return like;
}

/* ---- From a name to a number ---- */

/* What there is that could have been meant, for the end of a sentence. */
static const char *but(const char *like, struct sat_arena *arena)
{
    return like ? sat_arena_format(arena, ", but there is \"%.100s\"", like) : "";
}

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
    enum sat_err err = found == 1 ? SAT_OK : satchel->unread;
    if (found == 0 && !err)
        err = sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no user \"%.100s\"%s", name,
                       but(fault ? client_user_like(satchel, name, &arena) : NULL, &arena));
    else if (found > 1)
        err = sat_fail(fault, SAT_ERR_INVALID, "%u users are called \"%.100s\"", (unsigned)found, name);
    sat_arena_deinit(&arena);
    return err;
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
    enum sat_err err = found == 1 ? SAT_OK : satchel->unread;
    if (found == 0 && !err)
        err = sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no territory \"%.100s\"%s", name,
                       but(fault ? client_space_like(satchel, name, &arena) : NULL, &arena));
    else if (found > 1)
        err =
            sat_fail(fault, SAT_ERR_INVALID, "%u territories are called \"%.100s\": use the id", (unsigned)found, name);
    sat_arena_deinit(&arena);
    return err;
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

static bool has_blank_around(const char *text)
{
    for (const char *at = text; *at; at++) {
        size_t blank = blank_at(at);
        if (blank && (at == text || !at[blank])) return true;
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
    if (has_blank_around(name)) return sat_fail(fault, SAT_ERR_INVALID, "the %s begins or ends with white space", what);
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
