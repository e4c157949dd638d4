#include "common/sync/judge.h"

#include <string.h>

#include "common/sync/by_record.h"
#include "common/sync/collect.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"

/* The life of the log whose epoch begins so; the current one if none does. */
static struct sat_log_epoch epoch_meant(const struct sat_judge *judge, const struct sat_log_epoch *prefix)
{
    enum { PREFIX_BYTES = 4 };
    for (uint32_t i = 0; judge->lives && i < judge->lives->n; i++)
        if (memcmp(judge->lives->at[i].parent.b, prefix->b, PREFIX_BYTES) == 0) return judge->lives->at[i].parent;
    return judge->space->log_epoch;
}

enum sat_err sat_judge_complete(const struct sat_judge *judge, struct sat_bundle *bundle)
{
    if (bundle->form == SAT_BUNDLE_FULL) return SAT_OK;
    const struct sat_manifest *manifest = &bundle->manifest;
    struct sat_bundle_known known = {.dir_hash = sat_directory_hash_at(judge->directory, manifest->dir_seq)};
    struct sat_bundle_row tip;
    bool found;
    enum sat_err err = sat_store_bundle_tip(judge->store, judge->space->sid, manifest->device, false, &tip, &found);
    if (err) return err;
    if (found) known.prev = tip.id;
    err = sat_store_root_at(judge->store, judge->space->sid, manifest->w_size, &known.w_root, &found);
    if (err) return err;
    if (!found) return SAT_ERR_STALE;
    static const struct sat_log_epoch none;
    bool no_witness = manifest->w_size == 0 && sat_log_epoch_equal(&manifest->log_epoch, &none);
    known.log_epoch = no_witness ? none : epoch_meant(judge, &manifest->log_epoch);
    err = sat_bundle_complete(bundle, &known);
    if (!err || !judge->stubs_allowed) return err;
    struct sat_dot first = {manifest->device, manifest->first}; /* behind what was put aside here */
    err = sat_store_aside_tip(judge->store, &judge->space->id, first, &known.prev, &found);
    return err ? err : found ? sat_bundle_complete(bundle, &known) : SAT_ERR_STALE;
}

static enum sat_err judge_signature(const struct sat_bundle *bundle, const struct sat_device *author,
                                    struct sat_fault *fault)
{
    if (sat_bundle_verify(bundle, &author->sign))
        return sat_fail(fault, SAT_ERR_TAMPERED, "the signature of device %u does not hold", author->number);
    return SAT_OK;
}

/* Who it is, and where in the directory. */
static enum sat_err judge_position(const struct sat_judge *judge, const struct sat_bundle *bundle,
                                   const struct sat_device **author, struct sat_fault *fault)
{
    const struct sat_manifest *m = &bundle->manifest;
    const struct sat_directory *directory = judge->directory;
    if (!sat_suite_is_known(m->suite)) return sat_fail(fault, SAT_ERR_UPGRADE_NEEDED, "bundle of suite %u", m->suite);
    *author = sat_directory_device(directory, m->device);
    if (!*author || !sat_directory_number_at(directory, m->device, m->dir_seq))
        return sat_fail(fault, SAT_ERR_DENIED, "device %u is not in the directory at %llu", m->device,
                        (unsigned long long)m->dir_seq);
    if (m->dir_seq > judge->dir_at || judge->dir_at > directory->seq)
        return sat_fail(fault, SAT_ERR_TAMPERED, "device %u names a directory position that did not exist", m->device);
    struct sat_hash dir_hash = sat_directory_hash_at(directory, m->dir_seq);
    if (sat_hash_equal(&dir_hash, &m->dir_hash)) return SAT_OK;
    enum sat_err err = judge_signature(bundle, *author, fault); /* what was damaged on its way is no other directory */
    if (err) return err;
    return sat_fail(fault, SAT_ERR_FORK, "device %u has another directory at %llu", m->device,
                    (unsigned long long)m->dir_seq);
}

/* Every record of it. */
static bool may_write_at(const struct sat_judge *judge, const struct sat_bundle *bundle, uint64_t seq)
{
    const struct sat_manifest *m = &bundle->manifest;
    if (sat_directory_device_rights(judge->directory, &m->space, m->device, seq) & SAT_RIGHT_WRITE) return true;
    for (uint32_t i = 0; i < m->count; i++)
        if (!sat_directory_may_write(judge->directory, &m->space, m->device, &bundle->changes[i].record, seq))
            return false;
    return true;
}

