#include "client/carry.h"

#include <stdlib.h>
#include <string.h>

#include "client/bundles.h"
#include "client/carry_memory.h"
#include "client/conflicts.h"
#include "common/base/check.h"
#include "common/sync/vector.h"
#include "common/vault/types.h"

enum { PAGE = 256, HOPS_MAX = 32, TOLD_BYTES = 8 + 16 + 2 + 1 };
/* Of one territory, looked at once more after one sync. */
enum { BACK_ENTRIES = 2048, BACK_CHANGES = 16 * 1024 };

/* ---- Territories ---- */

/* Where the server refused own work, what is written behind it stays here: nothing can be brought there. It counts as a
 * right that is lost, and as one that is back when that work is let in. */
static enum sat_err lose_refused(struct carrying *it, struct carry_land *land)
{
    bool refused;
    enum sat_err err = client_is_refused(it->satchel, land->sid, &refused);
    if (refused) land->rights &= (uint8_t)~SAT_RIGHT_WRITE;
    return err;
}

static enum sat_err find_lands(struct carrying *it)
{
    struct satchel *satchel = it->satchel;
    struct sat_space_row *rows;
    uint32_t n = 0;
    enum sat_err err = sat_store_spaces(satchel->store, &it->arena, &rows, &n);
    if (err) return err;
    it->lands = sat_arena_array(&it->arena, n, sizeof *it->lands);
    for (uint32_t i = 0; i < n && !err; i++) {
        const struct sat_space *space = sat_directory_space(&satchel->directory, &rows[i].id);
        if (!space || (space->kind != SAT_SPACE_TERRITORY && space->kind != SAT_SPACE_NARROW)) continue;
        struct carry_land *land = &it->lands[it->lands_n++];
        *land = (struct carry_land){.sid = rows[i].sid, .id = space->id, .rights = client_rights(satchel, &space->id)};
        land->since = land->back = land->asked = CARRY_NOWHERE;
        err = lose_refused(it, land);
        land->reads = land->rights & SAT_RIGHT_READ;
        land->writes = land->reads && (land->rights & SAT_RIGHT_WRITE);
        land->at_head = rows[i].head_size == rows[i].log.size;
        it->writes_n += land->writes;
    }
    return err;
}

/* ---- What has come ---- */

static void add_come(struct carrying *it, const struct carry_come *come)
{
    if (it->come_n == it->come_cap) {
        it->come_cap = it->come_cap ? it->come_cap * 2 : 256;
        it->come = realloc(it->come, it->come_cap * sizeof *it->come);
        sat_check_memory(it->come);
    }
    it->come[it->come_n++] = *come;
}

static void add_change(struct carrying *it, const struct sat_change_row *row)
{
    add_come(it, &(struct carry_come){.sid = row->sid, .record = row->record, .dot = row->dot});
}

static enum sat_err add_bundle(struct carrying *it, int64_t bid)
{
    struct sat_change_row *rows;
    uint32_t n = 0;
    sat_arena_reset(&it->one);
    enum sat_err err = sat_store_changes_of_bundle(it->satchel->store, bid, &it->one, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++)
        if (rows[i].header.len && !(rows[i].header.at[0] & SAT_HEADER_DELETION)) add_change(it, &rows[i]);
    return err;
}

/* What has come behind the mark: deletions, among which the moves are; or the rest. */
static enum sat_err find_come(struct carrying *it, bool deletions)
{
    struct sat_arena arena;
    uint32_t n = PAGE;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    for (int64_t cid = (int64_t)(it->before + 1) << 10; n == PAGE && !err;) {
        struct sat_change_row *rows;
        sat_arena_reset(&arena);
        err = sat_store_changes_from(it->satchel->store, cid, (int64_t)it->mark, deletions, PAGE, &arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            bool deletion = rows[i].header.at[0] & SAT_HEADER_DELETION;
            if (deletion == deletions && rows[i].state != SAT_CHANGE_ASIDE && carry_land_of(it, rows[i].sid))
                add_change(it, &rows[i]);
            cid = rows[i].cid + 1;
        }
    }
    sat_arena_deinit(&arena);
    return err;
}

