#include "common/proof/bundle.h"

bool sat_suite_is_known(uint16_t suite)
{
    return suite == SAT_SUITE_1;
}

uint16_t sat_suite_in_use(void)
{
    return SAT_SUITE_1;
}