/* The right to write every record there, the epoch. */
static enum sat_err judge_authority(const struct sat_judge *judge, const struct sat_bundle *bundle,
                                    const struct sat_device *author, struct sat_fault *fault)
{
    const struct sat_manifest *m = &bundle->manifest;
    if (m->epoch == 0 || m->epoch != sat_directory_epoch_at(judge->directory, &m->space, m->dir_seq))
        return sat_fail(fault, SAT_ERR_DENIED, "key epoch %u was not current", m->epoch);
    if (!may_write_at(judge, bundle, m->dir_seq))
        return sat_fail(fault, SAT_ERR_DENIED, "device %u may not write here", m->device);
    return judge_signature(bundle, author, fault);
}

enum sat_err sat_judge_right(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_fault *fault)
{
    const struct sat_device *author;
    enum sat_err err = judge_position(judge, bundle, &author, fault);
    return err ? err : judge_authority(judge, bundle, author, fault);
}

/* ---- What came late ---- */

static bool is_above(const struct sat_bundle *bundle, const struct sat_cut *cut)
{
    uint64_t last = bundle->manifest.first + bundle->manifest.count - 1;
    return last > cut->counter || (last == cut->counter && !sat_hash_equal(&bundle->id, &cut->bundle));
}

/* What counts of a revoked device is what its revocation lists; of a space that it does not list, what was there
 * before. Of others, what came while they had the right, and stands where they had their number: a fresh one has no
 * chain that would keep who claims a role or a right of former times from stepping back to them. */
static bool is_late(const struct sat_judge *judge, const struct sat_bundle *bundle, const struct sat_device *author)
{
    const struct sat_manifest *m = &bundle->manifest;
    uint64_t revoked_seq;
    const struct sat_cut *cut;
    if (sat_directory_cut(judge->directory, m->device, &m->space, judge->dir_at, &revoked_seq, &cut) &&
        (cut ? is_above(bundle, cut) : judge->dir_at >= revoked_seq))
        return true;
    if (m->dir_seq < author->since_seq) return true;
    return m->dir_seq < judge->dir_at && !may_write_at(judge, bundle, judge->dir_at) &&
           may_write_at(judge, bundle, m->dir_seq);
}

/* Before its chain: what comes behind a bundle that was late is late as well, whether or not that one was let in. */
static enum sat_err judge_time(const struct sat_judge *judge, const struct sat_bundle *bundle,
                               const struct sat_device *author, struct sat_fault *fault)
{
    if (!is_late(judge, bundle, author)) return SAT_OK;
    if (sat_directory_decided(judge->directory, &bundle->id, judge->dir_at) == SAT_ACCEPT_BUNDLE) return SAT_OK;
    enum sat_err err = judge_signature(bundle, author, fault);
    if (err) return err;
    if (bundle->manifest.dir_seq < author->since_seq)
        return sat_fail(fault, SAT_ERR_ESCROWED, "change %llu of device %u was written before it had that number",
                        (unsigned long long)bundle->manifest.first, author->number);
    return sat_fail(fault, SAT_ERR_ESCROWED, "change %llu of device %u came after it had lost the right to write here",
                    (unsigned long long)bundle->manifest.first, author->number);
}

/* The author's bundle before it in the log. */
static enum sat_err find_tip(const struct sat_judge *judge, uint32_t device, struct sat_bundle_row *tip, bool *found)
{
    struct sat_dot last = {.device = device};
    if (!judge->seq) return sat_store_bundle_tip(judge->store, judge->space->sid, device, false, tip, found);
    enum sat_err err =
        sat_store_device_counter_at(judge->store, judge->space->sid, device, judge->seq - 1, &last.counter);
    *found = false;
    return err || !last.counter ? err : sat_store_bundle_of_dot(judge->store, last, tip, found);
}

/* On a client one bad bundle does not take along what its author writes behind it: the chain goes on through what was
 * put aside, if that is in the log, between the tip and here. The server takes none but from the tip on. */
