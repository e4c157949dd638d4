#include "client/view/beside.h"

#define NOTED "(SELECT id FROM temp.satchel_noted)"

bool client_beside_is(const struct sat_type *type)
{
    for (uint16_t i = 0; i < type->fields_n; i++)
        if (type->fields[i].range->beside) return true;
    return false;
}

/* It is here, archived or not, and not in this row's space. One that cannot be read may be what is meant. */
static void add_condition(sqlite3_str *sql, const struct sat_field *field)
{
    const char *wanted = sat_type_by_number(field->ref_type)->name;
    sqlite3_str_appendf(sql,
                        "(EXISTS (SELECT 1 FROM satchel_here AS h WHERE h.id = r.\"%w\" AND h.type = %Q) AND NOT EXISTS"
                        " (SELECT 1 FROM satchel_here AS h JOIN satchel_here AS o ON o.sid = h.sid WHERE o.n = r.rowid"
                        " AND h.id = r.\"%w\" AND h.type IN ('', %Q)))",
                        field->name, wanted, field->name, wanted);
}

static void add_noted(sqlite3_str *sql, const struct sat_type *type)
{
    sqlite3_str_appendf(sql, " WHERE r.rowid IN (SELECT rowid FROM main.\"%w\" WHERE id IN " NOTED, type->name);
    for (uint16_t i = 0; i < type->fields_n; i++)
        if (type->fields[i].range->beside)
            sqlite3_str_appendf(sql, " UNION SELECT rowid FROM main.\"%w\" WHERE \"%w\" IN " NOTED, type->name,
                                type->fields[i].name);
    sqlite3_str_appendall(sql, ")");
}

static enum sat_err derive_type(sqlite3 *db, const struct sat_type *type, bool noted, struct sat_fault *fault)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    const char *between = "";
    sqlite3_str_appendf(sql, "UPDATE main.\"%w\" AS r SET elsewhere = ", type->name);
    for (uint16_t i = 0; i < type->fields_n; i++) {
        if (!type->fields[i].range->beside) continue;
        sqlite3_str_appendall(sql, between);
        add_condition(sql, &type->fields[i]);
        between = " OR ";
    }
    if (noted) add_noted(sql, type);
    char *text = sqlite3_str_finish(sql);
    if (!text) return SAT_ERR_NO_MEMORY;
    bool done = sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(text);
    return done ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

enum sat_err client_beside_derive(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    for (uint16_t i = 0; i < sat_types_count() && !err; i++)
        if (client_beside_is(sat_type_at(i))) err = derive_type(db, sat_type_at(i), noted, fault);
    return err;
}
