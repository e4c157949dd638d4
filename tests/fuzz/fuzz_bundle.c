/* A bundle's wire form, full and short. */
#include <string.h>

#include "common/proof/bundle.h"
#include "tests/fuzz/fuzz.h"

static const struct sat_hash org = {{1}};
static const struct sat_space_id space = {{2}};

/* What is kept of a manifest is all of it. */
static void check_manifest(const struct sat_bundle *bundle)
{
    uint8_t bytes[SAT_MANIFEST_BYTES];
    struct sat_manifest again;
    sat_manifest_encode(&bundle->manifest, bytes);
    sat_manifest_decode(bytes, &again);
    struct sat_hash id = sat_bundle_id(&again);
    sat_check(sat_hash_equal(&id, &bundle->id));
}

/* The short form of a full bundle, completed by who knows the rest, is that bundle. */
static void check_short(const struct sat_bundle *bundle, struct sat_arena *arena)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_bundle_known known = {
        .prev = m->prev, .dir_hash = m->dir_hash, .w_root = m->w_root, .log_epoch = m->log_epoch};
    struct sat_bundle completed;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(bundle, SAT_BUNDLE_SHORT, &bytes);
    fuzz_must(sat_bundle_decode(sat_buf_span(&bytes), &org, &space, arena, &completed));
    fuzz_must(sat_bundle_complete(&completed, &known));
    sat_check(sat_hash_equal(&completed.id, &bundle->id));
    sat_buf_deinit(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_arena arena;
    struct sat_bundle bundle;
    struct sat_buf again;
    sat_arena_init(&arena);
    sat_buf_init(&again);
    if (sat_bundle_decode(sat_span(data, size), &org, &space, &arena, &bundle) == SAT_OK) {
        sat_bundle_encode(&bundle, bundle.form, &again);
        sat_check(sat_span_equal(sat_span(data, size), sat_buf_span(&again)));
        if (bundle.form == SAT_BUNDLE_FULL) {
            check_manifest(&bundle);
            check_short(&bundle, &arena);
        }
    }
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
    return 0;
}
