/* A new device arrives in an organisation that exists: by an invite, or by the recovery kit. Its keyring and its store
 * are on the disk before the link that lets it in is sent: after a crash at any point the same command goes on where it
 * stopped, and finds its place if the link had been accepted. */
#ifndef CLIENT_ARRIVAL_H
#define CLIENT_ARRIVAL_H

#include "client/handle.h"

struct client_arrival {
    struct satchel *satchel;
    const struct satchel_open_options *open_options;
    struct sat_hash org;
    struct sat_public_key server;
    const char *server_url;
    const char *device_name; /* NULL: the machine's */
    bool made;               /* the directory */
    bool began;              /* to fill it: what is in it is ours to remove */
    bool resume;             /* an earlier attempt left its keyring */
};

/* Makes the home, or takes up the one of an earlier attempt, and loads it. SAT_ERR_EXISTS (something else is there). */
enum sat_err client_arrival_prepare(struct client_arrival *arrival, struct sat_fault *fault) SAT_MUST_CHECK;
/* The number of the device whose key is this home's; 0: the directory has none. */
uint32_t client_arrival_device(const struct satchel *satchel);
/* Each device of an admin or a manager has an admin key of its own: on the disk, as all its keys, before it is sent. */
enum sat_err client_arrival_admin_key(struct client_arrival *arrival, struct sat_public_key *out) SAT_MUST_CHECK;
/* Writes down which number the link will give, inside a transaction: where to look after a crash. */
enum sat_err client_arrival_expect(struct client_arrival *arrival, uint32_t device) SAT_MUST_CHECK;
/* That number, if an earlier attempt may have been let in; else 0. */
uint32_t client_arrival_expected(const struct client_arrival *arrival);
/* The device is in the directory: its name, and its number in the keyring. */
enum sat_err client_arrival_settle(struct client_arrival *arrival, struct sat_fault *fault) SAT_MUST_CHECK;
/* After a failure, which is in `fault`, the home goes, unless the link may have been sent: then the next attempt needs
 * its keys. */
void client_arrival_clean_up(struct client_arrival *arrival, const struct sat_fault *fault);

#endif
