/* From the state that a view was left in to what the store holds now, record by record. */
#include <stdlib.h>
#include <string.h>

#include "client/names.h"
#include "client/view/database.h"
#include "client/view/fill.h"
#include "common/proof/directory_index.h"
#include "common/proof/disclosure.h"
#include "common/sync/copied.h"

/* Where more than half of the records are to be looked at again, all of them are quicker: but not for so few. */
enum { FEW = 2000 };

enum sat_err client_view_look(struct satchel *satchel, struct client_view_mark *out, bool *touched)
{
    *out = (struct client_view_mark){
        .links = satchel->directory.seq, .devices = satchel->directory.devices_n, .own = client_device(satchel)};
    enum sat_err err = sat_derived_now(satchel->store, &out->to, touched);
    if (!err) err = sat_store_key_count(satchel->store, &out->keys);
    if (!err) err = sat_copied_number(satchel->store, &out->draft);
    return err;
}

struct refreshing {
    struct satchel *satchel;
    sqlite3 *db;
    struct client_filling filling;
    struct sat_arena arena;
    struct sat_derived_record *records;
    uint32_t records_n;
    bool anew;
};

static enum sat_err fail(struct refreshing *refreshing)
{
    return client_view_fail(refreshing->db, &refreshing->satchel->fault, SAT_ERR_IO);
}

/* ---- What record by record would not do, or not well ---- */

static enum sat_err count_here(struct refreshing *refreshing, int64_t *n)
{
    sqlite3_stmt *statement = NULL;
    *n = 0;
    int code = sqlite3_prepare_v2(refreshing->db, "SELECT count(*) FROM satchel_here", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *n = sqlite3_column_int64(statement, 0);
    enum sat_err err = code == SQLITE_ROW ? SAT_OK : fail(refreshing);
    (void)sqlite3_finalize(statement);
    return err;
}

static enum sat_err check_number(struct refreshing *refreshing)
{
    int64_t n = 0;
    if (refreshing->records_n <= FEW) return SAT_OK;
    enum sat_err err = count_here(refreshing, &n);
    refreshing->anew = !err && refreshing->records_n > n / 2;
    return err;
}

static bool is_as_named(struct refreshing *refreshing, sqlite3_stmt *row)
{
    struct sat_space_id id;
    const char *name = (const char *)sqlite3_column_text(row, 1);
    if (!name || sqlite3_column_bytes(row, 0) != sizeof id.b) return false;
    memcpy(id.b, sqlite3_column_blob(row, 0), sizeof id.b);
    const struct sat_space *known = sat_directory_space(&refreshing->satchel->directory, &id);
    return (known ? known->kind : CLIENT_KIND_UNKNOWN) == sqlite3_column_int(row, 2) &&
           strcmp(client_space_name(refreshing->satchel, &id, &refreshing->arena), name) == 0;
}

/* Have all spaces whose names are in rows still those? */
static enum sat_err check_names(struct refreshing *refreshing)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(refreshing->db, "SELECT space, name, kind FROM satchel_name", -1, &statement, NULL);
    while (code == SQLITE_OK && !refreshing->anew && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        refreshing->anew = !is_as_named(refreshing, statement);
        code = SQLITE_OK;
    }
    enum sat_err err = refreshing->satchel->unread;
    if (!err && !refreshing->anew && code != SQLITE_DONE) err = fail(refreshing);
    (void)sqlite3_finalize(statement);
    return err;
}

/* Names are records of people, which the directory says of what. */
static enum sat_err names_may_differ(struct refreshing *refreshing, bool *may)
{
    const struct sat_space *people = sat_directory_space_of_kind(&refreshing->satchel->directory, SAT_SPACE_PEOPLE);
    int64_t sid = 0;
    bool found = false;
    *may = false;
    enum sat_err err = people ? sat_store_space_sid(refreshing->satchel->store, &people->id, &sid, &found) : SAT_OK;
    for (uint32_t i = 0; !err && found && i < refreshing->records_n && !*may; i++)
        *may = refreshing->records[i].sid == sid;
    return err;
}

