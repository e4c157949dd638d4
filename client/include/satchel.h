/* Satchel: the client library. One handle is one home: one device of one organisation, with its keys and its store.
 *
 * Everything works without a network except what says that it talks to the server. What satchel_commit() has accepted
 * is on the disk when it returns, and reaches the others with a later satchel_sync().
 *
 * Conventions
 *   - Functions return 0 (SATCHEL_OK) or the number of an error; satchel_error_of() tells its name, class, exit code
 *     and a sentence for a person. A failed call changes nothing. Any call may fail for reasons of the machine, which
 *     are not listed with each: io, disk_full, read_only, no_memory, corrupt. What changes the organisation (users,
 *     territories, devices) may then have reached the server nevertheless: look before you do it again. Memory for the
 *     small things of a call is not asked for twice: where there is none the process ends (abort), and what the home
 *     holds is as after a crash, whole and with all that was committed.
 *   - Text is UTF-8 and NUL-terminated. Records, rows and fields travel as JSON text: no struct layout to keep in step,
 *     and the same in every language. Ids are lower-case hyphenated UUIDs. More members may follow in what is given
 *     out; those named here keep their names.
 *   - Values in JSON: text; integers, money in minor units, as JSON integers; booleans; dates "2024-05-17"; times RFC
 *     3339 with the offset they were noted in, to the millisecond; references as ids; sets as arrays of text. Nothing
 *     is converted: "5" is no integer.
 *   - What a function gives out as `char **` is the caller's and goes back with satchel_free(). What a callback
 *     receives is borrowed until it returns; a callback returns 0 to go on and anything else to stop, which is no
 *     error, and must not call into the same handle. What a caller hands in is borrowed for the call.
 *   - A handle is used by one thread at a time; several handles by several threads. The library keeps no globals,
 *     starts no threads, installs no signal handlers that outlive a call, and reads no environment variable. One
 *     process owns a home; another one waits or is told who has it.
 *   - Passphrases are bytes with a length. The library keeps no copy of them. It leaves the process as it is: an
 *     application with a home open does well to forbid core dumps and debuggers (on Linux RLIMIT_CORE,
 *     PR_SET_DUMPABLE), and to keep what it was typed in guarded memory (sodium_malloc()) no longer than it takes. */
#ifndef SATCHEL_H
#define SATCHEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SATCHEL_API __attribute__((visibility("default"), warn_unused_result))
#define SATCHEL_API_VOID __attribute__((visibility("default")))
#else
#define SATCHEL_API
#define SATCHEL_API_VOID
#endif

#define SATCHEL_OK 0
#define SATCHEL_ID_SIZE 37 /* of an id as text, with its NUL */

/* The library's version, "MAJOR.MINOR.PATCH"; static. */
SATCHEL_API const char *satchel_version(void);

/* Gives back what the library gave out. NULL is fine. */
SATCHEL_API_VOID void satchel_free(void *memory);

/* ---- Errors ---- */

struct satchel_error {
    int number;       /* 0: nothing failed */
    int exit_code;    /* 1 usage, 2 invalid or not found, 3 network, 4 denied, 5 tampering, 6 locked, 7 local trouble */
    const char *name; /* "not_found", "wrong_passphrase", …; static */
    const char *class_; /* "user", "peer", "retry" or "fatal": what to do; static */
    char message[400];  /* names the thing and says what to do; never holds a secret */
    uint32_t edit;      /* satchel_commit() alone: which of the transaction's edits it is about, counted from 1 over the
                           calls that succeeded; 0: none of them */
};

struct satchel;

/* The last failure on this handle. Borrowed until the next call on it. */
SATCHEL_API const struct satchel_error *satchel_error_of(const struct satchel *satchel);

/* ---- Opening ---- */

struct satchel_bytes { /* a passphrase or a token */
    const void *at;
    size_t len;
};

struct satchel_open_options {
    struct satchel_bytes passphrase;
    uint32_t wait_ms;  /* how long to wait for another process that has the home; 0: not at all */
    uint32_t weak_kdf; /* 1: passphrase hashing at its minimum, when a keyring is made. For tests alone. */
    uint32_t everyday; /* 1: leave an admin's signing key wrapped, for work that is no administration: opening takes
                          half the time. What needs the key then answers `locked` */
    struct satchel_bytes admin_passphrase; /* of the admin's key, where it has one of its own; len 0: the same. Where
                                              it has none of its own yet, the home's is taken */
};

/* Opens and unlocks the home in directory `home`. On success *out is a handle for satchel_close(). On failure *out
 * is NULL and *error (may be NULL) says why: not_found (no home there), locked (no passphrase), wrong_passphrase (the
 * home's, or one that was given for the admin's key), in_use (with the process id), newer_store, corrupt: also where of
 * keyring and store one is missing, or they belong to two homes; the message says which and what to do; revoked: the
 * device was wiped by its admins, see satchel_wipe(). */
SATCHEL_API int satchel_open(const char *home, const struct satchel_open_options *options, struct satchel **out,
                             struct satchel_error *error);
