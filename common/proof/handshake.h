/* The handshake (CRYPTO, "Handshake"): the server signs a hello over the client's nonce with its identity key, the
 * client answers with a device's signature over both nonces; one round trip after the upgrade. */
#ifndef SAT_PROOF_HANDSHAKE_H
#define SAT_PROOF_HANDSHAKE_H

#include "common/proof/sign.h"

enum sat_binding_kind { SAT_BINDING_NONE = 0, SAT_BINDING_TLS_KEY = 1, SAT_BINDING_EXPORTER = 2 };

struct sat_binding { /* what ties the handshake to its channel; hash is zeros for NONE, H("tls-key", SPKI DER) for
                        TLS_KEY */
    uint8_t kind;
    struct sat_hash hash;
};

struct sat_binding sat_binding_tls_key(struct sat_span subject_public_key_info);

struct sat_hello { /* SIG(server, "hello", cn32 ‖ sn32 ‖ u64 time ‖ u64 dir_seq ‖ dir_hash32 ‖ u8 bkind ‖ binding32) */
    uint8_t client_nonce[32], server_nonce[32];
    uint64_t time_ms;
    uint64_t dir_seq; /* 0 with a zero hash: the server knows no such org (yet) */
    struct sat_hash dir_hash;
    struct sat_binding binding;
};
struct sat_signature sat_hello_sign(const struct sat_hello *hello, const struct sat_hash *org,
                                    const struct sat_sign_key *server);
enum sat_err sat_hello_verify(const struct sat_hello *hello, const struct sat_hash *org,
                              const struct sat_public_key *server,
                              const struct sat_signature *signature) SAT_MUST_CHECK;

struct sat_auth { /* SIG(device, "auth", server key32 ‖ cn32 ‖ sn32 ‖ u32 device ‖ u64 dir_seq ‖ dir_hash32 ‖ u8 bkind ‖
                     binding32) */
    struct sat_public_key server;
    uint8_t client_nonce[32], server_nonce[32];
    uint32_t
        device; /* 0 for the holder of an invite or of the kit, who signs "auth-invite" or "auth-kit" with its key */
    bool kit;   /* the kit's holder; not part of the statement */
    uint64_t dir_seq;
    struct sat_hash dir_hash;
    struct sat_binding binding;
};
struct sat_signature sat_auth_sign(const struct sat_auth *auth, const struct sat_hash *org,
                                   const struct sat_sign_key *key);
enum sat_err sat_auth_verify(const struct sat_auth *auth, const struct sat_hash *org, const struct sat_public_key *key,
                             const struct sat_signature *signature) SAT_MUST_CHECK;

#endif
