#include "common/proof/entropy.h"

#include <sodium.h>
#include <string.h>

static void fill_system(void *context, void *out, size_t len)
{
    (void)context;
    randombytes_buf(out, len);
}

struct sat_entropy sat_entropy_system(void)
{
    return (struct sat_entropy){.fill = fill_system};
}

static void fill_seeded(void *context, void *out, size_t len)
{
    struct sat_entropy_stream *stream = context;
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    memcpy(nonce, &stream->position, sizeof nonce);
    crypto_stream_chacha20(out, len, nonce, stream->seed);
    stream->position++;
}

struct sat_entropy sat_entropy_seeded(struct sat_entropy_stream *state, uint64_t seed)
{
    *state = (struct sat_entropy_stream){0};
    memcpy(state->seed, &seed, sizeof seed);
    return (struct sat_entropy){.fill = fill_seeded, .context = state};
}

void sat_entropy_fill(const struct sat_entropy *entropy, void *out, size_t len)
{
    entropy->fill(entropy->context, out, len);
}
