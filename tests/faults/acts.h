/* Between the story's frame and its steps. */
#ifndef TESTS_FAULTS_ACTS_H
#define TESTS_FAULTS_ACTS_H

#include "tests/faults/story.h"

const char *story_home(enum party who); /* story.c */
struct satchel_open_options story_options(void);

/* acts.c: everything that the story's calls acknowledged is there, as it should be at its end. */
bool story_holds_all(struct story *story, enum party who, char *said, size_t size);

#endif
