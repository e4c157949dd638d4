/* Which points may be near each other, without comparing each with each: by bands of latitude, in which what is near
 * follows by longitude, across the date line and around the poles. */
#ifndef CLIENT_BOOK_NEAR_H
#define CLIENT_BOOK_NEAR_H

#include <stddef.h>

#include "client/book/evidence.h"

struct client_near {
    struct client_point at; /* one that is there */
    size_t name;            /* what the caller knows it by */
};

/* Two names; the points are in one box, of which each side is some metres long, and may be apart by its diagonal. */
typedef void (*client_near_fn)(void *context, size_t a, size_t b);

/* Where very many are at one place, each meets only so many to its north and as many in its own band: else whoever puts
 * his records there has everybody compare each with each. */
enum { CLIENT_NEAR_MOST = 500 };

/* Tells all pairs that may be nearer than that, each once; sorts the points. Returns how many were looked at. */
size_t client_near_pairs(struct client_near *points, size_t n, int64_t metres, client_near_fn tell, void *context);
/* The same of one point, as a condition for others: south to north, and west to east, or, where that goes over the date
 * line, west to 180 degrees and -180 degrees to east. */
struct client_near_box {
    int64_t south_e7, north_e7, west_e7, east_e7;
    bool over_date_line;
};
struct client_near_box client_near_box_of(const struct client_point *point, int64_t metres);

#endif
