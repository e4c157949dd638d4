/* Administration, the last part of satchel.h, which includes it: who belongs to the organisation, and may do what.
 *
 * The directory is one for all, so these talk to the server. What changes it is for admins, or within what they manage
 * for managers (denied), needs the admin's key (locked, where it was opened for `everyday` work or has a passphrase of
 * its own) and the server (unreachable, timed_out, wrong_server, stale: another admin was first, try again). Done is
 * done once the directory has it; the names, which are records, go along or follow with the next sync. Where somebody
 * loses access by it, the keys of what he or she could read are changed in the same session.
 *
 * Where there are two admins or more, what could do most harm in a thief's hands needs a second signature: to make an
 * admin, to approve another admin's device, to change policy, to replace the kit, more than three wipes a day. Such a
 * call succeeds without having had an effect, and satchel_proposal() is the text that another admin gives to
 * satchel_cosign(). With satchel_use_kit() the recovery kit signs instead. */
#ifndef SATCHEL_ADMIN_H
#define SATCHEL_ADMIN_H

/* What the last act on the handle left for another admin to sign, "satchel-cosign1…": one line; NULL: nothing, it is
 * done. Borrowed until the next call on the handle. It is worthless once anything else has come into the directory. */
SATCHEL_API const char *satchel_proposal(const struct satchel *satchel);
/* Says, as *about, what a proposal is about; the caller checks it before signing. invalid. */
SATCHEL_API int satchel_cosign_about(struct satchel *satchel, const char *proposal, char **about);
/* Replaces the recovery kit while there are admins: where there are two, it needs a second signature. `keep_kit` keeps
 * the page of the new one, a secret, before the server is asked to take it; not 0: it could not, and nothing is done.
 * All keys that are here are changed along with it (satchel_keys_missing() has the others, which the new kit does not
 * open yet). After satchel_use_kit() the old kit signs for the new one, and is worth nothing then; without it, and with
 * no other admin to sign, whoever has the old page can still repudiate this device for 30 days. Should this fail after
 * keep_kit has been called, the server may have taken the new one all the same: satchel_audit() tells. */
SATCHEL_API int satchel_kit_replace(struct satchel *satchel, int (*keep_kit)(void *context, const char *page),
                                    void *context);
/* Signs another admin's proposal and has it done. invalid (it is damaged, or something came first: it has to be
 * proposed anew), denied (an own proposal), tampered. */
SATCHEL_API int satchel_cosign(struct satchel *satchel, const char *proposal);
/* The recovery kit's page, as it was given out or typed in again: it signs where a second signature is due, until the
 * handle is closed. invalid (a copying error), denied (another organisation's). */
SATCHEL_API int satchel_use_kit(struct satchel *satchel, const char *page);

/* A person. `role`: "admin", "manager", "rep", "auditor" or "service"; managers add reps. exists (the name is taken),
 * invalid. */
SATCHEL_API int satchel_user_add(struct satchel *satchel, const char *name, const char *role);
/* Another role for a person, whose devices stay: they download what it opens and remove what it closes. exists (the
 * role is so already), invalid (no role; the last admin), denied (not an admin). */
SATCHEL_API int satchel_user_role(struct satchel *satchel, const char *name, const char *role);
/* Nobody gets in by this person's devices any more, until the person is let back in. not_found, exists (it is so
 * already), invalid (the last admin). */
SATCHEL_API int satchel_user_suspend(struct satchel *satchel, const char *name);
SATCHEL_API int satchel_user_resume(struct satchel *satchel, const char *name);
/* A territory: a space of its own, with a key of its own. "org" and "people" are reserved. exists, invalid. */
SATCHEL_API int satchel_territory_add(struct satchel *satchel, const char *name);
/* A narrow one: nobody reads it by role, admins neither, but who is granted it. New records of which something is
 * restricted (grade G3: where people were) go there from those who may write in it. Who adds it has it until
 * satchel_territory_revoke(), which changes its key. */
