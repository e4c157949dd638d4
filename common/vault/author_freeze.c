/* From drafts to frozen bundles: witness, directory head, nonce, ciphertext and signature, once and for all. */
#include "common/vault/author.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/collect.h"
#include "common/sync/fresh.h"
#include "common/sync/rewind.h"
#include "common/sync/vector.h"
#include "common/vault/author_cover.h"
#include "common/vault/seal.h"
#include "common/vault/squeeze.h"
#include "common/vault/types.h"

enum {
    /* Drafts looked at together: a full bundle lies within a page, from its beginning on. */
    PAGE = SAT_BUNDLE_CHANGES_MAX,
    PAGE_BYTES = SAT_BUNDLE_BYTES_MAX,
    TAG_BYTES = 16,
    /* A full manifest with its signature and all its varints at their longest is 241 bytes. */
    BUNDLE_FIXED_BYTES = 256,
    CHANGE_FIXED_BYTES = 16 + 3 + 3, /* record, two lengths */
};

/* A space in which drafts lie. */
struct place {
    struct sat_space_row space;
    uint64_t chain_seq; /* the directory position of the own chain's tip: nothing is frozen below it */
    bool ready;         /* where this device may write now, it may freeze now */
    bool owing;         /* … but for a new epoch, which the space owes */
    bool blocked;       /* nothing (more) may be frozen there now */
    bool collected;     /* some of its records were */
    bool keys_known;
    uint32_t newest_key;
    struct place *next;
};

/* Where in the directory's history a bundle stands, and under which key. */
struct standpoint {
    uint64_t seq; /* 0: nowhere */
    uint32_t epoch;
    bool past; /* the right is lost: it goes to the admins */
};

struct freezer {
    const struct sat_vault *vault;
    const struct sat_keyring_secrets *secrets;
    struct sat_frozen *out;
    uint64_t now_ms;
    const int64_t *held; /* spaces in which nothing new is frozen */
    uint32_t held_n;
    uint32_t bundles_left; /* that it may still make */
    uint64_t rewound;      /* drafts may have seen what is gone, or stand on one that has; 0: none does */
    struct sat_arena places_arena;
    struct place *places;
    struct sat_arena arena; /* for one page */
};

/* ---- What may be frozen ---- */

static enum sat_err have_key(const struct freezer *freezer, const struct place *place, uint32_t epoch, bool *have)
{
    const struct sat_vault *vault = freezer->vault;
    const struct sat_epoch_key *key;
    *have = false;
    if (epoch == 0) return SAT_OK;
    enum sat_err err = sat_keys_get(vault->keys, vault->directory, &place->space.id, epoch, &key);
    *have = !err;
    return err == SAT_ERR_DEBT ? SAT_OK : err;
}

static enum sat_err find_tip(const struct freezer *freezer, const struct place *place, struct sat_bundle_row *tip,
                             bool *found)
{
    return sat_store_bundle_tip(freezer->vault->store, place->space.sid, freezer->secrets->device, true, tip, found);
}

static enum sat_err open_place(struct freezer *freezer, int64_t sid, struct place **out)
{
    const struct sat_vault *vault = freezer->vault;
    const struct sat_directory *directory = vault->directory;
    struct place *place = sat_arena_alloc(&freezer->places_arena, sizeof *place);
    struct sat_bundle_row tip;
    bool found = false;
    enum sat_err err = sat_store_space_get(vault->store, sid, &place->space);
    if (!err) err = sat_store_collected_any(vault->store, sid, &place->collected);
    if (!err) err = find_tip(freezer, place, &tip, &found);
    if (err) return err;
    if (found) {
        struct sat_manifest manifest;
        sat_manifest_decode(tip.manifest, &manifest);
        place->chain_seq = manifest.dir_seq;
    }
    const struct sat_space_id *id = &place->space.id;
    err = have_key(freezer, place, sat_directory_epoch_at(directory, id, directory->seq), &place->ready);
    if (place->space.head_size != place->space.log.size) place->ready = false;
    for (uint32_t i = 0; i < freezer->held_n; i++)
        if (freezer->held[i] == sid) place->ready = false;
    place->owing = sat_directory_owed(directory, id, freezer->now_ms) != 0;
    place->next = freezer->places;
    freezer->places = place;
    *out = place;
    return err;
}

