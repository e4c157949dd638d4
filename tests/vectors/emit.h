/* Golden vectors as JSON: one document a section, `{"format", "section", "vectors": [...]}`, each vector with its
 * construction, its name, what goes in and what comes out. Bytes are lower-case hex, every integer is a decimal text:
 * a reader whose numbers are floats keeps 2^62 exactly. Nothing in it depends on the machine or the time. */
#ifndef SAT_TESTS_VECTORS_EMIT_H
#define SAT_TESTS_VECTORS_EMIT_H

#include <stdio.h>

#include "common/base/bytes.h"
#include "common/base/id.h"
#include "common/proof/sign.h"

struct emit {
    FILE *to;    /* borrowed */
    bool vector; /* one was written: a comma comes before the next */
    bool field;  /* the same for the object that is open */
    bool item;   /* the same for the list that is open */
};

void emit_open(struct emit *emit, FILE *to, const char *section);
void emit_close(struct emit *emit);

/* One vector: begin, its inputs, outputs(), its outputs, end. Names and texts are plain ASCII without quotes. */
void emit_begin(struct emit *emit, const char *construction, const char *name);
void emit_outputs(struct emit *emit);
void emit_end(struct emit *emit);

void emit_hex(struct emit *emit, const char *key, struct sat_span bytes);
void emit_number(struct emit *emit, const char *key, uint64_t number);
void emit_text(struct emit *emit, const char *key, const char *text);

/* A list of hex texts: list, its items, list_end. */
void emit_list(struct emit *emit, const char *key);
void emit_item_hex(struct emit *emit, struct sat_span bytes);
void emit_list_end(struct emit *emit);
/* A list of "device:counter". */
void emit_dots(struct emit *emit, const char *key, struct sat_dots dots);

void emit_hash(struct emit *emit, const char *key, const struct sat_hash *hash);
/* The input "seed", made by emit_fill(); gives the key pair of it. */
struct sat_sign_key emit_seed(struct emit *emit, unsigned start);
/* The outputs "public_key" and "signature". */
void emit_signature(struct emit *emit, const struct sat_sign_key *key, const struct sat_signature *signature);

/* Example bytes that are easy to tell apart: start, start + 7, start + 14 and so on, modulo 256. */
void emit_fill(void *at, size_t len, unsigned start);
struct sat_hash emit_some_hash(unsigned start);
/* Keys from such bytes as a seed; of a box key they are the secret one. */
struct sat_sign_key emit_sign_key(unsigned start);
struct sat_public_key emit_sign_public(unsigned start);
struct sat_public_key emit_box_public(unsigned start);

#endif