SATCHEL_API int satchel_territory_add_narrow(struct satchel *satchel, const char *name);
#define SATCHEL_READ 1
#define SATCHEL_WRITE 2
#define SATCHEL_MANAGE 4
/* Lets a person use a territory. `rights`: a set of SATCHEL_READ, SATCHEL_WRITE (reads as well) and SATCHEL_MANAGE
 * (reads and writes as well); 0: read and write. not_found (no such territory or user), invalid. */
SATCHEL_API int satchel_territory_grant(struct satchel *satchel, const char *territory, const char *user, int rights);
/* Takes a territory from a person. not_found (also: had it not), invalid (an admin, who has it by role). */
SATCHEL_API int satchel_territory_revoke(struct satchel *satchel, const char *territory, const char *user);
/* Gives a territory, "org" or "people" a new key; for whoever may read there and has some key of it, be it an older
 * one. not_found, denied, debt (it has none). */
SATCHEL_API int satchel_rotate(struct satchel *satchel, const char *territory);
/* A code that lets one new device of `user` in, until `valid_ms` from now (0: seven days): a secret until it is used.
 * The device of an admin, a manager or an auditor then waits for satchel_device_approve(). not_found, invalid. */
SATCHEL_API int satchel_invite(struct satchel *satchel, const char *user, uint64_t valid_ms, char **code);
/* Makes the person's open codes worthless, and changes the keys that they could open; *cancelled tells how many they
 * were. not_found (no such user, no open invite), denied. */
SATCHEL_API int satchel_invite_cancel(struct satchel *satchel, const char *user, uint32_t *cancelled);
/* Puts a device out: what the server does not have of its work by now, the admins decide about (satchel_escrow()).
 * `wipe`: orders it to destroy what it holds, once it has handed in what it had not sent; also for one that is out
 * already. Copies of one home (satchel_device_list(): copy_of) are put out together, and wiped together. not_found,
 * exists, invalid (this device or a copy of it, the last admin's). */
SATCHEL_API int satchel_device_revoke(struct satchel *satchel, uint32_t device, int wipe);
/* Lets in a device that waits for approval; or says of one whose home has been copied that this is right: three times
 * that needs nobody, then this. not_found, exists (it needs none). */
SATCHEL_API int satchel_device_approve(struct satchel *satchel, uint32_t device);

/* What admins, and managers of the territory, decide about: work that came after its author had lost the right to write
 * it. {"number","state","device","user","territory","changes","received_at","reason"} per bundle; state is "open",
 * "accepted", "rejected", or "forged" (its device did not sign it). Talks to the server. denied. */
SATCHEL_API int satchel_escrow(struct satchel *satchel, satchel_row_fn row, void *context);
/* What a bundle says: {"type","id","fields","at",…} per change, with the bundle's members besides. not_found, tampered
 * (forged). */
SATCHEL_API int satchel_escrow_show(struct satchel *satchel, uint64_t number, satchel_row_fn row, void *context);
/* Lets `n` bundles in, as their authors' work, or rejects them; what was rejected can be let in later. Of a device's
 * bundles in one territory the first has to be let in before the next. What the log cannot take as it is (its numbers
 * are taken, what was before it was rejected, or a copy of its home has brought some of it) is written again as this
 * device's, but for what is there, and rejected as it is. not_found, exists (it is decided), stale (an
 * earlier one is not in), tampered (forged). */
SATCHEL_API int satchel_escrow_decide(struct satchel *satchel, const uint64_t *numbers, uint32_t n, int accept);

/* What was ever done, verified anew from the founding on with all signatures: {"link","at","by","device","kind","what",
 * "signed_by":[…]} per link of the directory; `what` is a sentence that `by` begins. A repudiation also has
 * "undone":[…], the sentences that say what it changed; a link that names a recovery kit has "kit", the eight digits
 * behind "Kit" on that one's page. Among the links, by their time, is what devices say that they
 * let out in plaintext, which is their own word: link null, "own_word" true, and "disclosure":
 * {"kind","types","records","format","altered_by"}; altered_by: another device that wrote it, too, or null; and what
 * this device alone has to say of the server and of itself (the status's alert_list): link null, "own_word" true, kind
 * "alert" and "alert": {"error","times","at","message"}. Syncs first as the lists do. What is listed holds; tampered:
 * the message says at which link the directory does not. */