/* ---- Which ones ---- */

static enum sat_err take_row(struct refreshing *refreshing, sqlite3_stmt *row, struct sat_derived_record *out)
{
    const char *id = (const char *)sqlite3_column_text(row, 1);
    out->sid = sqlite3_column_int64(row, 0);
    if (id && !sat_uuid_parse(id, out->record.b)) return SAT_OK;
    return sat_fail(&refreshing->satchel->fault, SAT_ERR_CORRUPT, "the view: an id is none");
}

/* Looks at the records that a statement gives by space and id. It is read to its end first, as looking changes what it
 * reads. */
static enum sat_err look_at_rows(struct refreshing *refreshing, sqlite3_stmt *statement)
{
    struct sat_derived_record *found = NULL;
    size_t n = 0, cap = 0;
    enum sat_err err = SAT_OK;
    int code = SQLITE_DONE;
    while (!err && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (n == cap) {
            cap = cap ? 2 * cap : 64;
            struct sat_derived_record *more = realloc(found, cap * sizeof *found);
            if (!more) err = SAT_ERR_NO_MEMORY;
            if (more) found = more;
        }
        if (!err) err = take_row(refreshing, statement, &found[n++]);
    }
    if (!err && code != SQLITE_DONE) err = fail(refreshing);
    (void)sqlite3_reset(statement);
    for (size_t i = 0; i < n && !err; i++)
        err = client_filling_look(&refreshing->filling, found[i].sid, &found[i].record);
    free(found);
    return err;
}

static enum sat_err look_at_those(struct refreshing *refreshing, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(refreshing->db, sql, -1, &statement, NULL) != SQLITE_OK) return fail(refreshing);
    enum sat_err err = look_at_rows(refreshing, statement);
    (void)sqlite3_finalize(statement);
    return err;
}

/* Steps that count for what people are now. */
#define PASSING_STEPS "SELECT h.sid, h.id FROM satchel_step AS s JOIN satchel_here AS h ON h.n = s.n WHERE s.passing"
#define CLAIMED "SELECT h.sid, h.id FROM claimed AS c JOIN satchel_here AS h ON h.id = c.id"
#define PASSING_BEGUN "SELECT h.sid, h.id FROM satchel_begun AS s JOIN satchel_here AS h ON h.n = s.n WHERE s.passing"
#define PASSING_ASKED "SELECT h.sid, h.id FROM satchel_asked AS s JOIN satchel_here AS h ON h.n = s.n WHERE s.passing"
/* The records whose states may be others, as steps of theirs were looked at. */
#define ABOUTS                                                                                                         \
    "SELECT h.sid, h.id FROM temp.satchel_abouts AS a CROSS JOIN satchel_here AS h ON h.id = a.id WHERE h.archived IS" \
    " NOT NULL AND h.id NOT IN (SELECT id FROM temp.satchel_noted)"

#define PASSING_AMENDMENTS                                                                                             \
    "SELECT h.sid, h.id FROM satchel_amendment AS s JOIN satchel_here AS h ON h.n = s.n WHERE s.passing"
/* The records that amendments are about which were looked at: the columns have again what was submitted. */
#define AMENDED "SELECT h.sid, h.id FROM temp.satchel_amended AS a CROSS JOIN satchel_here AS h ON h.id = a.id"

