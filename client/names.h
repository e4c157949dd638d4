/* Names: the directory knows people, devices and territories by number; what they are called are records of the
 * `people` space, which admins write and all read. */
#ifndef CLIENT_NAMES_H
#define CLIENT_NAMES_H

#include "client/handle.h"

#define CLIENT_NAME_BYTES_MAX 200

/* The name, or NULL where there is none (yet). The arena owns it. */
const char *client_user_name(struct satchel *satchel, uint32_t user, struct sat_arena *arena);
const char *client_device_name(struct satchel *satchel, uint32_t device, struct sat_arena *arena);
const char *client_org_name(struct satchel *satchel, struct sat_arena *arena);
/* "org", "people", a territory's name, or its id where the name has not come yet. Never NULL. */
const char *client_space_name(struct satchel *satchel, const struct sat_space_id *space, struct sat_arena *arena);

/* The user or territory whose name people would take for this one, as the two differ only in the case of A to Z and in
 * white space; NULL: none. The arena owns it. */
const char *client_user_like(struct satchel *satchel, const char *name, struct sat_arena *arena);
const char *client_space_like(struct satchel *satchel, const char *name, struct sat_arena *arena);
/* Is it another way to write `plain`, in the same sense? */
bool client_name_is_like(const char *name, const char *plain);

/* By name, exactly. SAT_ERR_NOT_FOUND, SAT_ERR_INVALID (two have it), or what kept names from being read. */
enum sat_err client_find_user(struct satchel *satchel, const char *name, uint32_t *user,
                              struct sat_fault *fault) SAT_MUST_CHECK;
/* "org", "people", a territory's name or its id. */
enum sat_err client_find_space(struct satchel *satchel, const char *name, struct sat_space_id *space,
                               struct sat_fault *fault) SAT_MUST_CHECK;

/* Is it fit to be a name: not empty, valid UTF-8, not too long, no control characters, no white space around it? That
 * is refused rather than taken away, so that whoever gave the name finds it under what was given. `what` is named in
 * the sentence. */
enum sat_err client_check_name(const char *what, const char *name, struct sat_fault *fault) SAT_MUST_CHECK;

/* Drafts of name records; inside a transaction, after the link that makes the number. */
enum sat_err client_write_user_name(struct satchel *satchel, uint32_t user, const char *name) SAT_MUST_CHECK;
enum sat_err client_write_device_name(struct satchel *satchel, uint32_t device, const char *name) SAT_MUST_CHECK;
enum sat_err client_write_space_name(struct satchel *satchel, const struct sat_space_id *space,
                                     const char *name) SAT_MUST_CHECK;

/* A name for this device made from the machine's. The arena owns it. */
const char *client_machine_name(struct sat_arena *arena);

#endif
