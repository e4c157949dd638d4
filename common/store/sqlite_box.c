/* Key boxes in pages: up to 96 boxes of one space, epoch and kind in one row, which fills a page of the database.
 *
 *   page   n × (u32 number - first ‖ box80), ascending; `first`, a column, is the number of the first box
 *
 * The pages of a space, epoch and kind do not overlap: what comes between is merged into the page where it belongs, and
 * a page that outgrows its room is split. A box costs 85 bytes when many come together, and a device of 5,000 that
 * looks for its own reads one row. */
#include <stdlib.h>
#include <string.h>

#include "common/store/sqlite.h"

enum { SLOT_BYTES = 4 + SAT_BOX_BYTES, PAGE_BOXES_MAX = 96, GATHERED_AT_ONCE = 4096 };

struct page {
    int64_t id; /* 0: there is none */
    uint64_t first;
    uint32_t n;
    uint8_t slots[PAGE_BOXES_MAX * SLOT_BYTES];
};

static uint64_t number_at(const struct page *page, uint32_t i)
{
    const uint8_t *at = page->slots + (size_t)i * SLOT_BYTES;
    return page->first + (at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
}

static const uint8_t *bytes_at(const struct page *page, uint32_t i)
{
    return page->slots + (size_t)i * SLOT_BYTES + 4;
}

static void bind_place(struct sat_query *query, const struct sat_box *box)
{
    sat_bind_bytes(query, box->space.b, sizeof box->space.b);
    sat_bind_i64(query, box->epoch);
    sat_bind_i64(query, box->kind);
}

static void read_page(struct sat_query *query, struct page *out)
{
    out->id = sat_column_i64(query);
    out->first = sat_column_u64(query);
    struct sat_span slots = sat_column_borrow(query);
    bool sane = slots.len > 0 && slots.len <= sizeof out->slots && slots.len % SLOT_BYTES == 0;
    if (sane) memcpy(out->slots, slots.at, slots.len);
    out->n = sane ? (uint32_t)(slots.len / SLOT_BYTES) : 0;
    sane = sane && number_at(out, 0) == out->first;
    for (uint32_t i = 1; sane && i < out->n; i++) sane = number_at(out, i) > number_at(out, i - 1);
    if (!sane) sat_query_corrupt(query, "a page of key boxes");
}

/* The page that has the box, or would have it. */
static enum sat_err find_page(struct sat_store *store, const struct sat_box *box, struct page *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BOX_PAGE_AT);
    bind_place(&query, box);
    sat_bind_bound(&query, box->number);
    out->id = 0;
    out->n = 0;
    if (sat_query_step(&query)) read_page(&query, out);
    return sat_query_end(&query);
}

enum sat_err sat_store_box_get(struct sat_store *store, struct sat_box *box, bool *found)
{
    struct page page;
    *found = false;
    enum sat_err err = find_page(store, box, &page);
    for (uint32_t i = 0; !err && i < page.n && !*found; i++) {
        *found = number_at(&page, i) == box->number;
        if (*found) memcpy(box->bytes, bytes_at(&page, i), sizeof box->bytes);
    }
    return err;
}

/* ---- Putting ---- */

/* Where the page behind this box's begins: until there its page may grow. */
static enum sat_err find_behind(struct sat_store *store, const struct sat_box *box, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BOX_PAGE_BEHIND);
    bind_place(&query, box);
    sat_bind_bound(&query, box->number);
    *out = sat_query_step(&query) ? sat_column_u64(&query) : UINT64_MAX;
    return sat_query_end(&query);
}

struct slot {
    uint64_t number;
    const uint8_t *bytes; /* borrowed */
};

/* What is in the page and what comes, in order; of two with one number the one in the page, or the first. */
static uint32_t merge(const struct page *page, const struct sat_box *boxes, uint32_t n, struct slot *out)
{
    uint32_t made = 0, i = 0, j = 0;
    while (i < page->n || j < n) {
        bool old = j == n || (i < page->n && number_at(page, i) <= boxes[j].number);
        struct slot slot = {old ? number_at(page, i) : boxes[j].number, old ? bytes_at(page, i) : boxes[j].bytes};
        if (old)
            i++;
        else
            j++;
        if (made == 0 || out[made - 1].number != slot.number) out[made++] = slot;
    }
    return made;
}

/* Writes the slots as one page, in the place of `page` if it is not 0. */
static enum sat_err write_page(struct sat_store *store, const struct sat_box *place, int64_t page,
                               const struct slot *slots, uint32_t n)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_buf_reserve(&bytes, (size_t)n * SLOT_BYTES);
    for (uint32_t i = 0; i < n; i++) {
        sat_put_u32(&bytes, (uint32_t)(slots[i].number - slots[0].number));
        sat_put_bytes(&bytes, slots[i].bytes, SAT_BOX_BYTES);
    }
    struct sat_query query = sat_query_begin(store, page ? SAT_SQL_BOX_PAGE_SET : SAT_SQL_BOX_PAGE_INSERT);
    if (page) {
        sat_bind_i64(&query, page);
    } else {
        bind_place(&query, place);
        sat_bind_u64(&query, slots[0].number);
    }
    sat_bind_bytes(&query, bytes.at, bytes.len);
    enum sat_err err = sat_query_run(&query);
    sat_buf_deinit(&bytes);
    return err;
}