SATCHEL_API int satchel_audit(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context);
/* Territories that are due a new key, as somebody who has the current one may not read there any more:
 * {"territory","since_link"}. Work there is not sent before somebody who may read it has synced. */
SATCHEL_API int satchel_debts(struct satchel *satchel, satchel_row_fn row, void *context);
/* Territories that this device may read and whose current key it has not got: {"territory"}. Whoever has one gives it
 * on with the next sync; where only a thief had it, nobody does. A recovery kit that was made by this device does not
 * open them until then. */
SATCHEL_API int satchel_keys_missing(struct satchel *satchel, satchel_row_fn row, void *context);

/* Takes this device out of the organisation and removes the home. Refused while there is work that is nowhere else
 * (invalid: the message says how much) and for the last admin. Talks to the server. The handle is of no use afterwards
 * but to satchel_close(). */
SATCHEL_API int satchel_leave(struct satchel *satchel);

/* {"policy","value","default","most"} per policy, as known here: "lease.rep", … (days without a sync after which a
 * device shows no data; 0: no limit), "export.rep" (1: reps may export), "brake.records" and "brake.percent" (see
 * satchel_sync()), "history.days" and "history.versions" (how long, and how many of a record, superseded versions are
 * kept; 0: all), "silent.days" (without a sync, after which a device is expelled; 0: never). */
SATCHEL_API int satchel_policy(struct satchel *satchel, satchel_row_fn row, void *context);
/* not_found, invalid (more than it may be). */
SATCHEL_API int satchel_policy_set(struct satchel *satchel, const char *policy, uint64_t value);

/* Says where the server is now, and by which identity key (`pin`, 64 hexadecimal digits) it is known from here on;
 * NULL: as before. The server must have the new identity beside the old one (invalid), and a new address must lead to
 * it already, as this call goes through it (unreachable, wrong_server). Every device learns of it with its next sync by
 * the old address and the old identity, so both have to stay until the last one has; then devices go to the new address
 * first and to the one that answered last if nobody is there. */
SATCHEL_API int satchel_server_set(struct satchel *satchel, const char *url, const char *pin);

/* The lists are for everybody. Each syncs first, for a few seconds at most; *refreshed (may be NULL) tells whether the
 * server was reached. That it was not is no failure: what is known here is listed. */

/* {"user","name","role","state","territories":[…]} per person; state is "active" or "suspended". */
SATCHEL_API int satchel_user_list(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context);
/* {"territory","name","members":[{"user","rights":[…]}]} per territory; rights are "read", "write", "manage". */
SATCHEL_API int satchel_territory_list(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context);
/* {"device","user","name","state","copy_of","joined_at","last_seen","pending","lag","version","clock_ahead_ms","wipe",
 * "wiped_at"} per device; copy_of: the device that went on as this one when its home had been copied or set back (null:
 * it joined); clock_ahead_ms: how far its clock ran ahead of the server's when it wrote what is here last (0: by less
 * than ten minutes; null: nothing of it is here); wipe is "ordered", "done" (signed for by the device, at wiped_at) or
 * null; state is "active", "pending approval", "suspended" (its user), "revoked", "lapsed" (it was not here for
 * longer than its lease), or "expelled" (for so long that it is waited for no more, policy "silent.days", until it is
 * here again). last_seen, lag (log entries that it had not been sent) and version (of the protocol) are told
 * to admins of all devices and to managers of those of the people whom they manage, and null where nothing is known;
 * pending is known of this device alone. */
SATCHEL_API int satchel_device_list(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context);

#endif