/* A home whose device was wiped by its admins. satchel_sync() learns of the order, which is a link of the directory,
 * and obeys: it freezes what was not sent, signs a receipt, destroys the keyring, hands the server both, and removes
 * the home. Whatever it was doing when it stopped, here is how to go on; until then opening the home answers `revoked`.
 * Where the application has a network of its own (satchel_session_open()), its keys are destroyed when the session is
 * freed, and satchel_wipe() does the rest. */
/* 1: the keys in `home` are destroyed, or about to be, and something is left to do. */
SATCHEL_API int satchel_wipe_pending(const char *home);
/* Goes on, as far as it goes; needs no passphrase. Talks to the server, for `timeout_ms` (0: 20 s). Never 0: revoked,
 * and *error (may be NULL) says that it is done, or what is left; not_found (no wipe is under way there); in_use. */
SATCHEL_API int satchel_wipe(const char *home, uint32_t timeout_ms, struct satchel_error *error);
/* Closes the home, wipes its keys from memory and lets the next process have it. An open transaction is rolled back.
 * NULL is fine. */
SATCHEL_API_VOID void satchel_close(struct satchel *satchel);

/* ---- Passphrases ----
 *
 * The keys of a home are wrapped under its passphrase. An admin's signing key is wrapped apart from them, at first
 * under the same one; once it has a passphrase of its own, everyday work needs the one and administration both. */

#define SATCHEL_PASSPHRASE_BYTES_MAX 4096

struct satchel_passphrase_options {
    struct satchel_bytes new_passphrase; /* 1 to SATCHEL_PASSPHRASE_BYTES_MAX bytes; how good it is, is not judged */
    uint32_t admin;      /* 1: that of the admin's key, which has one of its own from here on; 0: the home's, and the
                            admin's key along with it as long as one opens both */
    uint32_t only_check; /* 1: change nothing, only say whether it could be: before a person thinks of a new one */
};
/* Changes a passphrase: wraps the keyring anew and nothing else. No key changes, the store is not even opened, and what
 * the other passphrase opens keeps its bytes. The new file takes the old one's name at once: after a crash there is the
 * one or the other, whole. Hashing costs what is the rule today, or what it did if that was more. No handle may have
 * the home (in_use). `open_options`: the present passphrase in `passphrase`; with `admin` the key's own in
 * `admin_passphrase`, where it has one; wait_ms and weak_kdf as for satchel_open(). *error (may be NULL) has the
 * sentence. wrong_passphrase; locked (no passphrase, or the admin's own is missing); invalid (the new one is empty);
 * too_large; not_found (no home, no admin's key there); corrupt; io, where the message may say that the new one counts
 * already.
 *
 * Whoever has a copy of the old file and its passphrase has the keys still: a passphrase that others know calls for
 * a new device as well. */
SATCHEL_API int satchel_passphrase_set(const char *home, const struct satchel_open_options *open_options,
                                       const struct satchel_passphrase_options *options, struct satchel_error *error);

/* 1: there is an admin's key and it is wrapped (`everyday`, or it has a passphrase of its own that was not given): what
 * needs it answers `locked`. */
SATCHEL_API int satchel_admin_locked(const struct satchel *satchel);
/* Unwraps it, until the handle is closed; nothing happens if it is open. wrong_passphrase; not_found (there is none).
 */
SATCHEL_API int satchel_admin_unlock(struct satchel *satchel, struct satchel_bytes passphrase);

/* ---- Beginning ---- */

struct satchel_create_options {
    const char *server_url; /* wss://host:port */
    const char *pin;        /* the server's identity key, 64 hexadecimal digits */
    struct satchel_bytes token;
    const char *org_name;
    const char *user_name;   /* of the first admin */
    const char *device_name; /* NULL: a name made from the machine's */
    char **recovery_kit;     /* receives the kit's text: a secret, to be written down; the caller wipes and frees it.
                                NULL: keep_kit takes it */
    uint32_t timeout_ms;     /* 0: 30 s */
    /* Keeps the kit's page, a secret, before the server is asked, so that no organisation comes about whose kit was
     * lost on the way; not 0: it could not, and nothing is done. May be NULL where recovery_kit is given. */
    int (*keep_kit)(void *context, const char *page);
    void *context;
};
/* Creates an organisation on a server, with this home as its first admin's first device. The home must not exist or be
 * empty; on failure it is removed again. Talks to the server. exists (a home is there), invalid (an address, a pin, a
 * name), io (the kit could not be kept), token_used, unreachable, timed_out, wrong_server, locked (no passphrase). */
SATCHEL_API int satchel_org_create(const char *home, const struct satchel_open_options *open_options,
                                   const struct satchel_create_options *options, struct satchel **out,
                                   struct satchel_error *error);

