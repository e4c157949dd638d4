/* An act of administration: links for the directory, and what is written beside them, in one session with the server.
 * What somebody loses by it is paid for in the same session: the replica asks for the epochs that are owed. */
#ifndef CLIENT_ACT_H
#define CLIENT_ACT_H

#include "client/links.h"

struct client_act {
    struct satchel *satchel;
    void *context;
    /* Makes the links from the directory as it is; asked again when somebody else was first. */
    enum sat_err (*build)(void *context, struct client_links *links);
    /* In the transaction that stores the links; may be NULL. */
    enum sat_err (*after)(void *context);
    const char *url;    /* where to do it; NULL: where the server is known to be */
    const char *name;   /* of a user whom the links make: goes along with a proposal; NULL: none */
    bool when_pulled;   /* the links say what the logs hold: all of them first */
    uint32_t rekey_for; /* a user who may come to read more, and has no keys of it: the spaces that the links add get
                           new epochs afterwards; 0: nobody */
    bool ends;          /* this device is out afterwards, which is no failure */
    /* How it went. */
    bool appended;
    bool proposed; /* it waits for another admin's signature: satchel->proposal */
    /* On the way. */
    uint64_t before_seq;  /* the directory before the links */
    uint64_t rekeyed_seq; /* epochs from there on are new ones */
    bool rekeyed;         /* nothing of that is left to do */
    uint8_t rekey_pokes;
    bool waits_for_keys, waited_for_keys; /* a key that the links need may be about to come */
};

enum client_author {
    CLIENT_BY_ADMIN,
    CLIENT_BY_MANAGER,
    CLIENT_BY_MEMBER,
    CLIENT_BY_ANYONE /* who has the home, approved, revoked or not */
};
/* Begins a public function: may this device act, by its role, and is the key open that signs? SAT_ERR_DENIED,
 * SAT_ERR_REVOKED, SAT_ERR_LOCKED, SAT_ERR_INVALID (a transaction is open). */
enum sat_err client_act_begin(struct satchel *satchel, enum client_author author) SAT_MUST_CHECK;
/* May this device see what admins and managers are shown? SAT_ERR_DENIED. */
enum sat_err client_act_check_sees(struct satchel *satchel) SAT_MUST_CHECK;
/* Once the links are in, the act is done: names that did not get through now go with the next sync. SAT_OK also when
 * it is proposed. */
enum sat_err client_act_run(struct client_act *act) SAT_MUST_CHECK;

/* Finding people and places, once more after a sync if need be: another admin may have made them. */
enum sat_err client_act_find_user(struct satchel *satchel, const char *name, uint32_t *user) SAT_MUST_CHECK;
enum sat_err client_act_find_space(struct satchel *satchel, const char *name,
                                   struct sat_space_id *space) SAT_MUST_CHECK;
/* Does this device's user manage that one, if he or she is a manager? SAT_ERR_DENIED says who is not managed. */
enum sat_err client_act_check_manages(struct satchel *satchel, uint32_t user) SAT_MUST_CHECK;
/* A name is taken by one that people would take for it: SAT_ERR_EXISTS, unless `taken` is NULL. */
enum sat_err client_act_refuse_taken(struct satchel *satchel, const char *what, const char *taken,
                                     const char *name) SAT_MUST_CHECK;
/* A person's name, or "user 3". */
const char *client_act_user(struct satchel *satchel, uint32_t user, struct sat_arena *arena);

#endif
