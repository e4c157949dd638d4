/* Where a record goes, and whether it may. */
#include <stdlib.h>
#include <string.h>

#include "client/names.h"
#include "client/tx.h"
#include "common/base/check.h"

/* ---- What is known ---- */

static struct client_known *slot_of(struct client_known *table, uint32_t cap, const struct sat_record_id *record)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof record->b; i++) hash = (hash ^ record->b[i]) * UINT64_C(0x100000001b3);
    uint32_t at = (uint32_t)(hash >> 16) & (cap - 1);
    while (table[at].used && !sat_record_equal(&table[at].record, record)) at = (at + 1) & (cap - 1);
    return &table[at];
}

static void grow(struct satchel_tx *tx)
{
    uint32_t cap = tx->known_cap ? tx->known_cap * 2 : 64;
    struct client_known *table = calloc(cap, sizeof *table);
    sat_check_memory(table);
    for (uint32_t i = 0; i < tx->known_cap; i++)
        if (tx->known[i].used) *slot_of(table, cap, &tx->known[i].record) = tx->known[i];
    free(tx->known);
    tx->known = table;
    tx->known_cap = cap;
}

static enum sat_err look_up(struct satchel_tx *tx, const struct sat_record_id *record, struct client_place *place)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_record_view view;
    enum sat_err err = client_locate(tx->satchel, record, &arena, place, &view);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_tx_known(struct satchel_tx *tx, const struct sat_record_id *record, struct client_known **out)
{
    *out = tx->known_cap ? slot_of(tx->known, tx->known_cap, record) : NULL;
    if (*out && (*out)->used) return SAT_OK;
    struct client_place place;
    enum sat_err err = look_up(tx, record, &place);
    if (err) return err;
    if (tx->known_n * 2 >= tx->known_cap) grow(tx);
    *out = slot_of(tx->known, tx->known_cap, record);
    **out = (struct client_known){.record = *record, .place = place, .used = true};
    tx->known_n++;
    return SAT_OK;
}

const struct client_known *client_tx_find(const struct satchel_tx *tx, const struct sat_record_id *record)
{
    const struct client_known *known = tx->known_cap ? slot_of(tx->known, tx->known_cap, record) : NULL;
    return known && known->used ? known : NULL;
}

/* ---- Rights ---- */

enum sat_err client_check_right(struct satchel *satchel, int64_t sid, const struct sat_record_id *record)
{
    struct sat_space_id space;
    enum sat_err err = client_space_of_sid(satchel, sid, &space);
    if (err) return err;
    const struct sat_directory *directory = &satchel->directory;
    bool may = sat_directory_may_write(directory, &space, client_device(satchel), record, directory->seq), awaits;
    err = client_awaits_log(satchel, sid, &awaits);
    if (err || (may && !awaits)) return err;
    struct sat_arena arena;
    sat_arena_init(&arena);
    err = sat_fail(&satchel->fault, SAT_ERR_DENIED,
                   may ? "%.100s came back, and nothing of it is here yet: sync first" : "you may not write in %.100s",
                   client_space_name(satchel, &space, &arena));
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_check_references(struct satchel_tx *tx, const struct sat_type *type, const struct sat_cell *cells,
                                     uint32_t n, bool *unsure)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_cell *cell = &cells[i];
        const struct sat_field *field = sat_field_by_number(type, cell->field);
        if (cell->value.kind != SAT_VALUE_REF) continue;
        struct client_known *known;
        enum sat_err err = client_tx_known(tx, &cell->value.ref, &known);
        if (err) return err;
        err = client_check_moved(
            tx->satchel,
            sat_arena_format(&tx->arena, "%s refers to a record that is gone: ", field ? field->name : type->name),
            &cell->value.ref, &known->place);
        if (err) return err;
        if (!field || field->ref_type == 0) continue;
        uint16_t found = known->place.type;
        if (!known->place.here) *unsure = true;
        if (!known->place.here || found == 0 || found == field->ref_type) continue;
        const struct sat_type *wanted = sat_type_by_number(field->ref_type), *other = sat_type_by_number(found);
        char id[SAT_UUID_TEXT_SIZE];
        sat_uuid_format(cell->value.ref.b, id);
        return sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                        "%s.%s refers to a record of type %s, but %s is of type %s", type->name, field->name,
                        wanted ? wanted->name : "?", id, other ? other->name : "?");
    }
    return SAT_OK;
}

