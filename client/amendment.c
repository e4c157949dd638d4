#include "client/amendment.h"

#include <string.h>

#include "client/json.h"
#include "client/locate.h"

/* ---- What it says ---- */

static const struct sat_merged *cell_of(const struct sat_merged_record *merged, const char *field)
{
    uint16_t number = sat_field_by_name(sat_type_by_name("amendment"), field)->number;
    return sat_merged_cell(merged, number, (struct sat_span){0});
}

/* Whoever writes in the territory can write into somebody else's amendment, and before it by a clock of his own, and
 * bring back what its author took back: what several wrote is nobody's word. */
static void take_authors(const struct satchel *satchel, const struct sat_merged *const *cells, size_t n,
                         struct client_amendment *out)
{
    out->user = client_source_user(satchel, cells[0]->source);
    out->role = cells[0]->source->role;
    for (size_t i = 0; i < n; i++) {
        const struct sat_source *source = cells[i] ? cells[i]->source : NULL;
        if (!source) continue;
        if (client_source_user(satchel, source) != out->user || source->role != out->role) out->user = 0;
        if (source->effective > out->effective) out->effective = source->effective;
        out->passing = out->passing || source->pending || sat_source_author(source) != source->dot.device;
    }
    if (!out->user) out->role = 0;
}

bool client_amendment_read(const struct satchel *satchel, const struct sat_merged_record *merged,
                           struct sat_arena *arena, struct client_amendment *out)
{
    const struct sat_merged *about = cell_of(merged, "about"), *field = cell_of(merged, "field");
    const struct sat_merged *to = cell_of(merged, "new_value");
    *out = (struct client_amendment){0};
    if (!about || about->value.kind != SAT_VALUE_REF || !field || field->value.kind != SAT_VALUE_TEXT) return false;
    out->about = &about->value.ref;
    out->field = sat_arena_text(arena, (const char *)field->value.text.at, field->value.text.len);
    if (to && to->value.kind == SAT_VALUE_TEXT) out->to = to->value.text;
    if (to && to->value.kind == SAT_VALUE_TEXT && !out->to.at) out->to = sat_span_text("");
    const struct sat_merged *back = sat_merged_cell(merged, SAT_FIELD_DELETED, (struct sat_span){0});
    const struct sat_merged *const cells[] = {about, field, to, merged->deleted ? NULL : back};
    if (about->source) take_authors(satchel, cells, sizeof cells / sizeof cells[0], out);
    return true;
}

/* ---- What a field takes ---- */

bool client_is_amended(const struct sat_field *field)
{
    return sat_rule(field->each)->later == SAT_LATER_AMENDMENT;
}

const struct sat_field *client_amended_field(const struct sat_type *type, const char *named, struct sat_arena *arena)
{
    const char *dot = strchr(named, '.');
    const struct sat_field *field =
        sat_field_by_name(type, dot ? sat_arena_text(arena, named, (size_t)(dot - named)) : named);
    if (!field || !type->submits || type->home != SAT_HOME_TERRITORY || !client_is_amended(field)) return NULL;
    bool keyed = dot && dot[1], map = sat_rule(field->rule)->form == SAT_FORM_MAP;
    return (map ? keyed : !dot) ? field : NULL;
}

/* As JSON has a value of the field; NULL: it is no such value. Texts are as they are, and of anything else the one form
 * that satchel_amend() writes is good: "10", and neither "010" nor " 10". */
static char *json_of(const struct sat_field *field, struct sat_span text)
{
    bool bare = field->kind == SAT_KIND_INT || field->kind == SAT_KIND_MONEY || field->kind == SAT_KIND_BOOL;
    json_t *value = bare ? json_loadb((const char *)text.at, text.len, JSON_DECODE_ANY, NULL)
                         : json_stringn((const char *)text.at, text.len);
    char *json = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    bool exact = json && (!bare || sat_span_equal(sat_span_text(json), text));
    json_decref(value);
    if (exact) return json;
    satchel_free(json);
    return NULL;
}

bool client_amendment_fits(const struct client_amendment *amendment, const struct sat_type *type,
                           struct sat_arena *arena)
{
    const struct sat_field *field = client_amended_field(type, amendment->field, arena);
    struct sat_value value = {0};
    struct sat_fault unsaid = {0};
    char canonical[SAT_UUID_TEXT_SIZE];
    if (!field) return false;
    if (!amendment->to.at) return true;
    char *json = json_of(field, amendment->to);
    bool fits = json && !client_json_value(type, field, json, arena, &value, &unsaid);
    satchel_free(json);
    if (fits && value.kind == SAT_VALUE_TEXT && field->range->words)
        return sat_word_known(field->range->words, value.text);
    if (!fits || value.kind != SAT_VALUE_REF) return fits && value.kind != SAT_VALUE_NIL;
    sat_uuid_format(value.ref.b, canonical);
    return sat_span_equal(sat_span_text(canonical), amendment->to);
}

/* ---- Taking back ---- */

enum sat_err client_amendment_check_back(struct satchel *satchel, const struct sat_record_id *record,
                                         struct sat_arena *arena)
{
    struct client_place place = {0}, at = {0};
    struct sat_record_view view, of;
    struct client_amendment said;
    uint32_t duties;
    enum sat_err err = client_locate(satchel, record, arena, &place, &view);
    if (err || !place.here || place.type != sat_type_by_name("amendment")->number ||
        !client_amendment_read(satchel, &view.merged, arena, &said))
        return err;
    err = client_locate(satchel, said.about, arena, &at, &of);
    if (!err) err = client_duties_own(satchel, arena, &duties);
    const struct sat_type *type = err || !at.here ? NULL : sat_type_by_number(at.type);
    const struct sat_field *field = type ? client_amended_field(type, said.field, arena) : NULL;
    if (!field || (duties & sat_field_amenders(field))) return err;
    return sat_fail(&satchel->fault, SAT_ERR_DENIED, "%s of a %s is amended, and taken back, by %s", field->name,
                    type->name, client_duties_told(sat_field_amenders(field), arena));
}
