/* A report's period as somebody types it, behind a first piece that is the day of today. What is taken is a period:
 * from a day to a day, and the same one again when its own name is read, whatever day it is then. */
#include <string.h>

#include "client/calendar.h"
#include "client/period.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 64 };

static void as_text(struct sat_span piece, char out[TEXT_MAX])
{
    size_t len = piece.len < TEXT_MAX - 1 ? piece.len : TEXT_MAX - 1;
    if (len) memcpy(out, piece.at, len);
    out[len] = '\0';
}

static void check(const struct client_period *period)
{
    struct client_period again;
    struct sat_fault fault = {0};
    sat_check(client_date_valid(sat_span_text(period->first)) && client_date_valid(sat_span_text(period->last)));
    sat_check(strcmp(period->first, period->last) <= 0);
    fuzz_must(client_period_parse(period->name, "2024-02-29", &again, &fault));
    sat_check(strcmp(again.name, period->name) == 0 && strcmp(again.first, period->first) == 0 &&
              strcmp(again.last, period->last) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    char today[TEXT_MAX], text[TEXT_MAX];
    struct client_period period;
    struct sat_fault fault = {0};
    as_text(fuzz_piece(&input), today);
    as_text(input, text);
    sat_utf8_mend(text); /* as the command line gives it */
    enum sat_err err = client_period_parse(text, today, &period, &fault);
    sat_check(!err || (err == SAT_ERR_USAGE && fault.err == err));
    if (err)
        fuzz_check_sentence(fault.text);
    else
        check(&period);
    return 0;
}