static int compare_come(const void *a, const void *b)
{
    const struct carry_come *x = a, *y = b;
    if (x->sid != y->sid) return x->sid < y->sid ? -1 : 1;
    int order = memcmp(x->record.b, y->record.b, sizeof x->record.b);
    return order ? order : sat_dot_compare(x->dot, y->dot);
}

static enum sat_err load(struct carrying *it, int64_t sid, const struct sat_record_id *record,
                         struct sat_record_view *out)
{
    return sat_record_load(&it->vault, sid, record, &it->one, out);
}

/* ---- Where to ---- */

static void note_target(struct carrying *it, const struct sat_space_id *id)
{
    struct carry_land *land = carry_land_by_id(it, id);
    if (land) land->sought = true;
    for (uint32_t i = 0; i < it->elsewhere_n; i++)
        if (sat_space_equal(&it->elsewhere[i], id)) return;
    if (land) return;
    struct sat_space_id *more = sat_arena_array(&it->arena, (size_t)it->elsewhere_n + 1, sizeof *more);
    if (it->elsewhere_n) memcpy(more, it->elsewhere, it->elsewhere_n * sizeof *more);
    more[it->elsewhere_n++] = *id;
    it->elsewhere = more;
}

/* Where what is left of the record in a space has to go, as far as this device can bring it: along the moves. *to 0:
 * it stays. Moves that lead in a ring, which takes two people who each undo what the other does, end in the one of its
 * spaces whose id is the lowest. */
static enum sat_err follow(struct carrying *it, int64_t sid, const struct sat_record_id *record, int64_t *to,
                           bool *home)
{
    int64_t way[HOPS_MAX + 1] = {sid};
    *to = 0;
    *home = false;
    for (uint32_t hops = 0; hops < HOPS_MAX; hops++) {
        struct sat_record_view view;
        enum sat_err err = load(it, way[hops], record, &view);
        if (err || !view.merged.moved) return err;
        struct carry_land *next = carry_land_by_id(it, &view.merged.moved_to);
        if (!next || !next->writes) return SAT_OK;
        for (uint32_t i = 0; i <= hops; i++) {
            if (way[i] != next->sid) continue;
            const struct carry_land *lowest = next;
            for (uint32_t k = i; k <= hops; k++) {
                const struct carry_land *land = carry_land_of(it, way[k]);
                if (memcmp(land->id.b, lowest->id.b, sizeof land->id.b) < 0) lowest = land;
            }
            *home = true;
            *to = lowest->sid;
            return SAT_OK;
        }
        way[hops + 1] = *to = next->sid;
    }
    return SAT_OK;
}

/* A record is not brought to a territory and away from it at once: each would find in the other's place what it need
 * not copy, and nothing of it would be left in either. The second one is for the next round. */
static void add_move(struct carrying *it, const struct sat_move *move)
{
    for (uint32_t i = 0; i < it->moves_n; i++) {
        const struct sat_move *other = &it->moves[i];
        if (!sat_record_equal(&other->record, &move->record)) continue;
        if (other->from == move->from) return;
        if (other->from != move->to && other->to != move->from) continue;
        carry_look_again(it, move->from, &move->record);
        return;
    }
    if (it->moves_n == it->moves_cap) {
        it->moves_cap = it->moves_cap ? it->moves_cap * 2 : 64;
        it->moves = realloc(it->moves, it->moves_cap * sizeof *it->moves);
        sat_check_memory(it->moves);
    }
    it->moves[it->moves_n++] = *move;
}

static bool is_all_covered(const struct sat_record_view *view)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        if (view->live[i].readable && !sat_source_moves(&view->live[i])) return false;
    return true;
}

/* The record has gone from there: what came late goes after it. */
static enum sat_err carry_rest(struct carrying *it, const struct sat_record_view *view)
{
    const struct carry_land *land = carry_land_of(it, view->sid);
    struct sat_move move = {.record = view->id, .from = view->sid};
    if (!land || !land->writes || is_all_covered(view)) return SAT_OK;
    enum sat_err err = follow(it, view->sid, &view->id, &move.to, &move.home);
    if (!err && move.to && (move.to != move.from)) add_move(it, &move);
    if (!err && move.home && move.to == move.from) { /* the ring ends here: from the next one back */
        const struct carry_land *next = carry_land_by_id(it, &view->merged.moved_to);
        if (next)
            add_move(it, &(struct sat_move){.record = view->id, .from = next->sid, .to = view->sid, .home = true});
    }
    return err;
}

