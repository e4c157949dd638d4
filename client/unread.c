#include "client/unread.h"

#include "common/proof/hash.h"
#include "common/sync/rewind.h"
#include "common/vault/types.h"

enum { ITEM_BYTES = 8 + 16 + 4 + 4, CHANGES_AT_ONCE = 1000 };

static const char KEY[] = "unread";

struct list {
    struct satchel *satchel;
    struct client_record_list records; /* of which something cannot be read */
    int64_t upto;                      /* the newest bundle that was looked at */
};

/* ---- What cannot be read of a change ---- */

static bool is_known_cell(const struct sat_type *type, const struct sat_cell *cell)
{
    return cell->field == SAT_FIELD_DELETED || cell->field >= SAT_FIELD_RESERVED ||
           sat_field_by_number(type, cell->field) != NULL;
}

static bool look_at_source(const struct sat_source *source, struct client_unread *out)
{
    *out = (struct client_unread){.source = source, .why = source->why};
    if (!source->readable) {
        if (source->why == SAT_ERR_UPGRADE_NEEDED) out->unknown = "form";
        return true;
    }
    const struct sat_type *type = sat_type_by_number(source->body.type);
    out->why = SAT_ERR_UPGRADE_NEEDED;
    if (!type) {
        out->unknown = "type";
        out->number = source->body.type;
        return true;
    }
    for (uint32_t i = 0; i < source->body.cells_n; i++) {
        const struct sat_cell *cell = &source->body.cells[i];
        bool known = is_known_cell(type, cell);
        if (known && cell->value.kind != SAT_VALUE_OTHER) continue;
        out->unknown = known ? "value" : "field";
        out->number = cell->field;
        return true;
    }
    return false;
}

/* ---- The list ---- */

static void set(struct list *list, const struct client_listed *item)
{
    client_record_list_set(&list->records, item, item->unreadable || item->later);
}

static enum sat_err look(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct list *list = context;
    struct sat_vault vault = client_vault(list->satchel);
    struct client_listed item = {.sid = sid, .record = *record};
    struct sat_record_view view;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = sat_record_load(&vault, sid, record, &arena, &view);
    for (uint32_t i = 0; !err && i < view.live_n; i++) {
        struct client_unread unread;
        if (!look_at_source(&view.live[i], &unread)) continue;
        if (unread.why == SAT_ERR_UPGRADE_NEEDED)
            item.later++;
        else
            item.unreadable++;
    }
    if (!err) set(list, &item);
    sat_arena_deinit(&arena);
    return err;
}

/* What has come since, and what was in the list: a key may be here now, or what was in the way be replaced. */
static enum sat_err look_at_what_is_new(struct list *list, int64_t newest)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    struct client_listed *known = sat_arena_copy(&arena, list->records.at, list->records.n * sizeof *known);
    uint32_t n = list->records.n;
    for (uint32_t i = 0; i < n && !err; i++) err = look(list, known[i].sid, &known[i].record);
    int64_t cid = (list->upto + 1) << 10;
    for (n = CHANGES_AT_ONCE; !err && n == CHANGES_AT_ONCE;) {
        struct sat_change_row *rows;
        sat_arena_reset(&arena);
        err = sat_store_changes_from(list->satchel->store, cid, newest, false, CHANGES_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) err = look(list, rows[i].sid, &rows[i].record);
        if (!err && n) cid = rows[n - 1].cid + 1;
    }
    sat_arena_deinit(&arena);
    return err;
}

/* ---- The list at rest: build32 ‖ mark32 ‖ u64 upto ‖ n × (u64 sid ‖ record16 ‖ u32 unreadable ‖ u32 later) ---- */

/* What this program knows: a later one looks at everything anew. */
static struct sat_hash build(void)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "known types");
    sat_hash_add_u64(&hasher, SAT_SCHEMA_VERSION);
    for (uint16_t t = 0; t < sat_types_count(); t++) {
        const struct sat_type *type = sat_type_at(t);
        sat_hash_add_u64(&hasher, type->number);
        sat_hash_add_u64(&hasher, type->fields_n);
        for (uint16_t f = 0; f < type->fields_n; f++) sat_hash_add_u64(&hasher, type->fields[f].number);
    }
    return sat_hash_end(&hasher);
}

/* What the list was made from; it need not be looked at again while this is the same. */
static enum sat_err mark_of(struct satchel *satchel, struct sat_hash *mark)
{
    struct sat_arena arena;
    struct sat_space_row *rows;
    uint32_t n = 0;
    uint64_t counter = 0, keys = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_spaces(satchel->store, &arena, &rows, &n);
    if (!err) err = sat_store_meta_get_u64(satchel->store, "counter", 0, &counter);
    if (!err) err = sat_store_key_count(satchel->store, &keys);
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "unread");
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

