/* Visits: planned, prepared, made, submitted, amended. What each act writes is one transaction of ordinary records. */
#ifndef CLIENT_BOOK_VISIT_H
#define CLIENT_BOOK_VISIT_H

#include "client/book/ask.h"
#include "client/book/template.h"

/* ---- Rows ---- */

/* Visits as people look at them, `where` on v (visit) and `values` its parameters: an array of
 *   {"visit","day","account","account_id","by","state","disputed","purpose","goal","note","contacts":[names],
 *    "next_steps":[…],"none","readiness_bp","duration_s","distance_m","accuracy_m","flags":[words],"amended",
 *    "plan","started_at","submitted_at","template","territory"}
 *
 * The newest first, at most `limit`. The caller's reference. */
enum sat_err client_visit_rows(struct satchel *satchel, const char *where, const char *const *values, size_t n,
                               unsigned limit, json_t **rows) SAT_MUST_CHECK;

/* Submitted visits of a person (NULL: anybody's) that were made under another version of the template than the newest
 * one, after that was published, and lack what it makes mandatory: {"visit","day","account","by","made_under",
 * "territory","asks","missing":[{"key","text"}]}. */
enum sat_err client_visit_incomplete(struct satchel *satchel, const char *person, json_t **rows) SAT_MUST_CHECK;
/* What the visit's own version makes mandatory and nobody has said, amendments counted: of its copy in that territory
 * (NULL: of the one that there is); nothing of one that cannot be got. */
enum sat_err client_visit_unanswered(struct satchel *satchel, const char *id, const char *territory,
                                     const char *template, json_t **missing) SAT_MUST_CHECK;

/* A record as a person names it; a visit also by its account: one's own of it that was submitted last. */
enum sat_err client_visit_named(struct satchel *satchel, const char *type, const char *named,
                                char out[SATCHEL_ID_SIZE]) SAT_MUST_CHECK;

/* ---- An account as a visit sees it ---- */

struct client_visit_account {
    char id[SATCHEL_ID_SIZE];
    char *family; /* a JSON array of its id and those that were merged into it; satchel_free() */
    bool here;    /* not archived, and not one that has not come yet */
};
/* As a person names it; one that was merged into another one is that one. */
enum sat_err client_visit_account(struct satchel *satchel, const char *named,
                                  struct client_visit_account *out) SAT_MUST_CHECK;

/* ---- What is said of a visit ---- */

struct client_said {
    json_t *visit;           /* fields of the visit; the holder's references */
    json_t *answers;         /* of the checklist */
    json_t *next;            /* next steps, texts */
    json_t *words;           /* as it was said: the two below are borrowed from it */
    const char *none, *date; /* why there is no next step; the visit's day */
};
/* `said`: {"KEY": text, or a list of texts}. Keys: goal, purpose, note, next, none, contact, signal, date, ext.KEY;
 * else a part of the visit (an item `sections.KEY` of `form`), or an item of the checklist. SAT_ERR_INVALID names those
 * that there are. `family`: of the account whose people are meant first. */
enum sat_err client_said_read(struct satchel *satchel, const char *said, const struct client_template *form,
                              const struct client_template *checklist, const char *family,
                              struct client_said *out) SAT_MUST_CHECK;
void client_said_drop(struct client_said *said);

#endif