/* What stands under the ids of devices that are new: what is no disclosure there is nothing. */
static enum sat_err look_at_disclosers(struct refreshing *refreshing, uint32_t first, uint32_t last)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(refreshing->db, "SELECT sid, id FROM satchel_here WHERE id BETWEEN ? AND ?", -1, &statement,
                           NULL) != SQLITE_OK)
        return fail(refreshing);
    enum sat_err err = SAT_OK;
    for (uint32_t device = first; device <= last && !err; device++) {
        struct sat_record_id id = sat_disclosure_record(&refreshing->satchel->directory.org, device, 0);
        char from[SAT_UUID_TEXT_SIZE], to[SAT_UUID_TEXT_SIZE];
        memset(id.b + SAT_DISCLOSURE_PREFIX, 0, sizeof id.b - SAT_DISCLOSURE_PREFIX);
        sat_uuid_format(id.b, from);
        memset(id.b + SAT_DISCLOSURE_PREFIX, 0xff, sizeof id.b - SAT_DISCLOSURE_PREFIX);
        sat_uuid_format(id.b, to);
        (void)sqlite3_bind_text(statement, 1, from, -1, SQLITE_TRANSIENT);
        (void)sqlite3_bind_text(statement, 2, to, -1, SQLITE_TRANSIENT);
        err = look_at_rows(refreshing, statement);
    }
    (void)sqlite3_finalize(statement);
    return err;
}

/* ---- All of it ---- */

static enum sat_err look_at_all(struct refreshing *refreshing, const struct client_view_mark *then,
                                const struct client_view_mark *now)
{
    bool opens = now->keys != then->keys || now->links != then->links;
    enum sat_err err = client_view_begin_noting(refreshing->db, &refreshing->satchel->fault);
    for (uint32_t i = 0; i < refreshing->records_n && !err; i++)
        err = client_filling_look(&refreshing->filling, refreshing->records[i].sid, &refreshing->records[i].record);
    if (!err && opens) err = look_at_those(refreshing, "SELECT sid, id FROM satchel_here WHERE unread");
    if (!err && now->links != then->links) err = look_at_those(refreshing, PASSING_STEPS);
    if (!err && now->links != then->links) err = look_at_those(refreshing, PASSING_ASKED);
    if (!err && now->links != then->links) err = look_at_those(refreshing, PASSING_AMENDMENTS);
    if (!err && now->links != then->links) err = look_at_those(refreshing, PASSING_BEGUN);
    if (!err && now->links != then->links) err = look_at_those(refreshing, CLAIMED);
    if (!err && now->devices > then->devices) err = look_at_disclosers(refreshing, then->devices + 1, now->devices);
    if (!err) err = look_at_those(refreshing, AMENDED);
    if (!err) err = look_at_those(refreshing, ABOUTS);
    if (!err) err = client_view_derive_noted(refreshing->db, &refreshing->satchel->fault);
    return err ? err : client_filling_hide(&refreshing->filling);
}

static enum sat_err refresh(struct refreshing *refreshing, const struct client_view_mark *then,
                            const struct client_view_mark *now)
{
    bool names = now->keys != then->keys || now->links != then->links;
    refreshing->anew =
        now->own != then->own || now->draft != then->draft || now->links < then->links || now->devices < then->devices;
    if (refreshing->anew) return SAT_OK;
    enum sat_err err = sat_derived_since(refreshing->satchel->store, &then->to, &refreshing->arena,
                                         &refreshing->records, &refreshing->records_n);
    if (!err) err = check_number(refreshing);
    if (!err && !refreshing->anew && !names) err = names_may_differ(refreshing, &names);
    if (!err && !refreshing->anew && names) err = check_names(refreshing);
    return err || refreshing->anew ? err : look_at_all(refreshing, then, now);
}

enum sat_err client_view_refresh(struct satchel *satchel, sqlite3 *db, const struct client_view_mark *then,
                                 const struct client_view_mark *now, bool *anew)
{
    struct refreshing refreshing = {.satchel = satchel, .db = db};
    sat_arena_init(&refreshing.arena);
    client_filling_begin(&refreshing.filling, satchel, db);
    enum sat_err err = refresh(&refreshing, then, now);
    client_filling_end(&refreshing.filling);
    sat_arena_deinit(&refreshing.arena);
    *anew = refreshing.anew;
    return err;
}
