/* Showing one person one field that is masked, and saying so. */
#include <stdlib.h>
#include <string.h>

#include "client/copied.h"
#include "client/disclosures.h"
#include "client/grades.h"
#include "client/locate.h"
#include "client/rows.h"
#include "client/survivor.h"

enum { REASON_BYTES_MAX = 1000 };

struct revealing {
    struct satchel *satchel;
    const struct sat_type *type;
    const struct sat_field *field;
    const char *reason;
    struct sat_record_view view;
    struct sat_arena arena;
};

static enum sat_err find(struct revealing *it, const char *type, const char *id, const char *field)
{
    struct client_place place;
    struct sat_record_id stays;
    struct sat_fault *fault = &it->satchel->fault;
    enum sat_err err = client_locate_named(it->satchel, type, id, &it->arena, &it->type, &place, &it->view);
    if (!err) err = client_survivor(it->satchel, &it->view.id, &it->arena, &stays);
    if (!err && !sat_record_equal(&stays, &it->view.id))
        err = client_locate(it->satchel, &stays, &it->arena, &place, &it->view);
    it->field = err ? NULL : sat_field_by_name(it->type, field);
    if (!err && !it->field) err = sat_fail(fault, SAT_ERR_NOT_FOUND, "%s has no field \"%.80s\"", type, field);
    if (!err && it->reason && strlen(it->reason) > REASON_BYTES_MAX)
        err = sat_fail(fault, SAT_ERR_TOO_LARGE, "a reason has at most %d bytes", REASON_BYTES_MAX);
    return err;
}

static bool names(const json_t *list, const char *name)
{
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one)
    {
        if (strcmp(json_string_value(one), name) == 0) return true;
    }
    return false;
}

static enum sat_err disclose(const struct revealing *it)
{
    bool *types = calloc(sat_types_count(), sizeof *types);
    if (!types) return SAT_ERR_NO_MEMORY;
    for (uint16_t i = 0; i < sat_types_count(); i++) types[i] = sat_type_at(i)->number == it->type->number;
    struct client_disclosing what = {.kind = "reveal",
                                     .format = "",
                                     .types = types,
                                     .records = 1,
                                     .record = &it->view.id,
                                     .field = it->field->name,
                                     .reason = it->reason};
    enum sat_err err = client_disclose(it->satchel, &what);
    free(types);
    if (!err) client_touch(it->satchel);
    return err;
}

static enum sat_err reveal(struct revealing *it, char **out)
{
    struct client_sight sight;
    json_t *fields = client_json_of_record(it->type, &it->view.merged), *masked = json_array();
    json_t *value = json_incref(json_object_get(fields, it->field->name));
    json_decref(fields);
    client_sight_get(it->satchel, &sight);
    client_sight_mask(&sight, &it->view, &it->arena, masked);
    bool hidden = names(masked, it->field->name);
    json_decref(masked);
    enum sat_err err = SAT_OK;
    if (!value)
        err = sat_fail(&it->satchel->fault, SAT_ERR_NOT_FOUND, "there is nothing in %s of this %s", it->field->name,
                       it->type->name);
    if (!err && hidden) err = client_copied_check(it->satchel, it->type, it->field);
    if (!err && hidden) err = disclose(it);
    if (!err)
        *out = client_json_text(json_pack("{s:s, s:o, s:s, s:O, s:b}", "type", it->type->name, "id",
                                          client_json_of_uuid(it->view.id.b), "field", it->field->name, "value", value,
                                          "recorded", hidden));
    json_decref(value);
    return err;
}

int satchel_reveal(struct satchel *satchel, const char *type, const char *id, const char *field, const char *reason,
                   char **json)
{
    struct revealing it = {.satchel = satchel, .reason = reason};
    *json = NULL;
    client_begin(satchel);
    if (client_lease_check(satchel)) return client_end(satchel, SAT_ERR_LOCKED);
    sat_arena_init(&it.arena);
    enum sat_err err = find(&it, type, id, field ? field : "");
    if (!err) err = reveal(&it, json);
    sat_arena_deinit(&it.arena);
    return client_end(satchel, err);
}
