/* H and HK of CRYPTO: BLAKE2b-256 with a domain label in front, so that no hash of one kind is ever one of another.
 *   H(L, m) = generichash(32, u8 len(L') ‖ L' ‖ m), L' = "satchel/1/" ‖ L;  HK is the same keyed with 32 bytes. */
#ifndef SAT_PROOF_HASH_H
#define SAT_PROOF_HASH_H

#include <sodium.h>

#include "common/base/id.h"

struct sat_hasher {
    crypto_generichash_state state;
};

void sat_hash_begin(struct sat_hasher *hasher, const char *label);
void sat_hash_begin_keyed(struct sat_hasher *hasher, const uint8_t key[32], const char *label);
void sat_hash_add(struct sat_hasher *hasher, const void *at, size_t len);
void sat_hash_add_span(struct sat_hasher *hasher, struct sat_span span);
void sat_hash_add_counted(struct sat_hasher *hasher, struct sat_span span); /* u32 length first */
void sat_hash_add_u8(struct sat_hasher *hasher, uint8_t v);
void sat_hash_add_u32(struct sat_hasher *hasher, uint32_t v);
void sat_hash_add_u64(struct sat_hasher *hasher, uint64_t v);
struct sat_hash sat_hash_end(struct sat_hasher *hasher);

struct sat_hash sat_hash(const char *label, struct sat_span message);
struct sat_hash sat_hash_keyed(const uint8_t key[32], const char *label, struct sat_span message);

#endif
