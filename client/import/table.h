/* A table as it comes in from elsewhere: a header of names and rows of text, whatever the file's form. What no row can
 * be blamed for (an encoding, a quote that is never closed) spoils the whole file. */
#ifndef CLIENT_IMPORT_TABLE_H
#define CLIENT_IMPORT_TABLE_H

#include "common/base/bytes.h"

enum {
    IMPORT_FILE_BYTES_MAX = 64 << 20,
    IMPORT_COLUMNS_MAX = 4096,
    IMPORT_ROWS_MAX = 1000000,
};

struct import_row {
    uint32_t line; /* where it begins, from 1 */
    uint32_t cells_n;
    const char *const *cells; /* valid UTF-8 */
};

struct import_table {
    const char *const *names;
    uint32_t names_n;
    struct import_row *rows;
    uint32_t rows_n;
    bool lists; /* several values of one cell stand in lines of their own (vCard) */
};

/* What is wrong, and where. `line` 0: nowhere in particular; `column` NULL: not in one. */
struct import_bad {
    uint32_t line;
    const char *column, *rule, *text; /* the rule by a word; the sentence behind "line 5, column x: " */
};

/* Fills *bad. Returns SAT_ERR_INVALID. */
enum sat_err import_spoil(struct sat_arena *arena, struct import_bad *bad, uint32_t line, const char *rule,
                          const char *format, ...) __attribute__((format(printf, 5, 6)));
/* At most 60 bytes of what stands in a file, fit for a sentence. */
const char *import_shown(struct sat_arena *arena, const char *text);
const char *import_shown_file(struct sat_arena *arena, const char *name); /* the end of a long path tells more */
/* Without white space (also that of typewriters of the East, U+3000, and U+00A0) at both ends. */
const char *import_trim(struct sat_arena *arena, const char *text);

/* Bytes of a file as valid UTF-8, behind its byte-order mark, which counts for more than `encoding` (NULL: UTF-8; else
 * any name that the system's iconv knows). The arena owns *out. SAT_ERR_INVALID, SAT_ERR_TOO_LARGE. */
enum sat_err import_decode(struct sat_span bytes, const char *encoding, struct sat_arena *arena, struct sat_span *out,
                           struct import_bad *bad) SAT_MUST_CHECK;

/* RFC 4180: quotes where needed, doubled inside; lines may end by LF, CRLF or CR, and stand inside quotes. Empty lines
 * are skipped. `delimiter` 0: the most frequent of , ; tab | in the first line. `names` (names_n > 0): the file has no
 * header, these are it. Rows may have another number of cells than there are names: that is the caller's to refuse. */
enum sat_err import_csv_read(struct sat_span text, char delimiter, const char *const *names, uint32_t names_n,
                             struct sat_arena *arena, struct import_table *out, struct import_bad *bad) SAT_MUST_CHECK;
/* vCard 2.1, 3.0 and 4.0, a row for each card; the columns are those of vcard.def, whatever a card has of them. */
enum sat_err import_vcard_read(struct sat_span text, struct sat_arena *arena, struct import_table *out,
                               struct import_bad *bad) SAT_MUST_CHECK;
/* For readers: rows that grow. */
void import_add_row(struct import_table *table, uint32_t *cap, const struct import_row *row, struct sat_arena *arena);

#endif
