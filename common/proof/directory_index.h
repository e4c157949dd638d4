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
    bool restored; /* by a repudiation, and so nobody's own word */
};
struct sat_holding { /* a user's grants in one space */
    uint32_t space;  /* place in spaces */
    struct sat_trail grants;
};
enum { SAT_WIPES_KEPT = 3 };
struct sat_user_past {
    struct sat_standing *standings;
    uint32_t standings_n, standings_cap;
    struct sat_holding *holdings; /* by space */
    uint32_t holdings_n, holdings_cap;
    struct sat_trail invites;          /* made out to the user */
    uint32_t signers;                  /* devices with an admin key, approved and not revoked */
    uint64_t wipes_ms[SAT_WIPES_KEPT]; /* when the user's devices ordered the last wipes; the oldest is next */
    uint32_t wipes_n;                  /* all of them */
};
struct sat_out { /* a time for which a device was revoked */
    uint64_t revoked_seq, wiped_seq;
    uint64_t back_seq;    /* where a repudiation undid that; 0: it is out */
    struct sat_cut *cuts; /* by space */
    uint32_t cuts_n;
    bool restored; /* by a repudiation */
};
struct sat_expulsion { /* a device was said to have been silent for too long, or says that it is back */
    uint64_t seq, time_ms;
    bool back;
};
struct sat_device_past {
    struct sat_trail issued; /* invites */
    struct sat_out *outs;
    uint32_t outs_n, outs_cap;
    uint64_t spoke_seq;    /* of its newest link; 0: it has authored none */
    uint64_t spoke_ms;     /* and when that was */
    uint32_t invite;       /* place plus one of the invite by which it joined; 0: by the genesis or by a kit */
    uint64_t disowned_seq; /* of the repudiation that put it out; 0: none did */
    struct sat_expulsion *expulsions;
    uint32_t expulsions_n, expulsions_cap;
};
struct sat_space_past {
    struct sat_trail epochs; /* at[i] is the place of epoch i + 1 */
};
struct sat_invite_past {
    struct sat_invite_grant *grants;
    uint32_t grants_n;
    bool boxed;  /* key boxes were made out to it by itself or by a grant */
    bool lapsed; /* it expired unused, and what was owed by that is booked */
};
struct sat_decision { /* about a bundle that was put aside */
    uint64_t seq;
    uint32_t device, space; /* the bundle's author; the place of the space it is in */
    uint32_t next;          /* the place plus one of a later one about the same bundle; 0: it stands */
    uint8_t what;           /* 0: undecided again */
    bool first;             /* about its bundle */
    bool restored;          /* by a repudiation */
};

struct sat_meant { /* changes of a device that many records are changed by, and that somebody stands by */
    uint64_t seq;
    uint32_t space, device; /* space: its place */
    uint64_t first, last;
};

struct sat_link_note {
    uint32_t author;
    uint32_t voided; /* by the repudiation there; 0: it stands */
};
struct sat_second { /* somebody beside the author signed the link at `seq`, too */
    uint64_t seq;
    uint32_t number; /* the device with an admin key, or the link of the kit */
    bool kit;
};
struct sat_policy_said {
    uint64_t seq;
    struct sat_policy_value value;
    bool restored; /* by a repudiation */
    bool absent;   /* and that to what counts where nothing is set */
};

struct sat_directory_index {
    struct sat_table spaces;  /* id, then zeros: place + 1 */
    struct sat_table invites; /* id: place + 1 */
    struct sat_table keys;    /* every public key that ever had a part: 1 */
    struct sat_table decided; /* a bundle's id: place + 1 of the first decision about it */
    struct sat_user_past *users;
    struct sat_device_past *devices_past;
    struct sat_space_past *spaces_past;
    struct sat_invite_past *invites_past;
    struct sat_decision *decisions;
    struct sat_policy_value *policies; /* by key */
    struct sat_trail expiring;         /* a heap of invites that may have key boxes: the first to expire is on top */
    struct sat_link_note *notes;       /* notes[seq - 1] is that link's */
    struct sat_second *seconds;        /* by position */
    struct sat_meant *meant;           /* by position */
    struct sat_policy_said *said;      /* all that was said of policies */
    struct sat_trail approvals;        /* devices that were approved by a link, in that order */
    uint32_t decisions_n, policies_n, seconds_n, said_n;
    uint32_t admins;                  /* users who can act as such */
    uint32_t org_space, people_space; /* place + 1; 0: none yet */
    uint32_t ids_cap, users_cap, users_past_cap, devices_cap, devices_past_cap, spaces_cap, spaces_past_cap;
    uint32_t grants_cap, epochs_cap, invites_cap, invites_past_cap, decisions_cap, policies_cap;
    uint32_t notes_cap, seconds_cap, said_cap, kits_cap, meant_n, meant_cap;
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

/* What a user of this role and state has in a space of this kind who was granted this there. */
uint8_t sat_rights_of(uint8_t role, uint8_t state, uint8_t kind, uint8_t granted);
/* The newest grant as it stands, and the rights that come of it; `space` is a place. */
uint8_t sat_index_granted(const struct sat_directory *directory, uint32_t user, uint32_t space);
uint8_t sat_index_rights(const struct sat_directory *directory, uint32_t user, uint32_t space);
/* Is the invite open, for keys in advance, and its user what it was made out for? Whether it has expired is apart. */
bool sat_index_invite_good(const struct sat_directory *directory, uint32_t invite);
/* Can the user act as an admin now? */
bool sat_index_acts(const struct sat_directory *directory, uint32_t user);
/* May the device be taken for one that can sign? One whose wipe was ordered may have obeyed: that it was called off
 * says nothing, but a link that it authored since does, as it knew of that. */
bool sat_index_is_whole(const struct sat_directory *directory, uint32_t device);
/* Was the device out at that position, by what was said until then? */
bool sat_index_out_at(const struct sat_directory *directory, const struct sat_device *device, uint64_t seq);
/* The first of sorted `cuts` whose space is not below `space`. */
uint32_t sat_cuts_seek(const struct sat_cut *cuts, uint32_t n, const struct sat_space_id *space);

struct sat_directory_index *sat_index_new(void);
void sat_index_free(const struct sat_directory *directory);

#endif
