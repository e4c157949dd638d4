/* What this system's clocks say, for the lease. */
#ifndef CLIENT_CLOCKS_H
#define CLIENT_CLOCKS_H

#include "client/lease.h"

/* Fills in the clocks. A boot id that `clocks` has already stays: a process does not outlive its boot. */
void client_clocks_read(struct client_clocks *clocks);

#endif
