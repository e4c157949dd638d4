/* The TLS certificate: the operator's, or a self-signed one made at first start. Clients do not trust it by itself
 * (they pin the identity key); the handshake binds to its key. The only file of the daemon that includes <openssl/…>.
 */
#ifndef SATD_CERTIFICATE_H
#define SATD_CERTIFICATE_H

#include "common/proof/handshake.h"
#include "server/datadir.h"
#include "server/log.h"

struct ssl_st; /* OpenSSL's connection */

/* The certificate in use. Given paths are checked and used as they are; without (both NULL), DIR/tls-cert.pem and
 * tls-key.pem are, and made when one of them is missing. *cert_path and *key_path are the arena's. SAT_ERR_CONFIG for
 * files that are no certificate and its key. */
struct satd_certificate {
    const char *cert_path, *key_path;
};
enum sat_err satd_certificate_open(const struct satd_datadir *dir, const char *given_cert, const char *given_key,
                                   struct satd_log *log, struct sat_arena *arena, struct satd_certificate *out,
                                   struct sat_fault *fault) SAT_MUST_CHECK;
/* Are these a certificate and its key, as a renewal may have left them? SAT_ERR_CONFIG. */
enum sat_err satd_certificate_check(const struct satd_certificate *certificate, struct sat_fault *fault) SAT_MUST_CHECK;
/* What ties a handshake to the channel: the key of the certificate that this very connection was given, as a renewal
 * may have come since. False: there is none. */
bool satd_certificate_binding(const struct ssl_st *connection, struct sat_binding *out) SAT_MUST_CHECK;
/* Flags for the TLS library: 1.2 and later, no renegotiation. */
long satd_certificate_tls_options(void);

#endif
