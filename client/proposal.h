/* A proposal: a link that lacks another admin's signature, as one line of text from admin to admin. It extends the
 * directory at one position, so that whatever comes first there makes it worthless.
 *
 *   text   "satchel-cosign1" ‖ base64url(bytes ‖ checksum4), without padding
 *   bytes  u32 len ‖ name ‖ u32 len ‖ link ‖ u32 n ‖ n × box109
 *   check  first 4 bytes of H("cosign", bytes) */
#ifndef CLIENT_PROPOSAL_H
#define CLIENT_PROPOSAL_H

#include "client/handle.h"

struct client_proposal {
    const char *name; /* of the user whom the link makes; NULL: none. The arena owns it, as all below */
    struct sat_link link;
    struct sat_box *boxes;
    uint32_t boxes_n;
};

/* On the heap. */
char *client_proposal_text(const struct sat_link *link, const struct sat_box *boxes, uint32_t boxes_n,
                           const char *name);
/* Surrounding white space is ignored. SAT_ERR_INVALID. */
enum sat_err client_proposal_parse(const char *text, struct sat_arena *arena, struct client_proposal *out,
                                   struct sat_fault *fault) SAT_MUST_CHECK;

#endif
