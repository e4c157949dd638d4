/* A link as it travels in LINKS: the first byte is its position, behind a link whose id is made up. Spaces are those of
 * the org, of which who reads the link knows what lies before it. */
#include <string.h>

#include "common/proof/link_short.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/org.h"

static const struct sat_directory *org_directory(void)
{
    static struct sat_directory directory;
    struct sat_fault fault = {0};
    if (directory.seq) return &directory;
    struct sat_store *store = fuzz_org_store(fuzz_org(), true);
    sat_directory_init(&directory);
    fuzz_must(sat_directory_load(store, &directory, &fault));
    sat_store_close(store);
    return &directory;
}

/* What decodes is the one short form of a link in its one long form. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span item = sat_span(data, size), bytes;
    uint64_t seq = fuzz_byte(&item);
    struct sat_hash prev = {{1, 2, 3}};
    struct sat_arena arena;
    struct sat_link link;
    struct sat_countersign sign;
    struct sat_buf again;
    sat_arena_init(&arena);
    sat_buf_init(&again);
    if (sat_link_decode_short(item, seq, &prev, org_directory(), &arena, &link, &bytes, &sign) == SAT_OK) {
        sat_check(link.seq == seq && sat_hash_equal(&link.prev, &prev));
        sat_link_encode_short(&link, &sign, org_directory(), &again);
        sat_check(sat_span_equal(item, sat_buf_span(&again)));
        sat_buf_clear(&again);
        sat_link_encode(&link, &again);
        sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    }
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
    return 0;
}
