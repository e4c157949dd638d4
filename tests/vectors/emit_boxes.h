/* The vectors of key boxes: single ones, and the roots over several. */
#ifndef TESTS_VECTORS_EMIT_BOXES_H
#define TESTS_VECTORS_EMIT_BOXES_H

#include "tests/vectors/emit.h"

void emit_boxes_all(struct emit *emit);

#endif
