/* An import under way: the rows of one file after the other become edits of a transaction (plan.c), which is written or
 * not (import.c). */
#ifndef CLIENT_IMPORT_RUN_H
#define CLIENT_IMPORT_RUN_H

#include "client/grades.h"
#include "client/import/value.h"
#include "client/rows.h"
#include "client/tx.h"

struct import_row_state {
    bool bad;
    uint32_t created, changed, unchanged, left; /* records; left: archived ones, as they are */
};

struct import_file {
    const char *name;
    struct import_part *part;
    struct import_table table;
    struct import_row_state *rows;
    uint32_t bad_n;
    const char *state; /* for whoever asked */
    json_t *bads;      /* rows to be told, in their order */
    json_t *records;   /* of a dry run */
};

/* A record that has come in a file: another row of the same key has to say the same. */
struct import_seen {
    struct sat_record_id id;
    uint64_t said; /* what, hashed */
    uint32_t file, line;
    bool used;
};

struct import_reference { /* that has to lead somewhere once the file is through */
    uint32_t row;
    struct sat_record_id id;
    const struct import_value *value;
    const char *text;
};

struct import_run {
    struct satchel *satchel;
    struct satchel_tx *tx;
    struct sat_arena arena; /* of the whole import */
    struct sat_arena row_arena;
    struct import_ids ids;
    struct import_file *files;
    uint32_t files_n, at; /* the file at hand */
    bool dry_run, skip_bad;
    struct client_sight sight; /* of a dry run: by it what was there is told */
    const char *territory;
    bool again; /* of a row that turned out bad something is in the transaction: the file has to be gone through anew */
    struct import_seen *seen;
    uint32_t seen_n, seen_cap;
    struct import_reference *references; /* of the file at hand */
    uint32_t references_n, references_cap;
    struct sat_buf origins; /* of the transaction's edits: u32 file, u32 row each, as they are in memory */
};

/* The row `at` of the file at hand (UINT32_MAX: none in particular) is not to be stored. */
void import_add_bad(struct import_run *run, uint32_t at, const struct import_bad *bad);
/* Makes edits of a row, or finds it bad. An error is none of the row's. */
enum sat_err import_plan_row(struct import_run *run, uint32_t at) SAT_MUST_CHECK;
/* References of the file's rows that lead nowhere make them bad. */
enum sat_err import_check_references(struct import_run *run) SAT_MUST_CHECK;
/* Forgets what has been seen in the file at hand. */
void import_forget_file(struct import_run *run);

#endif
