/* One-time tokens that allow creating an org. A token is a file named by its hash, so that `satcheld token` works
 * beside a running server and the directory gives no token away; redeeming is removing the file, which happens once. */
#ifndef SATD_TOKENS_H
#define SATD_TOKENS_H

#include "common/proof/entropy.h"
#include "server/datadir.h"

enum { SATD_TOKEN_TEXT_SIZE = 1 + 43 + 1 }; /* 'T', 32 bytes in url-safe base64, NUL */

/* Makes a token; it is durable when this returns. Wipe the text after use. */
enum sat_err satd_token_make(const struct satd_datadir *dir, const struct sat_entropy *entropy,
                             char out[SATD_TOKEN_TEXT_SIZE], struct sat_fault *fault) SAT_MUST_CHECK;
/* SAT_OK if the token can be redeemed, else SAT_ERR_TOKEN_USED. Any bytes are hashed first, so nothing can be timed. */
enum sat_err satd_token_check(const struct satd_datadir *dir, struct sat_span token) SAT_MUST_CHECK;
/* Uses the token up, durably. SAT_ERR_TOKEN_USED. */
enum sat_err satd_token_redeem(const struct satd_datadir *dir, struct sat_span token,
                               struct sat_fault *fault) SAT_MUST_CHECK;

#endif
