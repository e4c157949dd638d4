#define _GNU_SOURCE
#include "client/book/near.h"

#include <stdlib.h>

#define LAT_MOST_E7 INT64_C(900000000)
#define LON_MOST_E7 INT64_C(1800000000)

struct looking {
    struct client_near *points;
    size_t n, looked_at;
    int64_t height_e7; /* of a band */
    client_near_fn tell;
    void *context;
};

/* ---- Bands ---- */

/* Two points whose latitudes differ by less than its height are in one band or in two that touch. */
static int64_t band_of(const struct client_near *point, int64_t height_e7)
{
    return (point->at.lat_e7 + LAT_MOST_E7) / height_e7;
}

static int compare(const void *a, const void *b, void *height_e7)
{
    const struct client_near *x = a, *y = b;
    int64_t own = band_of(x, *(int64_t *)height_e7), other = band_of(y, *(int64_t *)height_e7);
    if (own != other) return own < other ? -1 : 1;
    if (x->at.lon_e7 != y->at.lon_e7) return x->at.lon_e7 < y->at.lon_e7 ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

/* Where the band ends that begins there. */
static size_t band_end(const struct looking *it, size_t begin)
{
    size_t end = begin;
    while (end < it->n && band_of(&it->points[end], it->height_e7) == band_of(&it->points[begin], it->height_e7)) end++;
    return end;
}

/* The first from there on that is not west of that longitude. */
static size_t first_from(const struct looking *it, size_t begin, size_t end, int64_t west_e7)
{
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (it->points[middle].at.lon_e7 < west_e7)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* ---- Looking ---- */

static void look(struct looking *it, size_t x, size_t begin, size_t end, int64_t west_e7, int64_t east_e7)
{
    size_t y = first_from(it, begin, end, west_e7);
    for (size_t n = 0; y < end && it->points[y].at.lon_e7 <= east_e7 && n < CLIENT_NEAR_MOST; y++, n++) {
        it->looked_at++;
        it->tell(it->context, it->points[x].name, it->points[y].name);
    }
}

/* In its own band those behind it, as those before it have met it. */
static void look_along(struct looking *it, size_t x, size_t begin, size_t end, int64_t wide_e7)
{
    int64_t lon_e7 = it->points[x].at.lon_e7, east_e7 = lon_e7 + wide_e7;
    bool round = wide_e7 >= LON_MOST_E7;
    look(it, x, x + 1, end, lon_e7, round ? LON_MOST_E7 : east_e7);
    if (!round && east_e7 >= LON_MOST_E7) look(it, x, begin, end, -LON_MOST_E7, east_e7 - 2 * LON_MOST_E7);
}

static void look_north(struct looking *it, size_t x, size_t begin, size_t end, int64_t wide_e7)
{
    int64_t west_e7 = it->points[x].at.lon_e7 - wide_e7, east_e7 = it->points[x].at.lon_e7 + wide_e7;
    bool round = wide_e7 >= LON_MOST_E7;
    look(it, x, begin, end, round ? -LON_MOST_E7 : west_e7, round ? LON_MOST_E7 : east_e7);
    if (round) return;
    if (west_e7 <= -LON_MOST_E7) look(it, x, begin, end, west_e7 + 2 * LON_MOST_E7, LON_MOST_E7);
    if (east_e7 >= LON_MOST_E7) look(it, x, begin, end, -LON_MOST_E7, east_e7 - 2 * LON_MOST_E7);
}

size_t client_near_pairs(struct client_near *points, size_t n, int64_t metres, client_near_fn tell, void *context)
{
    struct looking it = {.points = points, .n = n, .tell = tell, .context = context};
    it.height_e7 = client_latitudes_e7(metres);
    if (n > 1) qsort_r(points, n, sizeof *points, compare, &it.height_e7);
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = band_end(&it, begin);
        int64_t band = band_of(&points[begin], it.height_e7), south_e7 = band * it.height_e7 - LAT_MOST_E7;
        int64_t wide_e7 = client_longitudes_e7(south_e7, south_e7 + 2 * it.height_e7, metres);
        bool touches = end < n && band_of(&points[end], it.height_e7) == band + 1;
        size_t north_end = touches ? band_end(&it, end) : end;
        for (size_t x = begin; x < end; x++) {
            look_along(&it, x, begin, end, wide_e7);
            look_north(&it, x, end, north_end, wide_e7);
        }
    }
    return it.looked_at;
}

struct client_near_box client_near_box_of(const struct client_point *point, int64_t metres)
{
    int64_t height_e7 = client_latitudes_e7(metres);
    struct client_near_box box = {.south_e7 = point->lat_e7 - height_e7, .north_e7 = point->lat_e7 + height_e7};
    int64_t wide_e7 = client_longitudes_e7(box.south_e7, box.north_e7, metres);
    bool round = wide_e7 >= LON_MOST_E7;
    box.west_e7 = round ? -LON_MOST_E7 : point->lon_e7 - wide_e7;
    box.east_e7 = round ? LON_MOST_E7 : point->lon_e7 + wide_e7;
    box.over_date_line = box.west_e7 < -LON_MOST_E7 || box.east_e7 > LON_MOST_E7;
    if (box.west_e7 < -LON_MOST_E7) box.west_e7 += 2 * LON_MOST_E7;
    if (box.east_e7 > LON_MOST_E7) box.east_e7 -= 2 * LON_MOST_E7;
    return box;
}
