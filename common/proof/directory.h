/* The directory: the org's signed, hash-chained, totally ordered log of users, devices, spaces, grants, epochs, invites
 * and joins, and the reducer over it. Server and clients run the same code: the server enforces it, clients verify it
 * from the pinned genesis. Questions about the past ("had this device the right at position 17?") are answered for
 * ever, because bundles are judged by the position that their author names. */
#ifndef SAT_PROOF_DIRECTORY_H
#define SAT_PROOF_DIRECTORY_H

#include "common/proof/link.h"

struct sat_user {
    uint32_t number;
    uint8_t role, state; /* as of now */
    uint64_t since_seq;
    uint32_t creator; /* the device that made the user; 0: the genesis */
};
struct sat_device {
    uint32_t number, user;
    uint32_t parent;  /* the device that went on as this one, under a new index; 0: it joined */
    uint32_t lineage; /* the number of the one that it all began with: its own if it joined */
    uint32_t copies;  /* new indexes that it took since an admin last found that right */
    struct sat_public_key sign, box;
    struct sat_public_key admin_sign; /* zeros: it has no admin key */
    uint64_t since_seq;               /* position of its join */
    uint64_t approved_seq;            /* from where on it counts; 0: a privileged role, not approved yet */
    uint64_t revoked_seq;             /* 0: active */
    uint64_t wiped_seq;               /* of the link that orders the wipe; 0: none */
    uint64_t joined_ms;
};
struct sat_space {
    struct sat_space_id id;
    uint8_t kind;
    uint64_t since_seq;
    uint32_t epoch;    /* the current one; 0 before the first */
    uint64_t owed_seq; /* where somebody lost it first since the current epoch began: a new one is owed; 0: none is */
};
enum sat_grant_source { SAT_GRANT_SAID, SAT_GRANT_ADDED, SAT_GRANT_RESTORED }; /* by a grant; a join; a repudiation */
struct sat_grant { /* one event; the newest at or before a position counts */
    uint64_t seq;
    struct sat_space_id space;
    uint32_t user;
    uint8_t rights;
    uint8_t stated; /* by the link itself: what a join adds, without what was held before */
    uint8_t source;
};
struct sat_kit {
    uint64_t seq; /* of the link that named it */
    struct sat_public_key sign, box;
    uint64_t time_ms;
    uint32_t signer; /* place plus one of the kit that signed for it, and was used up by that; 0: it came with the
                        genesis, or by admins alone */
};
struct sat_epoch {
    uint64_t seq;
    struct sat_space_id space;
    uint32_t number;
    uint16_t suite;
    struct sat_hash kc;
    uint8_t chain[SAT_CHAIN_BYTES];
};
enum sat_invite_state { SAT_INVITE_OPEN = 1, SAT_INVITE_USED = 2, SAT_INVITE_CANCELLED = 3 };
struct sat_invite {
    uint64_t seq;
    struct sat_hash id;
    struct sat_public_key sign, box;
    uint32_t user, issuer; /* issuer: the device */
    uint8_t role, state;
    uint64_t expires_ms;
    uint32_t device; /* that joined by it; 0 while open */
};

struct sat_directory_index; /* the reducer's own look-ups */

struct sat_directory {            /* read it freely; only apply() writes it. Arrays are in the order of creation. */
    struct sat_hash org;          /* zeros before the genesis */
    struct sat_public_key server; /* the server's identity key that the org trusts now */
    char server_url[SAT_URL_BYTES_MAX + 1]; /* where it is now; empty: where it was at the founding or the invite */
    struct sat_public_key kit_sign, kit_box;
    uint64_t kit_seq;     /* the link that names the kit */
    uint64_t seq;         /* links applied; 0: empty */
    struct sat_hash *ids; /* ids[seq - 1] is that link's id */
    uint64_t time_ms;     /* of the newest countersignature: the reducer's only time */
    struct sat_user *users;
    uint32_t users_n; /* users[i].number == i + 1 */
    struct sat_device *devices;
    uint32_t devices_n; /* devices[i].number == i + 1 */
    struct sat_space *spaces;
    uint32_t spaces_n;
    struct sat_grant *grants;
    uint32_t grants_n;
    struct sat_epoch *epochs;
    uint32_t epochs_n;
    struct sat_invite *invites;
    uint32_t invites_n;
    struct sat_kit *kits; /* all that were ever in force */
    uint32_t kits_n;
    uint64_t repudiated_seq; /* of the newest repudiation; 0: none */
    struct sat_directory_index *index;
};

void sat_directory_init(struct sat_directory *directory);
void sat_directory_deinit(struct sat_directory *directory);

