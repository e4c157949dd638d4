/* Randomness comes in from outside, so that a test can replay a life from its seed. */
#ifndef SAT_PROOF_ENTROPY_H
#define SAT_PROOF_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

struct sat_entropy {
    void (*fill)(void *context, void *out, size_t len);
    void *context;
};

/* The system's generator, by libsodium. */
struct sat_entropy sat_entropy_system(void);
/* A reproducible stream of a seed (ChaCha20), for tests; `state` is the caller's and must outlive the result. */
struct sat_entropy_stream {
    uint8_t seed[32];
    uint64_t position;
};
struct sat_entropy sat_entropy_seeded(struct sat_entropy_stream *state, uint64_t seed);

void sat_entropy_fill(const struct sat_entropy *entropy, void *out, size_t len);

#endif
