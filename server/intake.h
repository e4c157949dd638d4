/* What a message that has come will cost, before the engine hears it: does it add to what is stored, how many changes
 * does it carry, how much of its peer's share of a batch does it take? */
#ifndef SATD_INTAKE_H
#define SATD_INTAKE_H

#include "common/base/bytes.h"

enum satd_said_kind {
    SATD_SAID_OTHER, /* reads, handshakes, and what the engine will refuse */
    SATD_SAID_PUSH,
    SATD_SAID_APPEND,
    SATD_SAID_CREATE,
};

struct satd_said {
    enum satd_said_kind kind;
    uint32_t changes; /* PUSH: what its bundle says; the engine holds it to that */
    uint32_t weight;
    bool attempt; /* shows who it is by what can be guessed: an invite, the kit, a token for founding */
};

struct satd_said satd_intake_read(struct sat_span message);

#endif
