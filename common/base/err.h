/* Errors: one list (err.def), one enum, and a fault that carries the text for a person.
 *
 * A function that can fail returns enum sat_err and must be checked. Where a person needs to know which thing
 * failed, the handle has a struct sat_fault, filled by sat_fail() at the place that knows. */
#ifndef SAT_BASE_ERR_H
#define SAT_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum sat_err_class { SAT_CLASS_USER, SAT_CLASS_PEER, SAT_CLASS_RETRY, SAT_CLASS_FATAL };

#define SAT_MUST_CHECK __attribute__((warn_unused_result))

enum sat_err {
    SAT_OK = 0,
#define X(id, name, number, exit_code, class, text) SAT_ERR_##id = number,
#include "common/base/err.def"
#undef X
};

/* What happened, for a person. `text` is UTF-8, names the thing, and never holds a secret. */
struct sat_fault {
    enum sat_err err;
    char text[400];
};

const char *sat_err_name(enum sat_err err); /* "not_found"; "ok" for SAT_OK; borrowed, static */
const char *sat_err_text(enum sat_err err); /* a sentence without the thing's name; static */
int sat_err_exit_code(enum sat_err err);    /* 0 to 7, as the command line promises */
enum sat_err_class sat_err_class(enum sat_err err);
const char *sat_err_class_name(enum sat_err_class class); /* "user", "peer", "retry", "fatal" */
/* Is it this machine's own trouble (disk, memory, a damaged store) rather than anything that a peer said or a person
 * asked? */
bool sat_err_is_local(enum sat_err err);
/* The error with that number on the wire; SAT_ERR_PROTOCOL for a number that this version does not know. */
enum sat_err sat_err_from_wire(uint64_t number);

/* Fills `fault` (may be NULL) with `err` and a formatted sentence, and returns `err`. A format of NULL takes the
 * list's own text. A fault that is already filled is replaced. */
enum sat_err sat_fail(struct sat_fault *fault, enum sat_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As sat_fail(), but keeps a fault that is already filled with the same error. */
enum sat_err sat_fail_keep(struct sat_fault *fault, enum sat_err err);

#endif
