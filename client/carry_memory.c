#include "client/carry_memory.h"

#include <string.h>

#include "common/sync/rewind.h"

enum { AGAIN_MAX = 1000, AGAIN_BYTES = 8 + 16 };

static const char REWINDS[] = "moved_rewinds", MARK[] = "moved_mark", SPACES[] = "moved_spaces",
                  AGAIN[] = "moved_again", BACK[] = "moved_back";

struct carry_land *carry_land_of(struct carrying *it, int64_t sid)
{
    for (uint32_t i = 0; i < it->lands_n; i++)
        if (it->lands[i].sid == sid) return &it->lands[i];
    return NULL;
}

struct carry_land *carry_land_by_id(struct carrying *it, const struct sat_space_id *id)
{
    for (uint32_t i = 0; i < it->lands_n; i++)
        if (sat_space_equal(&it->lands[i].id, id)) return &it->lands[i];
    return NULL;
}

/* Territories as they were when it was looked last: n × (space16 ‖ u8 rights ‖ u8 flags). */
enum { REMEMBERED_BYTES = 16 + 1 + 1, FROM_HERE = 1, TO_HERE = 2 };

/* One that is lost takes bundles away with it, whose numbers others may get. One that is new, or more of one, matters
 * where something has moved from there or to there. */
static bool must_look_again(struct carrying *it, struct sat_span remembered)
{
    struct sat_reader reader;
    sat_reader_init(&reader, remembered);
    bool again = false;
    it->elsewhere = sat_arena_array(&it->arena, remembered.len / REMEMBERED_BYTES, sizeof *it->elsewhere);
    while (sat_reader_left(&reader) >= REMEMBERED_BYTES) {
        struct sat_space_id id;
        sat_take_bytes(&reader, id.b, sizeof id.b);
        uint8_t rights = sat_take_u8(&reader), flags = sat_take_u8(&reader);
        struct carry_land *land = carry_land_by_id(it, &id);
        uint8_t now = land ? land->rights : 0;
        again = again || (rights & ~now) || (flags && now != rights);
        if (!land && (flags & TO_HERE)) it->elsewhere[it->elsewhere_n++] = id;
        if (land) land->moved = flags & FROM_HERE;
        if (land) land->sought = flags & TO_HERE;
    }
    return again;
}

static void read_again(struct carrying *it, struct sat_span bytes)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    it->again = sat_arena_array(&it->arena, bytes.len / AGAIN_BYTES, sizeof *it->again);
    while (sat_reader_left(&reader) >= AGAIN_BYTES) {
        struct carry_come *come = &it->again[it->again_n];
        *come = (struct carry_come){.sid = (int64_t)sat_take_u64(&reader)};
        sat_take_bytes(&reader, come->record.b, sizeof come->record.b);
        if (carry_land_of(it, come->sid)) it->again_n++;
    }
}

void carry_look_again(struct carrying *it, int64_t sid, const struct sat_record_id *record)
{
    struct sat_buf *next = &it->again_next;
    size_t end = next->len;
    sat_put_u64(next, (uint64_t)sid);
    sat_put_bytes(next, record->b, sizeof record->b);
    for (size_t at = 0; at < end; at += AGAIN_BYTES)
        if (memcmp(next->at + at, next->at + end, AGAIN_BYTES) == 0) next->len = end; /* once is enough */
    if (next->len > (size_t)AGAIN_MAX * AGAIN_BYTES) {
        next->len = end;
        it->too_many = true;
    }
}

/* How far it has been looked back: n × (space16 ‖ u64 back ‖ u64 asked). */
static void read_back(struct carrying *it, struct sat_span bytes)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    while (sat_reader_left(&reader) >= 16 + 8 + 8) {
        struct sat_space_id id;
        sat_take_bytes(&reader, id.b, sizeof id.b);
        uint64_t back = sat_take_u64(&reader), asked = sat_take_u64(&reader);
        struct carry_land *land = carry_land_by_id(it, &id);
        if (!land || !land->writes || it->before == 0) continue; /* then all is looked at anyway */
        land->back = back;
        land->asked = asked;
        it->goes_back = true;
    }
}

