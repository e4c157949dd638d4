/* Inflating what somebody sealed; and, from the same bytes as if they were plain, there and back. */
#include "common/base/limits.h"
#include "common/vault/squeeze.h"
#include "tests/fuzz/fuzz.h"

/* Made once: what comes out depends on what goes in alone. */
static struct sat_squeezer *the_squeezer(void)
{
    static struct sat_squeezer *squeezer;
    if (!squeezer) fuzz_must(sat_squeezer_new(&squeezer));
    return squeezer;
}

static void check_inflating(struct sat_span squeezed, size_t plain_max)
{
    static const uint8_t before[] = {1, 2, 3};
    struct sat_buf out;
    sat_buf_init(&out);
    sat_put_bytes(&out, before, sizeof before);
    enum sat_err err = sat_unsqueeze(the_squeezer(), squeezed, plain_max, &out);
    sat_check(out.len >= sizeof before && out.len - sizeof before <= (err ? 0 : plain_max));
    sat_check(!err || err == SAT_ERR_UNDECRYPTABLE || err == SAT_ERR_UPGRADE_NEEDED);
    sat_buf_deinit(&out);
}

static void check_there_and_back(struct sat_span plain, bool compress)
{
    struct sat_buf squeezed, again;
    sat_buf_init(&squeezed);
    sat_buf_init(&again);
    sat_squeeze(the_squeezer(), plain, compress, &squeezed);
    sat_check(squeezed.len == sat_squeeze_bucket(squeezed.len) && squeezed.len <= sat_squeeze_bucket(plain.len + 2));
    fuzz_must(sat_unsqueeze(the_squeezer(), sat_buf_span(&squeezed), plain.len, &again));
    sat_check(sat_span_equal(plain, sat_buf_span(&again)));
    sat_buf_deinit(&again);
    sat_buf_deinit(&squeezed);
}

/* Pads what the input says to its bucket: what is compressed is the point, not how long it is. */
static void check_padded(struct sat_span contents)
{
    struct sat_buf padded;
    sat_buf_init(&padded);
    sat_put_span(&padded, contents);
    sat_put_u8(&padded, 0x80);
    while (padded.len < sat_squeeze_bucket(contents.len + 1)) sat_put_u8(&padded, 0);
    check_inflating(sat_buf_span(&padded), SAT_BODY_BYTES_MAX);
    sat_buf_deinit(&padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    uint8_t what = fuzz_byte(&input);
    if (what % 4 == 0)
        check_inflating(input, what / 4 == 0 ? SAT_BODY_BYTES_MAX : (size_t)what * 16);
    else if (what % 4 == 1)
        check_padded(input);
    else
        check_there_and_back(input, what % 4 == 2);
    return 0;
}