enum sat_directory_trust {
    SAT_DIRECTORY_VERIFY, /* check every signature and the countersignature */
    SAT_DIRECTORY_STORED, /* checked before it was stored: structure and authority only */
};
/* Applies the next link, or changes nothing and says why: SAT_ERR_STALE (does not extend the head), SAT_ERR_TAMPERED (a
 * signature), SAT_ERR_DENIED (the author may not), SAT_ERR_INVALID (the body contradicts the state: an unknown user, an
 * epoch that is not the next), SAT_ERR_INVITE_USED, SAT_ERR_INVITE_EXPIRED (by the countersignature's time),
 * SAT_ERR_EXISTS, SAT_ERR_UPGRADE_NEEDED (a critical type that this version does not know; the reducer must stop there;
 * a non-critical unknown link is counted and otherwise ignored), SAT_ERR_MALFORMED. `fault` (may be NULL) gets the
 * sentence. With VERIFY and sign == NULL the countersignature is not demanded and time_ms stays: the server does that
 * to try a link before it countersigns (it passes the time it will sign in `now_ms` for the expiry rule). */
enum sat_err sat_directory_apply(struct sat_directory *directory, const struct sat_link *link,
                                 const struct sat_countersign *sign, uint64_t now_ms, enum sat_directory_trust trust,
                                 struct sat_fault *fault) SAT_MUST_CHECK;

/* ---- Questions. Pointers are borrowed until the next apply; NULL: there is none. ---- */
const struct sat_user *sat_directory_user(const struct sat_directory *directory, uint32_t number);
const struct sat_device *sat_directory_device(const struct sat_directory *directory, uint32_t number);
const struct sat_space *sat_directory_space(const struct sat_directory *directory, const struct sat_space_id *id);
const struct sat_space *sat_directory_space_of_kind(const struct sat_directory *directory,
                                                    enum sat_space_kind kind); /* ORG, PEOPLE */
const struct sat_invite *sat_directory_invite(const struct sat_directory *directory, const struct sat_hash *id);
/* The epoch of a space by number; the current number at a position (0: none yet). */
const struct sat_epoch *sat_directory_epoch(const struct sat_directory *directory, const struct sat_space_id *space,
                                            uint32_t number);
uint32_t sat_directory_epoch_at(const struct sat_directory *directory, const struct sat_space_id *space, uint64_t seq);
/* The id of the link at `seq`; zeros for 0 or beyond the head. */
struct sat_hash sat_directory_hash_at(const struct sat_directory *directory, uint64_t seq);

/* Rights (SAT_RIGHT_ bits) of a user in a space as of position `seq`: by role (admins read and write org, people and
 * every territory; everyone active reads org and people; an auditor only reads) and by grant. Suspended or unknown: 0.
 */
uint8_t sat_directory_rights(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t user,
                             uint64_t seq);
/* The number that the device had at `seq`: its own, or before it was given that by a reindex link the number that it
 * had until then. 0: it had none yet. */
uint32_t sat_directory_number_at(const struct sat_directory *directory, uint32_t device, uint64_t seq);
/* May the device write this record in this space at `seq`, by the number that it had then? In `people` a device may
 * write its own name record and its own disclosures (disclosure.h), and a manager's the names of the users whom that
 * manager added (and nothing else there), though its user may not write the space. */
bool sat_directory_may_write(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device,
                             const struct sat_record_id *record, uint64_t seq);
/* The newest position at or before `seq` at which it might; 0: never until then. */
uint64_t sat_directory_last_write(const struct sat_directory *directory, const struct sat_space_id *space,
                                  uint32_t device, const struct sat_record_id *record, uint64_t seq);
/* In which role the device's user was at that position; 0: none, or not active. */
uint8_t sat_directory_role_at(const struct sat_directory *directory, uint32_t device, uint64_t seq);
/* … and in which when he was active last, until then; 0: he never was. */
uint8_t sat_directory_last_role(const struct sat_directory *directory, uint32_t device, uint64_t seq);

/* Rights of a device: its user's, but nothing before it is approved and from its revocation on. */
uint8_t sat_directory_device_rights(const struct sat_directory *directory, const struct sat_space_id *space,
                                    uint32_t device, uint64_t seq);
/* Could the device ever read the space, until now? */
bool sat_directory_could_read(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device);
/* The active devices of this one's lineage (itself, those that it comes from, those that come from any of them) into
 * `out`, ascending; how many there are. At most SAT_LINEAGE_MAX. out NULL: they are only counted. */
uint32_t sat_directory_lineage(const struct sat_directory *directory, uint32_t device, uint32_t *out);
/* How far a device that is out may still read the directory: to the link that orders its wipe, else to its revocation,
 * else to its user's suspension. 0: it is in. */
uint64_t sat_directory_out(const struct sat_directory *directory, uint32_t device);
/* Does `manager` (a user) administer `user`? A manager does so for reps and service accounts all of whose grants lie in
 * spaces that he or she manages, and who have one or were added by one of his or her devices. */
bool sat_directory_manages(const struct sat_directory *directory, uint32_t manager, uint32_t user);
/* The position since which the space owes a new epoch, as somebody who had its key may not read it any more: who lost
 * it by a link, or an early invite that expired unused (by `now_ms`) since the epoch began. 0: nothing is owed. */
