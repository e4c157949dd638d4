/* A device that stays connected and writes: the library's session in an event loop of the application's own, here
 * that of libwebsockets. */
#ifndef TESTS_BENCH_CONNECTION_H
#define TESTS_BENCH_CONNECTION_H

#include <stdint.h>

#include "client/include/satchel.h"

struct connection;

/* Connects and waits until both sides hold the same; or ends the program. */
struct connection *connection_open(struct satchel *satchel);
/* Sends what was committed and waits until both sides hold the same again. */
void connection_sync(struct connection *connection);
/* Lets the connection live for so long. */
void connection_rest(struct connection *connection, uint32_t ms);
void connection_close(struct connection *connection);

#endif
