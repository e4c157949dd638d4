#include "client/book/alike.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/near.h"

/* What is longer than NAME_BYTES_MAX is no name, and its beginning is compared. */
enum { NAME_CHARS_LEAST = 2, NAME_BYTES_MAX = 512, PHONE_DIGITS_LEAST = 7, GROUP_MAX = 50 };

/* ---- Names ---- */

static const char *const forms[] = {
#define FORM(text) text,
#define PLACE(text)
#include "client/book/alike.def"
#undef FORM
#undef PLACE
};
static const char *const places[] = {
#define FORM(text)
#define PLACE(text) text,
#include "client/book/alike.def"
#undef FORM
#undef PLACE
};

enum { FORMS_N = sizeof forms / sizeof forms[0], PLACES_N = sizeof places / sizeof places[0] };

void client_alike_words_init(struct client_alike_words *words, struct sat_arena *arena)
{
    words->forms = sat_arena_array(arena, FORMS_N, sizeof *words->forms);
    words->places = sat_arena_array(arena, PLACES_N, sizeof *words->places);
    for (size_t i = 0; i < FORMS_N; i++) client_fold_text(arena, sat_span_text(forms[i]), &words->forms[i]);
    for (size_t i = 0; i < PLACES_N; i++) client_fold_text(arena, sat_span_text(places[i]), &words->places[i]);
}

/* Is the folded text there, at `at`? Between letters that are written with spaces only as a whole word. */
static bool stands(const struct client_folded *name, size_t at, const struct client_folded *part)
{
    size_t end = at + part->n;
    if (part->n == 0 || end > name->n || memcmp(name->at + at, part->at, part->n * sizeof *part->at) != 0) return false;
    if (client_letter(part->at[0]) == CLIENT_DENSE) return true;
    bool begins = at == 0 || client_letter(name->at[at - 1]) != CLIENT_IN_WORD;
    return begins && (end == name->n || client_letter(name->at[end]) != CLIENT_IN_WORD);
}

static void cut(struct client_folded *name, size_t at, size_t n)
{
    for (size_t i = at; i < at + n; i++) name->at[i] = U' ';
}

static size_t letters_of(const struct client_folded *name)
{
    size_t n = 0;
    for (size_t i = 0; i < name->n; i++) n += name->at[i] != U' ';
    return n;
}

static void cut_forms(const struct client_alike_words *words, struct client_folded *name)
{
    for (size_t f = 0; f < FORMS_N; f++) {
        const struct client_folded *form = &words->forms[f];
        for (size_t i = 0; i + form->n <= name->n; i++)
            if (stands(name, i, form) && letters_of(name) > form->n) cut(name, i, form->n);
    }
}

/* The first place that begins or ends a part of the name. */
static const char *cut_place(const struct client_alike_words *words, struct client_folded *name)
{
    for (size_t p = 0; p < PLACES_N; p++) {
        const struct client_folded *place = &words->places[p];
        for (size_t i = 0; i + place->n <= name->n; i++) {
            size_t end = i + place->n;
            bool edge = i == 0 || end == name->n || name->at[i - 1] == U' ' || name->at[end] == U' ';
            if (!edge || !stands(name, i, place) || letters_of(name) < place->n + NAME_CHARS_LEAST) continue;
            bool city = end < name->n && (name->at[end] == U'市' || name->at[end] == U'省');
            cut(name, i, place->n + city);
            return places[p];
        }
    }
    return "";
}

const char *client_alike_name(const struct client_alike_words *words, struct sat_arena *arena, const char *name,
                              const char **place)
{
    struct client_folded folded;
    struct sat_span text = sat_span_text(name ? name : "");
    if (text.len > NAME_BYTES_MAX) text.len = NAME_BYTES_MAX; /* a character that it cuts is no letter */
    client_fold_text(arena, text, &folded);
    cut_forms(words, &folded);
    *place = cut_place(words, &folded);
    char *out = sat_arena_alloc(arena, folded.n * 4 + 1);
    size_t len = 0, letters = 0;
    for (size_t i = 0; i < folded.n; i++) {
        if (folded.at[i] == U' ') continue;
        len += (size_t)client_char_bytes(folded.at[i], out + len);
        letters++;
    }
    out[letters < NAME_CHARS_LEAST ? 0 : len] = '\0';
    return out;
}

const char *client_alike_phone(struct sat_arena *arena, const char *phone)
{
    size_t n = 0;
    char *digits = sat_arena_alloc(arena, phone ? strlen(phone) + 1 : 1);
    for (const char *at = phone; at && *at; at++) {
        if (*at == '*') return "";
        if (*at >= '0' && *at <= '9') digits[n++] = *at;
    }
    digits[n] = '\0';
    if (phone && phone[0] == '+' && strncmp(digits, "86", 2) == 0) digits += 2;
    while (*digits == '0') digits++;
    return strlen(digits) < PHONE_DIGITS_LEAST ? "" : digits;
}