static enum sat_err find_place(struct freezer *freezer, int64_t sid, struct place **out)
{
    for (struct place *place = freezer->places; place; place = place->next) {
        if (place->space.sid != sid) continue;
        *out = place;
        return SAT_OK;
    }
    return open_place(freezer, sid, out);
}

/* A bound on what the draft will take in a bundle: its body as long as if nothing could be compressed. */
static size_t bytes_max(const struct sat_draft_row *draft)
{
    /* Sealed at rest it is 40 bytes longer than its plaintext, which covers the two that squeezing adds. */
    return CHANGE_FIXED_BYTES + draft->header.len + sat_squeeze_bucket(draft->body.len) + TAG_BYTES;
}

static void note_debt(struct freezer *freezer, const struct place *place)
{
    struct sat_frozen *out = freezer->out;
    for (uint32_t i = 0; i < out->owing_n; i++)
        if (sat_space_equal(&out->owing[i], &place->space.id)) return;
    if (out->owing_n < SAT_LINKS_PER_APPEND_MAX) out->owing[out->owing_n++] = place->space.id;
}

/* The newest epoch whose key is here; older ones are reached from it. */
static uint32_t newest_key(const struct freezer *freezer, struct place *place)
{
    const struct sat_vault *vault = freezer->vault;
    if (place->keys_known) return place->newest_key;
    uint32_t epoch = sat_directory_epoch_at(vault->directory, &place->space.id, vault->directory->seq);
    while (epoch && !sat_keys_have(vault->keys, &place->space.id, epoch)) epoch--;
    place->keys_known = true;
    place->newest_key = epoch;
    return epoch;
}

/* The right is lost: what was written under it, or before this device knew, stands where it was had last and under a
 * key that is here. It goes to the admins, whom the position tells that it was no forgery. */
static enum sat_err stand_in_the_past(const struct freezer *freezer, struct place *place,
                                      const struct sat_record_id *record, struct standpoint *out)
{
    const struct sat_directory *directory = freezer->vault->directory;
    const struct sat_space_id *space = &place->space.id;
    uint32_t newest = newest_key(freezer, place);
    const struct sat_epoch *behind = sat_directory_epoch(directory, space, newest + 1);
    uint64_t seq = sat_directory_last_write(directory, space, freezer->secrets->device, record,
                                            behind ? behind->seq - 1 : directory->seq);
    uint32_t epoch = sat_directory_epoch_at(directory, space, seq);
    if (seq == 0 || seq < place->chain_seq) return SAT_OK;
    bool have;
    enum sat_err err = have_key(freezer, place, epoch, &have);
    if (!err && have) *out = (struct standpoint){seq, epoch, true};
    return err;
}

static enum sat_err find_standpoint(struct freezer *freezer, struct place *place, const struct sat_record_id *record,
                                    struct standpoint *out)
{
    const struct sat_directory *directory = freezer->vault->directory;
    const struct sat_space_id *space = &place->space.id;
    *out = (struct standpoint){0};
    if (place->blocked) return SAT_OK;
    if (!sat_directory_may_write(directory, space, freezer->secrets->device, record, directory->seq))
        return stand_in_the_past(freezer, place, record, out);
    if (place->owing) note_debt(freezer, place);
    if (place->ready && !place->owing)
        *out = (struct standpoint){directory->seq, sat_directory_epoch_at(directory, space, directory->seq), false};
    return SAT_OK;
}

