/* What tells whose a change is: as much of one as the oracle asks for when it looks for its writes. */
#ifndef TESTS_SIM_FACTS_H
#define TESTS_SIM_FACTS_H

#include "tests/story/world.h"

struct oracle_fact {
    struct sat_dot dot, first_dot; /* that it has; that it had first, if it repeats another */
    bool repeats, pending;
    uint64_t tag, hlc;           /* 0: no tag */
    struct sat_hash first, rest; /* first: of what removes a record */
};

enum { ORACLE_REMOVAL_BIT = 63 }; /* of a tag */

/* What it says, and when: in a copy of a home another one may have got the same dot. */
struct sat_hash oracle_first_of(const struct sat_source *source, uint32_t record);
/* tagged: by its texts, too. */
struct oracle_fact oracle_fact_of(const struct sat_source *source, uint32_t record, bool tagged);

struct oracle_facts { /* of what a home shows of a record */
    struct oracle_fact *at;
    uint32_t n, cap;
    bool known;
    uint64_t as_of; /* the state of its home at which they were true */
};

void oracle_facts_take(struct oracle_facts *facts, const struct sat_record_view *view, uint32_t record, bool tagged);

#endif
