/* Directory links: their layout, their bodies, their signatures (CRYPTO, "Directory link").
 *
 *   M         u64 seq ‖ prev32 ‖ u32 author ‖ u16 type ‖ u8 critical ‖ u16 suite ‖ u32 len ‖ body
 *   link_id   H("link", M)                    the org's id = H("org", M of the genesis)
 *   signature SIG(key, "link", M), org = zeros inside the genesis
 *   on the wire and in the store: u32 len ‖ M ‖ u8 n ‖ n × (u8 kind ‖ u32 number ‖ sig64)
 *   countersign SIG(server, "countersign", u64 seq ‖ link_id32 ‖ u64 time_ms)
 *
 * No link carries a name: names are records of the `people` space. */
#ifndef SAT_PROOF_LINK_H
#define SAT_PROOF_LINK_H

#include "common/base/limits.h"
#include "common/proof/sign.h"

enum sat_link_type {
#define X(id, name, number, who) SAT_LINK_##id = number,
#include "common/proof/links.def"
#undef X
};

const char *sat_link_type_name(uint16_t type); /* "unknown" for a number that is not in the list */

enum sat_signer_kind {
    SAT_SIGNER_DEVICE = 1, /* number: the device */
    SAT_SIGNER_ADMIN = 2,  /* number: the device whose admin key it is */
    SAT_SIGNER_INVITE = 3, /* number: seq of the invite's link (u32) */
    SAT_SIGNER_KIT = 4,    /* number: seq of the link that names the kit (u32) */
};

struct sat_link_signature {
    uint8_t kind;
    uint32_t number;
    struct sat_signature signature;
};

struct sat_link {
    uint64_t seq; /* from 1: the genesis */
    struct sat_hash prev;
    uint32_t author; /* device; in a join, the number that the new device takes */
    uint16_t type;
    uint8_t critical; /* 1: who does not know the type must stop here */
    uint16_t suite;
    struct sat_span body;    /* borrowed */
    struct sat_span message; /* M as received, borrowed; set by decode and by sat_link_finish() */
    struct sat_link_signature signatures[SAT_LINK_SIGNATURES_MAX];
    uint8_t signatures_n;
};

/* Encodes M into the arena and sets link->message. Call before signing. */
void sat_link_finish(struct sat_link *link, struct sat_arena *arena);
/* Appends a signature by `key`. `org` is zeros for the genesis. */
void sat_link_sign(struct sat_link *link, uint8_t kind, uint32_t number, const struct sat_hash *org,
                   const struct sat_sign_key *key);
struct sat_hash sat_link_id(const struct sat_link *link);  /* H("link", M) */
struct sat_hash sat_link_org(const struct sat_link *link); /* H("org", M): of a genesis */
void sat_link_encode(const struct sat_link *link, struct sat_buf *out);
enum sat_err sat_link_decode(struct sat_span bytes, struct sat_link *out) SAT_MUST_CHECK; /* borrows from bytes */

struct sat_countersign {
    uint64_t time_ms;
    struct sat_signature signature;
};
void sat_countersign(const struct sat_link *link, uint64_t time_ms, const struct sat_hash *org,
                     const struct sat_sign_key *server, struct sat_countersign *out);
enum sat_err sat_countersign_verify(const struct sat_link *link, const struct sat_countersign *sign,
                                    const struct sat_hash *org, const struct sat_public_key *server) SAT_MUST_CHECK;

/* ---- Bodies. Each has encode (into an empty buf) and decode (exact: nothing may be left over). ---- */

enum sat_role {
    SAT_ROLE_ADMIN = 1,
    SAT_ROLE_MANAGER = 2,
    SAT_ROLE_REP = 3,
    SAT_ROLE_AUDITOR = 4,
    SAT_ROLE_SERVICE = 5
};
const char *sat_role_name(uint8_t role);                                    /* "admin" … ; "unknown" */
enum sat_err sat_role_parse(const char *name, uint8_t *out) SAT_MUST_CHECK; /* SAT_ERR_INVALID */

enum { SAT_RIGHT_READ = 1, SAT_RIGHT_WRITE = 2, SAT_RIGHT_MANAGE = 4 };
enum sat_space_kind { SAT_SPACE_ORG = 1, SAT_SPACE_PEOPLE = 2, SAT_SPACE_TERRITORY = 3, SAT_SPACE_NARROW = 4 };

