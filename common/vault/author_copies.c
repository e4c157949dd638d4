#include "common/vault/author_copies.h"

#include <string.h>

#include "common/sync/vector.h"
#include "common/sync/void.h"
#include "common/vault/origin.h"
#include "common/vault/types.h"

enum { NOTE_BYTES = 8 + 16 }; /* sid ‖ record; −sid for a cover that went */

enum sat_err sat_copies_is(const struct sat_vault *vault, int64_t sid, const struct sat_body *body, bool *copy)
{
    struct sat_space_row space;
    struct sat_bundle_row row;
    struct sat_origin origin;
    bool found = false;
    *copy = false;
    if (sat_origin_decode(body->origin, &origin)) return SAT_OK;
    enum sat_err err = sat_store_space_get(vault->store, sid, &space);
    *copy = !err && !sat_space_equal(&origin.space, &space.id);
    if (err || *copy) return err;
    err = sat_store_bundle_of_dot(vault->store, origin.dot, &row, &found);
    *copy = !err && found && row.seq && !sat_void_is_row(&row);
    return err;
}

enum sat_err sat_copies_see(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *record,
                            const struct sat_body *body, struct sat_arena *arena, struct sat_header *header)
{
    struct sat_collected_row collected;
    struct sat_dots_builder seen, holes;
    bool copy, found = false;
    enum sat_err err = sat_copies_is(vault, sid, body, &copy);
    if (!err && copy) err = sat_store_collected_get(vault->store, sid, record, &collected, &found);
    if (err || !found) return err;
    sat_dots_begin(&seen, arena);
    sat_dots_add_all(&seen, header->seen);
    sat_dots_add(&seen, collected.deletion);
    sat_dots_begin(&holes, arena);
    for (uint32_t i = 0; i < header->holes.n; i++)
        if (sat_dot_compare(header->holes.at[i], collected.deletion) != 0) sat_dots_add(&holes, header->holes.at[i]);
    header->seen = sat_dots_as_vector(&seen);
    header->holes = sat_dots_as_set(&holes);
    return SAT_OK;
}

void sat_copies_refused(struct sat_buf *notes, int64_t sid, const struct sat_record_id *record)
{
    sat_put_u64(notes, (uint64_t)sid);
    sat_put_bytes(notes, record->b, sizeof record->b);
}

static bool is_noted(const struct sat_buf *notes, int64_t sid, const struct sat_record_id *record)
{
    struct sat_reader reader;
    sat_reader_init(&reader, sat_buf_span(notes));
    while (sat_reader_left(&reader) >= NOTE_BYTES) {
        struct sat_record_id other;
        bool here = (int64_t)sat_take_u64(&reader) == sid;
        sat_take_bytes(&reader, other.b, sizeof other.b);
        if (here && sat_record_equal(&other, record)) return true;
    }
    return false;
}

enum sat_err sat_copies_lack(const struct sat_vault *vault, struct sat_buf *notes, int64_t sid,
                             const struct sat_record_id *record, const struct sat_header *header,
                             const struct sat_body *body, bool *lack)
{
    enum sat_err err = SAT_OK;
    bool moves = false;
    *lack = false;
    for (uint32_t i = 0; i < body->cells_n && !err && !*lack; i++) {
        const struct sat_cell *cell = &body->cells[i];
        struct sat_space_row target;
        struct sat_space_id id;
        bool found;
        if (cell->field != SAT_FIELD_MOVED && cell->field != SAT_FIELD_CARRIED) continue;
        moves = true;
        if (cell->value.kind != SAT_VALUE_REF) continue;
        memcpy(id.b, cell->value.ref.b, sizeof id.b);
        err = sat_store_space_find(vault->store, &id, &target, &found);
        *lack = !err && found && is_noted(notes, target.sid, record);
    }
    *lack = *lack || (moves && header->deletion && is_noted(notes, -sid, record));
    if (*lack) sat_copies_refused(notes, -sid, record);
    return err;
}