/* ---- Places ---- */

static bool takes_work(const struct sat_space *space)
{
    return space->kind == SAT_SPACE_TERRITORY || space->kind == SAT_SPACE_NARROW;
}

static enum sat_err place_by_name(struct satchel_tx *tx, const char *territory, int64_t *sid)
{
    struct satchel *satchel = tx->satchel;
    struct sat_space_id space;
    *sid = tx->named_sid;
    if (tx->named && strcmp(tx->named, territory) == 0) return SAT_OK;
    enum sat_err err = client_find_space(satchel, territory, &space, &satchel->fault);
    if (!err) err = client_sid_of_space(satchel, &space, sid);
    if (err) return err;
    tx->named = sat_arena_format(&tx->arena, "%s", territory);
    tx->named_sid = *sid;
    return SAT_OK;
}

static enum sat_err place_by_kind(struct satchel *satchel, enum sat_space_kind kind, int64_t *sid)
{
    const struct sat_space *space = sat_directory_space_of_kind(&satchel->directory, kind);
    if (!space)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND,
                        "the organisation's own space is not known here yet: sync first");
    return client_sid_of_space(satchel, &space->id, sid);
}

/* One in a territory before one in the org's space, where the line of an order has its product; and that not at all for
 * those who may not write there. */
static enum sat_err look_beside(struct satchel_tx *tx, struct client_known *target, struct client_beside *beside)
{
    struct sat_space_id id;
    enum sat_err err = client_space_of_sid(tx->satchel, target->place.sid, &id);
    if (err) return err;
    const struct sat_space *space = sat_directory_space(&tx->satchel->directory, &id);
    beside->decided = space && takes_work(space);
    bool second_best = !beside->sid && (client_rights(tx->satchel, &id) & SAT_RIGHT_WRITE);
    if (beside->decided || second_best) beside->sid = target->place.sid;
    return SAT_OK;
}

enum sat_err client_place_beside(struct satchel_tx *tx, const struct sat_cell *cells, uint32_t n,
                                 struct client_beside *beside)
{
    for (uint32_t i = 0; i < n && !beside->decided; i++) {
        if (cells[i].value.kind != SAT_VALUE_REF) continue;
        struct client_known *target;
        enum sat_err err = client_tx_known(tx, &cells[i].value.ref, &target);
        if (err) return err;
        bool open = target->place.here && target->place.sid == 0;
        if (beside->at_commit && (!target->place.here || target->on_way)) continue;
        beside->missing = !target->place.here;
        beside->open = open ? target : NULL;
        if (open || beside->missing) return SAT_OK;
        err = look_beside(tx, target, beside);
        if (err) return err;
    }
    return SAT_OK;
}

/* The caller's only territory; with none or several, a sentence that lists them. A narrow space is no rival: what is
 * not restricted goes there only if it is named. */
enum sat_err client_place_by_right(struct satchel_tx *tx, const struct sat_type *type, int64_t *sid)
{
    struct satchel *satchel = tx->satchel;
    const struct sat_space *only = NULL;
    uint32_t n = 0;
    const char *list = "";
    for (uint32_t i = 0; i < satchel->directory.spaces_n; i++) {
        const struct sat_space *space = &satchel->directory.spaces[i];
        if (space->kind != SAT_SPACE_TERRITORY || !(client_rights(satchel, &space->id) & SAT_RIGHT_WRITE)) continue;
        only = space;
        if (n++ < 8)
            list = sat_arena_format(&tx->arena, "%s%s%s", list, n > 1 ? ", " : "",
                                    client_space_name(satchel, &space->id, &tx->arena));
    }
    if (n == 1) return client_sid_of_space(satchel, &only->id, sid);
    if (n == 0)
        return sat_fail(&satchel->fault, SAT_ERR_DENIED, "a new %s goes to a territory, and you may write in none",
                        type->name);
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a new %s needs a territory: %.250s%s", type->name, list,
                    n > 8 ? ", …" : "");
}