static enum sat_err goes_on_behind_an_aside(const struct sat_judge *judge, const struct sat_manifest *m,
                                            uint64_t tip_last, bool *goes_on)
{
    struct sat_arena arena;
    struct sat_aside_row aside;
    struct sat_entry_row entry;
    bool found = false;
    *goes_on = false;
    if (!judge->stubs_allowed) return SAT_OK;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_aside_find(judge->store, &m->prev, &arena, &aside, &found);
    found = !err && found && aside.device == m->device && sat_space_equal(&aside.space, &m->space) &&
            aside.first > tip_last && aside.first + aside.count <= m->first;
    if (found) err = sat_store_entry_find(judge->store, judge->space->sid, &m->prev, &entry, goes_on);
    sat_arena_deinit(&arena);
    return err;
}

bool sat_judge_trusts(const struct sat_judge *judge, uint64_t upto)
{
    if (!judge->trusted || judge->space->compacted == 0) return false;
    if (*judge->trusted < upto) *judge->trusted = upto;
    return true;
}

enum sat_err sat_judge_is_gone(const struct sat_judge *judge, const struct sat_hash *prev, bool *gone)
{
    uint64_t ms, dir;
    bool awaited;
    enum sat_err err = sat_store_receipt_get(judge->store, judge->space->sid, prev, &ms, &dir, &awaited);
    *gone = !err && !awaited;
    return err;
}

/* Its place in its author's chain: behind the tip, on dots that nobody has, at a directory position that does not fall.
 */
static enum sat_err judge_chain(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_fault *fault)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_bundle_row row;
    bool found;
    enum sat_err err = sat_store_bundle_overlapping(judge->store, m->device, m->first, m->count, &row, &found);
    if (err) return err;
    if (found && (row.seq || !sat_hash_equal(&row.id, &bundle->id)))
        return sat_fail(fault, SAT_ERR_FORK, "device %u wrote change %llu twice", m->device,
                        (unsigned long long)m->first);
    err = find_tip(judge, m->device, &row, &found);
    if (err) return err;
    struct sat_hash prev = {{0}};
    if (found) prev = row.id;
    bool follows = sat_hash_equal(&prev, &m->prev);
    if (!follows) err = goes_on_behind_an_aside(judge, m, found ? row.first + row.count - 1 : 0, &follows);
    if (err) return err;
    if (!follows && judge->came_back) err = sat_judge_is_gone(judge, &m->prev, &follows);
    if (err) return err;
    bool behind = found && m->first < row.first + row.count; /* the one before it would come too late as well */
    uint64_t place = judge->seq ? judge->seq : judge->space->log.size + 1;
    if (!follows && !behind && !sat_judge_trusts(judge, place))
        return sat_fail(fault, SAT_ERR_STALE, "a bundle of device %u before change %llu is missing", m->device,
                        (unsigned long long)m->first);
    if (!found) return SAT_OK;
    struct sat_manifest before;
    sat_manifest_decode(row.manifest, &before);
    if (behind || m->dir_seq < before.dir_seq)
        return sat_fail(fault, SAT_ERR_BAD_CHAIN, "device %u steps back at change %llu", m->device,
                        (unsigned long long)m->first);
    return SAT_OK;
}

/* *seen: how much of this log the author can have seen. A witness of a former life may be of what a server lost: the
 * author had seen what has been given back since, at most, which is what the log holds now. */
