/* A life of the storms (test_storms.c): what is known of it, and what can happen in it. What the dice ask for and is
 * not possible now is false. */
#ifndef TESTS_SIM_STORM_H
#define TESTS_SIM_STORM_H

#include "tests/sim/disks.h"
#include "tests/sim/oracle.h"

enum {
    STORM_ACTS = 240,
    STORM_RECORDS = 5,
    STORM_TEXT_MAX = 24,
    STORM_NOTE = 8,   /* a field of accounts */
    STORM_SHARED = 0, /* the territories */
    STORM_NARROW = 1
};

/* clang-format off */
#define COUNTED(X)                                                                                                     \
    X(edit) X(delete) X(edit_of_deleted) X(set_change) X(settle) X(conflict) X(join) X(connect) X(disconnect)          \
    X(deliver) X(loss) X(duplication) X(reordering) X(clock_step) X(death_of_a_device) X(death_of_the_server)          \
    X(power_cut_of_a_device) X(power_cut_of_the_server) X(crash_at_a_write_of_a_device)                                \
    X(crash_at_a_write_of_the_server) X(disk_full) X(disk_broken) X(rotation) X(copy_of_a_home)                        \
    X(backup_of_a_home) X(home_set_back) X(new_index) X(refusal) X(collection)
#define COUNTED_WITH_SERVER(X)                                                                                         \
    X(backup_of_the_server) X(server_set_back_announced) X(server_set_back_silently) X(confirmation)
/* In lives that do not leave out "more". */
#define COUNTED_OF_MORE(X)                                                                                             \
    X(looked_for_texts) X(corruption) X(partition) X(swallowed) X(territory_given) X(territory_taken) X(let_in)   \
    X(lie_withheld) X(lie_left_out) X(lie_reordered) X(lie_old_head) X(lie_head) X(lie_repeated)  \
    X(upgrade) X(of_a_later_time) X(expulsion)  \
    X(return_of_a_silent_home)
#define COUNTED_WITH_MOVES(X) X(move) X(carrying)
#define COUNTED_OF_VIEWS(X) \
    X(view_asked) X(view_followed) X(view_damaged) X(view_missing) X(view_on_a_failing_disk) X(view_in_memory)
#define COUNTED_RARELY(X) X(revocation) X(forgotten_without) /* at most one in a life */
/* clang-format on */

struct counts {
#define X(name) uint64_t name;
    COUNTED(X)
    COUNTED_WITH_SERVER(X)
    COUNTED_OF_MORE(X)
    COUNTED_WITH_MOVES(X)
    COUNTED_OF_VIEWS(X)
    COUNTED_RARELY(X)
#undef X
    uint64_t acts, excused, doubted, never_let_in, at_home;
};

enum { STORM_VALUES_MAX = 64, STORM_ACCOUNTS = 3 };

struct storm_value { /* written into an account that moves */
    uint32_t record, home;
    uint16_t field;
    char text[8];
    uint64_t by;  /* a bit set of values that somebody wrote who had it in front of him */
    bool excused; /* nobody had it any more */
};

struct storm_moves {
    uint64_t dice;
    struct storm_value values[STORM_VALUES_MAX];
    uint32_t n;
    uint32_t movers[STORM_ACCOUNTS]; /* bit sets of homes that moved it */
    uint32_t carriers;               /* … that carried something after one */
    /* Accounts of which a mover's work was let in, or whose mover was set back: copies that have arrived, it may be,
     * and nothing that covers what they were made of. */
    uint32_t in_halves;
};

enum { STORM_LINKS_MAX = 512 };
struct storm_links { /* of the directory that a copy of the server has */
    struct sat_hash at[STORM_LINKS_MAX];
    uint64_t n;
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
    /* storm_line.c: what every text begins with, and where it was seen that it must not be; whose next message is
     * damaged; who cannot be reached, in which directions, for how many acts. */
    char canary[16];
    uint32_t in_the_open, to_flip, cut, cut_acts;
    bool cut_up, cut_down;
    uint32_t silent; /* storm_silent.c: expelled, and not back yet */
    uint32_t known_homes, knows_no_note,
        knows_no_suite; /* storm_upgrades.c: bit sets of homes with an earlier program */
    struct {            /* storm_liar.c: to whom, for how many acts, how; a head that it has shown to each */
        uint32_t to, acts;
        uint8_t how;
        struct sat_buf said[WORLD_DEVICES_MAX];
    } lying;
    struct world_home kept; /* of a home, put back later */
    struct world_device *kept_of;
    struct storm_moves moves;
    uint32_t wrong_views;         /* that answered otherwise than one that is built anew */
    struct storm_links copied[2]; /* by the copy's number */
};