static bool is_restricted(const struct sat_type *type)
{
    for (uint16_t i = 0; i < type->fields_n; i++)
        if (type->fields[i].grade == SAT_GRADE_G3) return true;
    return false;
}

/* What is restricted goes where few read it, if its author may write in such a space: of several the first that was
 * made. *sid 0: there is none, or it is no such type. */
static enum sat_err place_narrow(struct satchel *satchel, const struct sat_type *type, int64_t *sid)
{
    *sid = 0;
    for (uint32_t i = 0; i < satchel->directory.spaces_n && is_restricted(type); i++) {
        const struct sat_space *space = &satchel->directory.spaces[i];
        if (space->kind == SAT_SPACE_NARROW && (client_rights(satchel, &space->id) & SAT_RIGHT_WRITE))
            return client_sid_of_space(satchel, &space->id, sid);
    }
    return SAT_OK;
}

static enum sat_err place_new(struct satchel_tx *tx, const struct client_wish *wish, int64_t *sid)
{
    struct satchel *satchel = tx->satchel;
    switch (wish->type->home) {
    case SAT_HOME_ORG:
        return place_by_kind(satchel, SAT_SPACE_ORG, sid);
    case SAT_HOME_PEOPLE:
        return place_by_kind(satchel, SAT_SPACE_PEOPLE, sid);
    case SAT_HOME_TERRITORY:
        break;
    }
    struct client_beside beside = {0};
    enum sat_err err = place_narrow(satchel, wish->type, sid);
    if (err || *sid) return err;
    err = client_place_beside(tx, wish->fields->cells, wish->fields->n, &beside);
    if (err) return err;
    bool waits = beside.open || beside.missing;
    *sid = waits ? 0 : beside.sid;
    return waits || *sid ? SAT_OK : client_place_by_right(tx, wish->type, sid);
}

/* A record that is here stays where it is. */
static enum sat_err place_where_it_is(struct satchel_tx *tx, const struct client_wish *wish,
                                      const struct client_place *place, int64_t *sid)
{
    struct satchel *satchel = tx->satchel;
    *sid = place->sid;
    if (!wish->territory) {
        if (place->spaces_n < 2 || place->own_n == 1) return SAT_OK;
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "this %s is in %u territories: name one", wish->type->name,
                        (unsigned)place->spaces_n);
    }
    int64_t named;
    struct sat_space_id space;
    enum sat_err err = place_by_name(tx, wish->territory, &named);
    if (err || named == place->sid) return err;
    if (place->spaces_n > 1 || place->sid == 0) {
        *sid = named;
        return SAT_OK;
    }
    err = client_space_of_sid(satchel, place->sid, &space);
    if (err) return err;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "this %s is in %.100s, and writing it does not move it to %.100s",
                    wish->type->name, client_space_name(satchel, &space, &tx->arena), wish->territory);
}

enum sat_err client_place_record(struct satchel_tx *tx, const struct client_wish *wish, int64_t *sid)
{
    struct client_known *known;
    enum sat_err err = client_tx_known(tx, wish->record, &known);
    if (err) return err;
    if (known->place.here)
        err = place_where_it_is(tx, wish, &known->place, sid);
    else if (wish->territory)
        err = place_by_name(tx, wish->territory, sid);
    else
        err = place_new(tx, wish, sid);
    return err || *sid == 0 ? err : client_check_right(tx->satchel, *sid, wish->record);
}

/* ---- Under an id that follows from something ---- */

enum sat_err client_tx_view(struct satchel_tx *tx, const struct client_known *known, struct sat_arena *arena,
                            struct sat_record_view *view)
{
    struct sat_vault vault = client_vault(tx->satchel);
    *view = (struct sat_record_view){0};
    return known->place.sid ? sat_record_load(&vault, known->place.sid, &known->record, arena, view) : SAT_OK;
}

