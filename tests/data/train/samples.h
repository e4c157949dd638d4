/* Samples for training: records read from NDJSON files, encoded as the bodies that devices seal. */
#ifndef SAT_TESTS_DATA_TRAIN_SAMPLES_H
#define SAT_TESTS_DATA_TRAIN_SAMPLES_H

#include "common/base/bytes.h"

enum { SAMPLES_MAX = 16384 };

struct samples { /* bodies one behind the other, as zstd wants them; zero it first */
    struct sat_buf bytes;
    size_t sizes[SAMPLES_MAX];
    unsigned n;
};

/* Appends the records of a file, one JSON object a line. Ends the program with a message on anything wrong. */
void samples_read(struct samples *samples, const char *path);
_Noreturn void samples_fail(const char *what, const char *name);

#endif