enum sat_err carry_load_mark(struct carrying *it)
{
    struct sat_span spaces = {0}, told = {0}, again = {0}, back = {0};
    struct sat_store *store = it->satchel->store;
    bool has_spaces = false, has_told = false, has_again = false, has_back = false;
    int64_t newest = 0;
    uint64_t rewinds = 0;
    enum sat_err err = sat_store_meta_get_u64(store, MARK, 0, &it->before);
    if (!err) err = sat_store_meta_get_u64(store, REWINDS, 0, &rewinds);
    if (!err) err = sat_store_meta_get_u64(store, SAT_REWINDS_KEY, 0, &it->rewinds);
    if (!err) err = sat_store_bundle_newest(store, &newest);
    it->mark = (uint64_t)newest;
    if (!err) err = sat_store_meta_get(store, SPACES, &it->arena, &spaces, &has_spaces);
    if (!err) err = sat_store_meta_get(store, CARRY_TOLD, &it->arena, &told, &has_told);
    if (!err) err = sat_store_meta_get(store, AGAIN, &it->arena, &again, &has_again);
    if (!err) err = sat_store_meta_get(store, BACK, &it->arena, &back, &has_back);
    if (err) return err;
    if (has_told) sat_put_bytes(&it->told, told.at, told.len);
    if (has_again) read_again(it, again);
    if (!has_spaces || must_look_again(it, spaces) || it->mark < it->before || it->rewinds != rewinds) it->before = 0;
    if (has_back) read_back(it, back);
    it->had_back = has_back && back.len;
    for (uint32_t i = 0; i < it->lands_n; i++) {
        if (it->before == 0) it->lands[i].moved = it->lands[i].sought = false;
        it->any_moved = it->any_moved || it->lands[i].moved;
    }
    return SAT_OK;
}

static enum sat_err save_back(struct carrying *it)
{
    struct sat_buf back;
    sat_buf_init(&back);
    for (uint32_t i = 0; i < it->lands_n; i++) {
        const struct carry_land *land = &it->lands[i];
        if (land->back == CARRY_NOWHERE) continue;
        sat_put_bytes(&back, land->id.b, sizeof land->id.b);
        sat_put_u64(&back, land->back);
        sat_put_u64(&back, land->asked);
    }
    enum sat_err err = SAT_OK;
    if (back.len || it->had_back) err = sat_store_meta_put(it->satchel->store, BACK, sat_buf_span(&back));
    sat_buf_deinit(&back);
    return err;
}

enum sat_err carry_save_mark(struct carrying *it)
{
    struct sat_store *store = it->satchel->store;
    struct sat_buf spaces;
    sat_buf_init(&spaces);
    for (uint32_t i = 0; i < it->lands_n; i++) {
        const struct carry_land *land = &it->lands[i];
        sat_put_bytes(&spaces, land->id.b, sizeof land->id.b);
        sat_put_u8(&spaces, land->rights);
        sat_put_u8(&spaces, (uint8_t)((land->moved ? FROM_HERE : 0) | (land->sought ? TO_HERE : 0)));
    }
    for (uint32_t i = 0; i < it->elsewhere_n; i++) { /* what this device may use one day */
        sat_put_bytes(&spaces, it->elsewhere[i].b, sizeof it->elsewhere[i].b);
        sat_put_u8(&spaces, 0);
        sat_put_u8(&spaces, TO_HERE);
    }
    enum sat_err err = sat_store_meta_put_u64(store, MARK, it->too_many ? it->before : it->mark);
    if (!err) err = save_back(it);
    if (!err) err = sat_store_meta_put_u64(store, REWINDS, it->rewinds);
    if (!err) err = sat_store_meta_put(store, SPACES, sat_buf_span(&spaces));
    if (!err && (it->again_n || it->again_next.len))
        err = sat_store_meta_put(store, AGAIN, sat_buf_span(&it->again_next));
    if (!err && it->told_changed) err = sat_store_meta_put(store, CARRY_TOLD, sat_buf_span(&it->told));
    sat_buf_deinit(&spaces);
    return err;
}
