#include "client/period.h"

#include <stdio.h>
#include <string.h>

#include "client/calendar.h"

enum { YEAR_MOST = 9999 };

static bool is_day(const char *text)
{
    return client_date_valid((struct sat_span){(const uint8_t *)text, strlen(text)});
}

/* `n` digits, and nothing else for a number. */
static bool digits(const char *text, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

static void set_day(char out[CLIENT_DAY_SIZE], int year, int month, int day)
{
    if (year < 0 || year > YEAR_MOST) year = 0;
    (void)snprintf(out, CLIENT_DAY_SIZE, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
                   (unsigned)day % 100);
}

/* From the first day of one month to the last of another one in the same year. */
static void set_months(struct client_period *out, int year, int from, int to)
{
    set_day(out->first, year, from, 1);
    for (int day = 31; day >= 28; day--) {
        set_day(out->last, year, to, day);
        if (is_day(out->last)) return;
    }
}

static void set_year(struct client_period *out, int year)
{
    set_months(out, year, 1, 12);
    (void)snprintf(out->name, sizeof out->name, "%.4s", out->first);
}

static void set_quarter(struct client_period *out, int year, int quarter)
{
    set_months(out, year, quarter * 3 - 2, quarter * 3);
    (void)snprintf(out->name, sizeof out->name, "%.4s-Q%d", out->first, quarter);
}

static void set_month(struct client_period *out, int year, int month)
{
    set_months(out, year, month, month);
    (void)snprintf(out->name, sizeof out->name, "%.7s", out->first);
}

static bool written_out(const char *text, struct client_period *out)
{
    int year, part;
    size_t len = strlen(text);
    if (len < 4 || len >= CLIENT_DAY_SIZE || !digits(text, 4, &year)) return false;
    if (len == 4) {
        set_year(out, year);
    } else if (len == 7 && text[4] == '-' && (text[5] == 'Q' || text[5] == 'q')) {
        if (!digits(text + 6, 1, &part) || part < 1 || part > 4) return false;
        set_quarter(out, year, part);
    } else if (len == 7 && text[4] == '-') {
        if (!digits(text + 5, 2, &part) || part < 1 || part > 12) return false;
        set_month(out, year, part);
    } else {
        if (!is_day(text)) return false;
        memcpy(out->first, text, CLIENT_DAY_SIZE);
        memcpy(out->last, text, CLIENT_DAY_SIZE);
        memcpy(out->name, text, CLIENT_DAY_SIZE);
    }
    return true;
}

static bool counted_from(const char *text, const char *today, struct client_period *out)
{
    int year, month;
    if (!is_day(today) || !digits(today, 4, &year) || !digits(today + 5, 2, &month)) return false;
    if (strcmp(text, "today") == 0) return written_out(today, out);
    int back = strncmp(text, "this ", 5) == 0 ? 0 : strncmp(text, "last ", 5) == 0 ? 1 : -1;
    if (back < 0) return false;
    const char *what = text + 5;
    if (strcmp(what, "year") == 0) {
        if (year < back) return false;
        set_year(out, year - back);
        return true;
    }
    bool quarters = strcmp(what, "quarter") == 0;
    if (!quarters && strcmp(what, "month") != 0) return false;
    int in_year = quarters ? 4 : 12;
    int number = year * in_year + (quarters ? (month - 1) / 3 : month - 1) - back; /* since the year 0 */
    if (number < 0) return false;
    if (quarters)
        set_quarter(out, number / 4, number % 4 + 1);
    else
        set_month(out, number / 12, number % 12 + 1);
    return true;
}

enum sat_err client_period_parse(const char *text, const char *today, struct client_period *out,
                                 struct sat_fault *fault)
{
    if (written_out(text, out) || counted_from(text, today, out)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_USAGE,
                    "\"%.40s\" is no period: write 2026, 2026-Q2, 2026-05, 2026-05-01, today, or this or last before "
                    "month, quarter or year",
                    text);
}
