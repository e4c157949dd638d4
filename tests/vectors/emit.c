#include "tests/vectors/emit.h"

#include <inttypes.h>
#include <sodium.h>

static void comma(struct emit *emit, bool *before, const char *indent)
{
    fprintf(emit->to, "%s%s", *before ? ",\n" : "\n", indent);
    *before = true;
}

void emit_open(struct emit *emit, FILE *to, const char *section)
{
    *emit = (struct emit){.to = to};
    fprintf(to, "{\n \"format\": \"satchel vectors 1\",\n \"section\": \"%s\",\n \"vectors\": [", section);
}

void emit_close(struct emit *emit)
{
    fprintf(emit->to, "\n ]\n}\n");
}

void emit_begin(struct emit *emit, const char *construction, const char *name)
{
    comma(emit, &emit->vector, "  ");
    fprintf(emit->to, "{\"construction\": \"%s\", \"name\": \"%s\",\n   \"in\": {", construction, name);
    emit->field = false;
}

void emit_outputs(struct emit *emit)
{
    fprintf(emit->to, "},\n   \"out\": {");
    emit->field = false;
}

void emit_end(struct emit *emit)
{
    fprintf(emit->to, "}}");
}

static void put_key(struct emit *emit, const char *key)
{
    comma(emit, &emit->field, "    ");
    fprintf(emit->to, "\"%s\": ", key);
}

static void put_hex(struct emit *emit, struct sat_span bytes)
{
    fputc('"', emit->to);
    for (size_t i = 0; i < bytes.len; i++) fprintf(emit->to, "%02x", bytes.at[i]);
    fputc('"', emit->to);
}

void emit_hex(struct emit *emit, const char *key, struct sat_span bytes)
{
    put_key(emit, key);
    put_hex(emit, bytes);
}

void emit_number(struct emit *emit, const char *key, uint64_t number)
{
    put_key(emit, key);
    fprintf(emit->to, "\"%" PRIu64 "\"", number);
}

void emit_text(struct emit *emit, const char *key, const char *text)
{
    put_key(emit, key);
    fprintf(emit->to, "\"%s\"", text);
}

void emit_list(struct emit *emit, const char *key)
{
    put_key(emit, key);
    fputc('[', emit->to);
    emit->item = false;
}

void emit_item_hex(struct emit *emit, struct sat_span bytes)
{
    comma(emit, &emit->item, "     ");
    put_hex(emit, bytes);
}

void emit_list_end(struct emit *emit)
{
    fputc(']', emit->to);
}

void emit_dots(struct emit *emit, const char *key, struct sat_dots dots)
{
    emit_list(emit, key);
    for (uint32_t i = 0; i < dots.n; i++)
        fprintf(emit->to, "%s\"%" PRIu32 ":%" PRIu64 "\"", i ? ", " : "", dots.at[i].device, dots.at[i].counter);
    emit_list_end(emit);
}

void emit_fill(void *at, size_t len, unsigned start)
{
    for (size_t i = 0; i < len; i++) ((uint8_t *)at)[i] = (uint8_t)(start + 7 * i);
}

struct sat_hash emit_some_hash(unsigned start)
{
    struct sat_hash hash;
    emit_fill(hash.b, sizeof hash.b, start);
    return hash;
}

void emit_hash(struct emit *emit, const char *key, const struct sat_hash *hash)
{
    emit_hex(emit, key, SAT_SPAN(hash->b));
}

struct sat_sign_key emit_seed(struct emit *emit, unsigned start)
{
    uint8_t seed[32];
    struct sat_public_key public_key;
    struct sat_sign_key key;
    emit_fill(seed, sizeof seed, start);
    sat_sign_keypair(seed, &public_key, &key);
    emit_hex(emit, "seed", SAT_SPAN(seed));
    return key;
}

void emit_signature(struct emit *emit, const struct sat_sign_key *key, const struct sat_signature *signature)
{
    struct sat_public_key public_key = sat_sign_public(key);
    emit_hex(emit, "public_key", SAT_SPAN(public_key.b));
    emit_hex(emit, "signature", SAT_SPAN(signature->b));
}

struct sat_sign_key emit_sign_key(unsigned start)
{
    uint8_t seed[32];
    struct sat_public_key public_key;
    struct sat_sign_key key;
    emit_fill(seed, sizeof seed, start);
    sat_sign_keypair(seed, &public_key, &key);
    return key;
}

struct sat_public_key emit_sign_public(unsigned start)
{
    struct sat_sign_key key = emit_sign_key(start);
    return sat_sign_public(&key);
}

struct sat_public_key emit_box_public(unsigned start)
{
    uint8_t seed[32];
    struct sat_public_key key;
    emit_fill(seed, sizeof seed, start);
    crypto_scalarmult_base(key.b, seed);
    return key;
}
