#include "client/grants.h"

#include <string.h>

#include "client/duties.h"
#include "client/grades.h"
#include "client/locate.h"
#include "common/proof/directory_index.h"
#include "common/vault/derived.h"

static void add(struct client_grants *grants, struct sat_span named, struct sat_span right)
{
    bool writes = sat_span_equal(right, sat_span_text("w")) || sat_span_equal(right, sat_span_text("a")) ||
                  sat_span_equal(right, sat_span_text("approve"));
    bool reads = sat_span_equal(right, sat_span_text("r"));
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        if (!sat_span_equal(named, sat_span_text(sat_type_at(i)->name))) continue;
        grants->reads[i] = grants->reads[i] || reads;
        grants->writes[i] = grants->writes[i] || writes;
    }
}

/* "account:r order:w" */
static void add_as_it_comes(struct client_grants *grants, struct sat_span code)
{
    const char *list = "";
    for (size_t i = 0; i < client_roles_n; i++)
        if (sat_span_equal(code, sat_span_text(client_roles[i].code))) list = client_roles[i].grants;
    for (const char *at = list; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " "), name = strcspn(at, ":");
        if (name < n)
            add(grants, sat_span((const uint8_t *)at, name), sat_span((const uint8_t *)at + name + 1, n - name - 1));
        at += n;
    }
}

/* As an admin has it: the role's template; else as it comes. */
static enum sat_err add_role(struct satchel *satchel, struct sat_span code, struct sat_arena *arena,
                             struct client_grants *grants)
{
    const struct sat_type *type = sat_type_by_name("role_template");
    uint16_t field = sat_field_by_name(type, "grants")->number;
    struct sat_cell key = {.field = sat_field_by_name(type, "code")->number,
                           .value = {.kind = SAT_VALUE_TEXT, .text = code}};
    struct sat_record_id id;
    struct sat_record_view view;
    enum sat_err err = sat_record_id_derived(&satchel->directory.org, type, &key, 1, &id);
    if (!err) err = client_locate_in_kind(satchel, SAT_SPACE_ORG, &id, arena, &view);
    if (err) return err;
    if (!view.merged.exists || view.merged.deleted || view.merged.type != type->number) {
        add_as_it_comes(grants, code);
        return SAT_OK;
    }
    for (uint32_t i = 0; i < view.merged.cells_n; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        if (cell->field == field && cell->in_set && cell->value.kind == SAT_VALUE_TEXT)
            add(grants, cell->element, cell->value.text);
    }
    return SAT_OK;
}

enum sat_err client_grants_get(struct satchel *satchel, struct sat_arena *arena, struct client_grants *out)
{
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    uint16_t roles = sat_field_by_name(sat_type_by_name("user"), "roles")->number;
    struct sat_record_view view;
    out->reads = sat_arena_array(arena, sat_types_count(), sizeof *out->reads);
    out->writes = sat_arena_array(arena, sat_types_count(), sizeof *out->writes);
    out->roles = "";
    if (!user || user->role == SAT_ROLE_ADMIN) return SAT_OK; /* who says what roles are for */
    enum sat_err err = client_person_load(satchel, client_user(satchel), arena, &view);
    for (uint32_t i = 0; !err && i < view.merged.cells_n; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        if (cell->field != roles || !cell->in_set || !cell->value.truth) continue;
        const char *code = sat_arena_text(arena, (const char *)cell->element.at, cell->element.len);
        out->roles = sat_arena_format(arena, "%s%s%s", out->roles, *out->roles ? ", " : "", code);
        err = add_role(satchel, cell->element, arena, out);
    }
    return err;
}

enum sat_err client_grants_check(struct satchel *satchel, const struct client_grants *grants,
                                 const struct sat_type *type)
{
    for (uint16_t i = 0; i < sat_types_count(); i++)
        if (sat_type_at(i)->number == type->number && grants->reads[i] && !grants->writes[i])
            return sat_fail(&satchel->fault, SAT_ERR_DENIED,
                            "records of type %s are read, and not written, by who is %.80s (rule M01-1): an admin "
                            "changes what a role"
                            " is there for (role_template.grants), or who has it",
                            type->name, grants->roles);
    return SAT_OK;
}
