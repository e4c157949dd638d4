#include "client/book/evidence.h"

#include <stddef.h>
#include <string.h>

/* ---- Distances ---- */

#define PI 3.14159265358979323846
#define EARTH_M 6371008.8

enum { LAT_E7_MOST = 900000000, LON_E7_MOST = 1800000000 };

static double radians(int64_t e7)
{
    return (double)e7 * 1e-7 * PI / 180;
}

/* For latitudes: good to nine digits from -90 to 90 degrees. */
static double cosine(double x)
{
    double square = x * x, term = 1, sum = 1;
    for (int n = 1; n <= 8; n++) {
        term *= -square / ((2 * n - 1) * (2 * n));
        sum += term;
    }
    return sum;
}

/* From above, until it goes no farther down. */
static double root(double x)
{
    double guess = x > 1 ? x : 1, last = guess + 1;
    while (x > 0 && guess < last) {
        last = guess;
        guess = (guess + x / guess) / 2;
    }
    return x > 0 ? last : 0;
}

struct client_point client_point_at(int64_t lat_e7, int64_t lon_e7)
{
    bool there = lat_e7 >= -LAT_E7_MOST && lat_e7 <= LAT_E7_MOST && lon_e7 >= -LON_E7_MOST && lon_e7 <= LON_E7_MOST;
    return there ? (struct client_point){true, lat_e7, lon_e7} : (struct client_point){0};
}

int64_t client_distance_m(const struct client_point *a, const struct client_point *b)
{
    double north = radians(b->lat_e7 - a->lat_e7), east = radians(b->lon_e7 - a->lon_e7);
    if (east > PI) east -= 2 * PI; /* the shorter way round */
    if (east < -PI) east += 2 * PI;
    east *= cosine(radians(a->lat_e7 / 2 + b->lat_e7 / 2));
    return (int64_t)(EARTH_M * root(north * north + east * east) + 0.5);
}

int64_t client_latitudes_e7(int64_t metres)
{
    return (int64_t)((double)metres / EARTH_M * 180 / PI * 1e7) + 1;
}

int64_t client_longitudes_e7(int64_t south_e7, int64_t north_e7, int64_t metres)
{
    int64_t farthest_e7 = -south_e7 > north_e7 ? -south_e7 : north_e7; /* from the equator, where circles are short */
    double narrowed = farthest_e7 < LAT_E7_MOST ? cosine(radians(farthest_e7)) : 0;
    double angle = (double)metres / EARTH_M;
    return narrowed * PI > angle ? (int64_t)(angle / narrowed * 180 / PI * 1e7) + 1 : LON_E7_MOST;
}

/* ---- What it comes to ---- */

static void look_at(const struct client_point *pin, const struct client_check *check, struct client_evidence *out)
{
    if (!check->there || check->hidden) return;
    if (check->mock) out->flags |= CLIENT_FLAG_MOCK;
    if (!check->point.there) {
        out->flags |= CLIENT_FLAG_NO_POSITION;
        return;
    }
    if (check->accuracy_m > out->accuracy_m) out->accuracy_m = check->accuracy_m;
    if (!pin->there) return;
    int64_t distance_m = client_distance_m(pin, &check->point);
    if (distance_m > out->distance_m) out->distance_m = distance_m;
    if (check->accuracy_m > CLIENT_FENCE_M)
        out->flags |= CLIENT_FLAG_UNKNOWN;
    else if (distance_m > CLIENT_FENCE_M)
        out->flags |= CLIENT_FLAG_FAR;
}

static void measure(const struct client_check *in, const struct client_check *out, struct client_evidence *evidence)
{
    if (!in->there || !out->there || !in->timed || !out->timed) return;
    int64_t wall_ms = out->wall_ms - in->wall_ms, ms = wall_ms;
    bool one_boot = in->boot && out->boot && strcmp(in->boot, out->boot) == 0 && in->monotonic_ms >= 0 &&
                    out->monotonic_ms >= in->monotonic_ms;
    if (one_boot) {
        ms = out->monotonic_ms - in->monotonic_ms;
        int64_t set_ms; /* what does not fit is more than that, too */
        bool fits = !__builtin_sub_overflow(wall_ms, ms, &set_ms);
        if (!fits || set_ms > CLIENT_CLOCK_S * 1000 || set_ms < -CLIENT_CLOCK_S * 1000)
            evidence->flags |= CLIENT_FLAG_CLOCK_SET;
    }
    if (ms < 0) return;
    evidence->duration_s = ms / 1000;
    if (evidence->duration_s < CLIENT_SHORT_S) evidence->flags |= CLIENT_FLAG_SHORT;
}

struct client_evidence client_evidence_of(const struct client_point *pin, const struct client_check *in,
                                          const struct client_check *out, bool over)
{
    struct client_evidence evidence = {.distance_m = -1, .accuracy_m = -1, .duration_s = -1};
    look_at(pin, in, &evidence);
    look_at(pin, out, &evidence);
    measure(in, out, &evidence);
    if (over && !in->there && !in->hidden) evidence.flags |= CLIENT_FLAG_NO_CHECK_IN;
    if (over && !out->there && !out->hidden) evidence.flags |= CLIENT_FLAG_NO_CHECK_OUT;
    return evidence;
}

const char *client_flag_name(unsigned bit)
{
    static const char *const names[] = {"far",   "position unknown", "no position",  "mock position",
                                        "short", "no check-in",      "no check-out", "clock set"};
    return bit < sizeof names / sizeof names[0] ? names[bit] : NULL;
}