struct satchel_join_options {
    const char *code;        /* of satchel_invite() */
    const char *device_name; /* NULL: a name made from the machine's */
    uint32_t timeout_ms;     /* 0: 30 s */
};
/* Joins by an invite: makes this home a new device of the invited person. Does not sync; call satchel_sync() next.
 * Talks to the server. After a failure on the way the same call with the same code goes on where it stopped.
 * invite_used, invite_expired, invalid (a damaged code), exists (a home is there), unreachable, timed_out,
 * wrong_server, locked (no passphrase). */
SATCHEL_API int satchel_join(const char *home, const struct satchel_open_options *open_options,
                             const struct satchel_join_options *options, struct satchel **out,
                             struct satchel_error *error);

struct satchel_recover_options {
    const char *kit;         /* the recovery kit's page, as it was given out or typed in again */
    const char *server_url;  /* NULL: what the page says */
    const char *pin;         /* NULL: what the page says */
    const char *device_name; /* NULL: a name made from the machine's */
    uint32_t user;           /* whom to bring back, by number; 0: the first admin */
    uint32_t timeout_ms;     /* 0: 60 s */
    /* A stolen device (0: none), and the link of satchel_audit() since which it was a thief's: what it did from there
     * on is undone, and who came in through it is out. Without `user` its owner comes back. */
    uint32_t repudiate;
    uint64_t since;
    /* Keeps the page of the new kit, a secret, before the server is asked to take it; not 0: it could not, and nothing
     * is done. Not called where an earlier attempt had got through: then that one's page counts. */
    int (*keep_kit)(void *context, const char *page);
    void *context;
};
/* Comes back with the recovery kit, with no other admin left: makes this home a new device of an admin, and replaces
 * the kit; the old one is worth nothing then. Call satchel_sync() next, which changes all keys that the kit opened; the
 * others are those of satchel_keys_missing(). After a failure on the way the same call goes on where it stopped. With
 * `repudiate` a kit that a thief replaced is good, too, for thirty days. invalid (a copying error in the page, no
 * address, no pin, no such device or link), denied (the kit was replaced), exists (a home is there), unreachable,
 * timed_out, wrong_server, locked (no passphrase). */
SATCHEL_API int satchel_recover(const char *home, const struct satchel_open_options *open_options,
                                const struct satchel_recover_options *options, struct satchel **out,
                                struct satchel_error *error);

/* ---- Writing: transactions ---- */

struct satchel_tx;

/* A transaction gathers edits in memory and writes all or none of them. One at a time per handle (else: invalid). *out
 * is given to satchel_commit() or satchel_rollback(), which end it. An edit that is refused leaves the others as they
 * are. The order of edits of different records does not matter: a record may refer to one that comes later. */
SATCHEL_API int satchel_begin(struct satchel *satchel, struct satchel_tx **out);

/* Creates or edits a record. `type`: "account", "visit", … `id`: NULL makes a new record; an id that does not
 * exist yet creates the record under it: any UUID, in either case. `territory`: a territory's name or id, "org", or
 * NULL: where the record is, else where the record that it refers to lives (also one that comes later in this
 * transaction), else the caller's only territory. `fields` (NULL: none): a JSON object; null clears a field, a set
 * field takes an array (these and no others) or {"add":[…],"remove":[…]}. `id_out` (may be NULL) receives the id. A
 * reference to a record that is not here is fine, and waits: then it is satchel_commit() that refuses the edit, if no
 * territory is found or another edit shows the reference to be of the wrong type. Errors name the type, field or value:
 * invalid (a value of the wrong kind or out of the field's range, another state of a record that is there already, a
 * reference to a record of the wrong type, no territory to choose), not_found (no such type, field or territory),
 * exists (the record is archived), too_large (a text, texts that do not fit one change, over 4,096 elements at once),
 * denied. */
SATCHEL_API int satchel_put(struct satchel_tx *tx, const char *type, const char *id, const char *territory,
                            const char *fields, char id_out[SATCHEL_ID_SIZE]);
/* Archives a record: it leaves its type's table and can be brought back by satchel_restore(). Nothing is written for
 * one that is archived, unless that settles edit against delete. not_found, denied. */
SATCHEL_API int satchel_remove(struct satchel_tx *tx, const char *type, const char *id);
/* Brings an archived record back as it was; nothing happens to one that is not archived. One whose deletion everybody
 * has seen, and that was forgotten therefore, comes back with what this device still has of it, perhaps nothing.
 * not_found, denied. */
SATCHEL_API int satchel_restore(struct satchel_tx *tx, const char *type, const char *id);
/* Settles a conflict. `field` is "deleted" for edit against delete. `pick`: the 1-based index of a value as
 * satchel_conflicts() lists them, or 0 with `value`, a JSON value. not_found (no such record, field or conflict),
 * invalid, denied. */
SATCHEL_API int satchel_resolve(struct satchel_tx *tx, const char *type, const char *id, const char *field,
                                uint32_t pick, const char *value);
/* Writes the transaction; durable on return. The transaction is gone afterwards, also on failure, which has written
 * nothing; `edit` of the error says which edit was refused. invalid, denied (see satchel_put), too_large (a record that
 * thousands of devices have written), disk_full, read_only. */
