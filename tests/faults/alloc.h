/* Every allocation of the process goes through here, that of the libraries too: the nth can fail, alone or with all
 * that follow. Counted is what the thread that armed it asks for, until it disarms. */
#ifndef TESTS_FAULTS_ALLOC_H
#define TESTS_FAULTS_ALLOC_H

#include <stdint.h>

/* Allocations from the `from`th on fail, `count` of them; from 0: none, they are counted alone. */
void alloc_arm(uint64_t from, uint64_t count);
/* From here on the first `size` allocations of what is armed leave in `paths` by which calls they came: a number that
 * is the same for the same ones. NULL: not any more. */
void alloc_trace(uint64_t *paths, uint64_t size);
/* How many there were. */
uint64_t alloc_disarm(void);
uint64_t alloc_failed(void); /* of them, failed; also afterwards */

/* What is not the program's own, such as the disk's contents, is allocated between these. They nest. */
void alloc_spare(void);
void alloc_spare_end(void);

#endif