static enum sat_err judge_witness(const struct sat_judge *judge, const struct sat_bundle *bundle, uint64_t *seen,
                                  struct sat_fault *fault)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_hash root;
    bool found;
    enum sat_err err = sat_store_root_at(judge->store, judge->space->sid, m->w_size, &root, &found);
    if (err) return err;
    static const struct sat_log_epoch none;
    bool no_witness = m->w_size == 0 && sat_log_epoch_equal(&m->log_epoch, &none);
    struct sat_log_epoch now = sat_lives_at(judge->lives, &judge->space->log_epoch, judge->space->log.size + 1);
    bool current = no_witness || sat_log_epoch_equal(&m->log_epoch, &now);
    bool within = !found && m->w_size < judge->space->compacted; /* a run: there is no root to compare */
    bool on_this_log = found && sat_hash_equal(&root, &m->w_root);
    if (within && !judge->stubs_allowed)
        return sat_fail(fault, SAT_ERR_BOUNDS, "device %u witnessed what everybody else has forgotten", m->device);
    if (within) on_this_log = sat_judge_trusts(judge, m->w_size);
    /* Set back once more, to this life of several, and nobody has shown that yet. */
    if (current && !on_this_log && judge->was_further) *judge->was_further = true;
    if (current && !on_this_log && judge->others_may_come && judge->lives && judge->lives->n)
        return sat_fail(fault, SAT_ERR_STALE, "device %u witnessed what is not on this log now", m->device);
    if ((current && !on_this_log) || (!current && !sat_lives_later(judge->lives, judge->space->log.size + 1)))
        return sat_fail(fault, SAT_ERR_FORK, "device %u witnessed a log that is not this one", m->device);
    *seen = on_this_log ? m->w_size : judge->space->log.size;
    return SAT_OK;
}

struct bounds { /* what each device had written in the log's first `seen` entries; looked up once a bundle */
    uint64_t seen;
    struct sat_arena *arena;
    struct sat_dot *at;
    uint32_t n, cap;
};

static enum sat_err bound_of(const struct sat_judge *judge, struct bounds *bounds, uint32_t device, uint64_t *out)
{
    for (uint32_t i = 0; i < bounds->n; i++) {
        if (bounds->at[i].device != device) continue;
        *out = bounds->at[i].counter;
        return SAT_OK;
    }
    enum sat_err err = sat_store_device_counter_at(judge->store, judge->space->sid, device, bounds->seen, out);
    if (err) return err;
    if (bounds->n == bounds->cap) {
        uint32_t cap = bounds->cap ? bounds->cap * 2 : 16;
        struct sat_dot *at = sat_arena_array(bounds->arena, cap, sizeof *at);
        if (bounds->n) memcpy(at, bounds->at, bounds->n * sizeof *at);
        bounds->at = at;
        bounds->cap = cap;
    }
    bounds->at[bounds->n++] = (struct sat_dot){device, *out};
    return SAT_OK;
}

/* Without these a member could erase a record with seen[victim] = 2^62. That kept and holes lie under seen is the
 * header's own syntax. */
static enum sat_err judge_vectors(const struct sat_judge *judge, const struct sat_bundle *bundle, uint64_t seen_size,
                                  struct sat_arena *arena, const struct sat_header *headers, struct sat_fault *fault)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct bounds bounds = {.arena = arena, .seen = seen_size};
    for (uint32_t i = 0; i < m->count; i++) {
        for (uint32_t k = 0; k < headers[i].seen.n; k++) {
            struct sat_dot seen = headers[i].seen.at[k];
            uint64_t limit = m->first + i - 1;
            if (seen.device != m->device) {
                enum sat_err err = bound_of(judge, &bounds, seen.device, &limit);
                if (err) return err;
            }
            if (seen.counter > limit && seen.device != m->device &&
                (judge->came_back || sat_judge_trusts(judge, seen_size)))
                continue;
            if (seen.counter > limit && judge->others_may_come && seen_size != m->w_size)
                return sat_fail(fault, SAT_ERR_STALE, "what device %u had seen has not been given back yet", m->device);
            if (seen.counter > limit)
                return sat_fail(fault, SAT_ERR_BOUNDS, "device %u claims to have seen change %llu of device %u",
                                m->device, (unsigned long long)seen.counter, seen.device);
        }
    }
    return SAT_OK;
}

/* Is the dot, as far as it is known, of the record? What other spaces hold is known to the server alone: a device that
 * has pulled another one first, or has work of its own there, would find fault later with what the server let in. */
static enum sat_err is_of_record(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_dot dot,
                                 const struct sat_record_id *record, bool *is)
{
    const struct sat_manifest *m = &bundle->manifest;
    if (dot.device == m->device && dot.counter >= m->first) { /* under seen, and so one of those before it */
        *is = sat_record_equal(&bundle->changes[dot.counter - m->first].record, record);
        return SAT_OK;
    }
    int64_t sid;
    struct sat_record_id other;
    bool found;
    enum sat_err err = sat_store_change_place(judge->store, dot, &sid, &other, &found);
    if (!err && found && sid != judge->space->sid)
        *is = judge->stubs_allowed && !judge->in_full;
    else
        *is = err || !found || sat_record_equal(&other, record);
    return err;
}