SATCHEL_API int satchel_commit(struct satchel_tx *tx);
/* How many changes the last satchel_commit() on the handle wrote; 0: everything was so already, or it failed. */
SATCHEL_API uint64_t satchel_written(const struct satchel *satchel);
/* Forgets the transaction. NULL is fine. */
SATCHEL_API_VOID void satchel_rollback(struct satchel_tx *tx);

/* ---- Reading: never touches the network ----
 *
 * A device that has not met its server for as many days as the organisation gives its person's role (30) shows nothing
 * until it has: reading then answers `locked`. Writing goes on, edits of what is there included, and satchel_sync()
 * renews the lease. It is counted by the machine's running time, and over reboots by its clock as far as that can be
 * believed; satchel_status() tells how it stands. */

/* Receives one JSON object. */
typedef int (*satchel_row_fn)(void *context, const char *json);

/* Moves records to another territory, with all that refers to them there, and what refers to those; a record whose own
 * `account` says something goes where that goes. All or nothing, durable on return, and with the others after a
 * satchel_sync(). `type` and the `n` `ids`: which; `to`: a territory's name or id. `row` gets {"type","id","from","to"}
 * for each record that moves; with `dry_run` (1) that is all. What is in `to` already is left there. A record that has
 * moved is not found any more where it was; put, remove and restore of it and references to it answer not_found there,
 * and say where it is. What others did there without knowing is carried after it by the sync of whoever may write in
 * both (satchel_get: "after_move", "moved_from"; in the view columns of the same names). not_found, invalid (no
 * territory, in several territories, a transaction is open), denied (not to be written in one of the two, or the
 * server refused work of this device in `to`), undecryptable (something of it cannot be read here), too_large (more
 * would stand side by side in it there than the server takes), locked (the lease has lapsed). Should the right to `to`
 * be lost, or the server refuse the copies, before they have arrived, the records stay where they were. */
SATCHEL_API int satchel_move(struct satchel *satchel, const char *type, const char *const *ids, size_t n,
                             const char *to, int dry_run, satchel_row_fn row, void *context);

struct satchel_import_file {
    const char *name;           /* its base name is what the map's "file" is compared with */
    struct satchel_bytes bytes; /* at most 64 MiB */
};
#define SATCHEL_DRY_RUN 1  /* nothing is stored */
#define SATCHEL_SKIP_BAD 2 /* bad rows are left out, not the file */
/* Makes records of tables (CSV, vCard), as `map` says; importing again changes the same records. docs/import.md has the
 * map, the rows, and what is stored when something is refused: a file is one transaction. `territory` (NULL: as
 * satchel_put() decides): of new records where the map does not say it. invalid, debt (sync first) */
SATCHEL_API int satchel_import(struct satchel *satchel, const char *map, const struct satchel_import_file *files,
                               size_t n, int flags, const char *territory, satchel_row_fn row, void *context);

/* The record types that there are, in the list's order:
 * {"type","home","fields":[{"name","kind","set","derived","rule","grade","refers_to"}]}; home is "territory", "org" or
 * "people"; kind is "text", "integer", "boolean", "money", "date", "time" or "reference"; rule is the merge rule's code
 * ("LWK", …), grade "G0" to "G3"; "words", where there are any, lists what may be put, one blank between; "map" and
 * "counter" are there and true of a field that is one; refers_to is a type's name, or null for any. Every type has
 * besides the map "ext". Needs no handle. */
SATCHEL_API int satchel_types(satchel_row_fn row, void *context);

/* {"type","id","territory","fields":{…}} ; not_found for one that is not there or archived. Fields without a value
 * are left out. A state is the one that follows from its steps (satchel_state()); "disputed" has those that stand side
 * by side, with | between, where there are some. "waiting", where there is one, names the fields whose reference
 * cannot be followed: the record is not here (yet), or is of another type. "after_move" (true) and "moved_from" (a
 * territory): something of it came when it had moved already (satchel_move). "at" and "clock_ahead_ms", where the
 * newest change was written by a clock that ran ahead: as satchel_history() has them. */
SATCHEL_API int satchel_get(struct satchel *satchel, const char *type, const char *id, char **json);
/* The rows of a type's table by id, `where` (NULL: all) being an SQL condition on its columns:
 * {"id","territory",column…} per row. not_found (no such type), invalid (SQLite's own sentence). */
SATCHEL_API int satchel_list(struct satchel *satchel, const char *type, const char *where, satchel_row_fn row,
                             void *context);
/* Records by words in their texts (names, notes, addresses …; not archived ones), at most `limit` (1 to 1000), the
 * likeliest first: those that are called so, whose name begins so, in whose name it is, in which it is; among these the
 * newest. A record is found that has every word, at the beginning of one of its words; Chinese is found within words,
 * from one character on. Spellings find each other: simplified and traditional, full and half width, upper and lower
 * case, Latin with and without accents. Nothing in `text` is an operator. `type` NULL: of all types. Rows {"type",
 * "name","field","text","match","territory","id"}: the text is an excerpt as it was written, the match what of it was
 * asked for. invalid: no letter or digit is in `text`, more than 32 words, or more than 1000 bytes. */
