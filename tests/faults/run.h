/* Tells the story once for each thing that can fail in it. Before each step the process is copied for every failure to
 * be tried in that step, so that nobody has to tell the beginning again; the copy has the failure, recovers, tells the
 * step again and then the rest, and checks the end. */
#ifndef TESTS_FAULTS_RUN_H
#define TESTS_FAULTS_RUN_H

#include "tests/faults/story.h"

struct fault { /* a kind of failure */
    const char *name;
    enum party disk; /* whose; PARTIES: no disk, but memory */
    enum vfs_fault fault;
    uint32_t operations; /* that are counted, see vfs_plan */
    bool lasting;        /* that one and all that follow, to the end of the step; else it alone */
};

struct run {
    const struct fault *fault;
    const struct story_plot *plot;
    uint64_t seed; /* of the story, and of what is chosen below */
    bool all;      /* every one; of allocations that come by the same calls one is enough, but for `again` more */
    uint32_t again;
    uint32_t tries; /* else so many, in the steps of whose disk it is, the early ones of a step oftener than others */
    uint32_t jobs;  /* at once */
    /* What happened. */
    uint64_t there, paths, tried, failed_calls, ended_processes, wrong;
};

/* Prints a line for what went wrong, and how to see that one alone. */
void run_faults(struct run *run);
/* A step's nth failure alone, in this process; false: it went wrong, as was printed. */
bool run_one(const struct fault *fault, const struct story_plot *plot, uint64_t seed, uint32_t step, uint64_t n);

#endif
