/* satchel_move(): records to another territory, with all that hangs on them. */
#include <stdlib.h>

#include "client/bundles.h"
#include "client/carry.h"
#include "client/conflicts.h"
#include "client/hanging.h"
#include "client/names.h"
#include "client/rows.h"
#include "client/tx.h"
#include "common/base/check.h"

struct moving {
    struct satchel *satchel;
    struct sat_arena arena;
    const char *type;
    int64_t to;
    struct sat_space_id to_id;
    struct client_hanging hanging;
    int64_t from[SAT_SPACES_PER_DEVICE_MAX]; /* where records leave */
    uint32_t from_n;
};

static enum sat_err check_territory(struct moving *moving, const struct sat_space_id *id)
{
    struct satchel *satchel = moving->satchel;
    const struct sat_space *space = sat_directory_space(&satchel->directory, id);
    if (space && (space->kind == SAT_SPACE_TERRITORY || space->kind == SAT_SPACE_NARROW)) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%.100s is no territory",
                    client_space_name(satchel, id, &moving->arena));
}

static enum sat_err find_target(struct moving *moving, const char *to)
{
    struct satchel *satchel = moving->satchel;
    static const struct sat_record_id any;
    enum sat_err err = client_find_space(satchel, to ? to : "", &moving->to_id, &satchel->fault);
    if (!err) err = check_territory(moving, &moving->to_id);
    if (!err) err = client_sid_of_space(satchel, &moving->to_id, &moving->to);
    if (!err) err = client_check_right(satchel, moving->to, &any);
    bool refused = false;
    if (!err) err = client_is_refused(satchel, moving->to, &refused);
    if (!err && refused)
        err = sat_fail(&satchel->fault, SAT_ERR_DENIED,
                       "work of this device in %.100s was refused, and what is written there now waits behind it",
                       client_space_name(satchel, &moving->to_id, &moving->arena));
    return err;
}

static enum sat_err enter_space(struct moving *moving, const struct sat_record_view *view)
{
    struct sat_space_id id;
    for (uint32_t i = 0; i < moving->from_n; i++)
        if (moving->from[i] == view->sid) return SAT_OK;
    enum sat_err err = client_space_of_sid(moving->satchel, view->sid, &id);
    if (!err) err = check_territory(moving, &id);
    if (!err) err = client_check_right(moving->satchel, view->sid, &view->id);
    if (err) return err;
    sat_check(moving->from_n < SAT_SPACES_PER_DEVICE_MAX);
    moving->from[moving->from_n++] = view->sid;
    return SAT_OK;
}

