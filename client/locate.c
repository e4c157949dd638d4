#include "client/locate.h"

#include <string.h>

#include "client/names.h"
#include "common/base/utf8.h"

enum { SPACES_MAX = SAT_SPACES_PER_DEVICE_MAX };

/* What can be read before what cannot, what is not archived before what is, and then what this device may write: who
 * may write another territory can put any id there. */
static int weight(const struct sat_record_view *view, bool own)
{
    int rank = view->merged.exists ? (view->merged.deleted ? 1 : 2) : 0;
    return 2 * rank + own;
}

static enum sat_err is_own(struct satchel *satchel, int64_t sid, bool *own)
{
    struct sat_space_id space;
    enum sat_err err = client_space_of_sid(satchel, sid, &space);
    *own = !err && (client_rights(satchel, &space) & SAT_RIGHT_WRITE);
    return err;
}

enum sat_err client_locate(struct satchel *satchel, const struct sat_record_id *record, struct sat_arena *arena,
                           struct client_place *place, struct sat_record_view *view)
{
    *place = (struct client_place){0};
    *view = (struct sat_record_view){0};
    int64_t sids[SPACES_MAX];
    uint32_t n = 0;
    int best = 0;
    struct sat_vault vault = client_vault(satchel);
    enum sat_err err = sat_store_record_spaces(satchel->store, record, sids, SPACES_MAX, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        struct sat_record_view found;
        bool own = false;
        err = sat_record_load(&vault, sids[i], record, arena, &found);
        if (err || found.live_n == 0) continue;
        if (found.merged.moved) {
            place->moved = true;
            place->moved_type = found.merged.type;
            place->moved_to = found.merged.moved_to;
            continue;
        }
        place->spaces_n++;
        if (n > 1) err = is_own(satchel, sids[i], &own);
        place->own_n += own;
        if (!place->here || weight(&found, own) > best) {
            best = weight(&found, own);
            *view = found;
        }
        place->here = true;
    }
    place->sid = view->sid;
    place->type = view->merged.exists ? view->merged.type : 0;
    place->archived = view->merged.deleted;
    return err;
}

static enum sat_err locate_in(struct satchel *satchel, const struct sat_space_id *space,
                              const struct sat_record_id *record, struct sat_arena *arena, struct sat_record_view *view)
{
    struct sat_space_row row;
    bool known = false;
    struct sat_vault vault = client_vault(satchel);
    *view = (struct sat_record_view){0};
    enum sat_err err = sat_store_space_find(satchel->store, space, &row, &known);
    if (!err && known) err = sat_record_load(&vault, row.sid, record, arena, view);
    if (view->merged.moved) *view = (struct sat_record_view){0};
    return err;
}

enum sat_err client_locate_in(struct satchel *satchel, const char *territory, const struct sat_record_id *record,
                              struct sat_arena *arena, struct sat_record_view *view)
{
    struct sat_space_id space;
    *view = (struct sat_record_view){0};
    enum sat_err err = client_find_space(satchel, territory, &space, &satchel->fault);
    return err ? err : locate_in(satchel, &space, record, arena, view);
}

enum sat_err client_locate_in_kind(struct satchel *satchel, enum sat_space_kind kind,
                                   const struct sat_record_id *record, struct sat_arena *arena,
                                   struct sat_record_view *view)
{
    const struct sat_space *space = sat_directory_space_of_kind(&satchel->directory, kind);
    *view = (struct sat_record_view){0};
    return space ? locate_in(satchel, &space->id, record, arena, view) : SAT_OK;
}

enum sat_err client_check_moved(struct satchel *satchel, const char *what, const struct sat_record_id *record,
                                const struct client_place *place)
{
    if (place->here || !place->moved) return SAT_OK;
    const struct sat_type *type = sat_type_by_number(place->moved_type);
    struct sat_arena arena;
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(record->b, id);
    sat_arena_init(&arena);
    enum sat_err err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND,
                                "%s%s %s has moved to %.100s, a territory that this device does not use", what,
                                type ? type->name : "record", id, client_space_name(satchel, &place->moved_to, &arena));
    sat_arena_deinit(&arena);
    return err;
}

bool client_came_late(const struct sat_merged_record *record, struct sat_space_id *from)
{
    const struct sat_merged *cell = sat_merged_cell(record, SAT_FIELD_CAME_LATE, (struct sat_span){0});
    if (!cell || cell->value.kind != SAT_VALUE_REF) return false;
    memcpy(from->b, cell->value.ref.b, sizeof from->b);
    return true;
}

enum sat_err client_find_type(struct satchel *satchel, const char *name, const struct sat_type **out)
{
    *out = name ? sat_type_by_name(name) : NULL;
    if (*out) return SAT_OK;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no record type \"%.80s\"",
                                sat_utf8_shown(&arena, name ? name : ""));
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_parse_id(struct satchel *satchel, const char *text, struct sat_record_id *out)
{
    if (text && !sat_uuid_parse(text, out->b)) return SAT_OK;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "\"%.80s\" is no id: 8-4-4-4-12 hexadecimal digits",
                                sat_utf8_shown(&arena, text ? text : ""));
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_locate_named(struct satchel *satchel, const char *type, const char *id, struct sat_arena *arena,
                                 const struct sat_type **type_out, struct client_place *place,
                                 struct sat_record_view *view)
{
    struct sat_record_id record;
    enum sat_err err = client_find_type(satchel, type, type_out);
    if (!err) err = client_parse_id(satchel, id, &record);
    if (!err) err = client_locate(satchel, &record, arena, place, view);
    if (err) return err;
    if (place->here && !view->merged.exists)
        return sat_fail(&satchel->fault, SAT_ERR_UNDECRYPTABLE, "%s %s is here but cannot be read", type, id);
    err = client_check_moved(satchel, "", &record, place);
    if (err) return err;
    if (!place->here) return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no %s %s", type, id);
    if (place->type == (*type_out)->number) return SAT_OK;
    const struct sat_type *other = sat_type_by_number(place->type);
    return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "%s is no %s but %s", id, type,
                    other ? other->name : "of a later version's type");
}