struct sat_boxes { /* boxes handed over beside a link: their Merkle root and number */
    struct sat_hash root;
    uint32_t count;
};

struct sat_body_genesis { /* u16 version ‖ random16 ‖ device edpk32 ‖ device xpk32 ‖ admin edpk32 ‖ kit edpk32 ‖ kit
                             xpk32 ‖ server32 */
    uint16_t version;
    uint8_t random[16];
    struct sat_public_key device_sign, device_box, admin_sign, kit_sign, kit_box, server;
};
struct sat_body_user { /* u32 user ‖ u8 role ‖ u8 state (1 active, 2 suspended): the next number creates, an existing
                          one changes */
    uint32_t user;
    uint8_t role, state;
};
struct sat_body_role { /* u32 user ‖ u8 role */
    uint32_t user;
    uint8_t role;
};
struct sat_body_space { /* space16 ‖ u8 kind */
    struct sat_space_id space;
    uint8_t kind;
};
struct sat_body_grant { /* space16 ‖ u32 user ‖ u8 rights (0 takes all away) ‖ boxes_root32 ‖ u32 count */
    struct sat_space_id space;
    uint32_t user;
    uint8_t rights;
    struct sat_boxes boxes;
};
#define SAT_CHAIN_BYTES 72 /* nonce24 ‖ ciphertext32 ‖ tag16 */
struct sat_body_epoch { /* space16 ‖ u32 epoch ‖ u16 suite ‖ kc32 ‖ chain72 (zeros in epoch 1) ‖ boxes_root32 ‖ u32
                           count */
    struct sat_space_id space;
    uint32_t epoch;
    uint16_t suite;
    struct sat_hash kc;
    uint8_t chain[SAT_CHAIN_BYTES];
    struct sat_boxes boxes;
};
struct sat_invite_grant {
    struct sat_space_id space;
    uint8_t rights;
};
struct sat_body_invite { /* edpk32 ‖ xpk32 ‖ u32 user ‖ u8 role ‖ u16 n ‖ n × (space16 ‖ u8 rights) ‖ u64 expires_ms ‖
                            boxes_root32 ‖ u32 count */
    struct sat_public_key sign, box;
    uint32_t user;
    uint8_t role;
    struct sat_invite_grant grants[SAT_LINK_GRANTS_MAX]; /* beyond what the user already has */
    uint16_t grants_n;
    uint64_t expires_ms;
    struct sat_boxes boxes;
};
struct sat_body_invite_cancel { /* invite_id32 */
    struct sat_hash invite;
};
struct sat_body_join { /* invite_id32 ‖ edpk32 ‖ xpk32 ‖ admin edpk32 (zeros unless the role is admin or manager) */
    struct sat_hash invite;
    struct sat_public_key sign, box, admin_sign;
};

struct sat_body_reindex { /* u32 parent ‖ edpk32 ‖ xpk32: the author goes on as the next device, with these keys beside
                             the admin key that it has; signed by its old key and by the new one */
    uint32_t parent;
    struct sat_public_key sign, box;
};

