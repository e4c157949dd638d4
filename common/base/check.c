#include "common/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void sat_check_failed(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "satchel: internal check failed: %s (%s:%d)\n", what, file, line);
    abort();
}

_Noreturn void sat_no_memory(void)
{
    (void)fputs("satchel: out of memory\n", stderr);
    abort();
}