static enum sat_err judge_dots(const struct sat_judge *judge, const struct sat_bundle *bundle, uint32_t index,
                               struct sat_dots dots, struct sat_dots looked_at, struct sat_fault *fault)
{
    for (uint32_t i = 0; i < dots.n; i++) {
        bool is = true;
        if (sat_dots_have(looked_at, dots.at[i])) continue;
        enum sat_err err = is_of_record(judge, bundle, dots.at[i], &bundle->changes[index].record, &is);
        if (err) return err;
        if (!is)
            return sat_fail(fault, SAT_ERR_BOUNDS, "device %u names change %llu of device %u, of another record",
                            bundle->manifest.device, (unsigned long long)dots.at[i].counter, dots.at[i].device);
    }
    return SAT_OK;
}

/* What is kept, or was not read, is the record's own: names that nothing ever takes away would make its merge slow for
 * ever. Changes of one record behind each other name much the same. */
static enum sat_err judge_named(const struct sat_judge *judge, const struct sat_by_record *order,
                                const struct sat_header *headers, struct sat_fault *fault)
{
    const struct sat_bundle *bundle = order->bundle;
    enum sat_err err = SAT_OK;
    for (uint32_t n = 0; n < bundle->manifest.count && !err; n++) {
        static const struct sat_header none;
        uint32_t i = order->index[n], last = n ? order->index[n - 1] : i;
        bool same = n && sat_record_equal(&bundle->changes[last].record, &bundle->changes[i].record);
        const struct sat_header *before = same ? &headers[last] : &none;
        err = judge_dots(judge, bundle, i, headers[i].kept, before->kept, fault);
        if (!err) err = judge_dots(judge, bundle, i, headers[i].holes, before->holes, fault);
    }
    return err;
}

static bool covers_any(const struct sat_version *x, struct sat_dots dots)
{
    for (uint32_t i = 0; i < dots.n; i++)
        if (sat_merge_covers(x, &dots.at[i])) return true;
    return false;
}

/* y replaces x: does it stand for all that x stood for? Every dot that x had seen is under y.seen, and y keeps nothing
 * that x had replaced. */
static bool stands_for(const struct sat_version *y, const struct sat_version *x)
{
    for (uint32_t i = 0; i < x->seen.n; i++)
        if (!sat_vector_covers(y->seen, x->seen.at[i])) return false;
    return !covers_any(x, y->kept) && !covers_any(x, y->holes);
}

static struct sat_version version_of(struct sat_dot dot, const struct sat_header *header)
{
    return (struct sat_version){.dot = dot, .seen = header->seen, .kept = header->kept, .holes = header->holes};
}

struct beside { /* what stays live beside a change; own: of the same device */
    uint32_t all, own;
};

static void count_beside(struct beside *beside, bool own)
{
    beside->all++;
    if (own) beside->own++;
}

/* What a change of one record meets: the record's stored live changes, and behind them the bundle's own before it,
 * which are not in the store yet. */
struct met {
    const struct sat_change_row *rows;
    struct sat_version *versions; /* of a stored one the dot alone, until it is asked for the rest */
    bool *decoded, *replaced;
    uint32_t rows_n, n;
};

static enum sat_err load_met(const struct sat_judge *judge, const struct sat_record_id *record, bool look,
                             uint32_t more, struct sat_arena *arena, struct met *out)
{
    struct sat_change_row *rows = NULL;
    uint32_t n = 0;
    enum sat_err err =
        look ? sat_store_changes_live(judge->store, judge->space->sid, record, arena, &rows, &n) : SAT_OK;
    if (err) return err;
    size_t room = (size_t)n + more;
    *out = (struct met){.rows = rows,
                        .versions = sat_arena_array(arena, room, sizeof *out->versions),
                        .decoded = sat_arena_array(arena, n, sizeof *out->decoded),
                        .replaced = sat_arena_array(arena, room, sizeof *out->replaced),
                        .rows_n = n,
                        .n = n};
    for (uint32_t i = 0; i < n; i++) out->versions[i].dot = rows[i].dot;
    return SAT_OK;
}

