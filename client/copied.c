#include "client/copied.h"

#include <stdlib.h>
#include <string.h>

#include "client/disclosures.h"
#include "common/proof/directory_index.h"

struct client_copied {
    struct sat_record_id record;
    const struct sat_type *type;
    const char *fields, *why;
    struct client_copied *next;
};

enum sat_err client_copied_check(struct satchel *satchel, const struct sat_type *type, const struct sat_field *field)
{
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    bool leads = user && (user->role == SAT_ROLE_ADMIN || user->role == SAT_ROLE_MANAGER);
    if (field->grade < SAT_GRADE_G3 || leads) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_DENIED,
                    "%s.%s is restricted (grade G3): managers and admins may reveal it", type->name, field->name);
}

static void note(struct satchel_tx *tx, const struct sat_record_id *record, const struct sat_type *type,
                 const char *fields, const char *why)
{
    struct client_copied *copied = sat_arena_alloc(&tx->arena, sizeof *copied);
    *copied = (struct client_copied){*record, type, fields, why, tx->copied};
    tx->copied = copied;
}

static bool counts(const char *const *only, const char *name)
{
    for (size_t i = 0; only && only[i]; i++)
        if (strcmp(only[i], name) == 0) return true;
    return !only;
}

enum sat_err client_copied_of_record(struct satchel_tx *tx, const struct sat_record_view *view, const char *const *only,
                                     const char *why)
{
    const struct sat_type *type = sat_type_by_number(view->merged.type);
    struct sat_record_view copy = *view;
    struct client_sight sight;
    json_t *masked = json_array(), *name;
    size_t i;
    const char *fields = "";
    enum sat_err err = SAT_OK;
    copy.merged.cells = sat_arena_array(&tx->arena, view->merged.cells_n, sizeof *copy.merged.cells);
    for (uint32_t k = 0; k < view->merged.cells_n; k++) copy.merged.cells[k] = view->merged.cells[k];
    client_sight_get(tx->satchel, &sight);
    client_sight_mask(&sight, &copy, &tx->arena, masked);
    json_array_foreach(masked, i, name)
    {
        const char *text = json_string_value(name);
        if (err || !counts(only, text)) continue;
        err = client_copied_check(tx->satchel, type, sat_field_by_name(type, text));
        fields = sat_arena_format(&tx->arena, "%s%s%s", fields, *fields ? ", " : "", text);
    }
    json_decref(masked);
    if (!err && *fields) note(tx, &view->id, type, fields, why);
    return err;
}

enum sat_err client_copied_value(struct satchel_tx *tx, const struct sat_record_id *record, const struct sat_type *type,
                                 const struct sat_field *field, const struct sat_source *source, const char *why)
{
    struct client_sight sight;
    client_sight_get(tx->satchel, &sight);
    if (!client_sight_hides(&sight, field, source)) return SAT_OK;
    enum sat_err err = client_copied_check(tx->satchel, type, field);
    if (!err) note(tx, record, type, field->name, why);
    return err;
}

enum sat_err client_copied_disclose(const struct satchel_tx *tx)
{
    bool *types = calloc(sat_types_count(), sizeof *types);
    enum sat_err err = types ? SAT_OK : SAT_ERR_NO_MEMORY;
    for (const struct client_copied *copied = tx->copied; copied && !err; copied = copied->next) {
        for (uint16_t i = 0; i < sat_types_count(); i++) types[i] = sat_type_at(i) == copied->type;
        const struct client_disclosing what = {.kind = "reveal",
                                               .format = "",
                                               .types = types,
                                               .records = 1,
                                               .record = &copied->record,
                                               .field = copied->fields,
                                               .reason = copied->why};
        err = client_disclose(tx->satchel, &what);
    }
    free(types);
    return err;
}
