/* Authority: who may author a link that says this now, and which signatures it must carry. Private to directory*.c.
 *
 * Admins do everything, with the device's key and the admin key that this device has. A manager does what concerns the
 * people and the spaces that he or she manages, signed in the same way. Where another admin could stand against a
 * stolen phone, what it could do most harm by needs a second signature: of another admin, or of the kit. */
#ifndef SAT_PROOF_DIRECTORY_AUTHORITY_H
#define SAT_PROOF_DIRECTORY_AUTHORITY_H

#include "common/proof/directory_rules.h"

struct sat_court { /* one link being judged */
    const struct sat_directory *directory;
    const struct sat_link *link;
    const char *kind; /* the link's, for the sentence */
    uint64_t now_ms;
    bool verify;
    struct sat_fault *fault;
};

enum sat_author { /* who may author a kind: links.def */
                  SAT_AUTHOR_UNKNOWN,
                  SAT_AUTHOR_ADMIN,
                  SAT_AUTHOR_MANAGER,
                  SAT_AUTHOR_MEMBER,
                  SAT_AUTHOR_INVITEE,
                  SAT_AUTHOR_KIT,
                  SAT_AUTHOR_LATER
};
enum sat_author sat_author_of(uint16_t type);

struct sat_demand { /* a signature that a link must carry */
    uint8_t kind;
    uint64_t number;
    const struct sat_public_key *key;
};
/* Exactly these signatures, each once. */
enum sat_err sat_check_signatures(const struct sat_court *court, const struct sat_demand *demands, uint8_t n,
                                  const struct sat_hash *org) SAT_MUST_CHECK;

/* The author's standing and the signatures of a link whose body is decoded in `ruling`. A genesis, a join and a
 * recovery by the kit bring their author along: their rules call sat_check_signatures() themselves. */
enum sat_err sat_admit(const struct sat_court *court, const struct sat_ruling *ruling) SAT_MUST_CHECK;

#endif