/* After a rewind a bundle's number may be another one's: then nothing that was looked at counts. */
static enum sat_err base_of(struct satchel *satchel, struct sat_hash *base)
{
    uint64_t rewinds;
    enum sat_err err = sat_store_meta_get_u64(satchel->store, SAT_REWINDS_KEY, 0, &rewinds);
    struct sat_hash known = build();
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "unread base");
    sat_hash_add(&hasher, known.b, sizeof known.b);
    sat_hash_add_u64(&hasher, err ? 0 : rewinds);
    *base = sat_hash_end(&hasher);
    return err;
}

/* False: there is none, or one of another program's. */
static bool take_stored(struct list *list, struct sat_span stored, const struct sat_hash *base, struct sat_hash *mark)
{
    struct sat_reader in;
    struct sat_hash was;
    if (stored.len < sizeof was.b + sizeof mark->b + sizeof(uint64_t)) return false;
    sat_reader_init(&in, stored);
    sat_take_bytes(&in, was.b, sizeof was.b);
    sat_take_bytes(&in, mark->b, sizeof mark->b);
    list->upto = (int64_t)sat_take_u64(&in);
    if (!sat_hash_equal(&was, base) || sat_reader_left(&in) % ITEM_BYTES) return false;
    while (sat_reader_left(&in) >= ITEM_BYTES) {
        struct client_listed item = {.sid = (int64_t)sat_take_u64(&in)};
        sat_take_bytes(&in, item.record.b, sizeof item.record.b);
        item.unreadable = sat_take_u32(&in);
        item.later = sat_take_u32(&in);
        set(list, &item);
    }
    return true;
}

static enum sat_err save(const struct list *list, const struct sat_hash *base, const struct sat_hash *mark)
{
    struct sat_store *store = list->satchel->store;
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_put_bytes(&buf, base->b, sizeof base->b);
    sat_put_bytes(&buf, mark->b, sizeof mark->b);
    sat_put_u64(&buf, (uint64_t)list->upto);
    for (uint32_t i = 0; i < list->records.n; i++) {
        sat_put_u64(&buf, (uint64_t)list->records.at[i].sid);
        sat_put_bytes(&buf, list->records.at[i].record.b, sizeof list->records.at[i].record.b);
        sat_put_u32(&buf, list->records.at[i].unreadable);
        sat_put_u32(&buf, list->records.at[i].later);
    }
    bool own = !sat_store_in_transaction(store);
    enum sat_err err = own ? sat_store_begin(store) : SAT_OK;
    if (!err) err = sat_store_meta_put(store, KEY, sat_buf_span(&buf));
    if (!err && own) err = sat_store_commit(store);
    if (err && own) sat_store_rollback(store);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err bring_up_to_date(struct list *list)
{
    struct sat_store *store = list->satchel->store;
    struct sat_arena arena;
    struct sat_span stored = {0};
    struct sat_hash base, mark = {{0}}, now;
    int64_t newest = 0;
    bool found = false;
    sat_arena_init(&arena);
    enum sat_err err = base_of(list->satchel, &base);
    if (!err) err = mark_of(list->satchel, &now);
    if (!err) err = sat_store_bundle_newest(store, &newest);
    if (!err) err = sat_store_meta_get(store, KEY, &arena, &stored, &found);
    bool begun = !err && found && take_stored(list, stored, &base, &mark);
    sat_arena_deinit(&arena);
    if (err || (begun && sat_hash_equal(&mark, &now))) return err;
    err = begun ? look_at_what_is_new(list, newest) : sat_store_each_record(store, look, list);
    list->upto = newest;
    return err ? err : save(list, &base, &now);
}

enum sat_err client_unread_count(struct satchel *satchel, struct client_unread_counts *out)
{
    struct list list = {.satchel = satchel};
    *out = (struct client_unread_counts){0};
    enum sat_err err = bring_up_to_date(&list);
    for (uint32_t i = 0; i < list.records.n; i++) {
        out->unreadable += list.records.at[i].unreadable;
        out->later += list.records.at[i].later;
    }
    client_record_list_free(&list.records);
    return err;
}

enum sat_err client_unread_each(struct satchel *satchel,
                                bool (*each)(void *context, const struct client_unread *unread,
                                             struct sat_arena *arena),
                                void *context)
{
    struct list list = {.satchel = satchel};
    struct sat_vault vault = client_vault(satchel);
    enum sat_err err = bring_up_to_date(&list);
    bool more = true;
    for (uint32_t i = 0; i < list.records.n && !err && more; i++) {
        struct sat_record_view view;
        struct sat_arena arena;
        sat_arena_init(&arena);
        err = sat_record_load(&vault, list.records.at[i].sid, &list.records.at[i].record, &arena, &view);
        for (uint32_t k = 0; !err && more && k < view.live_n; k++) {
            struct client_unread unread;
            if (!look_at_source(&view.live[k], &unread)) continue;
            unread.view = &view;
            more = each(context, &unread, &arena);
        }
        sat_arena_deinit(&arena);
    }
    client_record_list_free(&list.records);
    return err;
}
