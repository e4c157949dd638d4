#include "client/forgotten.h"

enum sat_err client_forgotten_find(struct satchel *satchel, const struct sat_record_id *record, const int64_t only[2],
                                   struct sat_arena *arena, int64_t *sid)
{
    struct sat_space_row *spaces;
    uint32_t n;
    *sid = 0;
    enum sat_err err = sat_store_spaces(satchel->store, arena, &spaces, &n);
    for (uint32_t i = 0; i < n && !err && !*sid; i++) {
        struct sat_collected_row row;
        bool found;
        if (only && (only[0] || only[1]) && spaces[i].sid != only[0] && spaces[i].sid != only[1]) continue;
        err = sat_store_collected_get(satchel->store, spaces[i].sid, record, &row, &found);
        if (!err && found) *sid = spaces[i].sid;
    }
    return err;
}

enum sat_err client_forgotten_load(struct satchel *satchel, int64_t sid, const struct sat_record_id *record,
                                   struct sat_arena *arena, struct sat_record_view *out)
{
    struct sat_vault vault = client_vault(satchel);
    struct sat_collected_row collected;
    struct sat_bundle_row deletion;
    bool found;
    *out = (struct sat_record_view){.sid = sid, .id = *record};
    enum sat_err err = sat_store_collected_get(satchel->store, sid, record, &collected, &found);
    if (!err && found) err = sat_store_bundle_of_dot(satchel->store, collected.deletion, &deletion, &found);
    if (err || !found) return err;
    /* A deletion keeps what it deletes: with the log up to it, the record is an archived one. */
    return sat_record_load_at(&vault, sid, record, deletion.seq, false, arena, out);
}