/* What has gone to another space is covered here once it has arrived there: in between nobody is to be without it. Not
 * where the right is lost: the admins, who get both, decide about the order, and nothing waits for another time. */
static enum sat_err waits_for_copies(const struct freezer *freezer, const struct sat_draft_row *draft, bool *waits)
{
    int64_t target;
    enum sat_err err = sat_cover_waits(freezer->vault, draft, &target, waits);
    for (const struct place *place = freezer->places; place; place = place->next)
        if (target && place->space.sid == target && place->blocked) *waits = true;
    return err;
}

/* Was it written by who had not seen the deletion that the record has been collected by? It will be refused, and is not
 * to take others along. */
static enum sat_err is_late(const struct freezer *freezer, const struct place *place, const struct sat_draft_row *draft,
                            bool *late)
{
    struct sat_collected_row row;
    struct sat_header header;
    struct sat_arena arena;
    *late = false;
    if (!place->collected) return SAT_OK;
    enum sat_err err = sat_store_collected_get(freezer->vault->store, draft->sid, &draft->record, &row, late);
    if (err || !*late) return err;
    sat_arena_init(&arena);
    err = sat_header_decode(draft->header, &arena, &header) ? SAT_ERR_CORRUPT : SAT_OK;
    *late = !err && !sat_collected_is_seen(&row, &header);
    sat_arena_deinit(&arena);
    return err;
}

/* How many of the drafts make one bundle, from the first on, and where it stands: 0 if the first one may not be frozen.
 * *open: more of the same run could follow. */
static enum sat_err run_length(struct freezer *freezer, struct place *place, const struct sat_draft_row *drafts,
                               uint32_t n, struct standpoint *stand, uint32_t *run, bool *open)
{
    size_t bytes = BUNDLE_FIXED_BYTES, bytes_end = freezer->vault->bundle_bytes;
    if (bytes_end == 0 || bytes_end > SAT_BUNDLE_BYTES_MAX) bytes_end = SAT_BUNDLE_BYTES_MAX;
    *open = false;
    for (*run = 0; *run < n; ++*run) {
        uint32_t i = *run;
        if (i > 0 && (drafts[i].sid != drafts[0].sid || drafts[i].counter != drafts[0].counter + i)) return SAT_OK;
        bytes += bytes_max(&drafts[i]);
        if (i > 0 && bytes > bytes_end) return SAT_OK; /* one alone always fits */
        struct standpoint here;
        bool waits = false, late = false;
        enum sat_err err = is_late(freezer, place, &drafts[i], &late);
        if (late && i > 0) return err;
        if (!err) err = find_standpoint(freezer, place, &drafts[i].record, &here);
        if (!err && here.seq && !here.past) err = waits_for_copies(freezer, &drafts[i], &waits);
        if (err) return err;
        if (waits) here.seq = 0;
        if (here.seq == 0) place->blocked = true;
        if (i == 0) *stand = here;
        if (here.seq == 0 || here.seq != stand->seq) return SAT_OK;
        if (late) {
            *run = 1;
            return SAT_OK;
        }
    }
    *open = n < SAT_BUNDLE_CHANGES_MAX;
    return SAT_OK;
}

/* ---- One bundle ---- */

/* The log as it was seen. Of a space that is lost no head will come any more that covers the last entries: whoever
 * judges the bundle has those entries, or it does not hold. */
static enum sat_err set_witness(const struct freezer *freezer, const struct place *place, struct sat_manifest *manifest)
{
    uint64_t size = place->space.log.size;
    if (size == 0) return SAT_OK;
    bool found;
    enum sat_err err = sat_store_root_at(freezer->vault->store, place->space.sid, size, &manifest->w_root, &found);
    if (err || !found) return err ? err : SAT_ERR_CORRUPT;
    manifest->log_epoch = place->space.log_epoch;
    manifest->w_size = size;
    return SAT_OK;
}

