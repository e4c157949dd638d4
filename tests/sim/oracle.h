/* What must be seen at the end of a life, told without vectors: a write is visible iff no later write to its cell had
 * it visible in front of its author (the oracle of the merge model). It looks at what authors saw when they wrote, and
 * at nothing that the merge computes afterwards.
 *
 * A change is known by its dot. Where changes are written again under other dots, and copies of a device take the same
 * dots, it is known by the highest number among its texts "w<number>", which no other change has, and what removes a
 * record by the dot that it had first, and what it said there (tagged). */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include "tests/sim/facts.h"

enum { ORACLE_DOTS_MAX = 6, ORACLE_STATES_MAX = 8, ORACLE_RECORDS_MAX = 10 * WORLD_SPACES_MAX };
struct oracle_dots { /* each once */
    struct sat_dot at[ORACLE_DOTS_MAX];
    uint32_t n;
};

struct oracle_write { /* one cell of one change */
    struct sat_dot dot;
    uint64_t tag; /* 0: none */
    uint64_t hlc;
    struct sat_hash first; /* what tells it from another of that dot, if it removes a record (common/vault/origin.h) */
    uint32_t space, record, home;
    uint16_t field;
    char element[16];
    bool overwritten; /* somebody wrote the cell with this in front of him */
    bool excused;     /* it may be missing: its author was told, or nobody had it any more */
    bool refused;     /* for good; a copy of its home may send it all the same, and then it may be there again */
    bool held;
    bool at_server, collected; /* it is live there; it was, and was forgotten with its record */
    bool left;                 /* somebody brought its record back who had it in front of him, and let it stand */
    bool remembered;           /* the server was set back to before it was forgotten */
    struct sat_dot last_dot;   /* where it was seen last, */
    struct sat_hash rest;      /* and as what; zeros: never otherwise than as a draft */
    /* What a home that is an older state of another, or has a twin, can know of it (doubts.h). */
    bool kept, told; /* it waits in a state that was kept; it was refused, and its home is set back since */
    struct oracle_dots waited[ORACLE_STATES_MAX]; /* in each such home, under these dots */
    struct oracle_dots lost;                      /* a home had it under these when the server lost it */
    bool handed;                                  /* it was handed in by such a home */
    bool let_in;                                  /* … by any: nobody vouches for what it had seen of others (0191) */
    /* What removes a record, and was handed in, under these: the copy of who lets it in may name no other (0191). */
    struct oracle_dots handed_as;
    struct oracle_dots sent; /* it is in the log under these */
    bool doubted, came_back;
};

struct oracle_over { /* which write had which in front of it */
    uint32_t under, over;
    bool unproved; /* … by an entry that no head of the server's had proved yet */
};

/* A home's last commit that failed, and is not there: its log's file, which was deleted then, may be back behind a
 * crash, as long as nothing else was committed. */
struct oracle_failed {
    bool waits;
    struct oracle_write write;
    struct sat_record_view before; /* what its author had in front of him */
    struct sat_arena arena;        /* that this is in */
};

/* Whether what a home has of a record is in the log was asked when the home, and the server, if its answer counted,
 * were in these states, and there were so many writes. */
struct oracle_asked {
    bool known, at_server;
    uint64_t home, server;
    uint32_t writes;
};

struct oracle {
    struct oracle_write *writes;
    uint32_t n, cap;
    struct oracle_over *overs;
    uint32_t overs_n, overs_cap;
    bool tagged;
    /* The server was set back without a word: what it had not proved it need not have had, and who wrote over that
     * stands beside it (common/sync/rewind.h). */
    bool unproved_may_go;
    uint32_t states;        /* how many homes were set back or copied */
    uint64_t wrong_records; /* a bit set of those that were complained about */
    uint32_t doubted;       /* writes that are shown again though they were replaced, as nobody can tell any more */
    uint32_t records; /* how many a territory has, those of the second from 10 on: for who is asked what is lost */
    /* Called after each commit, with what it said, where disks may fail: the process begins anew if its did. NULL: none
     * does. */
    void (*recover)(void *context, struct world_device *device, enum sat_err err);
    /* Another number whenever anything was written to the home's disk, or put back there, or its directory grew; device
     * NULL: of the server. As long as it is the same nothing is read again. NULL: all is, each time. */
    uint64_t (*state_of)(void *context, const struct world_device *device);
    void *context;
    struct oracle_failed failed[WORLD_DEVICES_MAX];
    struct oracle_facts seen[WORLD_DEVICES_MAX][ORACLE_RECORDS_MAX];
    struct oracle_asked asked[WORLD_DEVICES_MAX][ORACLE_RECORDS_MAX]; /* doubts_look() */
};

void oracle_init(struct oracle *oracle);
void oracle_deinit(struct oracle *oracle);

bool oracle_is_of(const struct oracle_write *write, const struct oracle_fact *fact);
uint64_t oracle_state_of(const struct oracle *oracle, const struct world_device *device); /* 0: nobody knows */
/* Calls `each` for every write of what the device lists as refused. */
void oracle_each_refused(struct oracle *oracle, struct world *world, struct world_device *device,
                         void (*each)(struct oracle_write *write, const struct sat_source *source));
/* … and of what is with the admins. */
void oracle_each_handed_in(struct oracle *oracle, struct world *world,
                           void (*each)(struct oracle_write *write, const struct sat_source *source));
/* Commits an edit of the record that is in front of its author, as `before`, and notes what it wrote and over what. */
void oracle_edit(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space,
                 uint32_t record, const struct sat_record_view *before, struct sat_edit *edit);
/* The home's process has begun anew: is there now what could not be committed? */
void oracle_begun_anew(struct oracle *oracle, struct world *world, struct world_device *device);
/* Around something by which a party loses what it has: before it; and after it, when what nobody has any more and
 * nobody overwrote is excused. homes: a bit set of those that count. The number of those that are newly excused. */
void oracle_look(struct oracle *oracle, struct world *world, uint32_t homes);
uint32_t oracle_excuse_lost(struct oracle *oracle, struct world *world, uint32_t homes);
/* Did nobody hold it at the last look, and nobody overwrite it whose write cannot be missing? */
bool oracle_may_go(const struct oracle *oracle, uint32_t index);
/* What the device keeps as refused is not to be seen, and no more than that may be missing. Read by the first admin's
 * keys. How many cells. */
uint32_t oracle_excuse_refused(struct oracle *oracle, struct world *world, struct world_device *device);
/* The same of what the server keeps for the admins, who can read it. */
uint32_t oracle_excuse_escrow(struct oracle *oracle, struct world *world);
/* How many of the device's drafts are in a territory; and nobody else need have them, where that is `excused`. */
uint32_t oracle_drafts(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space,
                       bool excused);
/* Compares what a device sees of every record that was ever written in `space` with what it must see; complains on
 * stderr. The number of differences. */
uint32_t oracle_check(struct oracle *oracle, struct world_device *device, const struct world *world, uint32_t space);

#endif
