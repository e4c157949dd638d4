#include "client/view/claims.h"

#include <stdlib.h>

#include "client/duties.h"
#include "client/view/database.h"
#include "common/vault/siblings.h"

enum sat_err client_claims_make(sqlite3 *db, struct sat_fault *fault)
{
    static const char sql[] = "CREATE TABLE claimed (type TEXT, id TEXT, territory TEXT, person TEXT, author TEXT,"
                              " at_ms INTEGER, standing TEXT);"
                              "CREATE UNIQUE INDEX \"claimed.id\" ON claimed (id, territory, person, author)";
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

static void bind_id(sqlite3_stmt *statement, int at, const struct sat_record_id *id)
{
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(id->b, text);
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

/* What a change says of whom it claims the record for; NULL: nothing that stands. */
static const struct sat_cell *claim_of(const struct sat_record_view *view, const struct sat_source *source,
                                       uint16_t field)
{
    for (uint32_t i = 0; source->readable && i < source->body.cells_n; i++) {
        const struct sat_cell *cell = &source->body.cells[i];
        if (cell->field == field && !cell->in_set && cell->value.kind == SAT_VALUE_REF)
            return sat_cells_current(view->live, view->live_n, source, cell) ? cell : NULL;
    }
    return NULL;
}

static int compare_receipts(const void *a, const void *b)
{
    const struct sat_claim *x = a, *y = b;
    return sat_source_earlier(x->source, y->source) ? -1 : sat_source_earlier(y->source, x->source);
}

static enum sat_err put_claim(struct client_filling *filling, const struct sat_type *type,
                              const struct sat_record_id *record, const struct sat_claim *claim,
                              const struct sat_record_id *author, const char *standing)
{
    const struct sat_source *source = claim->source;
    enum sat_err err = client_filling_prepare(filling, "INSERT OR IGNORE INTO claimed VALUES (?, ?, ?, ?, ?, ?, ?)",
                                              &filling->put_claim);
    if (err) return err;
    (void)sqlite3_bind_text(filling->put_claim, 1, type->name, -1, SQLITE_STATIC);
    bind_id(filling->put_claim, 2, record);
    (void)sqlite3_bind_text(filling->put_claim, 3, filling->territory, -1, SQLITE_TRANSIENT);
    bind_id(filling->put_claim, 4, &claim->cell->value.ref);
    bind_id(filling->put_claim, 5, author);
    (void)sqlite3_bind_int64(filling->put_claim, 6,
                             (int64_t)(source->recv_ms ? source->recv_ms : source->effective >> 16));
    (void)sqlite3_bind_text(filling->put_claim, 7, standing, -1, SQLITE_STATIC);
    return client_filling_run(filling, filling->put_claim);
}

/* Earliest first: of one person's claims the first counts, and of those for oneself the first of all. */
static enum sat_err put_claims(struct client_filling *filling, const struct sat_type *type,
                               const struct sat_record_view *view, uint16_t field)
{
    struct sat_claim *claims = sat_arena_array(&filling->arena, view->live_n, sizeof *claims);
    size_t claims_n = 0;
    bool taken = false;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_cell *cell = claim_of(view, &view->live[i], field);
        if (cell) claims[claims_n++] = (struct sat_claim){.cell = cell, .source = &view->live[i]};
    }
    if (claims_n > 1) qsort(claims, claims_n, sizeof *claims, compare_receipts);
    for (size_t i = 0; i < claims_n && !err; i++) {
        uint32_t user = client_source_user(filling->satchel, claims[i].source);
        struct sat_record_id author = sat_name_record_user(&filling->satchel->directory.org, user);
        bool own = user && sat_record_equal(&author, &claims[i].cell->value.ref);
        const char *first = claims[i].source->recv_ms ? "confirmed" : "asked";
        err = put_claim(filling, type, &view->id, &claims[i], &author, !own ? "denied" : taken ? "lost" : first);
        taken = taken || own;
    }
    return err;
}

static enum sat_err drop_claims(struct client_filling *filling, int64_t n)
{
    enum sat_err err =
        client_filling_prepare(filling,
                               "DELETE FROM claimed WHERE (id, territory) IN (SELECT r.id, r.territory FROM (SELECT"
                               " rowid AS n, id, territory FROM main.account UNION ALL SELECT rowid, id, territory FROM"
                               " main.lead) AS r WHERE r.n = ?)",
                               &filling->drop_claims);
    if (err) return err;
    (void)sqlite3_bind_int64(filling->drop_claims, 1, n);
    return client_filling_run(filling, filling->drop_claims);
}

enum sat_err client_claims_tell(struct client_filling *filling, const struct sat_type *type, bool archived, int64_t n,
                                const struct sat_record_view *view)
{
    const struct sat_field *field = archived ? NULL : sat_field_by_name(type, "claimed_by");
    if (!field) return SAT_OK;
    return view ? put_claims(filling, type, view, field->number) : drop_claims(filling, n);
}
