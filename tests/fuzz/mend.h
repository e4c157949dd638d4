/* Mending: an input is no forger, so that what it says is signed for it with the keys of the org, and put into the
 * place where it would be heard. Without that nothing behind a signature would ever be reached. What cannot be mended
 * stays as it is. */
#ifndef TESTS_FUZZ_MEND_H
#define TESTS_FUZZ_MEND_H

#include "common/proof/bundle.h"
#include "common/sync/replica.h"
#include "common/wire/message.h"
#include "tests/fuzz/org.h"

enum fuzz_mending {
    FUZZ_AS_IT_IS,
    FUZZ_SIGNED, /* signed, whatever it says */
    FUZZ_PLACED, /* what names its place (position, predecessor, directory, log) fits, too */
};

/* A link by the admin, or the join of somebody who holds a mended invite: new keys are taken from a few that are known
 * here. `message` is the link's wire form; the arena owns the result. */
struct sat_span fuzz_mend_link(struct sat_span bytes, const struct sat_directory *directory, enum fuzz_mending how,
                               struct sat_arena *arena);

/* The same of a link with the server's countersignature behind it, as LINKS has them. */
struct sat_span fuzz_mend_signed_link(struct sat_span item, const struct sat_directory *directory,
                                      enum fuzz_mending how, struct sat_arena *arena);
/* The keys of an invite that was mended at that place of the directory. */
void fuzz_invite_keys(uint64_t seq, struct sat_sign_key *sign, struct sat_public_key *sign_public,
                      struct sat_public_key *box_public);

/* The server's hello to a replica, whose directory is `directory`. */
void fuzz_mend_hello(struct sat_message_HELLO *message, const struct sat_replica *replica, const struct sat_hash *org,
                     const struct sat_directory *directory, enum fuzz_mending how);

/* A bundle of a device in a space, in its wire form. `store` has what was accepted before. */
struct fuzz_place {
    struct sat_store *store;
    const struct sat_directory *directory;
    const struct sat_space_row *space;
    uint32_t device;
    struct sat_squeezer *squeezer; /* NULL: bodies are not sealed (make.h) */
};
struct sat_span fuzz_mend_bundle(struct sat_span bytes, const struct fuzz_place *place, enum fuzz_mending how,
                                 struct sat_arena *arena);

#endif
