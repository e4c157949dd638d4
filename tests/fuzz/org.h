/* An org to throw things at: founded once in a process, the same in every process, with an admin (device 1) and two
 * reps (devices 2 and 3) who work in its one territory. An input begins with fresh stores in memory that hold its
 * directory and nothing else, so that it cannot be told apart what ran before. */
#ifndef TESTS_FUZZ_ORG_H
#define TESTS_FUZZ_ORG_H

#include "client/handle.h"
#include "common/vault/author.h"

enum { FUZZ_DEVICES = 3, FUZZ_SPACES = 3 };

struct fuzz_org { /* read it freely */
    struct sat_arena arena;
    uint64_t now_ms; /* when it had been founded */
    struct sat_hash id;
    struct sat_sign_key server;
    struct sat_sign_key kit; /* that the org was founded with */
    struct sat_link_row *links;
    uint32_t links_n;
    struct sat_space_id spaces[FUZZ_SPACES]; /* org, people, the territory */
    struct sat_log_epoch log_epochs[FUZZ_SPACES];
    struct sat_epoch_key keys[FUZZ_SPACES];           /* of their first epochs */
    struct sat_keyring *keyrings[FUZZ_DEVICES];       /* device number less one */
    const struct sat_sign_key *signing[FUZZ_DEVICES]; /* borrowed from them */
    const struct sat_sign_key *admin;                 /* the admin's admin key */
};

const struct fuzz_org *fuzz_org(void);

/* A fresh store with the org's links and, as a server has them, its spaces. */
struct sat_store *fuzz_org_store(const struct fuzz_org *org, bool of_server);
/* A device's handle on a fresh store, with all keys: as the library's functions take it, without a home. */
void fuzz_org_open(const struct fuzz_org *org, uint32_t device, struct sat_entropy entropy, struct satchel *out);
void fuzz_org_close(struct satchel *handle);

/* What a store says of itself must agree: every space's log with its root, its live changes with its digest, the links
 * with `directory`; and no transaction is open. */
void fuzz_check_store(struct sat_store *store, const struct sat_directory *directory);

#endif