static enum sat_err begin_manifest(const struct freezer *freezer, const struct place *place,
                                   const struct standpoint *stand, uint64_t first, uint32_t count,
                                   struct sat_manifest *out)
{
    *out = (struct sat_manifest){
        .suite = sat_suite_in_use(),
        .org = freezer->secrets->org,
        .space = place->space.id,
        .epoch = stand->epoch,
        .device = freezer->secrets->device,
        .first = first,
        .count = count,
        .dir_seq = stand->seq,
        .dir_hash = sat_directory_hash_at(freezer->vault->directory, stand->seq),
    };
    struct sat_bundle_row tip;
    bool found;
    enum sat_err err = find_tip(freezer, place, &tip, &found);
    if (err) return err;
    if (found) out->prev = tip.id;
    return set_witness(freezer, place, out);
}

/* Opens the drafts: all bodies one after another in `plain`, reserved at once, so that the spans into it stay. */
static enum sat_err open_drafts(const struct freezer *freezer, const struct sat_draft_row *drafts, uint32_t n,
                                struct sat_buf *plain, struct sat_plain_change *out)
{
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++) total += drafts[i].body.len;
    sat_buf_reserve(plain, total + 1);
    const uint8_t *base = plain->at;
    for (uint32_t i = 0; i < n; i++) {
        size_t start = plain->len;
        if (sat_unseal_draft(freezer->secrets->store_key, drafts[i].counter, &drafts[i].record, drafts[i].header,
                             drafts[i].body, plain))
            return SAT_ERR_CORRUPT;
        out[i] = (struct sat_plain_change){
            .record = drafts[i].record,
            .header = drafts[i].header,
            .body = sat_span(plain->at + start, plain->len - start),
            .compress = true,
        };
    }
    sat_check(plain->at == base);
    return SAT_OK;
}

static enum sat_err seal_changes(struct freezer *freezer, struct sat_manifest *manifest,
                                 const struct sat_plain_change *plain, struct sat_change *out)
{
    const struct sat_vault *vault = freezer->vault;
    uint8_t random[32];
    sat_entropy_fill(vault->entropy, random, sizeof random);
    sat_seal_nonce(manifest, freezer->secrets->nonce_key, random, plain);
    const struct sat_epoch_key *key;
    enum sat_err err = sat_keys_get(vault->keys, vault->directory, &manifest->space, manifest->epoch, &key);
    if (err) return err;
    struct sat_bundle_key bundle_key;
    sat_bundle_key_derive(key, manifest, &bundle_key);
    struct sat_buf sealed;
    sat_buf_init(&sealed);
    size_t bytes = BUNDLE_FIXED_BYTES;
    for (uint32_t i = 0; i < manifest->count && !err; i++) {
        sat_buf_clear(&sealed);
        err = sat_seal_change(vault->squeezer, &bundle_key, manifest, i, &plain[i], &sealed);
        if (err) break;
        struct sat_span body = sat_span_copy(&freezer->arena, sat_buf_span(&sealed));
        out[i] = (struct sat_change){.record = plain[i].record, .header = plain[i].header, .body = body};
        out[i].rest = sat_change_rest(out[i].header, out[i].body);
        bytes += CHANGE_FIXED_BYTES + out[i].header.len + out[i].body.len;
    }
    sat_check(err || bytes <= SAT_BUNDLE_BYTES_MAX);
    if (!err) manifest->changes_root = sat_changes_root(out, manifest->count);
    sat_buf_deinit(&sealed);
    sodium_memzero(&bundle_key, sizeof bundle_key);
    return err;
}

