#include "common/proof/bundle.h"

bool sat_suite_is_known(uint16_t suite)
{
    return suite == SAT_SUITE_1;
}