struct sat_cut { /* what counts of a device in a space: up to this bundle, whose last change has this counter */
    struct sat_space_id space;
    uint64_t counter;
    struct sat_hash bundle;
};
struct sat_body_revoke { /* u32 device ‖ u16 n ‖ n × (space16 ‖ u64 counter ‖ bundle_id32), ascending by space */
    uint32_t device;
    struct sat_cut cuts[SAT_LINK_CUTS_MAX];
    uint16_t cuts_n;
};
struct sat_body_wipe { /* u32 device: one that is revoked */
    uint32_t device;
};
enum sat_accept_what { SAT_ACCEPT_DEVICE = 1, SAT_ACCEPT_BUNDLE = 2, SAT_ACCEPT_REJECT = 3 };
struct sat_body_accept { /* u8 what ‖ u32 device ‖ space16 ‖ bundle_id32 ‖ boxes_root32 ‖ u32 count; of a device: space
                            and bundle are zeros; of a bundle: there are no boxes */
    uint8_t what;
    uint32_t device;
    struct sat_space_id space;
    struct sat_hash bundle;
    struct sat_boxes boxes;
};
struct sat_policy_value {
    uint16_t key; /* policies.def; one that is not known is kept and ignored */
    uint64_t value;
};
struct sat_body_log_epoch { /* u64 from: the server had come back with so many links; those behind were given back */
    uint64_t from;
};
struct sat_body_policy { /* u16 n ‖ n × (u16 key ‖ u64 value), ascending by key */
    struct sat_policy_value values[SAT_LINK_POLICIES_MAX];
    uint16_t values_n;
};
struct sat_body_kit { /* kit edpk32 ‖ kit xpk32 ‖ u32 user ‖ device edpk32 ‖ device xpk32 ‖ admin edpk32 ‖ boxes_root32
                         ‖ u32 count: the new kit; with a user, that admin's new device, which the old kit lets in;
                         zeros otherwise */
    struct sat_public_key kit_sign, kit_box;
    uint32_t user;
    struct sat_public_key device_sign, device_box, admin_sign;
    struct sat_boxes boxes; /* for the new kit, of every space's current epoch */
};
struct sat_body_repudiate { /* u32 device ‖ u64 from ‖ the body of a kit link with a user: what the device did from that
                               position on is undone, and the kit's holder comes back */
    uint32_t device;
    uint64_t from_seq;
    struct sat_body_kit kit;
};

struct sat_body_mass_change { /* space16 ‖ u32 device ‖ u64 first ‖ u64 last: these changes of the device in the space
                                 were looked at, and are meant, however many records they archive or overwrite */
    struct sat_space_id space;
    uint32_t device;
    uint64_t first, last; /* counters */
};

struct sat_body_expel { /* u32 device: one that was silent for longer than the policy says; the author: it is back */
    uint32_t device;
};

#define SAT_URL_BYTES_MAX 255
struct sat_body_server_key { /* server32 ‖ u16 len ‖ url: the identity key that signs from the next link on, and where
                                to find it (empty: as before) */
    struct sat_public_key server;
    char url[SAT_URL_BYTES_MAX + 1]; /* printable ASCII, NUL-terminated here */
};

