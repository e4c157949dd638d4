/* What admins and managers are shown of what the server keeps for them: a bundle of the escrow (an item of ESCROW), and
 * when a device was last here (an item of DEVICES).
 *
 *   escrow   u64 number ‖ u8 state ‖ space16 ‖ u64 recv_ms ‖ u32 reason ‖ the bundle's full form
 *
 *   device   u32 device ‖ u64 seen_ms ‖ u64 lag ‖ u32 version ‖ u64 wiped_ms
 *
 * Times of 0: never. The names of what is shown are in the directory and in people. */
#ifndef SAT_SYNC_ADMIN_ITEMS_H
#define SAT_SYNC_ADMIN_ITEMS_H

#include "common/base/id.h"
#include "common/base/limits.h"

struct sat_escrow_item {
    uint64_t number; /* ascending; ESCROW_GET asks for those behind one */
    uint8_t state;   /* enum sat_aside_state */
    struct sat_space_id space;
    uint64_t recv_ms;
    uint32_t reason;        /* enum sat_err as it is on the wire: read it by sat_err_from_wire() */
    struct sat_span bundle; /* borrowed; not looked into */
};
#define SAT_ESCROW_ITEM_FIXED_BYTES 37 /* without the bundle */
void sat_escrow_item_encode(const struct sat_escrow_item *item, struct sat_buf *out);
/* SAT_ERR_MALFORMED for anything but what the encoder writes, and for values that cannot be. */
enum sat_err sat_escrow_item_decode(struct sat_span bytes, struct sat_escrow_item *out) SAT_MUST_CHECK;

struct sat_device_item {
    uint32_t device;
    uint64_t seen_ms; /* when its last session ended, or the server's time if one is open */
    uint64_t lag;     /* entries of its spaces that it had not been sent */
    uint32_t version; /* of the protocol */
    uint64_t wiped_ms;
};
void sat_device_item_encode(const struct sat_device_item *item, struct sat_buf *out);
enum sat_err sat_device_item_decode(struct sat_span bytes, struct sat_device_item *out) SAT_MUST_CHECK;

#endif