SATCHEL_API int satchel_find(struct satchel *satchel, const char *text, const char *type, int limit, satchel_row_fn row,
                             void *context);
/* Read-only SQL over the view: every record type is a table of its own name with id, territory, its fields and its
 * derived figures (a set is a JSON array), those of a territory after_move and moved_from as well; a state is derived
 * from its steps, with the states that stand side by side in <field>_disputed, | between them; archived.<type> has
 * the same of the archived records; `waiting` has the references that cannot be followed: type, id, field, target, and
 * found: the type of what is there instead, null for nothing. One object per row, keyed by column. invalid: SQLite's
 * own sentence, for all that is not one reading statement. io: some rows were given, and then the view, which lies on
 * the disk, could not be read: asked again, it is built anew. */
SATCHEL_API int satchel_query(struct satchel *satchel, const char *sql, satchel_row_fn row, void *context);
/* What is asked is answered from the view, which lies in the home: made when it is first asked, and brought up to date
 * from then on. Why it does not lie there (a full disk, one that spoils it): then it is in memory, everything is
 * answered the same, and each opening makes it once more. NULL: it does, or nothing was asked yet. Borrowed until the
 * next call. */
SATCHEL_API const char *satchel_view_trouble(const struct satchel *satchel);
/* {"report","title","by":[…],"period"} per report that there is: by what it can be told, and of which period, if nobody
 * says. Needs no handle. */
SATCHEL_API int satchel_reports(satchel_row_fn row, void *context);
struct satchel_report_options {
    const char *period;    /* "2026", "2026-Q2", "2026-05", "2026-05-01", "today", "last month"…; NULL: its own */
    const char *territory; /* name or id; NULL: all that are here */
    const char *by;        /* "owner"…; NULL: all together */
    const char *today;     /* "2026-05-09": the day to count from; NULL: the one here */
};
/* One JSON object, the same on every device that holds the same records: {"report","title","period":{"name","first",
 * "last"},"territory","by","as_of","parts":{part: [row…]},"basis","plot":[part, label, figure]}. What ends in _minor is
 * money in minor units of the row's "currency", in _bp hundredths of a percent. as_of: when the server received the
 * newest entry of the territories, null if none came. basis: {"territories":[{"territory","entries","as_of"}],
 * "not_here":[names],"not_synced" (own changes),"counted":[{"what","n"}],"not_counted":[{"what","n","why"}]}.
 * usage (no such report, period, or way to tell it; `today` is no day). */
SATCHEL_API int satchel_report(struct satchel *satchel, const char *name, const struct satchel_report_options *options,
                               char **json);
#define SATCHEL_NDJSON 1
#define SATCHEL_CSV 2
/* Writes all records into files in `directory`, which is made or must be empty: <type>.ndjson and <type>.csv of every
 * type, as `formats` (a set of SATCHEL_NDJSON and SATCHEL_CSV) says. The rows are those of the type's table with
 * `archived` behind the territory, the archived records last; references are ids. NDJSON: an object a line. CSV: RFC
 * 4180, UTF-8, with a header; nothing for null, "" for an empty text, a set as a JSON array. The files are for their
 * owner alone (0600) and durable on return; plaintext, so mind where they go. {"file","type","records","archived"} per
 * file. Before the first byte is in a file a record of type disclosure says for all members that it is being done
 * (satchel_audit()). denied (the policy export.rep), exists (something is in the directory), read_only, disk_full; what
 * was written of it is removed again. */
SATCHEL_API int satchel_export(struct satchel *satchel, const char *directory, int formats, satchel_row_fn row,
                               void *context);
/* The same without the contacts who are not to be contacted for that purpose; what it is for is recorded, too. */
SATCHEL_API int satchel_export_for(struct satchel *satchel, const char *directory, int formats, const char *purpose,
                                   satchel_row_fn row, void *context);
/* {"type","id","field","values":[{"value","by","device","at","shown"}]} per conflict, the value that is shown first;
 * `by` is a person's name, null where it is not known; field "deleted": edit against delete. */
SATCHEL_API int satchel_conflicts(struct satchel *satchel, satchel_row_fn row, void *context);
/* {"at","by","device","state","fields":{…}} per change, oldest first; state: "current", "superseded", "pending",
 * "stub" or "unreadable". In `fields` a cleared field is null, a set {"add":[…],"remove":[…]}, an rm "deleted": true.
 * Archived records have a history too. Of a copy that a move made by, device and at are the original's, "moved_from" is
 * where that was and "moved_by" the mover's device; a step that says where the record has gone has "moved_to", one that
 * late work has been carried after it "carried_to". at: when it was written, by its author's clock, and no later than
 * when the server received it; "clock_ahead_ms" is there if that clock ran ahead of the server's by more than ten
 * minutes (also among the values of a conflict). not_found. */