/* Boxes of one place, ascending, that belong into one page. Behind the last one a page is filled up, as numbers grow;
 * in between its boxes are shared out evenly, so that there is room for the next. */
static enum sat_err put_into_page(struct sat_store *store, const struct page *page, const struct sat_box *boxes,
                                  uint32_t n)
{
    struct slot *slots = calloc((size_t)page->n + n, sizeof *slots);
    if (!slots) return sat_fail(&store->fault, SAT_ERR_NO_MEMORY, NULL);
    uint32_t total = merge(page, boxes, n, slots), done = 0;
    bool growing = page->n == 0 || boxes[0].number > number_at(page, page->n - 1);
    uint32_t pages = (total + PAGE_BOXES_MAX - 1) / PAGE_BOXES_MAX;
    uint32_t size = growing ? PAGE_BOXES_MAX : (total + pages - 1) / pages;
    enum sat_err err = SAT_OK;
    while (!err && total > page->n && done < total) {
        const struct slot *from = slots + done;
        uint32_t take = 1;
        while (take < size && done + take < total && from[take].number - from->number <= UINT32_MAX) take++;
        err = write_page(store, boxes, done == 0 ? page->id : 0, from, take);
        done += take;
    }
    free(slots);
    return err;
}

/* Boxes of one place, ascending. */
static enum sat_err put_run(struct sat_store *store, const struct sat_box *boxes, uint32_t n)
{
    enum sat_err err = SAT_OK;
    for (uint32_t done = 0; !err && done < n;) {
        struct page page;
        uint64_t behind = 0;
        uint32_t take = 1;
        err = find_page(store, &boxes[done], &page);
        if (!err) err = find_behind(store, &boxes[done], &behind);
        while (done + take < n && boxes[done + take].number < behind) take++;
        if (!err) err = put_into_page(store, &page, &boxes[done], take);
        done += take;
    }
    return err;
}

static int compare_places(const struct sat_box *a, const struct sat_box *b)
{
    int order = memcmp(a->space.b, b->space.b, sizeof a->space.b);
    if (order == 0) order = (a->epoch > b->epoch) - (a->epoch < b->epoch);
    return order ? order : a->kind - b->kind;
}

static int compare_boxes(const void *left, const void *right)
{
    const struct sat_box *a = left, *b = right;
    int order = compare_places(a, b);
    if (order == 0) order = (a->number > b->number) - (a->number < b->number);
    return order ? order : memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static enum sat_err put_all(struct sat_store *store, struct sat_box *boxes, uint32_t n)
{
    enum sat_err err = SAT_OK;
    if (n) qsort(boxes, n, sizeof *boxes, compare_boxes);
    for (uint32_t done = 0, take; !err && done < n; done += take) {
        for (take = 1; done + take < n && compare_places(&boxes[done], &boxes[done + take]) == 0;) take++;
        err = put_run(store, &boxes[done], take);
    }
    return err;
}

enum sat_err sat_store_boxes_put(struct sat_store *store, struct sat_box *boxes, uint32_t n)
{
    bool own = !store->in_transaction; /* a page is split by several statements */
    enum sat_err err = own ? sat_store_begin(store) : SAT_OK;
    if (!err) err = put_all(store, boxes, n);
    if (!err && own) err = sat_store_commit(store);
    if (err && own) sat_store_rollback(store);
    return err;
}

/* ---- The migration ---- */

static enum sat_err gather(struct sat_store *store, sqlite3_stmt *statement, struct sat_box *boxes)
{
    struct sat_query query = {.store = store, .statement = statement};
    uint32_t n = 0;
    while (sat_query_step(&query)) {
        struct sat_box *box = &boxes[n++];
        sat_column_bytes(&query, box->space.b, sizeof box->space.b);
        box->epoch = sat_column_u32(&query);
        box->kind = (uint8_t)sat_column_u32(&query);
        box->number = sat_column_u64(&query);
        sat_column_bytes(&query, box->bytes, sizeof box->bytes);
        if (n < GATHERED_AT_ONCE) continue;
        enum sat_err err = query.err ? query.err : put_all(store, boxes, n);
        n = 0;
        if (err) return err;
    }
    return query.err ? query.err : put_all(store, boxes, n);
}

enum sat_err sat_box_pages_gather(struct sat_store *store)
{
    sqlite3_stmt *statement = NULL;
    struct sat_box *boxes = calloc(GATHERED_AT_ONCE, sizeof *boxes);
    if (!boxes) return sat_fail(&store->fault, SAT_ERR_NO_MEMORY, NULL);
    int code = sqlite3_prepare_v2(
        store->db, "SELECT space, epoch, kind, number, bytes FROM box ORDER BY space, epoch, kind, number", -1,
        &statement, NULL);
    enum sat_err err = code == SQLITE_OK ? gather(store, statement, boxes) : sat_sqlite_fail(store, code, "opening");
    (void)sqlite3_finalize(statement); /* before the table goes */
    free(boxes);
    if (err) return err;
    code = sqlite3_exec(store->db, "DROP TABLE box", NULL, NULL, NULL);
    return code == SQLITE_OK ? SAT_OK : sat_sqlite_fail(store, sqlite3_extended_errcode(store->db), "opening");
}
