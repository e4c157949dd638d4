/* The file home/wipe: where the wipe of this device stands, and all that its end needs once the keyring is gone.
 *
 *   "satchel-wipe" ‖ u16 version ‖ u8 step ‖ org32 ‖ server key32 ‖ u32 device ‖ u64 wipe_seq ‖ u64 time_ms ‖
 *   receipt's signature64 ‖ u8 n ‖ n × (u32 length ‖ address) ‖ checksum8
 *   checksum  first 8 bytes of H("wipe-file", all bytes before it)
 *
 * There is no secret in it. */
#ifndef CLIENT_WIPE_FILE_H
#define CLIENT_WIPE_FILE_H

#include "client/session.h"

enum client_wipe_step {
    CLIENT_WIPE_SIGNED = 1, /* the keyring is to be destroyed, then the server to be told */
    CLIENT_WIPE_TOLD = 2,   /* the server has the receipt and the work: what is left here is to be deleted */
};

struct client_wipe_file {
    enum client_wipe_step step;
    struct sat_hash org;
    struct sat_public_key server; /* its identity key */
    uint32_t device;
    struct sat_wipe_receipt receipt;
    const char *urls[CLIENT_ADDRESSES_MAX]; /* at least one; NULL: no more. Those of decode are the arena's */
};

#define CLIENT_WIPE_FILE_BYTES_MAX 4096

void client_wipe_encode(const struct client_wipe_file *file, struct sat_buf *out);
bool client_wipe_decode(struct sat_span bytes, struct sat_arena *arena, struct client_wipe_file *out);

#endif