void sat_body_genesis_encode(const struct sat_body_genesis *body, struct sat_buf *out);
enum sat_err sat_body_genesis_decode(struct sat_span bytes, struct sat_body_genesis *out) SAT_MUST_CHECK;
void sat_body_user_encode(const struct sat_body_user *body, struct sat_buf *out);
enum sat_err sat_body_user_decode(struct sat_span bytes, struct sat_body_user *out) SAT_MUST_CHECK;
void sat_body_role_encode(const struct sat_body_role *body, struct sat_buf *out);
enum sat_err sat_body_role_decode(struct sat_span bytes, struct sat_body_role *out) SAT_MUST_CHECK;
void sat_body_space_encode(const struct sat_body_space *body, struct sat_buf *out);
enum sat_err sat_body_space_decode(struct sat_span bytes, struct sat_body_space *out) SAT_MUST_CHECK;
void sat_body_grant_encode(const struct sat_body_grant *body, struct sat_buf *out);
enum sat_err sat_body_grant_decode(struct sat_span bytes, struct sat_body_grant *out) SAT_MUST_CHECK;
void sat_body_epoch_encode(const struct sat_body_epoch *body, struct sat_buf *out);
enum sat_err sat_body_epoch_decode(struct sat_span bytes, struct sat_body_epoch *out) SAT_MUST_CHECK;
void sat_body_invite_encode(const struct sat_body_invite *body, struct sat_buf *out);
enum sat_err sat_body_invite_decode(struct sat_span bytes, struct sat_body_invite *out) SAT_MUST_CHECK;
void sat_body_invite_cancel_encode(const struct sat_body_invite_cancel *body, struct sat_buf *out);
enum sat_err sat_body_invite_cancel_decode(struct sat_span bytes, struct sat_body_invite_cancel *out) SAT_MUST_CHECK;
void sat_body_join_encode(const struct sat_body_join *body, struct sat_buf *out);
enum sat_err sat_body_join_decode(struct sat_span bytes, struct sat_body_join *out) SAT_MUST_CHECK;
void sat_body_reindex_encode(const struct sat_body_reindex *body, struct sat_buf *out);
enum sat_err sat_body_reindex_decode(struct sat_span bytes, struct sat_body_reindex *out) SAT_MUST_CHECK;
void sat_body_revoke_encode(const struct sat_body_revoke *body, struct sat_buf *out);
enum sat_err sat_body_revoke_decode(struct sat_span bytes, struct sat_body_revoke *out) SAT_MUST_CHECK;
void sat_body_wipe_encode(const struct sat_body_wipe *body, struct sat_buf *out);
enum sat_err sat_body_wipe_decode(struct sat_span bytes, struct sat_body_wipe *out) SAT_MUST_CHECK;
void sat_body_accept_encode(const struct sat_body_accept *body, struct sat_buf *out);
enum sat_err sat_body_accept_decode(struct sat_span bytes, struct sat_body_accept *out) SAT_MUST_CHECK;
void sat_body_log_epoch_encode(const struct sat_body_log_epoch *body, struct sat_buf *out);
enum sat_err sat_body_log_epoch_decode(struct sat_span bytes, struct sat_body_log_epoch *out) SAT_MUST_CHECK;
void sat_body_policy_encode(const struct sat_body_policy *body, struct sat_buf *out);
enum sat_err sat_body_policy_decode(struct sat_span bytes, struct sat_body_policy *out) SAT_MUST_CHECK;
void sat_body_kit_encode(const struct sat_body_kit *body, struct sat_buf *out);
enum sat_err sat_body_kit_decode(struct sat_span bytes, struct sat_body_kit *out) SAT_MUST_CHECK;
void sat_body_repudiate_encode(const struct sat_body_repudiate *body, struct sat_buf *out);
enum sat_err sat_body_repudiate_decode(struct sat_span bytes, struct sat_body_repudiate *out) SAT_MUST_CHECK;
void sat_body_mass_change_encode(const struct sat_body_mass_change *body, struct sat_buf *out);
enum sat_err sat_body_mass_change_decode(struct sat_span bytes, struct sat_body_mass_change *out) SAT_MUST_CHECK;
void sat_body_expel_encode(const struct sat_body_expel *body, struct sat_buf *out);
enum sat_err sat_body_expel_decode(struct sat_span bytes, struct sat_body_expel *out) SAT_MUST_CHECK;
void sat_body_server_key_encode(const struct sat_body_server_key *body, struct sat_buf *out);
enum sat_err sat_body_server_key_decode(struct sat_span bytes, struct sat_body_server_key *out) SAT_MUST_CHECK;

/* invite_id = H("invite", edpk ‖ xpk) */
struct sat_hash sat_invite_id(const struct sat_public_key *sign, const struct sat_public_key *box);

/* ---- Key boxes, fetched apart from the links (CRYPTO, "Epochs, key boxes") ---- */

enum sat_box_kind { SAT_BOX_DEVICE = 1, SAT_BOX_INVITE = 2, SAT_BOX_KIT = 3 };
#define SAT_BOX_BYTES 80

struct sat_box { /* on the wire: space16 ‖ u32 epoch ‖ u8 kind ‖ u64 number ‖ box80 (109 bytes); its name is the first
                    29 */
    struct sat_space_id space;
    uint32_t epoch;
    uint8_t kind;
    uint64_t number; /* device index; seq of the invite's or of the kit's link (the genesis: 1) */
    uint8_t bytes[SAT_BOX_BYTES];
};
#define SAT_BOX_NAME_BYTES 29
#define SAT_BOX_WIRE_BYTES 109
void sat_box_encode(const struct sat_box *box, struct sat_buf *out);
enum sat_err sat_box_decode(struct sat_span bytes, struct sat_box *out) SAT_MUST_CHECK;
/* The name alone: what a question for a box says. Decoding leaves the box's bytes as they are. */
void sat_box_name_encode(const struct sat_box *box, struct sat_buf *out);
enum sat_err sat_box_name_decode(struct sat_span bytes, struct sat_box *out) SAT_MUST_CHECK;
/* H("box", space16 ‖ u32 epoch ‖ u8 kind ‖ u64 number ‖ H("boxbytes", box)) */
struct sat_hash sat_box_leaf(const struct sat_box *box);
/* The root over the leaves in ascending order of their hashes, which sorts `boxes` in place; zeros for none. */
struct sat_hash sat_boxes_root(struct sat_box *boxes, uint32_t n);

#endif