static enum sat_err store_bundle(const struct freezer *freezer, const struct place *place,
                                 const struct sat_manifest *manifest, struct sat_change *changes)
{
    struct sat_store *store = freezer->vault->store;
    const struct sat_bundle bundle = {
        .manifest = *manifest,
        .signature = sat_bundle_sign(manifest, &freezer->secrets->sign),
        .id = sat_bundle_id(manifest),
        .changes = changes,
    };
    struct sat_bundle_row row = {
        .sid = place->space.sid,
        .device = manifest->device,
        .first = manifest->first,
        .count = manifest->count,
        .id = bundle.id,
        .signature = bundle.signature,
    };
    sat_manifest_encode(manifest, row.manifest);
    enum sat_err err = sat_store_bundle_insert(store, &row);
    struct sat_change_row rows[SAT_CHANGES_TOGETHER];
    for (uint32_t i = 0, n = 0; i < manifest->count && !err; i++) {
        rows[n++] = (struct sat_change_row){
            .cid = row.bid << 10 | i,
            .sid = row.sid,
            .record = changes[i].record,
            .dot = {manifest->device, manifest->first + i},
            .state = SAT_CHANGE_PENDING,
            .header = changes[i].header,
            .body = changes[i].body,
            .rest = changes[i].rest,
        };
        if (n < SAT_CHANGES_TOGETHER && i + 1 < manifest->count) continue;
        err = sat_store_changes_insert(store, rows, n);
        n = 0;
    }
    if (!err) err = sat_store_drafts_frozen(store, manifest->first, manifest->first + manifest->count - 1);
    if (!err && freezer->vault->fresh) sat_fresh_keep(freezer->vault->fresh, &bundle);
    return err;
}

static struct sat_dots under(const struct sat_dots *dots, const struct sat_dots *seen, struct sat_dot *out)
{
    struct sat_dots kept = {.at = out, .n = 0};
    for (uint32_t i = 0; i < dots->n; i++)
        if (sat_vector_covers(*seen, dots->at[i])) out[kept.n++] = dots->at[i];
    return kept;
}

/* A draft may have seen changes that were let go of since with a server's lie (common/sync/rewind.h). It claims those
 * that the log has; beside the others, should they come, it stands as one that did not know them. */
static enum sat_err claim_what_is_here(struct freezer *freezer, const struct place *place,
                                       const struct sat_draft_row *draft, struct sat_plain_change *plain)
{
    struct sat_arena *arena = &freezer->arena;
    struct sat_header header;
    if (sat_header_decode(draft->header, arena, &header)) return SAT_ERR_CORRUPT;
    struct sat_dot *seen = sat_arena_array(arena, header.seen.n, sizeof *seen);
    uint32_t n = 0;
    for (uint32_t i = 0; i < header.seen.n; i++) {
        struct sat_dot dot = header.seen.at[i];
        uint64_t known = dot.counter;
        enum sat_err err = SAT_OK;
        if (dot.device != freezer->secrets->device)
            err = sat_store_device_counter_at(freezer->vault->store, place->space.sid, dot.device,
                                              place->space.log.size, &known);
        if (err) return err;
        if (known < dot.counter) dot.counter = known;
        if (dot.counter) seen[n++] = dot;
    }
    header.seen = (struct sat_dots){.at = seen, .n = n};
    header.kept = under(&header.kept, &header.seen, sat_arena_array(arena, header.kept.n, sizeof *seen));
    header.holes = under(&header.holes, &header.seen, sat_arena_array(arena, header.holes.n, sizeof *seen));
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_header_encode(&header, &buf);
    plain->header = sat_span_copy(arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    return SAT_OK;
}

static enum sat_err freeze_run(struct freezer *freezer, struct place *place, const struct standpoint *stand,
                               const struct sat_draft_row *drafts, uint32_t n)
{
    struct sat_manifest manifest;
    struct sat_plain_change *plain = sat_arena_array(&freezer->arena, n, sizeof *plain);
    struct sat_change *changes = sat_arena_array(&freezer->arena, n, sizeof *changes);
    struct sat_buf bodies;
    sat_buf_init(&bodies);
    enum sat_err err = begin_manifest(freezer, place, stand, drafts[0].counter, n, &manifest);
    if (!err) err = open_drafts(freezer, drafts, n, &bodies, plain);
    for (uint32_t i = 0; !err && i < n && freezer->rewound; i++)
        err = claim_what_is_here(freezer, place, &drafts[i], &plain[i]);
    if (!err) err = seal_changes(freezer, &manifest, plain, changes);
    if (!err) err = store_bundle(freezer, place, &manifest, changes);
    if (!err) place->chain_seq = stand->seq;
    sat_buf_wipe(&bodies);
    return err;
}

/* ---- All drafts ---- */

/* Do drafts follow behind the page? */
static bool is_full(const struct sat_draft_row *drafts, uint32_t n)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) bytes += drafts[i].header.len + drafts[i].body.len;
    return n == PAGE || bytes >= PAGE_BYTES;
}

