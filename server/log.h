/* The log: one JSON object a line on stderr or in a file, {"level","time","event", …}. The events are those of log.def;
 * the kinds of fields cannot hold what a message carried: numbers, identifiers, errors, sentences of our own, and names
 * that the operator gave. */
#ifndef SATD_LOG_H
#define SATD_LOG_H

#include "common/base/bytes.h"
#include "common/base/err.h"

enum satd_level { SATD_LEVEL_DEBUG, SATD_LEVEL_INFO, SATD_LEVEL_WARN, SATD_LEVEL_ERROR };

enum satd_event {
#define X(NAME, name, level, cause) SATD_EVENT_##NAME,
#include "server/log.def"
#undef X
    SATD_EVENT_COUNT
};

struct satd_log {
    enum satd_level least;
    int fd;
    const char *path; /* of the file; NULL: stderr. Borrowed */
    uint64_t lost;    /* lines that were not taken: the log never blocks the service */
    uint64_t lost_ever;
    struct {
        uint64_t minute;
        uint32_t written, surplus;
    } limits[SATD_EVENT_COUNT];
};

enum satd_field_kind { SATD_FIELD_NUMBER, SATD_FIELD_ID, SATD_FIELD_ERR, SATD_FIELD_FAULT, SATD_FIELD_PLACE };

struct satd_field { /* borrows what it names */
    const char *name;
    enum satd_field_kind kind;
    uint64_t number;
    struct sat_span id;
    const struct sat_fault *fault;
    const char *place;
};

struct satd_field satd_number(const char *name, uint64_t number);
/* The first 8 bytes are logged: enough to tell ids apart. */
struct satd_field satd_id(const char *name, const uint8_t *id, size_t len);
struct satd_field satd_err(enum sat_err err);                /* "error" and "class" */
struct satd_field satd_fault(const struct sat_fault *fault); /* "error", "class" and "message" */
/* A path or an address, from the operator or the system. */
struct satd_field satd_place(const char *name, const char *place);

void satd_log_init(struct satd_log *log, enum satd_level least); /* to stderr */
/* Appends to the file at `path` (borrowed; made with 0600) instead. SAT_ERR_READ_ONLY, SAT_ERR_IO, …: it stays as it
 * was. */
enum sat_err satd_log_to_file(struct satd_log *log, const char *path, struct sat_fault *fault) SAT_MUST_CHECK;
/* Opens the file again, after somebody has moved it away; keeps the old one if that fails. */
enum sat_err satd_log_reopen(struct satd_log *log, struct sat_fault *fault) SAT_MUST_CHECK;
void satd_log_close(struct satd_log *log);
/* "debug", "info", "warn", "error"; SAT_ERR_INVALID. */
enum sat_err satd_level_parse(const char *text, enum satd_level *out) SAT_MUST_CHECK;
void satd_log_write(struct satd_log *log, enum satd_event event, const struct satd_field *fields, size_t n);

/* satd_log(log, READY, satd_place("url", url), satd_number("pid", pid)) */
#define satd_log(log, NAME, ...)                                                                                       \
    satd_log_write((log), SATD_EVENT_##NAME, (const struct satd_field[]){__VA_ARGS__},                                 \
                   sizeof((const struct satd_field[]){__VA_ARGS__}) / sizeof(struct satd_field))

#endif