static enum sat_err decode_met(struct met *met, uint32_t i, struct sat_arena *arena)
{
    struct sat_header header;
    if (i >= met->rows_n || met->decoded[i]) return SAT_OK;
    if (sat_header_decode(met->rows[i].header, arena, &header)) return SAT_ERR_CORRUPT;
    met->versions[i] = version_of(met->rows[i].dot, &header);
    met->decoded[i] = true;
    return SAT_OK;
}

/* Does y stand for each change that it replaces; and how many stay beside it? */
static enum sat_err compare_with_met(struct met *met, const struct sat_version *y, struct sat_arena *arena, bool *sound,
                                     struct beside *beside)
{
    bool dead; /* not asked for: a change may be replaced already */
    sat_merge_arrive(met->versions, met->n, y, met->replaced, &dead);
    for (uint32_t i = 0; i < met->n; i++) {
        if (!met->replaced[i]) {
            count_beside(beside, met->versions[i].dot.device == y->dot.device);
            continue;
        }
        enum sat_err err = decode_met(met, i, arena);
        if (err) return err;
        if (*sound && !stands_for(y, &met->versions[i])) *sound = false;
    }
    return SAT_OK;
}

/* The bound on a record's live changes is for all together, but no device may take it up alone, and none is kept out by
 * what others have put there. */
static bool is_crowded(const struct beside *beside)
{
    return beside->own >= SAT_RECORD_LIVE_DEVICE_MAX ||
           (beside->all >= SAT_RECORD_LIVE_MAX && beside->own >= SAT_RECORD_LIVE_RESERVED);
}

/* A head proves that it was let in before: by what this change had replaced when it came, which is yet to come. */
static enum sat_err refuse_unsound(const struct sat_judge *judge, uint32_t device, struct sat_fault *fault)
{
    if (judge->came_back && !judge->in_full)
        return sat_fail(fault, SAT_ERR_STALE, "what made device %u's change sound has not been given back yet", device);
    return sat_fail(fault, SAT_ERR_BOUNDS, "device %u replaces a change without having seen what it stands on", device);
}

/* The bundle's changes of one record, at these indexes; not `look`: it has no others. */
static enum sat_err judge_record(const struct sat_judge *judge, const struct sat_bundle *bundle,
                                 const struct sat_header *headers, const uint32_t *indexes, uint32_t n, bool look,
                                 struct sat_arena *arena, struct sat_fault *fault)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct met met;
    enum sat_err err = load_met(judge, &bundle->changes[indexes[0]].record, look, n, arena, &met);
    for (uint32_t i = 0; i < n && !err; i++) {
        if (bundle->changes[indexes[i]].stub) continue;
        struct sat_version y = version_of((struct sat_dot){m->device, m->first + indexes[i]}, &headers[indexes[i]]);
        struct beside beside = {0};
        bool sound = true;
        err = compare_with_met(&met, &y, arena, &sound, &beside);
        if (err) return err;
        if (is_crowded(&beside) && (judge->in_full || !judge->came_back)) /* else it was judged then */
            return sat_fail(fault, SAT_ERR_TOO_LARGE,
                            "the record has %u changes that stand side by side, %u of them of device %u", beside.all,
                            beside.own, m->device);
        if (!sound) return refuse_unsound(judge, m->device, fault);
        met.versions[met.n++] = y;
    }
    return err;
}

/* Who replaces a change has merged it, and so has seen what it had seen: every honest vector is closed in this sense.
 * One that is not would leave the stub of an older change without a live one that justifies it, and lock out whoever
 * joins later (docs/decisions/0028). And a record has a bound on its live changes, so that nobody makes its merge
 * arbitrarily slow. */