/* *place: the record in that space. *left: it was there, and has moved. */
static enum sat_err look_in(struct satchel_tx *tx, int64_t sid, const struct sat_record_id *record,
                            struct client_place *place, bool *left)
{
    struct sat_arena arena;
    struct sat_record_view view;
    struct sat_vault vault = client_vault(tx->satchel);
    *place = (struct client_place){0};
    sat_arena_init(&arena);
    enum sat_err err = sat_record_load(&vault, sid, record, &arena, &view);
    *left = !err && view.merged.moved;
    if (!err && !*left && view.live_n)
        *place = (struct client_place){.here = true,
                                       .archived = view.merged.deleted,
                                       .spaces_n = 1,
                                       .sid = sid,
                                       .type = view.merged.exists ? view.merged.type : 0};
    sat_arena_deinit(&arena);
    return err;
}

/* Only what lies in one of these spaces is meant. What has left them stays found where it went. */
static enum sat_err enter(struct satchel_tx *tx, const struct sat_record_id *record, const int64_t homes[2])
{
    struct client_known *known = NULL;
    struct client_place place = {0};
    bool left = false;
    enum sat_err err = client_tx_known(tx, record, &known);
    if (err || known->first || !(homes[0] || homes[1])) return err;
    for (size_t i = 0; i < 2 && !err && !place.here && !left; i++)
        if (homes[i]) err = look_in(tx, homes[i], record, &place, &left);
    if (err || left) return err;
    memcpy(known->only, homes, sizeof known->only);
    known->place = place;
    return SAT_OK;
}

enum sat_err client_tx_enter(struct satchel_tx *tx, const char *territory, const char *id)
{
    struct sat_record_id record;
    int64_t homes[2] = {0, 0};
    enum sat_err err = client_parse_id(tx->satchel, id, &record);
    if (!err) err = place_by_name(tx, territory, &homes[0]);
    return err ? err : enter(tx, &record, homes);
}

enum sat_err client_tx_enter_beside(struct satchel_tx *tx, const char *id, const char *other, bool *here)
{
    struct sat_record_id record, beside;
    struct client_known *known = NULL;
    int64_t homes[2] = {0, 0};
    *here = false;
    enum sat_err err = client_parse_id(tx->satchel, id, &record);
    if (!err) err = client_parse_id(tx->satchel, other, &beside);
    if (!err) err = client_tx_known(tx, &beside, &known);
    if (!err) homes[0] = known->place.sid;
    if (!err) err = enter(tx, &record, homes);
    if (!err) err = client_tx_known(tx, &record, &known);
    if (!err) *here = known->place.here;
    return err;
}

/* Where such a record goes: of what is restricted where few read it, or beside what it refers to; 0: nowhere yet. */
static enum sat_err find_homes(struct satchel_tx *tx, const struct client_wish *wish, int64_t homes[2])
{
    struct client_beside beside = {0};
    enum sat_err err = SAT_OK;
    homes[0] = homes[1] = 0;
    if (wish->territory) return place_by_name(tx, wish->territory, &homes[0]);
    if (wish->type->home == SAT_HOME_ORG) return place_by_kind(tx->satchel, SAT_SPACE_ORG, &homes[0]);
    if (wish->type->home == SAT_HOME_PEOPLE) return place_by_kind(tx->satchel, SAT_SPACE_PEOPLE, &homes[0]);
    err = place_narrow(tx->satchel, wish->type, &homes[0]);
    if (!err) err = client_place_beside(tx, wish->fields->cells, wish->fields->n, &beside);
    if (!err && beside.decided) homes[1] = beside.sid;
    return err;
}

enum sat_err client_place_keyed(struct satchel_tx *tx, const struct client_wish *wish)
{
    int64_t homes[2];
    enum sat_err err = find_homes(tx, wish, homes);
    return err ? err : enter(tx, wish->record, homes);
}
