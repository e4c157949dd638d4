/* A life of the storms (test_storms.c): what is known of it, and what can happen in it. What the dice ask for and is
 * not possible now is false. */
#ifndef TESTS_SIM_STORM_H
#define TESTS_SIM_STORM_H

#include "tests/sim/disks.h"
#include "tests/sim/oracle.h"

enum { STORM_ACTS = 240, STORM_RECORDS = 5, STORM_SHARED = 0, STORM_NARROW = 1 }; /* the territories */

/* clang-format off */
#define COUNTED(X)                                                                                                     \
    X(edit) X(delete) X(edit_of_deleted) X(set_change) X(settle) X(conflict) X(join) X(connect) X(disconnect)          \
    X(deliver) X(loss) X(duplication) X(reordering) X(clock_step) X(death_of_a_device) X(death_of_the_server)          \
    X(power_cut_of_a_device) X(power_cut_of_the_server) X(crash_at_a_write_of_a_device)                                \
    X(crash_at_a_write_of_the_server) X(disk_full) X(disk_broken) X(rotation) X(copy_of_a_home)                        \
    X(backup_of_a_home) X(home_set_back) X(new_index) X(refusal) X(collection)
#define COUNTED_WITH_SERVER(X)                                                                                         \
    X(backup_of_the_server) X(server_set_back_announced) X(server_set_back_silently) X(confirmation)
#define COUNTED_RARELY(X) X(revocation) /* at most one in a life */
/* clang-format on */

struct counts {
#define X(name) uint64_t name;
    COUNTED(X)
    COUNTED_WITH_SERVER(X)
    COUNTED_RARELY(X)
#undef X
    uint64_t acts, excused, doubted;
};

struct life {
    struct world world;
    struct oracle oracle;
    struct disks disks;
    struct counts *counts;
    const char *without; /* the kinds of acts that are left out */
    uint64_t seed;
    uint32_t value;                     /* every text is written once in a life */
    uint32_t devices;                   /* as many as join */
    uint32_t gone;                      /* a bit set of homes that are revoked */
    uint32_t one_only;                  /* of homes that have one territory */
    uint32_t family[WORLD_DEVICES_MAX]; /* the home that it all began with */
    uint32_t copies, revoked;
    struct world_home kept; /* of a home, put back later */
    struct world_device *kept_of;
};

/* ---- storm.c: who is who ---- */
uint32_t storm_number(const struct life *life, const struct world_device *device);
unsigned storm_name(const struct life *life, const struct world_device *device);
bool storm_is_gone(const struct life *life, const struct world_device *device);
uint32_t storm_homes(const struct life *life); /* a bit set of those that count at the end */
struct world_device *storm_any(struct life *life);
struct world_device *storm_any_joined(struct life *life);
bool storm_leaves_out(const struct life *life, const char *kind);
/* After each act: whoever's disk stopped is gone, and begins anew; whose disk did not do what it was told has ended its
 * session, as the library does. The daemon goes on by itself. */
void storm_tend(struct life *life);
void storm_recover(void *context, struct world_device *device, enum sat_err err); /* the oracle's, after an edit */
void storm_plan_nothing(struct life *life);                                       /* no disk fails until told to */

/* ---- storm_acts.c: what people do ---- */
void storm_write(struct life *life);
bool storm_all_have_come(const struct life *life);
void storm_confirm(struct life *life);
bool storm_order(struct life *life);
void storm_collect(struct life *life);

/* ---- storm_faults.c: what befalls them ---- */
bool storm_deliver(struct life *life);
bool storm_move_connection(struct life *life);
bool storm_damage(struct life *life);
void storm_misfortune(struct life *life);
void storm_turn_back_server(struct life *life);
bool storm_turn_back_home(struct life *life);

/* ---- storm_end.c ---- */
bool storm_come_to_rest(struct life *life);
uint32_t storm_check(struct life *life); /* how many things are wrong */

#endif
