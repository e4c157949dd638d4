/* The reducer's look-ups: a table from 32-byte names to places in the directory's arrays, and for each user, space and
 * invite what happened to it, in order, so that a question about any position is a binary search. Private to
 * directory*.c. */
#ifndef SAT_PROOF_DIRECTORY_INDEX_H
#define SAT_PROOF_DIRECTORY_INDEX_H

#include "common/proof/directory.h"

/* An open-addressed table. The names are hashes, public keys and random ids, so that their first bytes are the hash. */
struct sat_table {
    struct sat_table_slot *slots;
    uint32_t cap, n; /* cap: a power of two, or 0 */
};
uint32_t sat_table_get(const struct sat_table *table, const uint8_t name[32]); /* 0: not there */
/* `place` is not 0. A name that is there keeps its first place. */
void sat_table_put(struct sat_table *table, const uint8_t name[32], uint32_t place);
void sat_table_deinit(struct sat_table *table);

struct sat_trail { /* places in an array of events about one thing; ascending, so their positions are too */
    uint32_t *at;
    uint32_t n, cap;
};

enum { SAT_USER_ACTIVE = 1, SAT_USER_SUSPENDED = 2 };

struct sat_standing { /* a user's role and state from a position on */
    uint64_t seq;
    uint8_t role, state;
};
struct sat_holding { /* a user's grants in one space */
    uint32_t space;  /* place in spaces */
    struct sat_trail grants;
};
struct sat_user_past {
    struct sat_standing *standings;
    uint32_t standings_n, standings_cap;
    struct sat_holding *holdings; /* by space */
    uint32_t holdings_n, holdings_cap;
};
struct sat_space_past {
    struct sat_trail epochs; /* at[i] is the place of epoch i + 1 */
};
struct sat_invite_past {
    struct sat_invite_grant *grants;
    uint32_t grants_n;
};

struct sat_directory_index {
    struct sat_table spaces;  /* id, then zeros: place + 1 */
    struct sat_table invites; /* id: place + 1 */
    struct sat_table keys;    /* every public key that ever had a part: 1 */
    struct sat_user_past *users;
    struct sat_space_past *spaces_past;
    struct sat_invite_past *invites_past;
    uint32_t org_space, people_space; /* place + 1; 0: none yet */
    uint32_t ids_cap, users_cap, users_past_cap, devices_cap, spaces_cap, spaces_past_cap, grants_cap, epochs_cap;
    uint32_t invites_cap, invites_past_cap;
};

/* `array` with room for one more than `n` items; takes the old array. */
void *sat_grown(void *array, uint32_t n, uint32_t *cap, size_t item_size);
void sat_trail_add(struct sat_trail *trail, uint32_t place);

/* Places; UINT32_MAX: there is none. */
uint32_t sat_index_space(const struct sat_directory *directory, const struct sat_space_id *id);
uint32_t sat_index_invite(const struct sat_directory *directory, const struct sat_hash *id);
void sat_index_put_space(struct sat_directory_index *index, const struct sat_space_id *id, uint32_t place);
void sat_index_put_invite(struct sat_directory_index *index, const struct sat_hash *id, uint32_t place);
bool sat_index_key_in_use(const struct sat_directory *directory, const struct sat_public_key *key);
void sat_index_put_key(struct sat_directory_index *index, const struct sat_public_key *key);

/* A user's grants in the space at that place; the second one makes room for them where there are none. */
const struct sat_trail *sat_index_holding(const struct sat_user_past *user, uint32_t space);
struct sat_trail *sat_index_make_holding(struct sat_user_past *user, uint32_t space);
/* A user's standing as of a position; NULL: not yet a user there. */
const struct sat_standing *sat_index_standing(const struct sat_user_past *user, uint64_t seq);

struct sat_directory_index *sat_index_new(void);
void sat_index_free(struct sat_directory_index *index, uint32_t users_n, uint32_t spaces_n, uint32_t invites_n);

#endif
