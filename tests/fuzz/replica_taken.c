/* A server that says of what it was sent that its numbers are another bundle's, and shows that: what the device has
 * signed under them, or what is nearly that (sync/taken.h). */
#include "common/sync/taken.h"
#include "common/sync/void.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replica_talk.h"

/* The oldest that waits there; false: nothing does. */
static bool find_pending(struct talk *talk, const struct sat_space_row *row, struct sat_bundle_row *out)
{
    struct sat_bundle_row *rows;
    struct sat_arena arena;
    uint32_t n;
    sat_arena_init(&arena);
    fuzz_must(sat_store_bundles_pending(talk->device.store, row->sid, 0, 1, &arena, &rows, &n));
    if (n) *out = rows[0];
    sat_arena_deinit(&arena);
    return n > 0;
}

void hears_refused(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_bundle_row waits;
    uint32_t sub;
    uint8_t what = fuzz_byte(input);
    if (!hears_choose_space(talk, what, &sub, &row)) return;
    struct sat_message message = {.type = SAT_MESSAGE_REFUSED};
    message.as.REFUSED = (struct sat_message_REFUSED){
        .sub = sub, .first = 1, .error = what & 64 ? fuzz_byte(input) : SAT_ERR_FORK, .text = sat_span_text("taken")};
    if (find_pending(talk, &row, &waits)) message.as.REFUSED.first = waits.first;
    if (what & 32) message.as.REFUSED.first = fuzz_byte(input);
    hears_message(talk, &message);
}

/* Other work than `own` under the same numbers, or with one lie about it. */
static struct sat_bundle_row other_bundle(const struct talk *talk, const struct sat_bundle_row *own, uint8_t lie)
{
    struct sat_bundle_row other = *own;
    struct sat_manifest m;
    sat_manifest_decode(own->manifest, &m);
    if (lie != 1) m.changes_root.b[0] ^= 1;
    if (lie == 2) m.first += m.count;
    if (lie == 3) m.org.b[0] ^= 1;
    if (lie == 4) m.device = 3;
    if (lie == 5) m.suite = 0; /* a statement, by what it says */
    if (lie == 6) m.count = 0;
    if (lie == 7) m.first--, m.count += 2;
    other.signature = sat_bundle_sign(&m, talk->org->signing[lie == 8 ? 2 : DEVICE - 1]);
    sat_manifest_encode(&m, other.manifest);
    return other;
}

/* What says that this work, or other work, is empty. */
static struct sat_bundle_row other_statement(const struct talk *talk, const struct sat_bundle_row *own, uint8_t lie)
{
    struct sat_manifest m;
    sat_manifest_decode(own->manifest, &m);
    struct sat_signed_void empty = {.statement = {m.space, m.device, m.first, m.count, own->id, m.prev}};
    if (lie != 1) empty.statement.refused.b[0] ^= 1;
    if (lie == 2) empty.statement.first += m.count;
    if (lie == 4) empty.statement.device = 3;
    empty.signature = sat_void_sign(&empty.statement, &m.org, talk->org->signing[lie == 8 ? 2 : DEVICE - 1]);
    return sat_void_row(own->sid, &m.org, &empty, NULL);
}

void hears_taken(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_bundle_row own = {.device = DEVICE, .first = 1, .count = 1};
    struct sat_buf proof;
    uint32_t sub;
    uint8_t where = fuzz_byte(input), lie = fuzz_byte(input);
    if (!hears_choose_space(talk, where, &sub, &row)) return;
    (void)find_pending(talk, &row, &own);
    struct sat_bundle_row shown =
        (where & 32 ? other_statement : other_bundle)(talk, &own, where & 32 ? lie % 16 : lie % 32);
    sat_buf_init(&proof);
    sat_taken_encode(&shown, &proof);
    struct sat_message message = {.type = SAT_MESSAGE_TAKEN};
    message.as.TAKEN = (struct sat_message_TAKEN){.sub = sub, .first = own.first, .proof = sat_buf_span(&proof)};
    if (lie == 9) message.as.TAKEN.proof.len = 0;
    if (lie == 10) message.as.TAKEN.proof.len--;
    if (lie == 11) message.as.TAKEN.first++;
    hears_message(talk, &message);
    sat_buf_deinit(&proof);
}
