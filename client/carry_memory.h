/* What carrying (carry.h) works with, and what it remembers from one time to the next, in `meta`: how far it has
 * looked, the territories as they were then, what is to be looked at again. */
#ifndef CLIENT_CARRY_MEMORY_H
#define CLIENT_CARRY_MEMORY_H

#include "client/handle.h"
#include "client/hanging.h"
#include "common/vault/author.h"

#define CARRY_TOLD "moved_on" /* the name in `meta` of what client_carry_told() tells */
#define CARRY_NOWHERE UINT64_MAX

/* A territory, as far as this device has to do with it. */
struct carry_land {
    int64_t sid;
    struct sat_space_id id;
    uint8_t rights;
    bool reads, writes;
    bool at_head; /* a head of the server's covers all that is here */
    bool moved;   /* something has moved away from it */
    bool sought;  /* … or to it */
    /* What had been looked at before is looked at again behind that entry, or CARRY_NOWHERE: as a move says that has
     * come; as far as it has been done; and from where once more, when that is done. */
    uint64_t since, back, asked;
};

/* A change that has come. */
struct carry_come {
    int64_t sid;
    struct sat_record_id record;
    struct sat_dot dot;
};

struct carrying {
    struct satchel *satchel;
    struct sat_vault vault;
    struct carry_land *lands;
    uint32_t lands_n, writes_n;
    bool any_moved;
    struct sat_space_id *elsewhere; /* targets that this device has nothing to do with */
    uint32_t elsewhere_n;
    uint64_t before, mark; /* the newest bundle that was looked at; the newest of all */
    uint64_t rewinds;      /* how often the base went back, after which bundles have new numbers */
    bool forgot;           /* bytes that are not to be found any more */
    struct carry_come *come;
    uint32_t come_n, come_cap;
    struct sat_move *moves;
    uint32_t moves_n, moves_cap;
    struct client_hanging hanging;
    struct sat_buf told;
    bool told_changed;
    struct carry_come *again; /* what could not be read, or not be carried: it is looked at again each time */
    uint32_t again_n;
    struct sat_buf again_next;
    bool goes_back, had_back; /* territories are being looked at once more */
    bool too_many;            /* … more than are remembered: the mark stays where it was */
    struct sat_arena arena;   /* of the whole */
    struct sat_arena one;     /* of one record */
};

/* NULL: it is no territory that this device has. */
struct carry_land *carry_land_of(struct carrying *it, int64_t sid);
struct carry_land *carry_land_by_id(struct carrying *it, const struct sat_space_id *id);
/* The lands are known by then. */
enum sat_err carry_load_mark(struct carrying *it) SAT_MUST_CHECK;
enum sat_err carry_save_mark(struct carrying *it) SAT_MUST_CHECK;
/* The record is looked at the next time as well. Where that is too much to remember, so is all that came now. */
void carry_look_again(struct carrying *it, int64_t sid, const struct sat_record_id *record);

#endif