uint64_t sat_directory_owed(const struct sat_directory *directory, const struct sat_space_id *space, uint64_t now_ms);
/* Does a revocation of the device concern what was logged at position `at`: is there one that was not undone by then?
 * Then *seq is where the first of these is, and *cut (NULL: not listed) what counts of the device in the space. */
bool sat_directory_cut(const struct sat_directory *directory, uint32_t device, const struct sat_space_id *space,
                       uint64_t at, uint64_t *seq, const struct sat_cut **cut);
/* Was a wipe of the device ordered at `seq`, called off since or not? It may have been obeyed. */
bool sat_directory_wiped(const struct sat_directory *directory, uint32_t device, uint64_t seq);
/* The kit with this signing key, if it was ever in force. */
const struct sat_kit *sat_directory_kit(const struct sat_directory *directory, const struct sat_public_key *sign);
/* The last position at which the kit was the one in force; the head if it is. */
uint64_t sat_directory_kit_until(const struct sat_directory *directory, const struct sat_kit *kit);
/* May the kit sign anything still, by `now_ms`? The one in force may; one that was replaced without being used may
 * repudiate for a while, if whoever replaced it is repudiated by that (the reducer judges whether). */
bool sat_directory_kit_good(const struct sat_directory *directory, const struct sat_kit *kit, uint64_t now_ms);
/* What admins decided about a bundle that was put aside, at or before `seq`: enum sat_accept_what, 0: nothing yet. */
uint8_t sat_directory_decided(const struct sat_directory *directory, const struct sat_hash *bundle, uint64_t seq);
/* Was the device said to have been silent for longer than the policy waits (an expel link that stands), and has not
 * said since that it is back? Then *at_seq (may be NULL) is where that was said last. It is a member as ever, its keys
 * and rights stay: but nobody waits for what it has not seen. As of now, and as of a position. */
bool sat_directory_expelled(const struct sat_directory *directory, uint32_t device, uint64_t *at_seq);
bool sat_directory_expelled_at(const struct sat_directory *directory, uint32_t device, uint64_t seq, uint64_t *at_seq);
/* Where that was said last of all, whether it is back or not, and when; 0: never. */
uint64_t sat_directory_expulsion(const struct sat_directory *directory, uint32_t device, uint64_t *time_ms);
/* May `author` say that of the device, at this time, for all that the directory can tell? */
bool sat_directory_may_expel(const struct sat_directory *directory, uint32_t author, uint32_t device, uint64_t now_ms);
/* Does an admin, or a manager of the space, stand by this change of that many records (a mass-change link)? Not if the
 * link was repudiated. */
bool sat_directory_meant(const struct sat_directory *directory, const struct sat_space_id *space, struct sat_dot dot);
/* A policy's value as of now (policies.def). */
enum sat_policy {
#define X(id, name, number, absent, most) SAT_POLICY_##id = number,
#include "common/proof/policies.def"
#undef X
};
uint64_t sat_directory_policy(const struct sat_directory *directory, enum sat_policy policy);
/* Does the link, which its author has signed, lack a second signature that it needs as of now: another admin's, or the
 * kit's? Nothing else of it is judged. */
bool sat_directory_wants_cosigner(const struct sat_directory *directory, const struct sat_link *link, uint64_t now_ms);
/* How many users can act as admins: active, with an approved device that has an admin key and is not revoked. */
uint32_t sat_directory_admins(const struct sat_directory *directory);

/* Ids of the name records in `people`: first 16 bytes of H("name-id", org32 ‖ u8 kind ‖ number), as a UUIDv8. */
struct sat_record_id sat_name_record_user(const struct sat_hash *org, uint32_t user);     /* kind 1, u32 */
struct sat_record_id sat_name_record_device(const struct sat_hash *org, uint32_t device); /* kind 2, u32 */
struct sat_record_id sat_name_record_space(const struct sat_hash *org,
                                           const struct sat_space_id *space); /* kind 3, space16 */

/* Who gets a key box. The arena owns the array. */
struct sat_recipient {
    uint8_t kind; /* enum sat_box_kind */
    uint64_t number;
    struct sat_public_key box;
};
/* Everyone who is due a box of the space's current or next epoch: active devices of users who may read it now, open
 * unexpired invites (by `now_ms`) for such users whose role may get boxes early (rep, service), the kit. */
uint32_t sat_directory_recipients(const struct sat_directory *directory, const struct sat_space_id *space,
                                  uint64_t now_ms, struct sat_arena *arena, struct sat_recipient **out);
/* The same for one user alone, whatever his rights (a grant names who gets boxes by it); without the kit. */
uint32_t sat_directory_recipients_of_user(const struct sat_directory *directory, uint32_t user, uint64_t now_ms,
                                          struct sat_arena *arena, struct sat_recipient **out);

#endif
