/* Dates and times as text: RFC 3339 for instants, YYYY-MM-DD for dates, both checked against the calendar. */
#ifndef CLIENT_CALENDAR_H
#define CLIENT_CALENDAR_H

#include "common/base/bytes.h"

#define CLIENT_TIME_TEXT_SIZE 40

/* "2024-02-29"; a year from 0000 to 9999. */
bool client_date_valid(struct sat_span text);
/* "2024-02-29T13:45:07.250+02:00" or "…Z": milliseconds since 1970 UTC and the offset as it was given, in minutes.
 * Digits beyond the third of the fraction are cut off. Seconds are 00 to 59: a leap second has no place on the
 * scale. */
bool client_time_parse(struct sat_span text, int64_t *ms, int16_t *offset_min);
/* The same back, in the offset that it was noted in; milliseconds only where there are some. Empty text where the
 * year has not four digits. */
void client_time_format(int64_t ms, int16_t offset_min, char out[CLIENT_TIME_TEXT_SIZE]);

#endif
