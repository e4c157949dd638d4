/* The receipt of a wipe: the last that a device signs, before it destroys its keys, and all that it can show
 * afterwards.
 *
 *   SIG(device, "wiped", u32 device ‖ u64 wipe_seq ‖ u64 time_ms) */
#ifndef SAT_PROOF_WIPE_RECEIPT_H
#define SAT_PROOF_WIPE_RECEIPT_H

#include "common/proof/sign.h"

struct sat_wipe_receipt {
    uint64_t wipe_seq; /* of the link that ordered it */
    uint64_t time_ms;
    struct sat_signature signature;
};

/* Signs for the wipe_seq and time_ms that are in *receipt. */
void sat_wipe_receipt_sign(struct sat_wipe_receipt *receipt, const struct sat_hash *org, uint32_t device,
                           const struct sat_sign_key *key);
/* SAT_ERR_TAMPERED. */
enum sat_err sat_wipe_receipt_verify(const struct sat_wipe_receipt *receipt, const struct sat_hash *org,
                                     uint32_t device, const struct sat_public_key *key) SAT_MUST_CHECK;

#endif