static const struct sat_cell *cell_of(const struct sat_source *source, uint16_t field)
{
    for (uint32_t i = 0; source->readable && i < source->body.cells_n; i++)
        if (source->body.cells[i].field == field) return &source->body.cells[i];
    return NULL;
}

/* Somebody else moved the record, at the same time, to where it is not: what was brought there goes on to where it
 * is. `here`: a space from which it has gone, or to which it has come back. */
static enum sat_err follow_losers(struct carrying *it, const struct sat_record_view *here)
{
    for (uint32_t i = 0; i < here->live_n; i++) {
        const struct sat_cell *moved = cell_of(&here->live[i], SAT_FIELD_MOVED);
        if (!moved || moved->value.kind != SAT_VALUE_REF) continue;
        struct sat_space_id loser;
        memcpy(loser.b, moved->value.ref.b, sizeof loser.b);
        struct carry_land *land = carry_land_by_id(it, &loser);
        if (!land || !land->writes || (here->merged.moved && sat_space_equal(&loser, &here->merged.moved_to))) continue;
        struct sat_record_view view;
        struct sat_move move = {.record = here->id, .from = land->sid, .to = here->sid};
        enum sat_err err = load(it, land->sid, &here->id, &view);
        if (!err && here->merged.moved) err = follow(it, here->sid, &here->id, &move.to, &move.home);
        if (err) return err;
        const struct carry_land *to = carry_land_of(it, move.to);
        if (view.live_n && !view.merged.moved && to && to->writes && move.to != move.from) add_move(it, &move);
    }
    return SAT_OK;
}

/* ---- Own work that has gone on ---- */

static bool is_own(const struct carrying *it, uint32_t device)
{
    const struct sat_device *known = sat_directory_device(&it->satchel->directory, device);
    return known && known->user == client_user(it->satchel);
}

/* Had whoever moved it read the change? */
static bool was_moved(const struct sat_record_view *view, struct sat_dot dot)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        if (cell_of(&view->live[i], SAT_FIELD_MOVED) && sat_source_saw(&view->live[i], dot)) return true;
    return false;
}

static void tell(struct carrying *it, const struct sat_record_view *view, bool edit)
{
    for (size_t at = 0; at + TOLD_BYTES <= it->told.len; at += TOLD_BYTES)
        if (memcmp(it->told.at + at + 8, view->id.b, sizeof view->id.b) == 0) return;
    sat_put_u64(&it->told, (uint64_t)view->sid);
    sat_put_bytes(&it->told, view->id.b, sizeof view->id.b);
    sat_put_u16(&it->told, view->merged.type);
    sat_put_u8(&it->told, edit);
    it->told_changed = true;
}

static enum sat_err count_own(struct carrying *it, const struct sat_record_view *view)
{
    bool late = false, edit = false, own = false;
    struct sat_change_row *rows;
    uint32_t n = 0;
    for (uint32_t i = 0; i < view->live_n; i++) late = late || cell_of(&view->live[i], SAT_FIELD_MOVED_LATE) != NULL;
    enum sat_err err = sat_store_changes_of_record(it->satchel->store, view->sid, &view->id, &it->one, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        if (rows[i].state != SAT_CHANGE_DEAD || !is_own(it, rows[i].dot.device)) continue;
        own = true;
        edit = edit || !was_moved(view, rows[i].dot);
    }
    if (own && (late || edit)) tell(it, view, !late);
    return err;
}

/* ---- Looking ---- */

/* This device may not read where the record has gone, and whoever moved it could have brought it there: what such a one
 * never could, is no move to forget anything for. Nor is one to where no admin reads along: nobody else might have the
 * record then, and one member's word is not enough to destroy it everywhere. For the same reason admins and managers
 * keep what they have. */
