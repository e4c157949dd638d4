#include "client/calendar.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

/* Reads `digits` decimal digits at `at`; -1 if they are something else. */
static int number(const char *at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (at[i] < '0' || at[i] > '9') return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, counted in eras of 400 years that begin in
 * March. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted + (shifted < 10 ? 3 : -9));
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* "YYYY-MM-DD" at `at`, which has at least 10 characters. */
static bool parse_date(const char *at, int *year, int *month, int *day)
{
    *year = number(at, 4);
    *month = number(at + 5, 2);
    *day = number(at + 8, 2);
    if (at[4] != '-' || at[7] != '-' || *year < 0 || *month < 1 || *month > 12) return false;
    return *day >= 1 && *day <= days_in_month(*year, *month);
}

bool client_date_valid(struct sat_span text)
{
    int year, month, day;
    return text.len == 10 && parse_date((const char *)text.at, &year, &month, &day);
}

/* ".123456": the first three digits; moves *at behind all of them. */
static bool parse_fraction(const char **at, const char *end, int *ms)
{
    *ms = 0;
    if (*at == end || **at != '.') return true;
    const char *first = ++*at;
    int scale = 100;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, scale /= 10) *ms += (**at - '0') * scale;
    return *at > first;
}

static bool parse_offset(const char *at, const char *end, int16_t *offset_min)
{
    *offset_min = 0;
    if (end - at == 1) return *at == 'Z' || *at == 'z';
    if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':') return false;
    int hours = number(at + 1, 2), minutes = number(at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
    int offset = hours * 60 + minutes;
    *offset_min = (int16_t)(*at == '-' ? -offset : offset);
    return true;
}

bool client_time_parse(struct sat_span text, int64_t *ms, int16_t *offset_min)
{
    const char *at = (const char *)text.at, *end = at + text.len;
    int year, month, day, fraction;
    if (text.len < 20 || !parse_date(at, &year, &month, &day) || (at[10] != 'T' && at[10] != 't')) return false;
    int hour = number(at + 11, 2), minute = number(at + 14, 2), second = number(at + 17, 2);
    if (at[13] != ':' || at[16] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 59)
        return false;
    at += 19;
    if (!parse_fraction(&at, end, &fraction) || !parse_offset(at, end, offset_min)) return false;
    int64_t seconds = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - *offset_min * 60;
    *ms = seconds * 1000 + fraction;
    return true;
}

void client_time_format(int64_t ms, int16_t offset_min, char out[CLIENT_TIME_TEXT_SIZE])
{
    int64_t local = ms + (int64_t)offset_min * 60000;
    int64_t days = local / DAY_MS - (local % DAY_MS < 0);
    int64_t rest = local - days * DAY_MS;
    int64_t year;
    int month, day;
    date_from_days(days, &year, &month, &day);
    out[0] = 0;
    if (year < 0 || year > 9999) return;
    int seconds = (int)(rest / 1000), fraction = (int)(rest % 1000);
    int len = snprintf(out, CLIENT_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, month, day,
                       seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (fraction) len += snprintf(out + len, CLIENT_TIME_TEXT_SIZE - (size_t)len, ".%03d", fraction);
    int offset = offset_min < 0 ? -offset_min : offset_min;
    if (offset)
        (void)snprintf(out + len, CLIENT_TIME_TEXT_SIZE - (size_t)len, "%c%02d:%02d", offset_min < 0 ? '-' : '+',
                       offset / 60, offset % 60);
    else
        (void)snprintf(out + len, CLIENT_TIME_TEXT_SIZE - (size_t)len, "Z");
}