SATCHEL_API int satchel_history(struct satchel *satchel, const char *type, const char *id, satchel_row_fn row,
                                void *context);
/* What is kept and not shown: {"kind","device","user","territory","reason","message","at","changes":
 * [{"type","id","fields","at"}]} per bundle, or per change; kind is "refused" (own work that the server refused),
 * "unreturned" (anybody's work that a server which was set back had lost, and does not take back),
 * "aside" (what the server let through though it should not have, or of a later suite; at: when it came, else null),
 * "unreadable" (no key for it is here, or it is broken), or "later" (of a later version: then "unknown" is "form",
 * "type", "field" or "value", and "number" the type's or the field's). */
SATCHEL_API int satchel_refused(struct satchel *satchel, satchel_row_fn row, void *context);
/* One JSON object:
 *   org, user, role, state, device, pin
 *   copy_of                 the device whose home this one was a copy of, or an older state (null: of none); that is
 *                           told once as an alert, too: alert_error is "home_was_copied"
 *   server, server_last     where the server is said to be, and where it answered last (null: nowhere yet)
 *   spaces                  [{"space","name","cursor","pending","held_up",…}]; held_up: why what is written there stays
 *                           here, "refused", "escrowed" or "rejected" (work before it; null: it does not)
 *   pending, refused, conflicts, debts
 *   aside, unreadable, later
 *                           bundles, and changes, as satchel_refused() lists them
 *   mended                  how many records and digests of this store were wrong and were made anew from its log
 *   alerts, alert, alert_error, alert_at
 *                           how often the server, or somebody in its place, was caught lying, or was set back to an
 *                           older copy (alert_error "server_set_back"), or this device was expelled while it was
 *                           away ("expelled"), or began anew, as its place in a log was forgotten ("started_anew"); a
 *                           sentence of what was seen last (null: never), which stays when later syncs go well
 *   alert_list              [{"error","times","at","message"}], the newest of each kind, the gravest kind first: what
 *                           is in `alert` hides none of the others
 *   last_sync, in_sync
 *   recovering              the server was set back to an older copy, and something is still to be given back, or waits
 *                           for an admin's word
 *   lease, lease_days, lease_renewed, lease_until
 *                           "held", "none", or "lapsed": then names, which are records, are not shown (null, or an
 *                           id); the server's time when it was met last (null: not known); when the lease runs out, by
 *                           this device's clock (null: never, or it has)
 *   moved_on                {"records","edits","by_type":{…}}, the new records and the edits of this person's that
 *                           came when what they belong to had moved to another territory, and went on there
 *   mass_changes            what the last sync stopped before (satchel_sync()), a list of {"territory","direction",
 *                           "archived","overwritten","of","devices":[…]}; direction is "out" or "in"
 *   clock_skew_ms, clock    how far this device's clock is ahead of the server's (negative: behind; null: not known);
 *                           "ahead by 2 years", null where it is less than ten minutes
 *   fingerprint             two people who compare that of one and the same moment find out whether the server shows
 *                           them the same directory and the same people */
SATCHEL_API int satchel_status(struct satchel *satchel, char **json);

/* ---- Synchronising ---- */

enum satchel_event_kind {
    SATCHEL_EVENT_PROGRESS = 1, /* done: changes that came or were taken; total: about so many; 0: not known yet */
    SATCHEL_EVENT_RECORD = 2,   /* type, id: changed by somebody else */
    SATCHEL_EVENT_CONFLICT = 3, /* type, id: is in conflict now */
    SATCHEL_EVENT_REFUSED = 4,  /* message: the server refused a bundle; it is kept and listed */
    SATCHEL_EVENT_REVOKED = 5,  /* message: this device, or its access to a space, is gone */
    SATCHEL_EVENT_IN_SYNC = 6,
    SATCHEL_EVENT_NOTE = 7,   /* message: something worth telling a person */
    SATCHEL_EVENT_OFFLINE = 8 /* retry_ms, message: there is no connection any more; the next attempt is then */
};
struct satchel_event {
    enum satchel_event_kind kind;
    const char *type, *id; /* NULL when not meant */
    const char *message;   /* NULL when not meant */
    uint64_t done, total;
    uint32_t retry_ms;
};
typedef void (*satchel_event_fn)(void *context, const struct satchel_event *event);