static bool is_out_of_reach(struct carrying *it, const struct sat_record_view *view)
{
    const struct sat_directory *directory = &it->satchel->directory;
    const struct sat_space_id *to = &view->merged.moved_to;
    const struct carry_land *land = carry_land_by_id(it, to);
    const struct sat_space *space = sat_directory_space(directory, to);
    if (land && land->reads) return false;
    if (!space || space->kind != SAT_SPACE_TERRITORY) return false;
    if (client_is_admin(it->satchel) || client_is_manager(it->satchel)) return false;
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_cell *cell = cell_of(&view->live[i], SAT_FIELD_MOVED);
        if (cell && cell->value.kind == SAT_VALUE_REF && memcmp(cell->value.ref.b, to->b, sizeof to->b) == 0 &&
            sat_directory_last_write(directory, to, view->live[i].dot.device, &view->id, directory->seq))
            return true;
    }
    return false;
}

static bool has_unreadable(const struct sat_record_view *view)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        if (!view->live[i].readable) return true;
    return false;
}

/* What the author of a move had not seen of the space is looked at again. */
static void look_behind(struct carrying *it, struct carry_land *land, const struct sat_source *source)
{
    const struct sat_cell *as_of = cell_of(source, SAT_FIELD_MOVED) ? cell_of(source, SAT_FIELD_AS_OF) : NULL;
    if (!as_of || as_of->value.kind != SAT_VALUE_INT || source->dot.device == client_device(it->satchel)) return;
    uint64_t since = as_of->value.integer < 0 ? 0 : (uint64_t)as_of->value.integer;
    if (since < land->since) land->since = since;
}

/* Is it among those that came? One without a dot stands for all of the record's. */
static bool has_come(const struct carry_come *come, uint32_t n, struct sat_dot dot)
{
    for (uint32_t i = 0; i < n; i++)
        if (!come[i].dot.device || sat_dot_compare(come[i].dot, dot) == 0) return true;
    return false;
}

/* Its bytes go, but for those that no head covers: the server may let go of such, and come with them again, which takes
 * this device to know them. */
static enum sat_err forget(struct carrying *it, const struct carry_land *land, const struct sat_record_view *view)
{
    if (!land->at_head) carry_look_again(it, view->sid, &view->id);
    if (!land->at_head) return SAT_OK;
    it->forgot = true;
    return sat_store_changes_forget(it->satchel->store, view->sid, &view->id);
}

/* n changes of one record that have come. */
static enum sat_err look_at_move(struct carrying *it, const struct carry_come *come, uint32_t n)
{
    struct sat_record_view view;
    struct carry_land *land = carry_land_of(it, come->sid);
    sat_arena_reset(&it->one);
    enum sat_err err = load(it, come->sid, &come->record, &view);
    bool moves = false;
    for (uint32_t i = 0; i < view.live_n && !err; i++) moves = moves || sat_source_moves(&view.live[i]);
    if (!err && !moves && has_unreadable(&view)) carry_look_again(it, view.sid, &view.id);
    if (err || !moves) return err;
    land->moved = it->any_moved = true;
    err = follow_losers(it, &view);
    if (err || !view.merged.moved) return err;
    note_target(it, &view.merged.moved_to);
    for (uint32_t i = 0; i < view.live_n; i++)
        if (has_come(come, n, view.live[i].dot)) look_behind(it, land, &view.live[i]);
    err = carry_rest(it, &view);
    if (!err) err = count_own(it, &view);
    return err || !is_out_of_reach(it, &view) ? err : forget(it, land, &view);
}

/* Is it a record that lost: moved here from somewhere where another move was first? */
static enum sat_err look_elsewhere(struct carrying *it, const struct sat_record_view *here)
{
    int64_t sids[SAT_SPACES_PER_DEVICE_MAX];
    uint32_t n = 0;
    enum sat_err err = sat_store_record_spaces(it->satchel->store, &here->id, sids, SAT_SPACES_PER_DEVICE_MAX, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        struct sat_record_view view;
        if (sids[i] == here->sid || !carry_land_of(it, sids[i])) continue;
        err = load(it, sids[i], &here->id, &view);
        if (!err) err = follow_losers(it, &view);
    }
    return err;
}