static enum sat_err judge_replaced(const struct sat_judge *judge, const struct sat_by_record *order,
                                   const struct sat_header *headers, struct sat_arena *whole, struct sat_fault *fault)
{
    struct sat_arena arena; /* of one record */
    bool *beside;
    enum sat_err err = sat_by_record_beside(order, judge->store, judge->space->sid, 0, whole, &beside);
    sat_arena_init(&arena);
    for (uint32_t from = 0, end; from < order->bundle->manifest.count && !err; from = end) {
        end = sat_by_record_end(order, from);
        err = judge_record(judge, order->bundle, headers, order->index + from, end - from, beside[from], &arena, fault);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* What was deleted, and forgotten when everybody had seen that, comes back by nobody who had not (MERGE 17). */
static enum sat_err judge_collected(const struct sat_judge *judge, const struct sat_by_record *order,
                                    const struct sat_header *headers, struct sat_fault *fault)
{
    const struct sat_bundle *bundle = order->bundle;
    bool any = false;
    enum sat_err err = sat_store_collected_any(judge->store, judge->space->sid, &any);
    for (uint32_t from = 0, end; any && from < bundle->manifest.count && !err; from = end) {
        struct sat_collected_row row;
        bool found;
        end = sat_by_record_end(order, from);
        err = sat_store_collected_get(judge->store, judge->space->sid, &bundle->changes[order->index[from]].record,
                                      &row, &found);
        if (err || !found || (judge->seq && row.seq > judge->seq)) continue;
        for (uint32_t i = from; i < end && !err; i++)
            if (!bundle->changes[order->index[i]].stub && !sat_collected_is_seen(&row, &headers[order->index[i]]))
                err = sat_fail(fault, SAT_ERR_COLLECTED,
                               "change %llu of device %u is of a record that was deleted, and everybody has forgotten",
                               (unsigned long long)(bundle->manifest.first + order->index[i]), bundle->manifest.device);
    }
    return err;
}

static enum sat_err read_headers(const struct sat_judge *judge, const struct sat_bundle *bundle,
                                 struct sat_arena *arena, struct sat_header *headers, struct sat_fault *fault)
{
    for (uint32_t i = 0; i < bundle->manifest.count; i++) {
        const struct sat_change *change = &bundle->changes[i];
        headers[i] = (struct sat_header){0};
        if (change->stub && !judge->stubs_allowed) return sat_fail(fault, SAT_ERR_PROTOCOL, "a stub was pushed");
        if (change->stub) continue;
        enum sat_err err = sat_header_decode(change->header, arena, &headers[i]);
        if (err)
            return sat_fail(fault, err, "the header of change %llu of device %u is not valid",
                            (unsigned long long)(bundle->manifest.first + i), bundle->manifest.device);
    }
    return SAT_OK;
}

/* What can its author have seen? */
static enum sat_err judge_sight(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_arena *arena,
                                const struct sat_header *headers, struct sat_fault *fault)
{
    uint64_t seen_size = 0;
    enum sat_err err = judge_witness(judge, bundle, &seen_size, fault);
    if (!err) err = judge_vectors(judge, bundle, seen_size, arena, headers, fault);
    struct sat_by_record order;
    sat_by_record_init(bundle, arena, &order);
    if (!err) err = judge_named(judge, &order, headers, fault);
    if (!err) err = judge_collected(judge, &order, headers, fault);
    /* What a client pulls may stand on changes that have become stubs: that the vectors are closed is the server's to
     * see to. */
    bool of_server = !judge->stubs_allowed || judge->in_full || judge->others_may_come;
    if (!err && of_server) err = judge_replaced(judge, &order, headers, arena, fault);
    return err;
}

enum sat_err sat_judge_filled(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_arena *arena,
                              struct sat_header *headers, struct sat_fault *fault)
{
    enum sat_err err = read_headers(judge, bundle, arena, headers, fault);
    return err ? err : judge_sight(judge, bundle, arena, headers, fault);
}

enum sat_err sat_judge_bundle(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_arena *arena,
                              struct sat_header *headers, struct sat_fault *fault)
{
    enum sat_err err = read_headers(judge, bundle, arena, headers, fault);
    if (err) return err;
    /* The chain before the rest: a bundle whose predecessor is still under way is to wait, whatever might be said. */
    const struct sat_device *author = NULL;
    err = judge_position(judge, bundle, &author, fault);
    if (!err) err = judge_time(judge, bundle, author, fault);
    if (!err) err = judge_chain(judge, bundle, fault);
    if (!err) err = judge_authority(judge, bundle, author, fault);
    return err ? err : judge_sight(judge, bundle, arena, headers, fault);
}
