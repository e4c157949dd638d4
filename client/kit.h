/* The recovery kit: a page to print and lock away. Its seed gives the keys of a recipient of every epoch, so that
 * whoever has the page can read and repair the organisation when all admins are gone.
 *
 *   key    seed32 ‖ first 4 bytes of H("kit", seed), in hexadecimal, in groups of four
 *
 * The checksum tells a copying error from a wrong page. */
#ifndef CLIENT_KIT_H
#define CLIENT_KIT_H

#include "common/base/arena.h"
#include "common/vault/kit.h"

struct client_kit { /* what the page says */
    const char *org_name, *server_url;
    struct sat_hash org;
    struct sat_public_key server;
};

/* What tells kits apart, on the page and in the audit: the first four bytes of the public signing key, in hexadecimal.
 */
enum { CLIENT_KIT_MARK_SIZE = 9 };
void client_kit_mark(const struct sat_public_key *sign, char out[CLIENT_KIT_MARK_SIZE]);
/* The page, on the heap; a secret: the caller wipes and frees it. */
char *client_kit_page(const struct client_kit *kit, const uint8_t seed[SAT_KIT_SEED_BYTES]);
/* Reads a page, also one that a person typed in again: white space and case do not matter, nor what else stands there.
 * What is missing besides the key is NULL or zeros. The arena owns the texts; the seed is a secret. SAT_ERR_INVALID
 * says what is wrong: no key, a copying error. */
enum sat_err client_kit_parse(const char *page, struct sat_arena *arena, struct client_kit *out,
                              uint8_t seed[SAT_KIT_SEED_BYTES], struct sat_fault *fault) SAT_MUST_CHECK;

/* Makes the page of a new kit and has it kept: before the old kit is given up, the new one must be where a person finds
 * it. SAT_ERR_IO: it could not be. */
enum sat_err client_kit_keep(const struct client_kit *kit, const uint8_t seed[SAT_KIT_SEED_BYTES],
                             int (*keep)(void *context, const char *page), void *context,
                             struct sat_fault *fault) SAT_MUST_CHECK;

#endif
