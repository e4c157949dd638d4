#include "client/conflicts.h"

#include "common/proof/hash.h"

enum { ITEM_BYTES = 8 + 16 };

static const char KEY[] = "conflicts";

static void set(struct satchel *satchel, int64_t sid, const struct sat_record_id *record, bool in)
{
    client_record_list_set(&satchel->conflicts.list, &(struct client_listed){.sid = sid, .record = *record}, in);
}

void client_conflicts_free(struct client_conflicts *conflicts)
{
    client_record_list_free(&conflicts->list);
    conflicts->known = false;
}

/* ---- The list at rest: mark32 ‖ n × (u64 sid ‖ record16) ---- */

/* What the list was made from: how far every log had been applied, the last own counter, and how many keys there were,
 * as one more may open what could not be read. */
static enum sat_err mark_of(struct satchel *satchel, struct sat_hash *mark)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_space_row *rows;
    uint32_t n = 0;
    uint64_t counter = 0, keys = 0;
    enum sat_err err = sat_store_spaces(satchel->store, &arena, &rows, &n);
    if (!err) err = sat_store_meta_get_u64(satchel->store, "counter", 0, &counter);
    if (!err) err = sat_store_key_count(satchel->store, &keys);
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "conflicts");
    sat_hash_add_u64(&hasher, counter);
    sat_hash_add_u64(&hasher, keys);
    for (uint32_t i = 0; i < n && !err; i++) {
        sat_hash_add(&hasher, rows[i].id.b, sizeof rows[i].id.b);
        sat_hash_add_u64(&hasher, rows[i].log.size);
    }
    *mark = sat_hash_end(&hasher);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_conflicts_save(struct satchel *satchel)
{
    if (!satchel->conflicts.known) return SAT_OK; /* then the stored one is outdated, and its mark says so */
    struct sat_hash mark;
    enum sat_err err = mark_of(satchel, &mark);
    if (err) return err;
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_put_bytes(&buf, mark.b, sizeof mark.b);
    for (uint32_t i = 0; i < satchel->conflicts.list.n; i++) {
        sat_put_u64(&buf, (uint64_t)satchel->conflicts.list.at[i].sid);
        sat_put_bytes(&buf, satchel->conflicts.list.at[i].record.b, sizeof satchel->conflicts.list.at[i].record.b);
    }
    bool own = !sat_store_in_transaction(satchel->store);
    if (own) err = sat_store_begin(satchel->store);
    if (!err) err = sat_store_meta_put(satchel->store, KEY, sat_buf_span(&buf));
    if (!err && own) err = sat_store_commit(satchel->store);
    if (err && own) sat_store_rollback(satchel->store);
    sat_buf_deinit(&buf);
    return err;
}

/* Takes the stored list if it is of this state. */
static enum sat_err load(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_span stored = {0};
    struct sat_hash mark, now;
    bool found = false;
    enum sat_err err = sat_store_meta_get(satchel->store, KEY, &arena, &stored, &found);
    if (!err) err = mark_of(satchel, &now);
    if (!err && found) {
        struct sat_reader reader;
        sat_reader_init(&reader, stored);
        sat_take_bytes(&reader, mark.b, sizeof mark.b);
        bool fresh = sat_hash_equal(&mark, &now) && sat_reader_left(&reader) % ITEM_BYTES == 0;
        while (fresh && sat_reader_left(&reader) >= ITEM_BYTES) {
            struct sat_record_id record;
            int64_t sid = (int64_t)sat_take_u64(&reader);
            sat_take_bytes(&reader, record.b, sizeof record.b);
            set(satchel, sid, &record, true);
        }
        satchel->conflicts.known = fresh;
    }
    sat_arena_deinit(&arena);
    return err;
}

/* ---- Looking ---- */

static enum sat_err look(struct satchel *satchel, int64_t sid, const struct sat_record_id *record, uint16_t *type,
                         bool *conflict)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_vault vault = client_vault(satchel);
    struct sat_record_view view;
    enum sat_err err = sat_record_load(&vault, sid, record, &arena, &view);
    if (!err) {
        *type = view.merged.exists ? view.merged.type : 0;
        *conflict = view.merged.conflicts > 0;
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err look_and_set(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct satchel *satchel = context;
    uint16_t type;
    bool conflict = false;
    enum sat_err err = look(satchel, sid, record, &type, &conflict);
    if (!err) set(satchel, sid, record, conflict);
    return err;
}

enum sat_err client_conflicts_known(struct satchel *satchel)
{
    if (satchel->conflicts.known) return SAT_OK;
    client_conflicts_free(&satchel->conflicts);
    enum sat_err err = load(satchel);
    if (err || satchel->conflicts.known) return err;
    client_conflicts_free(&satchel->conflicts);
    err = sat_store_each_record(satchel->store, look_and_set, satchel);
    satchel->conflicts.known = !err;
    if (!err) err = client_conflicts_save(satchel);
    return err;
}

/* A conflict takes two changes that are live together. */
static enum sat_err may_conflict(struct satchel *satchel, int64_t sid, const struct sat_record_id *record, bool *may)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_change_row *rows;
    struct sat_draft_row *drafts;
    uint32_t live = 0, own = 0;
    uint64_t bundles = 0, pending = 0;
    enum sat_err err = sat_store_changes_live(satchel->store, sid, record, &arena, &rows, &live);
    if (!err) err = sat_store_drafts_of_record(satchel->store, sid, record, &arena, &drafts, &own);
    if (!err) err = sat_store_pending_count(satchel->store, &bundles, &pending);
    *may = live > 1 || own > 0 || pending > 0;
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_conflicts_look(struct satchel *satchel, int64_t sid, const struct sat_record_id *record, bool tell,
                                   bool alone, uint16_t *type, bool *conflict)
{
    bool open = tell;
    *type = 0;
    *conflict = false;
    enum sat_err err = tell || alone ? SAT_OK : may_conflict(satchel, sid, record, &open);
    if (!err && open) err = look(satchel, sid, record, type, conflict);
    if (err)
        satchel->conflicts.known = false;
    else if (satchel->conflicts.known)
        set(satchel, sid, record, *conflict);
    return err;
}

enum sat_err client_conflicts_count(struct satchel *satchel, uint32_t *n)
{
    enum sat_err err = client_conflicts_known(satchel);
    *n = err ? 0 : satchel->conflicts.list.n;
    return err;
}
