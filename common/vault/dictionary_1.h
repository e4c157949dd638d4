/* Dictionary 1 of squeeze.h: public, the same for everybody, and never changed, because sealed records need it for
 * ever. A better one is another file and another method number. Made by tests/data/train. */
#ifndef SAT_VAULT_DICTIONARY_1_H
#define SAT_VAULT_DICTIONARY_1_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t *const sat_dictionary_1;
extern const size_t sat_dictionary_1_bytes;

#endif