static enum sat_err look_at_edit(struct carrying *it, const struct carry_come *come)
{
    struct sat_record_view view;
    sat_arena_reset(&it->one);
    enum sat_err err = load(it, come->sid, &come->record, &view);
    if (err || view.live_n == 0) return err;
    if (view.merged.moved) return carry_rest(it, &view);
    if (has_unreadable(&view)) carry_look_again(it, view.sid, &view.id);
    err = look_elsewhere(it, &view);
    if (!err && client_can_hang(&view)) client_hanging_add(&it->hanging, &view, 0);
    return err;
}

/* What came to a territory while a record was on its way out of it, and was looked at before anybody here knew: so much
 * of it a time, as how far back is the mover's word alone. A walk goes to its end before the next one begins. */
static enum sat_err look_back(struct carrying *it, struct carry_land *land)
{
    uint32_t entries = 0, first = it->come_n;
    enum sat_err err = SAT_OK;
    if (land->back == CARRY_NOWHERE)
        land->back = land->since;
    else if (land->since < land->back && land->since < land->asked)
        land->asked = land->since;
    while (land->back != CARRY_NOWHERE && entries < BACK_ENTRIES && it->come_n - first < BACK_CHANGES && !err) {
        struct sat_arena arena;
        struct sat_entry_row *rows;
        uint32_t n = 0;
        sat_arena_init(&arena);
        err = sat_store_entries(it->satchel->store, land->sid, land->back + 1, PAGE, &arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++)
            if (rows[i].bid) err = add_bundle(it, rows[i].bid);
        entries += n;
        if (n) land->back = rows[n - 1].entry.seq;
        sat_arena_deinit(&arena);
        if (n < PAGE) land->back = land->asked;
        if (n < PAGE) land->asked = CARRY_NOWHERE;
    }
    return err;
}

static enum sat_err where_gone(void *context, int64_t sid, const struct sat_record_id *record, int64_t *to)
{
    struct carrying *it = context;
    bool home;
    sat_arena_reset(&it->one);
    enum sat_err err = follow(it, sid, record, to, &home);
    if (home) *to = 0;
    return err;
}

static void sort_come(struct carrying *it, uint32_t first)
{
    if (it->come_n - first > 1) qsort(it->come + first, it->come_n - first, sizeof *it->come, compare_come);
}

static bool is_same(const struct carry_come *a, const struct carry_come *b)
{
    return a->sid == b->sid && sat_record_equal(&a->record, &b->record);
}

/* Deletions: whether there is any move at all decides how closely the rest is looked at. */
static enum sat_err find_moves(struct carrying *it)
{
    enum sat_err err = find_come(it, true);
    for (uint32_t i = 0; i < it->again_n; i++) add_come(it, &it->again[i]);
    sort_come(it, 0);
    for (uint32_t i = 0, n; i < it->come_n && !err; i += n) {
        for (n = 1; i + n < it->come_n && is_same(&it->come[i], &it->come[i + n]);) n++;
        err = look_at_move(it, &it->come[i], n);
    }
    return err;
}

/* What hangs on something that has gone goes after it. */
static enum sat_err carry_hanging(struct carrying *it)
{
    enum sat_err err = client_hanging_close(&it->hanging, it, where_gone);
    for (uint32_t i = 0; i < it->hanging.n && !err; i++) {
        const struct client_hang *hang = &it->hanging.at[i];
        const struct carry_land *land = carry_land_of(it, hang->sid);
        struct sat_move move = {.record = hang->record, .from = hang->sid, .to = hang->to, .late = true};
        if (hang->to && land->writes) add_move(it, &move);
    }
    return err;
}

/* The rest: what came to where its record is no more. */
static enum sat_err find_late(struct carrying *it)
{
    uint32_t first = it->come_n;
    enum sat_err err = find_come(it, false);
    for (uint32_t i = 0; i < it->again_n; i++) add_come(it, &it->again[i]);
    for (uint32_t i = 0; i < it->lands_n && !err; i++)
        if (it->before && it->lands[i].writes) err = look_back(it, &it->lands[i]);
    sort_come(it, first);
    for (uint32_t i = first; i < it->come_n && !err; i++) {
        bool again = i > first && is_same(&it->come[i - 1], &it->come[i]);
        if (!again) err = look_at_edit(it, &it->come[i]);
    }
    return err ? err : carry_hanging(it);
}

