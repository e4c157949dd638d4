/* Between the story's frame and its steps, and what the plots' steps have in common. */
#ifndef TESTS_FAULTS_ACTS_H
#define TESTS_FAULTS_ACTS_H

#include "tests/faults/story.h"

const char *story_home(enum party who); /* story.c */
struct satchel_open_options story_options(void);

/* acts.c. The result of a call on a handle; what an earlier attempt has done need not be done again. */
int act_said(struct story *story, enum party who, int failed);
int act_done(const struct story *story, int failed);
/* Steps: an org with Ben in two territories and Cleo in one of them; all of a sync; one account. */
int act_found(struct story *story, enum party who);
int act_add_people(struct story *story, enum party who);
int act_invite_ben(struct story *story, enum party who);
int act_invite_cleo(struct story *story, enum party who);
int act_join(struct story *story, enum party who);
int act_sync(struct story *story, enum party who);
int act_put(struct story *story, enum party who, const char *id, const char *territory, const char *fields);
/* Does the query give just that, row by row? */
bool act_reads(struct satchel *satchel, const char *sql, const char *wanted, char *text, size_t size);
int act_ignore_row(void *context, const char *json);

#endif
