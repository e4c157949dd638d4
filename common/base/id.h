/* Identifiers, wrapped so that a device cannot be passed where a space is due, and their text forms. */
#ifndef SAT_BASE_ID_H
#define SAT_BASE_ID_H

#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/err.h"

struct sat_hash { /* BLAKE2b-256 */
    uint8_t b[32];
};
struct sat_record_id { /* UUIDv7, or given by the caller */
    uint8_t b[16];
};
struct sat_space_id {
    uint8_t b[16];
};
struct sat_log_epoch { /* names one life of a space's log on the server */
    uint8_t b[16];
};
struct sat_public_key { /* Ed25519 or X25519, as the member's name says */
    uint8_t b[32];
};
struct sat_signature { /* Ed25519, detached */
    uint8_t b[64];
};

/* A dot names a change: the counter-th change of a device, counted from 1 over all its spaces. */
struct sat_dot {
    uint32_t device;
    uint64_t counter;
};

/* A sorted list of dots (device, then counter); borrowed. As a version vector it holds one dot per device. */
struct sat_dots {
    const struct sat_dot *at;
    uint32_t n;
};

int sat_dot_compare(struct sat_dot a, struct sat_dot b);
bool sat_dots_have(struct sat_dots dots, struct sat_dot dot); /* binary search */

bool sat_hash_equal(const struct sat_hash *a, const struct sat_hash *b);
bool sat_hash_is_zero(const struct sat_hash *hash);
bool sat_record_equal(const struct sat_record_id *a, const struct sat_record_id *b);
/* Sorts them, and leaves each once: so many. */
size_t sat_records_unique(struct sat_record_id *records, size_t n);
bool sat_space_equal(const struct sat_space_id *a, const struct sat_space_id *b);
bool sat_log_epoch_equal(const struct sat_log_epoch *a, const struct sat_log_epoch *b);

#define SAT_UUID_TEXT_SIZE 37 /* with NUL */
/* 16 bytes as lower-case hyphenated text, NUL-terminated. */
void sat_uuid_format(const uint8_t id[16], char out[SAT_UUID_TEXT_SIZE]);
/* Reads 8-4-4-4-12 hexadecimal digits in either case, whatever version and variant they say, the nil UUID too: what a
 * caller's system calls an id is one. SAT_ERR_INVALID on anything else. */
enum sat_err sat_uuid_parse(const char *text, uint8_t out[16]) SAT_MUST_CHECK;
/* Makes a UUIDv7 (RFC 9562) from a time and 10 random bytes. */
void sat_uuid_v7(uint64_t time_ms, const uint8_t random[10], uint8_t out[16]);

/* `len` bytes as lower-case hex, NUL-terminated; out has room for 2 * len + 1. */
void sat_hex_format(const uint8_t *bytes, size_t len, char *out);
/* Reads exactly 2 * len hexadecimal digits and the end of the text. */
enum sat_err sat_hex_parse(const char *text, uint8_t *out, size_t len) SAT_MUST_CHECK;

#endif