/* ---- The whole ---- */

enum sat_err client_carry_look(struct satchel *satchel, const struct sat_move *moves, uint32_t n)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < n && !err; i++) {
        uint16_t type;
        bool conflict;
        err = client_conflicts_look(satchel, moves[i].from, &moves[i].record, true, false, &type, &conflict);
        if (!err) err = client_conflicts_look(satchel, moves[i].to, &moves[i].record, true, false, &type, &conflict);
    }
    return err ? err : client_conflicts_save(satchel);
}

static enum sat_err carry(struct carrying *it, uint64_t now_ms, uint32_t *written)
{
    enum sat_err err = find_moves(it);
    if (!err && it->any_moved && it->writes_n > 1) err = find_late(it);
    if (!err && it->moves_n) err = sat_author_move(&it->vault, it->moves, it->moves_n, now_ms, written);
    for (uint32_t i = 0; i < it->moves_n && !err; i++)
        if (it->moves[i].err && it->moves[i].err != SAT_ERR_TOO_LARGE) /* that one until somebody writes it anew */
            carry_look_again(it, it->moves[i].from, &it->moves[i].record);
    if (!err && *written) err = client_carry_look(it->satchel, it->moves, it->moves_n);
    return err ? err : carry_save_mark(it);
}

enum sat_err client_carry(struct satchel *satchel, uint64_t now_ms, uint32_t *written)
{
    struct carrying it = {.satchel = satchel, .vault = client_vault(satchel)};
    *written = 0;
    if (satchel->tx) return SAT_OK;
    sat_arena_init(&it.arena);
    sat_arena_init(&it.one);
    sat_buf_init(&it.told);
    sat_buf_init(&it.again_next);
    enum sat_err err = find_lands(&it);
    if (!err) err = carry_load_mark(&it);
    if (!err && (it.mark != it.before || it.again_n || it.goes_back)) {
        err = sat_store_begin(satchel->store);
        if (!err) err = carry(&it, now_ms, written);
        if (!err) err = sat_store_commit(satchel->store);
        if (err) {
            client_explain(satchel, err, &satchel->fault);
            sat_store_rollback(satchel->store);
            satchel->conflicts.known = false;
        }
        if (it.forgot && !err) sat_store_forget_log(satchel->store);
        if (*written) client_touch(satchel);
    }
    free(it.come);
    free(it.moves);
    client_hanging_free(&it.hanging);
    sat_buf_deinit(&it.told);
    sat_buf_deinit(&it.again_next);
    sat_arena_deinit(&it.one);
    sat_arena_deinit(&it.arena);
    return err;
}

enum sat_err client_carry_told(struct satchel *satchel, json_t **out)
{
    struct sat_arena arena;
    struct sat_span told = {0};
    bool found = false;
    json_int_t records = 0, edits = 0;
    sat_arena_init(&arena);
    json_t *json = json_object(), *by_type = json_object();
    enum sat_err err = sat_store_meta_get(satchel->store, CARRY_TOLD, &arena, &told, &found);
    for (size_t at = 0; !err && found && at + TOLD_BYTES <= told.len; at += TOLD_BYTES) {
        struct sat_reader reader;
        sat_reader_init(&reader, sat_span(told.at + at + 24, 3));
        const struct sat_type *type = sat_type_by_number((uint16_t)sat_take_u16(&reader));
        bool edit = sat_take_u8(&reader) != 0;
        *(edit ? &edits : &records) += 1;
        if (edit || !type) continue;
        json_int_t n = json_integer_value(json_object_get(by_type, type->name));
        (void)json_object_set_new(by_type, type->name, json_integer(n + 1));
    }
    (void)json_object_set_new(json, "records", json_integer(records));
    (void)json_object_set_new(json, "edits", json_integer(edits));
    (void)json_object_set_new(json, "by_type", by_type);
    *out = json;
    sat_arena_deinit(&arena);
    return err;
}
