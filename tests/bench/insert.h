/* The floor of whatever stores changes: SQLite alone, with rows as long as a change's and the same index, in a file of
 * the current directory that is removed again. */
#ifndef TESTS_BENCH_INSERT_H
#define TESTS_BENCH_INSERT_H

#include <stdbool.h>
#include <stdint.h>

/* Inserts `rows` rows with bodies of `body_bytes` (at most 1,024), `at_once` of them a transaction (8 KiB pages,
 * write-ahead log, synchronous FULL); `view`: each with a row of a typed table beside it. Prints the time of one row.
 */
void bench_insert(const char *name, uint32_t rows, uint32_t at_once, uint32_t body_bytes, bool view);

#endif