/* Freezes or skips the runs of one page. *next: the counter from which to go on; a run that may go on behind the page
 * is left for it. */
static enum sat_err freeze_page(struct freezer *freezer, const struct sat_draft_row *drafts, uint32_t n, uint64_t *next)
{
    enum sat_err err = SAT_OK;
    uint32_t i = 0;
    while (i < n && !err && freezer->bundles_left) {
        struct place *place;
        struct standpoint stand = {0};
        uint32_t run = 0;
        bool open = false;
        err = find_place(freezer, drafts[i].sid, &place);
        if (!err) err = run_length(freezer, place, drafts + i, n - i, &stand, &run, &open);
        if (err || (open && is_full(drafts, n))) break;
        if (run) err = freeze_run(freezer, place, &stand, drafts + i, run);
        if (run) freezer->bundles_left--;
        i += run ? run : 1;
    }
    *next = i < n ? drafts[i].counter : drafts[n - 1].counter + 1;
    return err;
}

enum sat_err sat_author_freeze(const struct sat_vault *vault, uint64_t now_ms, uint32_t bundles_max,
                               struct sat_frozen *out)
{
    return sat_author_freeze_but(vault, now_ms, bundles_max, NULL, 0, out);
}

enum sat_err sat_author_freeze_but(const struct sat_vault *vault, uint64_t now_ms, uint32_t bundles_max,
                                   const int64_t *held, uint32_t held_n, struct sat_frozen *out)
{
    struct freezer freezer = {.vault = vault,
                              .secrets = sat_keyring_secrets(vault->keyring),
                              .out = out,
                              .now_ms = now_ms,
                              .held = held,
                              .held_n = held_n,
                              .bundles_left = bundles_max};
    *out = (struct sat_frozen){0};
    sat_arena_init(&freezer.places_arena);
    sat_arena_init(&freezer.arena);
    uint64_t returns = 0; /* what the server lost is shown, but not on its log */
    enum sat_err err = sat_store_meta_get_u64(vault->store, SAT_REWOUND_KEY, 0, &freezer.rewound);
    if (!err) err = sat_store_return_count(vault->store, 0, true, &returns);
    if (returns) freezer.rewound = 1;
    uint64_t next = 0;
    for (uint32_t n = PAGE; n && !err && freezer.bundles_left;) {
        struct sat_draft_row *drafts;
        sat_arena_reset(&freezer.arena);
        err = sat_store_drafts(vault->store, next, PAGE, PAGE_BYTES, &freezer.arena, &drafts, &n);
        bool dropped = false;
        if (!err && n) err = sat_covers_drop(vault, drafts, n, &dropped);
        if (dropped) out->dropped = true;
        if (!err && n && !dropped) err = freeze_page(&freezer, drafts, n, &next);
    }
    sat_arena_deinit(&freezer.arena);
    sat_arena_deinit(&freezer.places_arena);
    if (!err) err = sat_store_draft_count(vault->store, &out->left);
    out->more = out->left && !freezer.bundles_left;
    out->held = out->left && held_n;
    return err;
}
