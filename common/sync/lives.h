/* A server that was set back to an older copy, and how it is healed (MERGE 9, 13, 14).
 *
 *   server   host_lives.c: begins a new life of every space's log, when the operator said that the store was put back,
 *            or a client shows a head that this server signed and does not have; tells the lives, finds where two logs
 *            part. host_return.c: takes receipts that its own heads prove, and bundles that it had before.
 *   client   replica_lives.c: believes only lives that go on where it knows; goes back to where the logs part, and
 *            keeps what is behind. replica_return.c: gives that back, as it was, in its old order. */
#ifndef SAT_SYNC_LIVES_H
#define SAT_SYNC_LIVES_H

/* In the server's store's meta: 16 bytes that name the newest set of lives, of all spaces together. */
#define SAT_LIFE_KEY "life"

#endif