/* ---- Pairs ---- */

struct one {
    size_t row;
    const char *name, *place, *phone;
    struct client_point at;
};

struct pairing {
    struct sat_arena *arena;
    struct one *all;
    size_t n;
    struct client_alike *pairs;
    size_t pairs_n, cap;
};

static void add(struct pairing *it, const struct one *x, const struct one *y, int why)
{
    if (it->pairs_n == it->cap) {
        it->cap = it->cap ? 2 * it->cap : 64;
        struct client_alike *more = sat_arena_array(it->arena, it->cap, sizeof *more);
        if (it->pairs_n) memcpy(more, it->pairs, it->pairs_n * sizeof *more);
        it->pairs = more;
    }
    bool first = x->row < y->row;
    it->pairs[it->pairs_n++] =
        (struct client_alike){.a = first ? x->row : y->row, .b = first ? y->row : x->row, .why = why};
}

static bool names_place_apart(const struct one *x, const struct one *y)
{
    return x->place[0] && y->place[0] && strcmp(x->place, y->place) != 0;
}

static int by_name(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int by_phone(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    int order = strcmp(x->phone, y->phone);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Neighbours in the order with the same text. Where very many share it, it tells nothing, and each is compared with
 * few.
 */
static void pair_equal(struct pairing *it, int why)
{
    for (size_t i = 0; i < it->n; i++) {
        for (size_t k = i + 1; k < it->n && k <= i + GROUP_MAX; k++) {
            const struct one *x = &it->all[i], *y = &it->all[k];
            const char *a = why == CLIENT_ALIKE_NAME ? x->name : x->phone;
            if (!a[0] || strcmp(a, why == CLIENT_ALIKE_NAME ? y->name : y->phone) != 0) break;
            if (why != CLIENT_ALIKE_NAME || !names_place_apart(x, y)) add(it, x, y, why);
        }
    }
}

static void take_near(void *context, size_t a, size_t b)
{
    struct pairing *it = context;
    const struct one *x = &it->all[a], *y = &it->all[b];
    bool called = x->name[0] && y->name[0] && (strstr(x->name, y->name) || strstr(y->name, x->name));
    if (called && client_distance_m(&x->at, &y->at) < CLIENT_ALIKE_METRES) add(it, x, y, CLIENT_ALIKE_PLACE);
}

static void pair_near(struct pairing *it)
{
    struct client_near *points = sat_arena_array(it->arena, it->n, sizeof *points);
    size_t n = 0;
    for (size_t i = 0; i < it->n; i++)
        if (it->all[i].at.there) points[n++] = (struct client_near){it->all[i].at, i};
    (void)client_near_pairs(points, n, CLIENT_ALIKE_METRES, take_near, it);
}

static int by_rows(const void *a, const void *b)
{
    const struct client_alike *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* One pair for each two, with all reasons. */
static void join(struct pairing *it)
{
    size_t n = 0;
    if (it->pairs_n > 1) qsort(it->pairs, it->pairs_n, sizeof *it->pairs, by_rows);
    for (size_t i = 0; i < it->pairs_n; i++) {
        if (n && by_rows(&it->pairs[n - 1], &it->pairs[i]) == 0)
            it->pairs[n - 1].why |= it->pairs[i].why;
        else
            it->pairs[n++] = it->pairs[i];
    }
    it->pairs_n = n;
}

size_t client_alike_pairs(struct sat_arena *arena, const json_t *rows, struct client_alike **out)
{
    struct pairing it = {.arena = arena, .n = json_array_size(rows)};
    struct client_alike_words words;
    client_alike_words_init(&words, arena);
    it.all = sat_arena_array(arena, it.n, sizeof *it.all);
    for (size_t i = 0; i < it.n; i++) {
        const json_t *row = json_array_get(rows, i), *lat = json_object_get(row, "lat_e7"),
                     *lon = json_object_get(row, "lon_e7");
        struct one *one = &it.all[i];
        *one = (struct one){.row = i};
        if (json_is_integer(lat) && json_is_integer(lon))
            one->at = client_point_at(json_integer_value(lat), json_integer_value(lon));
        one->name = client_alike_name(&words, arena, json_string_value(json_object_get(row, "name")), &one->place);
        one->phone = client_alike_phone(arena, json_string_value(json_object_get(row, "phone")));
    }
    if (it.n > 1) {
        qsort(it.all, it.n, sizeof *it.all, by_name);
        pair_equal(&it, CLIENT_ALIKE_NAME);
        qsort(it.all, it.n, sizeof *it.all, by_phone);
        pair_equal(&it, CLIENT_ALIKE_PHONE);
        pair_near(&it);
    }
    join(&it);
    *out = it.pairs;
    return it.pairs_n;
}
