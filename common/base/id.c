#include "common/base/id.h"

#include <stdlib.h>
#include <string.h>

int sat_dot_compare(struct sat_dot a, struct sat_dot b)
{
    if (a.device != b.device) return a.device < b.device ? -1 : 1;
    if (a.counter != b.counter) return a.counter < b.counter ? -1 : 1;
    return 0;
}

bool sat_dots_have(struct sat_dots dots, struct sat_dot dot)
{
    uint32_t low = 0, high = dots.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = sat_dot_compare(dots.at[middle], dot);
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool sat_hash_equal(const struct sat_hash *a, const struct sat_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool sat_hash_is_zero(const struct sat_hash *hash)
{
    static const struct sat_hash zero;
    return sat_hash_equal(hash, &zero);
}

bool sat_record_equal(const struct sat_record_id *a, const struct sat_record_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static int compare_records(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct sat_record_id));
}

size_t sat_records_unique(struct sat_record_id *records, size_t n)
{
    size_t left = 0;
    if (n) qsort(records, n, sizeof *records, compare_records);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !sat_record_equal(&records[i], &records[left - 1])) records[left++] = records[i];
    return left;
}

bool sat_space_equal(const struct sat_space_id *a, const struct sat_space_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool sat_log_epoch_equal(const struct sat_log_epoch *a, const struct sat_log_epoch *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void sat_hex_format(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum sat_err sat_hex_parse(const char *text, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0) return SAT_ERR_INVALID;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * len] ? SAT_ERR_INVALID : SAT_OK;
}

static bool hyphen_before_byte(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void sat_uuid_format(const uint8_t id[16], char out[SAT_UUID_TEXT_SIZE])
{
    char *at = out;
    for (size_t i = 0; i < 16; i++) {
        if (hyphen_before_byte(i)) *at++ = '-';
        sat_hex_format(id + i, 1, at);
        at += 2;
    }
}

enum sat_err sat_uuid_parse(const char *text, uint8_t out[16])
{
    char digits[33];
    size_t n = 0;
    for (size_t i = 0; i < 36; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (!text[i] || hyphen != (text[i] == '-')) return SAT_ERR_INVALID;
        if (!hyphen) digits[n++] = text[i];
    }
    digits[n] = 0;
    return text[36] ? SAT_ERR_INVALID : sat_hex_parse(digits, out, 16);
}

void sat_uuid_v7(uint64_t time_ms, const uint8_t random[10], uint8_t out[16])
{
    for (size_t i = 0; i < 6; i++) out[i] = (uint8_t)(time_ms >> (8 * (5 - i)));
    memcpy(out + 6, random, 10);
    out[6] = (uint8_t)(0x70 | (out[6] & 0x0f));
    out[8] = (uint8_t)(0x80 | (out[8] & 0x3f));
}
