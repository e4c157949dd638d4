#define _GNU_SOURCE
#include "server/tokens.h"

#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "common/proof/hash.h"

static void name_of(struct sat_span token, char out[65])
{
    struct sat_hash hash = sat_hash("token", token);
    sat_hex_format(hash.b, sizeof hash.b, out);
}

enum sat_err satd_token_make(const struct satd_datadir *dir, const struct sat_entropy *entropy,
                             char out[SATD_TOKEN_TEXT_SIZE], struct sat_fault *fault)
{
    uint8_t bytes[32];
    char name[65];
    sat_entropy_fill(entropy, bytes, sizeof bytes);
    out[0] = 'T'; /* never '-': it is to be usable as an argument */
    (void)sodium_bin2base64(out + 1, SATD_TOKEN_TEXT_SIZE - 1, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
    name_of(sat_span_text(out), name);
    return satd_file_write(dir->tokens_fd, name, sat_span_text("satchel token 1\n"), fault);
}

enum sat_err satd_token_check(const struct satd_datadir *dir, struct sat_span token)
{
    char name[65];
    name_of(token, name);
    return faccessat(dir->tokens_fd, name, F_OK, 0) == 0 ? SAT_OK : SAT_ERR_TOKEN_USED;
}

enum sat_err satd_token_redeem(const struct satd_datadir *dir, struct sat_span token, struct sat_fault *fault)
{
    char name[65];
    name_of(token, name);
    if (unlinkat(dir->tokens_fd, name, 0) == 0) return satd_directory_sync(dir->tokens_fd, fault);
    return errno == ENOENT ? sat_fail(fault, SAT_ERR_TOKEN_USED, NULL) : satd_fail_errno(fault, "redeeming", "a token");
}
