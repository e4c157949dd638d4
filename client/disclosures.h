/* What left a device in plaintext, by its own word: written before it leaves, read by the audit. */
#ifndef CLIENT_DISCLOSURES_H
#define CLIENT_DISCLOSURES_H

#include "client/handle.h"
#include "client/json.h"

#define CLIENT_DISCLOSURE_TYPE "disclosure"

/* Which device may write a disclosure's id: all devices' ids, sorted. */
struct client_disclosers {
    struct client_discloser {
        struct sat_record_id first; /* the last four bytes do not count */
        uint32_t device;
    } * at;
    uint32_t n;
};
/* The arena owns it; made anew when the directory has more devices. */
void client_disclosers_make(const struct sat_directory *directory, struct sat_arena *arena,
                            struct client_disclosers *out);
/* 0: it is no id of a disclosure. */
uint32_t client_discloser_of(const struct client_disclosers *disclosers, const struct sat_record_id *record);

/* One that is about to happen; durable on return, as a commit. `types`: one bool for each record type, by its place in
 * the list: is there something of it? Needs no open transaction. */
struct client_disclosing {
    const char *kind, *format;
    const bool *types;
    uint64_t records;
    const struct sat_record_id *record; /* of a reveal: of what, which field, why; NULL: nothing is said */
    const char *field, *reason;
};
enum sat_err client_disclose(struct satchel *satchel, const struct client_disclosing *what) SAT_MUST_CHECK;

struct client_disclosure {
    uint32_t device;     /* whose word it is */
    uint32_t altered_by; /* another device that has written there as well; 0: none */
    uint64_t at_ms;
    const char *kind, *format;
    uint64_t records;
    const char *record, *field, *reason; /* of a reveal; "" for nothing */
    json_t *types;                       /* the caller drops its reference */
};
/* All that there are, the oldest first; the arena owns them. */
enum sat_err client_disclosures(struct satchel *satchel, struct sat_arena *arena, struct client_disclosure **out,
                                uint32_t *n) SAT_MUST_CHECK;

#endif
