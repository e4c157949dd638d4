#define _GNU_SOURCE
#include "server/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

static const char CERT_NAME[] = "tls-cert.pem", KEY_NAME[] = "tls-key.pem";

enum { FILE_BYTES_MAX = 256 * 1024, VALID_DAYS = 3650 };

/* ---- Making one ---- */

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
    bytes[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return ok;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    if (!cert) return NULL;
    X509_NAME *name = X509_get_subject_name(cert);
    bool ok = X509_set_version(cert, 2) == 1 && set_serial(cert) &&
              X509_gmtime_adj(X509_getm_notBefore(cert), -24L * 3600) && /* clocks of clients differ */
              X509_gmtime_adj(X509_getm_notAfter(cert), VALID_DAYS * 24L * 3600) &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"satcheld", -1, -1, 0) == 1 &&
              X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
              add_extension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
              add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") && X509_sign(cert, key, EVP_sha256()) > 0;
    if (ok) return cert;
    X509_free(cert);
    return NULL;
}

static enum sat_err write_pem(const struct satd_datadir *dir, const char *name, BIO *pem, bool encoded,
                              struct sat_fault *fault)
{
    char *at = NULL;
    long len = encoded ? BIO_get_mem_data(pem, &at) : 0;
    if (len <= 0) return sat_fail(fault, SAT_ERR_NO_MEMORY, "the certificate could not be made");
    return satd_file_write(dir->fd, name, sat_span(at, (size_t)len), fault);
}

/* The key first: a certificate without its key is what the next start mends by making both again. */
static enum sat_err make(const struct satd_datadir *dir, struct sat_fault *fault)
{
    enum sat_err err = SAT_ERR_NO_MEMORY;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? make_certificate(key) : NULL;
    BIO *key_pem = BIO_new(BIO_s_secmem()), *cert_pem = BIO_new(BIO_s_mem());
    if (!cert || !key_pem || !cert_pem) {
        (void)sat_fail(fault, err, "the certificate could not be made");
        goto out;
    }
    err = write_pem(dir, KEY_NAME, key_pem, PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) == 1,
                    fault);
    if (err == SAT_OK) err = write_pem(dir, CERT_NAME, cert_pem, PEM_write_bio_X509(cert_pem, cert) == 1, fault);
out:
    BIO_free(key_pem);
    BIO_free(cert_pem);
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

/* ---- Reading one ---- */

static X509 *read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *cert = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL; /* of a chain the first is ours */
    BIO_free(file);
    return cert;
}

/* An encrypted key would make OpenSSL ask on the terminal: it is refused instead. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL) : NULL;
    BIO_free(file);
    return key;
}

enum sat_err satd_certificate_check(const struct satd_certificate *certificate, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    X509 *cert = read_certificate(certificate->cert_path);
    EVP_PKEY *key = cert ? read_key(certificate->key_path) : NULL;
    if (!cert)
        err = sat_fail(fault, SAT_ERR_CONFIG, "%.150s: no certificate (PEM) can be read there", certificate->cert_path);
    else if (!key)
        err = sat_fail(fault, SAT_ERR_CONFIG, "%.150s: no private key (PEM, without a passphrase) can be read there",
                       certificate->key_path);
    else if (X509_check_private_key(cert, key) != 1)
        err = sat_fail(fault, SAT_ERR_CONFIG, "the key %.150s does not belong to the certificate %.150s",
                       certificate->key_path, certificate->cert_path);
    EVP_PKEY_free(key);
    X509_free(cert);
    ERR_clear_error();
    return err;
}

enum sat_err satd_certificate_open(const struct satd_datadir *dir, const char *given_cert, const char *given_key,
                                   struct satd_log *log, struct sat_arena *arena, struct satd_certificate *out,
                                   struct sat_fault *fault)
{
    *out = (struct satd_certificate){.cert_path = given_cert, .key_path = given_key};
    if (given_cert) return satd_certificate_check(out, fault);
    out->cert_path = sat_arena_format(arena, "%s/%s", dir->path, CERT_NAME);
    out->key_path = sat_arena_format(arena, "%s/%s", dir->path, KEY_NAME);
    if (faccessat(dir->fd, CERT_NAME, F_OK, 0) != 0 || faccessat(dir->fd, KEY_NAME, F_OK, 0) != 0) {
        enum sat_err err = make(dir, fault);
        if (err != SAT_OK) return err;
        satd_log(log, CERTIFICATE_MADE, satd_place("file", out->cert_path));
    }
    return satd_certificate_check(out, fault);
}

bool satd_certificate_binding(const struct ssl_st *connection, struct sat_binding *out)
{
    unsigned char *der = NULL;
    X509 *cert = connection ? SSL_get_certificate(connection) : NULL;
    int len = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : 0;
    if (len > 0) *out = sat_binding_tls_key(sat_span(der, (size_t)len));
    OPENSSL_free(der);
    return len > 0;
}

long satd_certificate_tls_options(void)
{
    return (long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION);
}
