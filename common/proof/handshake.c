#include "common/proof/handshake.h"

#include "common/proof/hash.h"

struct sat_binding sat_binding_tls_key(struct sat_span subject_public_key_info)
{
    return (struct sat_binding){.kind = SAT_BINDING_TLS_KEY, .hash = sat_hash("tls-key", subject_public_key_info)};
}

static void put_binding(struct sat_buf *out, const struct sat_binding *binding)
{
    sat_put_u8(out, binding->kind);
    sat_put_bytes(out, binding->hash.b, sizeof binding->hash.b);
}

/* ---- Hello ---- */

static void put_hello(struct sat_buf *out, const struct sat_hello *hello)
{
    sat_put_bytes(out, hello->client_nonce, sizeof hello->client_nonce);
    sat_put_bytes(out, hello->server_nonce, sizeof hello->server_nonce);
    sat_put_u64(out, hello->time_ms);
    sat_put_u64(out, hello->dir_seq);
    sat_put_bytes(out, hello->dir_hash.b, sizeof hello->dir_hash.b);
    put_binding(out, &hello->binding);
}

struct sat_signature sat_hello_sign(const struct sat_hello *hello, const struct sat_hash *org,
                                    const struct sat_sign_key *server)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_hello(&statement, hello);
    struct sat_signature signature = sat_sign(server, "hello", org, sat_buf_span(&statement));
    sat_buf_deinit(&statement);
    return signature;
}

enum sat_err sat_hello_verify(const struct sat_hello *hello, const struct sat_hash *org,
                              const struct sat_public_key *server, const struct sat_signature *signature)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_hello(&statement, hello);
    enum sat_err err = sat_verify(server, "hello", org, sat_buf_span(&statement), signature);
    sat_buf_deinit(&statement);
    return err;
}

/* ---- Auth ---- */

static void put_auth(struct sat_buf *out, const struct sat_auth *auth)
{
    sat_put_bytes(out, auth->server.b, sizeof auth->server.b);
    sat_put_bytes(out, auth->client_nonce, sizeof auth->client_nonce);
    sat_put_bytes(out, auth->server_nonce, sizeof auth->server_nonce);
    sat_put_u32(out, auth->device);
    sat_put_u64(out, auth->dir_seq);
    sat_put_bytes(out, auth->dir_hash.b, sizeof auth->dir_hash.b);
    put_binding(out, &auth->binding);
}

/* The holders of an invite and of the kit are no devices: labels of their own keep their signatures from ever counting
 * as a device's, or as each other's. */
static const char *auth_label(const struct sat_auth *auth)
{
    if (auth->device) return "auth";
    return auth->kit ? "auth-kit" : "auth-invite";
}

struct sat_signature sat_auth_sign(const struct sat_auth *auth, const struct sat_hash *org,
                                   const struct sat_sign_key *key)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_auth(&statement, auth);
    struct sat_signature signature = sat_sign(key, auth_label(auth), org, sat_buf_span(&statement));
    sat_buf_deinit(&statement);
    return signature;
}

enum sat_err sat_auth_verify(const struct sat_auth *auth, const struct sat_hash *org, const struct sat_public_key *key,
                             const struct sat_signature *signature)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_auth(&statement, auth);
    enum sat_err err = sat_verify(key, auth_label(auth), org, sat_buf_span(&statement), signature);
    sat_buf_deinit(&statement);
    return err;
}
