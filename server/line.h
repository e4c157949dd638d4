/* One JSON object on one line, in a fixed buffer. A member that does not fit is left out whole, so the line is always
 * valid JSON. */
#ifndef SATD_LINE_H
#define SATD_LINE_H

#include "common/base/bytes.h"
#include "common/base/err.h"

struct satd_line {
    char at[4000]; /* under PIPE_BUF: a line reaches a pipe whole or not at all */
    size_t len;
    bool any; /* a member has been written */
};

void satd_line_begin(struct satd_line *line);
void satd_line_text(struct satd_line *line, const char *name, const char *value); /* escaped, whatever it holds */
void satd_line_number(struct satd_line *line, const char *name, uint64_t value);
void satd_line_hex(struct satd_line *line, const char *name, struct sat_span bytes);
/* Closes the object and adds the newline; line->at is then NUL-terminated too. */
void satd_line_end(struct satd_line *line);

#endif
