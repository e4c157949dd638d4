/* What every fuzz target has: libFuzzer's entry, and an input that can be cut into pieces. A target decodes what comes
 * from outside and says by sat_check() what must hold of it, so that a broken property ends the program as a bad access
 * does. Targets are deterministic: what one input does depends on that input alone. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/utf8.h"

/* libFuzzer's entry; 0: the input was taken. `data` is borrowed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_must(call) sat_check((call) == SAT_OK)

/* What is told to a person is said, and in UTF-8, whatever it quotes. */
static inline void fuzz_check_sentence(const char *text)
{
    sat_check(text && text[0] && sat_utf8_valid(sat_span_text(text)));
}

/* The next byte of an input; 0 at its end. */
static inline uint8_t fuzz_byte(struct sat_span *input)
{
    if (input->len == 0) return 0;
    uint8_t byte = *input->at;
    input->at++;
    input->len--;
    return byte;
}

/* The next piece of an input: a u16 length, little-endian, and as much of it as there is; borrowed. */
static inline struct sat_span fuzz_piece(struct sat_span *input)
{
    size_t len = fuzz_byte(input);
    len |= (size_t)fuzz_byte(input) << 8;
    if (len > input->len) len = input->len;
    struct sat_span piece = sat_span(input->at, len);
    if (len) input->at += len;
    input->len -= len;
    return piece;
}

#endif
