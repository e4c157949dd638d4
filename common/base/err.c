#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/utf8.h"

const char *sat_err_name(enum sat_err err)
{
    switch (err) {
    case SAT_OK:
        return "ok";
#define X(id, name, number, exit_code, class, text)                                                                    \
    case SAT_ERR_##id:                                                                                                 \
        return name;
#include "common/base/err.def"
#undef X
    }
    return "unknown";
}

const char *sat_err_text(enum sat_err err)
{
    switch (err) {
    case SAT_OK:
        return "done";
#define X(id, name, number, exit_code, class, text)                                                                    \
    case SAT_ERR_##id:                                                                                                 \
        return text;
#include "common/base/err.def"
#undef X
    }
    return "unknown error";
}

int sat_err_exit_code(enum sat_err err)
{
    switch (err) {
    case SAT_OK:
        return 0;
#define X(id, name, number, exit_code, class, text)                                                                    \
    case SAT_ERR_##id:                                                                                                 \
        return exit_code;
#include "common/base/err.def"
#undef X
    }
    return 7;
}

enum sat_err_class sat_err_class(enum sat_err err)
{
    switch (err) {
    case SAT_OK:
        return SAT_CLASS_USER;
#define X(id, name, number, exit_code, class, text)                                                                    \
    case SAT_ERR_##id:                                                                                                 \
        return SAT_CLASS_##class;
#include "common/base/err.def"
#undef X
    }
    return SAT_CLASS_FATAL;
}

const char *sat_err_class_name(enum sat_err_class class)
{
    switch (class) {
    case SAT_CLASS_USER:
        return "user";
    case SAT_CLASS_PEER:
        return "peer";
    case SAT_CLASS_RETRY:
        return "retry";
    case SAT_CLASS_FATAL:
        return "fatal";
    }
    return "fatal";
}

bool sat_err_is_local(enum sat_err err)
{
    return err == SAT_ERR_IO || err == SAT_ERR_DISK_FULL || err == SAT_ERR_READ_ONLY || err == SAT_ERR_CORRUPT ||
           err == SAT_ERR_NO_MEMORY || err == SAT_ERR_IN_USE || err == SAT_ERR_NEWER_STORE;
}

enum sat_err sat_err_from_wire(uint64_t number)
{
    switch (number) {
#define X(id, name, number, exit_code, class, text)                                                                    \
    case number:                                                                                                       \
        return SAT_ERR_##id;
#include "common/base/err.def"
#undef X
    default:
        return SAT_ERR_PROTOCOL;
    }
}

enum sat_err sat_fail(struct sat_fault *fault, enum sat_err err, const char *format, ...)
{
    sat_check(err != SAT_OK);
    if (!fault) return err;
    fault->err = err;
    if (!format) {
        (void)snprintf(fault->text, sizeof fault->text, "%s", sat_err_text(err));
        return err;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    sat_utf8_mend(fault->text);
    return err;
}

enum sat_err sat_fail_keep(struct sat_fault *fault, enum sat_err err)
{
    if (fault && fault->err == err && fault->text[0]) return err;
    return sat_fail(fault, err, NULL);
}
