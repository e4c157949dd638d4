/* A space's log: hashed entries, and heads that the server signs (CRYPTO, "Log, heads, acknowledgements").
 *
 *   entry    H("entry", u64 seq ‖ u8 kind ‖ id32 ‖ u64 recv_ms ‖ u64 dir_at [‖ u64 receipt_ms ‖ u64 receipt_dir])
 *   head     SIG(server, "head", space16 ‖ log_epoch16 ‖ u64 size ‖ root32 ‖ digest32 ‖ u64 dir_seq ‖ dir_hash32
 *            ‖ u64 time_ms)
 *
 * On the wire and in the store a head is u8 form ‖ varint size ‖ root (32 or 4) ‖ digest (32 or 4) ‖ log_epoch (16 or
 * 4) ‖ varint dir_seq ‖ varint time_ms ‖ sig64, with dir_hash (32) behind dir_seq in the full form only. */
#ifndef SAT_PROOF_LOG_H
#define SAT_PROOF_LOG_H

#include "common/proof/merkle.h"
#include "common/proof/sign.h"

enum sat_entry_kind {
    SAT_ENTRY_BUNDLE = 1,
    SAT_ENTRY_VOID = 2,
    SAT_ENTRY_COLLECT = 3,
    SAT_ENTRY_RETURNED = 4, /* a bundle that the server had lost: with the receipt that it had given for it */
    SAT_ENTRY_RUN = 5,      /* none: what stands for 2^level of them where entries are listed (sync/compact.h) */
};

struct sat_entry {
    uint64_t seq; /* from 1, without gaps */
    uint8_t kind; /* enum sat_entry_kind */
    struct sat_hash id;
    uint64_t recv_ms;                 /* when the server received it; never decreases */
    uint64_t dir_at;                  /* the directory's length at acceptance; never decreases */
    uint64_t receipt_ms, receipt_dir; /* RETURNED: of the bundle's first acceptance; else 0 */
};

/* What counts of an entry: when its bundle was received first, and under which directory (MERGE 9). */
uint64_t sat_entry_receipt_ms(const struct sat_entry *entry);
uint64_t sat_entry_receipt_dir(const struct sat_entry *entry);

struct sat_hash sat_entry_hash(const struct sat_entry *entry);

struct sat_head {
    struct sat_space_id space;
    struct sat_log_epoch log_epoch;
    uint64_t size;
    struct sat_hash root;
    struct sat_hash digest; /* of the live set there */
    uint64_t dir_seq;
    struct sat_hash dir_hash;
    uint64_t time_ms;
    struct sat_signature signature;
    bool is_short; /* as received: root, digest, log_epoch hold 4 bytes, then zeros, and dir_hash is unknown;
                      false once completed */
};

void sat_head_sign(struct sat_head *head, const struct sat_hash *org, const struct sat_sign_key *server);
enum sat_err sat_head_verify(const struct sat_head *head, const struct sat_hash *org,
                             const struct sat_public_key *server) SAT_MUST_CHECK;
void sat_head_encode(const struct sat_head *head, bool is_short, struct sat_buf *out);
/* `space` is the subscription's. */
enum sat_err sat_head_decode(struct sat_span bytes, const struct sat_space_id *space,
                             struct sat_head *out) SAT_MUST_CHECK;
/* Fills what a short head leaves out from what the receiver holds itself (root, digest, log_epoch, dir_hash of `own`).
 * SAT_ERR_STALE when a prefix differs: ask for the full head. */
enum sat_err sat_head_complete(struct sat_head *head, const struct sat_head *own) SAT_MUST_CHECK;

/* A device's signed cursor: all that it has seen and acknowledged. The server collects by them (sync/host_collect.c).
 */
struct sat_cursor {
    uint32_t device;
    struct sat_space_id space;
    struct sat_log_epoch log_epoch;
    uint64_t size;
    struct sat_hash root, digest;
    uint64_t ack, dir_seq;
    struct sat_hash dir_hash;
};
struct sat_signature sat_cursor_sign(const struct sat_cursor *cursor, const struct sat_hash *org,
                                     const struct sat_sign_key *device);
enum sat_err sat_cursor_verify(const struct sat_cursor *cursor, const struct sat_hash *org,
                               const struct sat_public_key *device,
                               const struct sat_signature *signature) SAT_MUST_CHECK;

/* A signed statement that the dots of a refused bundle are empty, in its place in its author's chain (MERGE 8). id =
 * H("void", statement). In the log, and pushed behind a byte SAT_VOID_FORM where a bundle would be: varint device ‖
 * varint first ‖ varint count ‖ refused32 ‖ prev32 ‖ sig64. */
#define SAT_VOID_FORM 2 /* beside enum sat_bundle_form */
struct sat_void {
    struct sat_space_id space;
    uint32_t device;
    uint64_t first;
    uint32_t count;
    struct sat_hash refused, prev;
};
struct sat_hash sat_void_id(const struct sat_void *statement);
struct sat_signature sat_void_sign(const struct sat_void *statement, const struct sat_hash *org,
                                   const struct sat_sign_key *device);
enum sat_err sat_void_verify(const struct sat_void *statement, const struct sat_hash *org,
                             const struct sat_public_key *device, const struct sat_signature *signature) SAT_MUST_CHECK;

void sat_void_encode(const struct sat_void *statement, const struct sat_signature *signature, struct sat_buf *out);
/* `space` is the subscription's. SAT_ERR_MALFORMED, SAT_ERR_TOO_LARGE. */
enum sat_err sat_void_decode(struct sat_span bytes, const struct sat_space_id *space, struct sat_void *out,
                             struct sat_signature *signature) SAT_MUST_CHECK;

#endif
