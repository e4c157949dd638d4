/* The story's server: what is behind the library's transport, which this module defines. */
#ifndef TESTS_FAULTS_SERVER_H
#define TESTS_FAULTS_SERVER_H

#include "tests/faults/story.h"

#define SERVER_STORE "server.db"

void server_is_of(struct story *story);
enum sat_err server_open(struct story *story); /* on the store that is there */
void server_close(struct story *story);

#endif
