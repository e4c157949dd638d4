/* The keyring in its file: sealed under the passphrase, replaced whole. */
#ifndef CLIENT_KEYFILE_H
#define CLIENT_KEYFILE_H

#include "client/handle.h"

/* SAT_ERR_LOCKED (no passphrase), SAT_ERR_WRONG_PASSPHRASE, SAT_ERR_CORRUPT. Opens an admin's section too unless
 * the options say `everyday`; that it has another passphrase is no failure here. */
enum sat_err client_keyfile_open(struct satchel *satchel, const struct satchel_open_options *options,
                                 struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_keyfile_save(struct satchel *satchel, const struct satchel_open_options *options,
                                 struct sat_fault *fault) SAT_MUST_CHECK;

#endif
