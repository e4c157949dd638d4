#define _GNU_SOURCE
#include "server/clock.h"

#include <time.h>

static uint64_t read_us(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0 || now.tv_sec < 0) return 0;
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t satd_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

uint64_t satd_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t satd_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}
