/* What people are charged with (common/vault/machines.h): by their role, and by the business roles that the
 * organisation gives (`user.roles`). */
#ifndef CLIENT_DUTIES_H
#define CLIENT_DUTIES_H

#include "client/handle.h"
#include "common/vault/machines.h"

/* What the people's space says of a person, and nowhere else (docs/decisions/0246); nothing of it is live where nobody
 * said anything. */
enum sat_err client_person_load(struct satchel *satchel, uint32_t user, struct sat_arena *arena,
                                struct sat_record_view *view) SAT_MUST_CHECK;
/* A business role, as it stands in `user.roles`; 0: one that brings no duty. */
uint32_t client_duty_named(struct sat_span role);
/* Of those that are listed: a JSON array, as `user.roles` is in the view; NULL: none. */
uint32_t client_duties_listed(const char *roles);
/* By their business roles alone, as they are known here now. */
enum sat_err client_duties_given(struct satchel *satchel, uint32_t user, struct sat_arena *arena,
                                 uint32_t *duties) SAT_MUST_CHECK;
/* This device's person's, by both. */
enum sat_err client_duties_own(struct satchel *satchel, struct sat_arena *arena, uint32_t *duties) SAT_MUST_CHECK;
/* "a manager, or finance": for sentences. */
const char *client_duties_told(uint32_t duties, struct sat_arena *arena);

/* Who wrote it: of a copy (a move, work written again) who wrote the original; but where its maker is no manager, he
 * (docs/decisions/0151). 0: not known. */
uint32_t client_source_user(const struct satchel *satchel, const struct sat_source *source);

/* Who asked for the record (ASKED in vault/machines.def), whatever it says of a person; 0: nobody, or not known.
 * *passing (may be NULL): as far as the directory of now says so. */
uint32_t client_asker(const struct satchel *satchel, const struct sat_merged_record *merged, bool *passing);

/* What a `state_event` says, and who took the step. */
struct client_step_said {
    struct sat_record_id about;
    struct sat_span to;                /* the state's name */
    const struct sat_record_id *after; /* the steps that its author saw as the last ones */
    uint32_t after_n;
    uint32_t user; /* who wrote which state: by the record's author, whatever it says of a person */
    uint8_t role;  /* … and in which role then */
    bool is_back;  /* archived, by */
    uint32_t back; /* … him: it stays a step unless he is one who settles */
    uint8_t back_role;
    bool passing; /* … as far as the directory of now says so: of a copy, and of what is not accepted yet */
};
/* What a record says of its own state: in the field of its machine (several states, where that is in conflict), and by
 * having been submitted. False: what is in the field is none of the machine's states, and would be shown as it is. */
bool client_began(const struct sat_type *type, const struct sat_merged_record *merged, struct sat_began *out);
/* False: it says nothing about which record, or of which state. The arena owns what is pointed to, or the record. */
bool client_step_read(const struct satchel *satchel, const struct sat_merged_record *merged, struct sat_arena *arena,
                      struct client_step_said *out);

#endif
