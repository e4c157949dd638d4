/* What every life would make anew, and the same each time, is made once in a program. */
#ifndef TESTS_SIM_MADE_ONCE_H
#define TESTS_SIM_MADE_ONCE_H

#include "common/store/store.h"
#include "tests/faults/vfs.h"

/* Before the file system is there that the lives are on. */
void made_once_begin(void);
/* Stores that are made from here on are laid on it. NULL: they are made as ever. */
void made_once_on(struct vfs *vfs);

#endif
