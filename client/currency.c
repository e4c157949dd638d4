#include "client/currency.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int client_currency_digits(const char *currency)
{
    static const char none[] = " BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ";
    static const char three[] = " BHD IQD JOD KWD LYD OMR TND ";
    char word[8];
    if (!currency || strlen(currency) != 3) return 2;
    (void)snprintf(word, sizeof word, " %s ", currency);
    return strstr(none, word) ? 0 : strstr(three, word) ? 3 : 2;
}

const char *client_money_shown(struct sat_arena *arena, int64_t minor, const char *currency)
{
    int digits = client_currency_digits(currency);
    uint64_t whole = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor, unit = 1;
    const char *sign = minor < 0 ? "-" : "", *space = currency ? " " : "";
    for (int i = 0; i < digits; i++) unit *= 10;
    if (!digits) return sat_arena_format(arena, "%s%" PRIu64 "%s%s", sign, whole, space, currency ? currency : "");
    return sat_arena_format(arena, "%s%" PRIu64 ".%0*" PRIu64 "%s%s", sign, whole / unit, digits, whole % unit, space,
                            currency ? currency : "");
}

/* Digits, and at most `behind` more behind a point: the figure without it. */
static bool read_figure(const char *text, int behind, int64_t *out)
{
    const char *at = text;
    int left = -1;
    *out = 0;
    for (; *at; at++) {
        if (*at == '.' && left < 0 && at > text && at[1] && behind) {
            left = behind;
            continue;
        }
        if (*at < '0' || *at > '9' || left == 0) return false;
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *at - '0', out)) return false;
        if (left > 0) left--;
    }
    for (int i = left < 0 ? behind : left; i > 0; i--)
        if (__builtin_mul_overflow(*out, 10, out)) return false;
    return at > text;
}

bool client_money_read(const char *text, const char *currency, int64_t *minor)
{
    return read_figure(text, client_currency_digits(currency), minor);
}

bool client_share_read(const char *text, int64_t *basis_points)
{
    char figure[16];
    size_t len = strlen(text);
    bool percent = len && text[len - 1] == '%';
    if (len >= sizeof figure) return false;
    (void)snprintf(figure, sizeof figure, "%.*s", (int)(len - percent), text);
    return read_figure(figure, percent ? 2 : 0, basis_points) && *basis_points <= 10000;
}

const char *client_share_shown(struct sat_arena *arena, int64_t basis_points)
{
    return sat_arena_format(arena, "%" PRId64 ".%02" PRId64 " %%", basis_points / 100, basis_points % 100);
}