/* ---- storm.c: who is who ---- */
uint32_t storm_number(const struct life *life, const struct world_device *device);
unsigned storm_name(const struct life *life, const struct world_device *device);
bool storm_is_gone(const struct life *life, const struct world_device *device);
uint32_t storm_homes(const struct life *life); /* a bit set of those that count at the end */
struct world_device *storm_any(struct life *life);
struct world_device *storm_any_joined(struct life *life);
bool storm_leaves_out(const struct life *life, const char *kind);
bool storm_plays(const struct life *life, const char *kind); /* one of those that "more" leaves out together */
/* After each act: whoever's disk stopped is gone, and begins anew; whose disk did not do what it was told has ended its
 * session, as the library does. The daemon goes on by itself. */
void storm_tend(struct life *life);
void storm_crash(struct life *life, struct world_device *device); /* its process, whose next one begins */
void storm_recover(void *context, struct world_device *device, enum sat_err err); /* the oracle's, after an edit */
uint64_t storm_state_of(void *context, const struct world_device *device);        /* the oracle's, of a disk */
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
void storm_copy_server(struct life *life, uint32_t copy);
void storm_turn_back_server(struct life *life);
bool storm_turn_back_home(struct life *life);

/* ---- storm_line.c: between devices and server ---- */
void storm_line(struct life *life); /* from now on */
void storm_text(struct life *life, char out[STORM_TEXT_MAX]);
void storm_corrupt(struct life *life);
void storm_partition(struct life *life);
void storm_heal(struct life *life);

/* ---- storm_grants.c ---- */
void storm_grants(struct life *life);
bool storm_let_in(struct life *life);
/* Does it only wait with what it wrote without right and key? That is excused. */
bool storm_stays_at_home(struct life *life, struct world_device *device);
bool storm_may_write(const struct life *life, const struct world_device *device, uint32_t space);
uint32_t storm_readers(const struct life *life, uint32_t space); /* a bit set of those that count at the end */

/* ---- storm_liar.c ---- */
void storm_lies(struct life *life);
bool storm_says(struct life *life, struct world_device *device, struct sat_buf *bytes); /* false: nothing */
void storm_is_honest(struct life *life);

/* ---- storm_upgrades.c ---- */
void storm_programs(struct life *life); /* from here on; NULL: all are of now */
void storm_upgrades(struct life *life);
void storm_upgrade_all(struct life *life);
uint32_t storm_check_unread(struct life *life, struct world_device *device);

/* ---- storm_silent.c ---- */
void storm_silence(struct life *life);
/* ---- storm_moves.c: accounts that move, beside the rest ---- */
void storm_move(struct life *life);      /* sometimes */
bool storm_carry_all(struct life *life); /* all who are there carry what came late; false: nothing was due */
void storm_moves_let_in(struct life *life, const struct sat_aside_row *row);
void storm_moves_lose(struct life *life, const struct sat_aside_row *row); /* behind a server's return */
void storm_moves_set_back(struct life *life, const struct world_device *device);
/* ---- storm_moves_end.c ---- */
void storm_moves_excuse_lost(struct life *life); /* behind something by which a party loses what it has */
uint32_t storm_check_moves(struct life *life);

/* ---- storm_tell.c: all that a home knows of a record, for whoever looks into a bad end ---- */
void storm_tell_record(struct life *life, struct world_device *device, const struct sat_record_id *record);

/* ---- storm_views.c: the view on each home's disk, in lives whose mix has "+views" ---- */
bool storm_has_views(const struct life *life);
void storm_ask_view(struct life *life);        /* sometimes */
uint32_t storm_check_views(struct life *life); /* how many are not as one that is built anew */

/* ---- storm_end.c ---- */
bool storm_come_to_rest(struct life *life);
uint32_t storm_check(struct life *life); /* how many things are wrong */

#endif