struct satchel_sync_options {
    uint32_t timeout_ms; /* give up this long after the call, come what may; 0: never, see patience_ms. With `live`:
                            leave after this long */
    int live;            /* stay connected and keep syncing until `timeout_ms`, `stop`, or an error that lasts */
    const volatile int *stop; /* may be NULL; not 0: finish soon (a signal handler may set it) */
    satchel_event_fn event;   /* may be NULL */
    void *event_context;
    int confirm_restore; /* 1: an admin's word that the server, which was put back from an older copy, may go on: what
                            this device had of it is given back, as by every sync, and the directory goes on from there.
                            Nothing where the server waits for no such word; denied to all but admins. Not with live */
    int quiet; /* 1: no SATCHEL_EVENT_RECORD and _CONFLICT, for which every record that comes has to be opened */
    int allow_mass_change; /* 1: what would archive or overwrite however many records goes out and comes in */
    uint64_t max_bytes;    /* of messages, both ways and over all connections: then it ends as by timeout_ms; at least
                              65,536, and what is under way comes on top (384 KiB at most); 0: any */
    uint32_t patience_ms;  /* so long may nothing come, or nothing move that is waited for; 0: 40 s. Of a session that
                              the application drives, who sees whole messages only, 0: 60 s, with `live` for ever */
};
struct satchel_sync_result {
    uint64_t sent, received, refused, conflicts;
    int in_sync, recovering;
    /* recovering: the server was put back from an older copy, and waits for an admin's confirm_restore; until then
     * nobody can be invited, granted, revoked */
    uint32_t retry_ms; /* the server asks not to be called again before; 0: it did not ask */
    uint32_t held;     /* territories in which a mass change waits for a word, going out or coming in */
};
/* Connects, pushes what is pending, pulls what is new, and compares digests; `options` may be NULL. in_sync: both sides
 * hold the same and nothing is pending. A sync that ends without an error and not in sync has told why by
 * SATCHEL_EVENT_NOTE. *result is filled on failure too: sent, received and refused count changes, conflicts the records
 * that are in conflict now. unreachable, timed_out, closed, busy, version, wrong_server, revoked, tampered, fork;
 * invalid while a transaction is open. After revoked by a wipe the handle is of no use but to satchel_close().
 *
 * mass_change: it stopped before what would archive or overwrite more records of a territory than the policies
 * brake.records and brake.percent let through unasked (result->held counts such territories). What waits here stays
 * here, what others sent is not taken over, the rest was synced; SATCHEL_EVENT_NOTE says what and who, and so does
 * satchel_status(). With allow_mass_change it goes through; where this device's user is an admin, or manages the
 * territory, and the handle has the admin's key, that is signed for first, and nobody else is asked. With `live` it is
 * no error and ends nothing; a session of the application's own signs for nothing.
 *
 * With `live` a connection that is lost, or cannot be made in the first place, is no end. SATCHEL_EVENT_OFFLINE says
 * so, and it is tried again: after half a second to a second, then after waits that double up to a minute, at random
 * within their upper half, so that many devices do not come at once; later if the server asks for it, though not later
 * than ten minutes and a half. A sync that succeeds begins the count anew, and takes along what is pending. What ends
 * it: `stop` (at once, no error), `timeout_ms` (no error if there is a connection then, else what keeps it away), and
 * errors that the next attempt would meet again, as version, wrong_server, revoked, or this machine's own. The numbers
 * are those of all connections together.
 *
 * Without `live`, too, a connection that breaks is no end while the line brings something: after half a second to a
 * second the next one goes on where this one was. It ends when three in a row brought nothing, or the server cannot be
 * reached or has said goodbye.
 *
 * A slow line is waited for as long as anything moves. If nothing comes for `patience_ms`, not even an answer to a
 * ping, the server is taken for gone (timed_out). If signs of life come, but nothing that is waited for, something on
 * the way swallows messages: it is tried again with smaller ones (8, 2, 1 KiB), and the size that passed is kept for a
 * day. */
SATCHEL_API int satchel_sync(struct satchel *satchel, const struct satchel_sync_options *options,
                             struct satchel_sync_result *result);

/* ---- Synchronising in an event loop of the application's own ----
 *
 * A session is satchel_sync() without its network: one connection's worth of it. It opens no socket, waits for nothing
 * and starts no thread; it says where to connect and what to send, and is told what came. WebSocket and TLS are the
 * application's: a browser's, a platform's, a library's.
 *
 *     satchel_session_open(satchel, &options, &session);
 *     connect to satchel_session_url(session) as a WebSocket, asking for satchel_session_subprotocol()
 *         it is open                   satchel_session_opened()
 *         it was answered by HTTP      satchel_session_refused()
 *         it failed                    satchel_session_closed()
 *     until satchel_session_over(session), whenever something happened or satchel_session_wakeup_ms() have passed:
 *         a whole message has come     satchel_session_received()
 *         the socket can take one      while satchel_session_writable() gives one: send it
 *         the connection has ended     satchel_session_closed()
 *     close the connection
 *     satchel_session_result(session, &result);
 *     satchel_session_free(session);
 *
 * Messages are whole and binary, in both directions, and at most SATCHEL_MESSAGE_BYTES_MAX long. TLS accepts any
 * certificate, self-signed and expired ones too: the server proves who it is by the identity key that the home knows,
 * over the certificate's key. Plain ws:// is for this machine alone. Redirects are not followed.
 *
 * A server may have several addresses, as when it has moved. A session is about one of them; where nobody was found
 * there, the next session that is opened on the handle is about the next one.
 *
 * A session is one connection also with `live`: when it fails with an error of class "retry", or with any that comes
 * with a retry_ms, the application opens another one, not before retry_ms and later each time that it fails again.
 *
 * The functions that tell what happened return nothing: what it led to is known from satchel_session_over() and
 * satchel_session_result(), and from the options' `event`, which is called from within them. They do their work, disk
 * included, before they return. Between them the handle can be used, and so can transactions: what satchel_commit() has
 * written goes along after satchel_session_poke(). What talks to the server itself, as satchel_sync() and the
 * administration do, is refused meanwhile (invalid), and lists are not refreshed. */

