/* The wipe of a device, on the device: what it does once a link of the directory orders it, and nothing else ever does.
 *
 *   1 freeze what was not sent yet, so that it can be handed in without keys; nothing is shown any more
 *   2 sign the receipt, and write it into home/wipe: from here on nobody needs the keyring
 *   3 destroy the keyring: overwritten, unlinked, the directory synced
 *   4 show the server the receipt, and hand in what is frozen
 *   5 note in home/wipe that the server has both
 *   6 delete what is left
 *
 * Wherever it stops, what is there says where: no home/wipe, and the directory with the order in it, is before 2; after
 * it every step can be done twice. Steps 1 and 2 need the passphrase, the others nothing but the directory. */
#ifndef CLIENT_WIPE_H
#define CLIENT_WIPE_H

#include "client/handle.h"

/* Does the directory order it? Of an open home. */
bool client_wipe_is_ordered(const struct satchel *satchel);
/* Steps 1 to 3. Afterwards the handle has no keys, and refuses what would need some. */
enum sat_err client_wipe_begin(struct satchel *satchel) SAT_MUST_CHECK;
/* The other steps, as far as it goes, with a home whose store need not be open. Never SAT_OK: SAT_ERR_REVOKED, and the
 * handle's fault says that the device was wiped and what is left to do; or what is wrong with this machine. */
enum sat_err client_wipe_finish(struct satchel *satchel, uint32_t timeout_ms) SAT_MUST_CHECK;
/* For whoever is done with a session or a home: steps 1 to 3 if they are due. What fails is done the next time. */
void client_wipe_obey(struct satchel *satchel);
/* SAT_ERR_REVOKED, for who would open a home that is being wiped. */
enum sat_err client_wipe_fail_open(const char *home, struct sat_fault *fault) SAT_MUST_CHECK;
/* SAT_ERR_REVOKED for a handle whose keys are destroyed. */
enum sat_err client_wipe_check(struct satchel *satchel) SAT_MUST_CHECK;

#endif
