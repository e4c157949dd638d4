/* The version window: when the server speaks another version of the protocol, a person is told which side is too old.
 * What is pending stays where it is, and goes with the first sync that both sides understand. */
#ifndef CLIENT_VERSION_H
#define CLIENT_VERSION_H

#include "common/base/bytes.h"

/* What an HTTP status in place of the upgrade means. `text`: what the server said besides, in headers or body: versions
 * are read out of it wherever it says "satchel.N", and when to come back from "Retry-After: SECONDS" or "retry_ms":MS.
 * A sentence goes to `said`, `where` being whom it is about. SAT_ERR_VERSION, SAT_ERR_BUSY, SAT_ERR_UNREACHABLE. */
enum sat_err client_version_refusal(unsigned status, struct sat_span text, const char *where, char *said, size_t size,
                                    uint64_t *retry_ms);

/* Is the server's first message a hello of another version than this library's? It may look otherwise in all else. */
bool client_version_of_hello(struct sat_span message, char *said, size_t size) SAT_MUST_CHECK;

#endif
