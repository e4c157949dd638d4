/* What an admin orders in a story: rights, roles, revocations, new keys, decisions. Each is one session of the first
 * admin's device, and succeeds; nothing is paid for by it unless it says so. */
#ifndef TESTS_STORY_ORDERS_H
#define TESTS_STORY_ORDERS_H

#include "tests/story/world.h"

/* The rights of the device's user in the world's territory `place` (0: the first). */
void order_grant(struct world *world, struct world_device *device, uint32_t place, uint8_t rights);
void order_role(struct world *world, struct world_device *device, enum sat_role role);
void order_suspend(struct world *world, struct world_device *device, bool suspended);
/* With the cuts as the admin's device knows them, once it has pulled everything. */
void order_revoke(struct world *world, struct world_device *device);
/* That the device of this number was copied is in order. */
void order_acknowledge(struct world *world, uint32_t device);
/* It was silent for too long: the world's clock must have gone on by as much since it joined. */
void order_expel(struct world *world, struct world_device *device);
void order_wipe(struct world *world, struct world_device *device); /* of one that is revoked */
void order_approve(struct world *world, struct world_device *device);
/* Who has taken as many new indexes as it may waits until an admin has found that right. homes: a bit set. */
void order_approve_copies(struct world *world, uint32_t homes);
/* What is forgotten of what was replaced; 0: no limit. */
void order_keep_history(struct world *world, uint64_t days, uint64_t versions);
void order_rotate(struct world *world, uint32_t place); /* a new epoch */
/* Lets the device's bundle of the escrow in, or rejects it. */
void order_decide(struct world *world, enum sat_accept_what what, const struct sat_aside_row *row);
/* The same where it may be refused: then false. */
bool order_was_decided(struct world *world, enum sat_accept_what what, const struct sat_aside_row *row);

/* As the library lets in what was handed in (client/let_in.c): as it is, or, where the log cannot take it so, written
 * again by the admin, and rejected as it is. rows: all that the escrow has. False: neither. */
bool order_was_let_in(struct world *world, const struct sat_aside_row *rows, uint32_t n, uint32_t which);

/* The revocation that the admin would order, signed, but not appended: its cuts changed by `change`. The arena owns it.
 */
struct sat_link order_forged_revocation(struct world *world, struct world_device *device,
                                        void (*change)(struct sat_body_revoke *body), struct sat_arena *arena);

/* What the server has put aside, and what a device has: oldest first, with bytes. */
uint32_t order_escrow(struct sat_store *store, struct sat_arena *arena, struct sat_aside_row **out);

#endif
