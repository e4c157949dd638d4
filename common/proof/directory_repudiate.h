/* Repudiation: the kit's holder says from which position on a device was a thief's, and what the thief did since is
 * undone. It is no replay: the past stays judged as it was, and from the repudiation on every fact is again what
 * somebody else said last. Private to directory*.c.
 *
 * A link is disowned if its author is the named device, from that position on, or came in through it from there: by an
 * invite or an approval of a disowned author, or with a kit that one put in force. What somebody else signed too, who
 * is not disowned, stands. A repudiation is itself such a link: that of a thief, who had made a kit of his own, is
 * undone by the one that the true kit signs. */
#ifndef SAT_PROOF_DIRECTORY_REPUDIATE_H
#define SAT_PROOF_DIRECTORY_REPUDIATE_H

#include "common/proof/directory_index.h"

struct sat_disowning {
    const struct sat_directory *directory;
    uint64_t *from; /* by device: the first position whose links of it are disowned; UINT64_MAX: it is not concerned */
    bool *hit;      /* by position, from 0: is the link disowned? */
};

/* What naming `device` (there is one) from `from_seq` (at most the head) on disowns. Changes nothing; end() it. */
void sat_disowning_begin(const struct sat_directory *directory, uint32_t device, uint64_t from_seq,
                         struct sat_disowning *out);
void sat_disowning_end(struct sat_disowning *disowning);
/* The kit in force by the links that stand: its place. It alone may sign this repudiation. */
uint32_t sat_disowning_kit(const struct sat_disowning *disowning);
/* A user's role and state by the links that stand. */
void sat_disowning_standing(const struct sat_disowning *disowning, uint32_t user, uint8_t *role, uint8_t *state);
/* Does it, by the link at `seq`, the next one. Every space owes a new epoch then. */
void sat_disowning_apply(const struct sat_disowning *disowning, struct sat_directory *directory, uint64_t seq);

#endif
