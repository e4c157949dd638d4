#include "common/proof/hash.h"

#include <string.h>

#include "common/base/check.h"

static const char PREFIX[] = "satchel/1/";

static void begin(struct sat_hasher *hasher, const uint8_t *key, const char *label)
{
    size_t prefix_len = sizeof PREFIX - 1, label_len = strlen(label);
    sat_check(prefix_len + label_len <= 255);
    uint8_t len = (uint8_t)(prefix_len + label_len);
    crypto_generichash_init(&hasher->state, key, key ? 32 : 0, 32);
    crypto_generichash_update(&hasher->state, &len, 1);
    crypto_generichash_update(&hasher->state, (const uint8_t *)PREFIX, prefix_len);
    crypto_generichash_update(&hasher->state, (const uint8_t *)label, label_len);
}

void sat_hash_begin(struct sat_hasher *hasher, const char *label)
{
    begin(hasher, NULL, label);
}

void sat_hash_begin_keyed(struct sat_hasher *hasher, const uint8_t key[32], const char *label)
{
    begin(hasher, key, label);
}

void sat_hash_add(struct sat_hasher *hasher, const void *at, size_t len)
{
    if (len) crypto_generichash_update(&hasher->state, at, len);
}

void sat_hash_add_span(struct sat_hasher *hasher, struct sat_span span)
{
    sat_hash_add(hasher, span.at, span.len);
}

static void add_le(struct sat_hasher *hasher, uint64_t v, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++) bytes[i] = (uint8_t)(v >> (8 * i));
    sat_hash_add(hasher, bytes, width);
}

void sat_hash_add_u8(struct sat_hasher *hasher, uint8_t v)
{
    add_le(hasher, v, 1);
}

void sat_hash_add_u32(struct sat_hasher *hasher, uint32_t v)
{
    add_le(hasher, v, 4);
}

void sat_hash_add_u64(struct sat_hasher *hasher, uint64_t v)
{
    add_le(hasher, v, 8);
}

void sat_hash_add_counted(struct sat_hasher *hasher, struct sat_span span)
{
    sat_check(span.len <= UINT32_MAX);
    sat_hash_add_u32(hasher, (uint32_t)span.len);
    sat_hash_add_span(hasher, span);
}

struct sat_hash sat_hash_end(struct sat_hasher *hasher)
{
    struct sat_hash hash;
    crypto_generichash_final(&hasher->state, hash.b, sizeof hash.b);
    return hash;
}

struct sat_hash sat_hash(const char *label, struct sat_span message)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, label);
    sat_hash_add_span(&hasher, message);
    return sat_hash_end(&hasher);
}

struct sat_hash sat_hash_keyed(const uint8_t key[32], const char *label, struct sat_span message)
{
    struct sat_hasher hasher;
    sat_hash_begin_keyed(&hasher, key, label);
    sat_hash_add_span(&hasher, message);
    struct sat_hash hash = sat_hash_end(&hasher);
    sodium_memzero(&hasher, sizeof hasher);
    return hash;
}
