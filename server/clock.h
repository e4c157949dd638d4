/* The two clocks of the daemon: the engine is told the wall's, waiting is measured by the other. */
#ifndef SATD_CLOCK_H
#define SATD_CLOCK_H

#include <stdint.h>

uint64_t satd_wall_ms(void); /* since 1970, as the machine believes */
uint64_t satd_mono_ms(void); /* never goes back */
uint64_t satd_mono_us(void); /* the same, for what is measured */

#endif
