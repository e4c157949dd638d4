#include "common/proof/sign.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"

static const char PREFIX[] = "satchel/1/";

static void frame(struct sat_buf *buf, const char *label, const struct sat_hash *org, struct sat_span message)
{
    size_t len = sizeof PREFIX - 1 + strlen(label);
    sat_check(len <= 255);
    sat_buf_init(buf);
    sat_buf_reserve(buf, 1 + len + sizeof org->b + message.len);
    sat_put_u8(buf, (uint8_t)len);
    sat_put_bytes(buf, PREFIX, sizeof PREFIX - 1);
    sat_put_bytes(buf, label, strlen(label));
    sat_put_bytes(buf, org->b, sizeof org->b);
    sat_put_span(buf, message);
}

void sat_sign_keypair(const uint8_t seed[32], struct sat_public_key *public_key, struct sat_sign_key *secret)
{
    crypto_sign_seed_keypair(public_key->b, secret->b, seed);
}

struct sat_public_key sat_sign_public(const struct sat_sign_key *secret)
{
    struct sat_public_key key;
    memcpy(key.b, secret->b + 32, 32);
    return key;
}

struct sat_signature sat_sign(const struct sat_sign_key *key, const char *label, const struct sat_hash *org,
                              struct sat_span message)
{
    struct sat_buf buf;
    struct sat_signature signature;
    frame(&buf, label, org, message);
    crypto_sign_detached(signature.b, NULL, buf.at, buf.len, key->b);
    sat_buf_deinit(&buf);
    return signature;
}

enum sat_err sat_verify(const struct sat_public_key *key, const char *label, const struct sat_hash *org,
                        struct sat_span message, const struct sat_signature *signature)
{
    struct sat_buf buf;
    frame(&buf, label, org, message);
    int failed = crypto_sign_verify_detached(signature->b, buf.at, buf.len, key->b);
    sat_buf_deinit(&buf);
    return failed ? SAT_ERR_TAMPERED : SAT_OK;
}
