/* What speaks for a visit having taken place where and when it says: position, accuracy, how long it lasted. It raises
 * flags, which are shown to whoever looks; it never refuses anything, as a wrong pin or a deep cellar is no fraud. */
#ifndef CLIENT_BOOK_EVIDENCE_H
#define CLIENT_BOOK_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CLIENT_FENCE_M = 300,   /* farther from the account's pin is far; a position less exact than that says nothing */
    CLIENT_SHORT_S = 180,   /* shorter is short */
    CLIENT_CLOCK_S = 5 * 60 /* by so much a clock may have been set on the way */
};

enum client_evidence_flag {
    CLIENT_FLAG_FAR = 1,
    CLIENT_FLAG_UNKNOWN = 2, /* the position is too inexact to say */
    CLIENT_FLAG_NO_POSITION = 4,
    CLIENT_FLAG_MOCK = 8, /* the device says that its position is made up */
    CLIENT_FLAG_SHORT = 16,
    CLIENT_FLAG_NO_CHECK_IN = 32,
    CLIENT_FLAG_NO_CHECK_OUT = 64,
    CLIENT_FLAG_CLOCK_SET = 128, /* its wall clock was set during the visit */
};

struct client_point {
    bool there;
    int64_t lat_e7, lon_e7; /* degrees, seven digits behind the point */
};

/* A point that is on the earth; anything else is none. */
struct client_point client_point_at(int64_t lat_e7, int64_t lon_e7);

/* A check-in or check-out, as a visit_event has it. */
struct client_check {
    bool there;
    bool hidden; /* who looks is not shown where it was: then nothing is said of that */
    struct client_point point;
    int64_t accuracy_m; /* -1: not said */
    bool mock, timed;
    int64_t wall_ms, monotonic_ms; /* monotonic_ms -1: not said */
    const char *boot;              /* NULL: not said */
};

struct client_evidence {
    int64_t distance_m; /* the greater one of the two from the pin; -1: not known */
    int64_t accuracy_m; /* the less exact one; -1: not known */
    int64_t duration_s; /* by the clock that nobody sets where it is one boot; -1: not known */
    uint32_t flags;
};

/* Along a sphere, to the metre where it is near, to some percent where it is far. */
int64_t client_distance_m(const struct client_point *a, const struct client_point *b);
/* By how much the latitudes, and the longitudes between two latitudes, of two points differ at most that are no farther
 * from each other; of longitudes half the circle where that is no bound, as at the poles. */
int64_t client_latitudes_e7(int64_t metres);
int64_t client_longitudes_e7(int64_t south_e7, int64_t north_e7, int64_t metres);
/* `over`: the visit says that it is; only then a check-out is missed. */
struct client_evidence client_evidence_of(const struct client_point *pin, const struct client_check *in,
                                          const struct client_check *out, bool over);
/* The flag's word, by its bit's number; NULL: past the last. */
const char *client_flag_name(unsigned bit);

#endif