/* One that was named. What is there already is left there. */
static enum sat_err name_record(struct moving *moving, const char *id)
{
    struct satchel *satchel = moving->satchel;
    const struct sat_type *type;
    struct client_place place;
    struct sat_record_view view;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = client_locate_named(satchel, moving->type, id, &arena, &type, &place, &view);
    if (!err && place.spaces_n > 1)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID,
                       "%s %s is in %u territories: take it out of all but one, then move it", moving->type, id,
                       (unsigned)place.spaces_n);
    if (!err && view.sid != moving->to) err = enter_space(moving, &view);
    if (!err && view.sid != moving->to) client_hanging_add(&moving->hanging, &view, moving->to);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err look_at_record(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct moving *moving = context;
    struct sat_vault vault = client_vault(moving->satchel);
    struct sat_record_view view;
    bool leaves = false;
    for (uint32_t i = 0; i < moving->from_n; i++) leaves = leaves || moving->from[i] == sid;
    if (!leaves) return SAT_OK;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = sat_record_load(&vault, sid, record, &arena, &view);
    if (!err && client_can_hang(&view)) client_hanging_add(&moving->hanging, &view, 0);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err plan(struct moving *moving, const char *const *ids, size_t n, const char *to)
{
    const struct sat_type *type;
    enum sat_err err = client_find_type(moving->satchel, moving->type, &type);
    if (!err && type->home != SAT_HOME_TERRITORY)
        err = sat_fail(&moving->satchel->fault, SAT_ERR_INVALID, "a %s belongs to no territory, and moves to none",
                       type->name);
    if (!err) err = find_target(moving, to);
    for (size_t i = 0; i < n && !err; i++) err = name_record(moving, ids[i]);
    if (!err && moving->from_n) err = sat_store_each_record(moving->satchel->store, look_at_record, moving);
    return err ? err : client_hanging_close(&moving->hanging, NULL, NULL);
}

/* ---- Doing it ---- */

static enum sat_err explain(struct moving *moving, const struct sat_move *move, uint16_t type)
{
    const struct sat_type *known = sat_type_by_number(type);
    const char *why = sat_err_text(move->err);
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(move->record.b, id);
    if (move->err == SAT_ERR_UNDECRYPTABLE) why = "something of it cannot be read here, and would be left behind";
    if (move->err == SAT_ERR_TOO_LARGE) why = "too many values stand beside each other in it";
    return sat_fail(&moving->satchel->fault, move->err, "%s %s cannot move: %s", known ? known->name : "record", id,
                    why);
}

static enum sat_err write_moves(struct moving *moving)
{
    struct satchel *satchel = moving->satchel;
    struct sat_vault vault = client_vault(satchel);
    const struct client_hanging *hanging = &moving->hanging;
    struct sat_move *moves = sat_arena_array(&moving->arena, hanging->n, sizeof *moves);
    uint16_t *types = sat_arena_array(&moving->arena, hanging->n, sizeof *types);
    uint32_t n = 0, written;
    for (uint32_t i = 0; i < hanging->n; i++) {
        if (!hanging->at[i].to) continue;
        types[n] = hanging->at[i].type;
        moves[n++] = (struct sat_move){
            .record = hanging->at[i].record, .from = hanging->at[i].sid, .to = moving->to, .home = true};
    }
    if (n == 0) return SAT_OK;
    enum sat_err err = client_conflicts_known(satchel);
    if (!err) err = sat_store_begin(satchel->store);
    if (err) return err;
    err = sat_author_move(&vault, moves, n, client_now_ms(), &written);
    for (uint32_t i = 0; i < n && !err; i++)
        if (moves[i].err) err = explain(moving, &moves[i], types[i]);
    if (!err) err = client_carry_look(satchel, moves, n);
    if (!err) err = sat_store_commit(satchel->store);
    if (err) {
        client_explain(satchel, err, &satchel->fault);
        sat_store_rollback(satchel->store);
        satchel->conflicts.known = false;
    }
    client_touch(satchel);
    return err;
}

static enum sat_err tell(struct moving *moving, satchel_row_fn row, void *context)
{
    struct satchel *satchel = moving->satchel;
    const char *to = client_space_name(satchel, &moving->to_id, &moving->arena), *from = "";
    int64_t from_sid = 0;
    for (uint32_t i = 0; i < moving->hanging.n; i++) {
        const struct client_hang *hang = &moving->hanging.at[i];
        struct sat_space_id id;
        if (!hang->to) continue;
        if (hang->sid != from_sid) {
            enum sat_err err = client_space_of_sid(satchel, hang->sid, &id);
            if (err) return err;
            from_sid = hang->sid;
            from = client_space_name(satchel, &id, &moving->arena);
        }
        const struct sat_type *type = sat_type_by_number(hang->type);
        json_t *json = json_object();
        (void)json_object_set_new(json, "type", json_string(type->name));
        (void)json_object_set_new(json, "id", client_json_of_uuid(hang->record.b));
        (void)json_object_set_new(json, "from", json_string(from));
        (void)json_object_set_new(json, "to", json_string(to));
        if (!client_give_row(row, context, json)) break;
    }
    return SAT_OK;
}

int satchel_move(struct satchel *satchel, const char *type, const char *const *ids, size_t n, const char *to,
                 int dry_run, satchel_row_fn row, void *context)
{
    struct moving moving = {.satchel = satchel, .type = type};
    client_begin(satchel);
    if (client_lease_check(satchel)) return client_end(satchel, SAT_ERR_LOCKED);
    if (satchel->tx)
        return client_end(satchel, sat_fail(&satchel->fault, SAT_ERR_INVALID,
                                            "a transaction is open: commit it or roll it back first"));
    sat_arena_init(&moving.arena);
    uint32_t carried = 0;
    enum sat_err err =
        dry_run ? SAT_OK
                : client_carry(satchel, client_now_ms(), &carried); /* so that nothing comes late for this one */
    if (!err) err = plan(&moving, ids, n, to);
    if (!err && !dry_run) err = write_moves(&moving);
    if (!err) err = tell(&moving, row, context);
    client_hanging_free(&moving.hanging);
    sat_arena_deinit(&moving.arena);
    return client_end(satchel, err);
}