struct satchel_session;
#define SATCHEL_MESSAGE_BYTES_MAX 327680

/* Begins a session; one at a time per handle. `options` (may be NULL) as for satchel_sync(), copied: with `live` the
 * session stays until `timeout_ms`, `stop` or an error; else it is over when both sides hold the same or nothing more
 * can be done. *out is the caller's, and goes back with satchel_session_free() before the handle is closed. invalid (a
 * session or a transaction is open). */
SATCHEL_API int satchel_session_open(struct satchel *satchel, const struct satchel_sync_options *options,
                                     struct satchel_session **out);
/* Ends the session, wherever it stands, and writes down how far it came. NULL is fine. */
SATCHEL_API_VOID void satchel_session_free(struct satchel_session *session);

/* What to connect to, "wss://host:port/path"; for this session alone, as the path has a fresh nonce. Borrowed until
 * the session is freed. */
SATCHEL_API const char *satchel_session_url(const struct satchel_session *session);
/* The WebSocket subprotocol to ask for; the server must have agreed to it. Static. */
SATCHEL_API const char *satchel_session_subprotocol(void);

/* The WebSocket is open. `tls_key`: the public key of the certificate that the other side presented, as the DER
 * encoding of its SubjectPublicKeyInfo, which ties the proofs of both sides to this channel. NULL where there is no TLS
 * or the platform does not tell: then only a server that ties nothing either (one behind a proxy that ends TLS) is
 * accepted. */
SATCHEL_API_VOID void satchel_session_opened(struct satchel_session *session, const void *tls_key, size_t tls_key_len);
/* The other side answered with an HTTP status instead of a WebSocket. `text` (may be NULL): what it said besides, as
 * far as it can be had: its body, or its Sec-WebSocket-Protocol header and a line "Retry-After: SECONDS"; that tells
 * which versions it speaks, and when to come back. The session is over: version (the message says which side is too
 * old), busy, unreachable. */
SATCHEL_API_VOID void satchel_session_refused(struct satchel_session *session, int http_status, const char *text);
/* A whole binary message has come. */
SATCHEL_API_VOID void satchel_session_received(struct satchel_session *session, const void *message, size_t len);
/* The connection has ended, or could not be made; `why` (may be NULL) becomes part of the message. */
SATCHEL_API_VOID void satchel_session_closed(struct satchel_session *session, const char *why);
/* There is work that was committed since the session began. */
SATCHEL_API_VOID void satchel_session_poke(struct satchel_session *session);

/* 1: there may be something to send: have the socket say when it can take it. */
SATCHEL_API int satchel_session_wants_write(const struct satchel_session *session);
/* The next message to send, when the socket can take one: 1, and *message and *len are set, borrowed until the next
 * call with this session; 0: there is none now. What was given out counts as sent. */
SATCHEL_API int satchel_session_writable(struct satchel_session *session, const void **message, size_t *len);

/* 1: the session has ended: close the connection. Looks at the time and at `stop`. */
SATCHEL_API int satchel_session_over(struct satchel_session *session);
/* How long the application may wait, if nothing happens, before it asks satchel_session_over() again, in
 * milliseconds; UINT32_MAX: for ever. */
SATCHEL_API uint32_t satchel_session_wakeup_ms(const struct satchel_session *session);
/* How it stands, also before the end; then, returns what satchel_sync() would. The numbers are those of this
 * session. */
SATCHEL_API int satchel_session_result(struct satchel_session *session, struct satchel_sync_result *result);

/* ---- Looking after a home ---- */

/* Examines a home, also one that satchel_open() refuses, and changes nothing: the database's own check, the directory
 * with all its signatures, every bundle, chain and log, what is live and its digest computed anew, and with the keyring
 * the keys, the drafts, the contents, and the view, which is never damage. Needs no network. A row per finding, and
 * one for each check that found nothing: {"check","state","text","do"}; state is "ok", "note" or "damage"; "do", where
 * it is there, says what to do. corrupt: something is damaged. locked, wrong_passphrase, not_found, in_use,
 * newer_store. *error (may be NULL) has the sentence. */
SATCHEL_API int satchel_doctor(const char *home, const struct satchel_open_options *options, satchel_row_fn row,
                               void *context, struct satchel_error *error);

#include "satchel_admin.h"
#include "satchel_book.h"

#ifdef __cplusplus
}
#endif

#endif
