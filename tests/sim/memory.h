/* The memory of lives: each takes as much as the one before, and gives all of it back. */
#ifndef TESTS_SIM_MEMORY_H
#define TESTS_SIM_MEMORY_H

/* From here on what is given back is kept for the next life, and SQLite has memory of its own and no locks. Before
 * anything of SQLite is used; does nothing the second time. */
void memory_keep(void);

#endif
