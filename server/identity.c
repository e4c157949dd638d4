#define _GNU_SOURCE
#include "server/identity.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file: "satchel identity key 1\n" <seed, 64 hex> "\n" <public key, 64 hex> "\n". The public key is there so that a
 * damaged seed is noticed and never becomes a new identity. */
static const char CURRENT[] = "identity.key", FORMER[] = "identity-*.key";
static const char FIRST_LINE[] = "satchel identity key 1\n";

enum { FILE_BYTES = sizeof FIRST_LINE - 1 + 65 + 65, SEED_BYTES = 32 };

/* ---- One file ---- */

static enum sat_err parse(const char *name, struct sat_span file, struct sat_sign_key *key, struct sat_fault *fault)
{
    char hex[65];
    uint8_t seed[SEED_BYTES];
    struct sat_public_key derived, stated;
    size_t at = sizeof FIRST_LINE - 1;
    bool ok = file.len == FILE_BYTES && memcmp(file.at, FIRST_LINE, at) == 0 && file.at[at + 64] == '\n' &&
              file.at[at + 129] == '\n';
    if (ok) {
        memcpy(hex, file.at + at, 64);
        hex[64] = 0;
        ok = sat_hex_parse(hex, seed, sizeof seed) == SAT_OK;
    }
    if (ok) {
        memcpy(hex, file.at + at + 65, 64);
        ok = sat_hex_parse(hex, stated.b, sizeof stated.b) == SAT_OK;
    }
    if (ok) {
        sat_sign_keypair(seed, &derived, key);
        ok = memcmp(derived.b, stated.b, sizeof derived.b) == 0;
    }
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(seed, sizeof seed);
    return ok ? SAT_OK : sat_fail(fault, SAT_ERR_CORRUPT, "%.100s is damaged: bring it back from a backup", name);
}

/* Whoever could read the key can pose as the server: that is to be known, not to be mended silently. In a directory
 * that is ours alone, as it is made, nobody could. */
static enum sat_err check_mode(const struct satd_datadir *dir, const char *name, struct sat_fault *fault)
{
    struct stat file, directory;
    if (fstatat(dir->fd, name, &file, 0) != 0 || fstat(dir->fd, &directory) != 0) return SAT_OK; /* reading says why */
    if (!S_ISREG(file.st_mode)) return sat_fail(fault, SAT_ERR_CONFIG, "%.100s is not a file", name);
    if ((file.st_mode & 077) == 0 || (directory.st_mode & 011) == 0) return SAT_OK;
    return sat_fail(fault, SAT_ERR_CONFIG,
                    "%.100s is open to others (mode %04o): chmod 600 it, and if somebody may have read it, change to "
                    "a new identity",
                    name, (unsigned)(file.st_mode & 07777));
}

static enum sat_err load(const struct satd_datadir *dir, const char *name, struct sat_sign_key *key,
                         struct sat_fault *fault)
{
    struct sat_buf file;
    enum sat_err err = check_mode(dir, name, fault);
    if (err != SAT_OK) return err;
    sat_buf_init(&file);
    sat_buf_reserve(&file, 4096); /* at once: growing would leave copies behind */
    err = satd_file_read(dir->fd, name, FILE_BYTES, &file, fault);
    if (err == SAT_OK) err = parse(name, sat_buf_span(&file), key, fault);
    if (err == SAT_ERR_TOO_LARGE)
        err = sat_fail(fault, SAT_ERR_CORRUPT, "%.100s is damaged: bring it back from a backup", name);
    sat_buf_wipe(&file);
    return err;
}

static void put_hex_line(struct sat_buf *file, const uint8_t *bytes, size_t len)
{
    char hex[65];
    sat_hex_format(bytes, len, hex);
    sat_put_span(file, sat_span_text(hex));
    sat_put_u8(file, '\n');
    sodium_memzero(hex, sizeof hex);
}

static enum sat_err store(const struct satd_datadir *dir, const char *name, const struct sat_sign_key *key,
                          struct sat_fault *fault)
{
    struct sat_public_key public_key = sat_sign_public(key);
    struct sat_buf file;
    sat_buf_init(&file);
    sat_buf_reserve(&file, FILE_BYTES);
    sat_put_span(&file, sat_span_text(FIRST_LINE));
    put_hex_line(&file, key->b, SEED_BYTES);
    put_hex_line(&file, public_key.b, sizeof public_key.b);
    enum sat_err err = satd_file_write(dir->fd, name, sat_buf_span(&file), fault);
    sat_buf_wipe(&file);
    return err;
}

static enum sat_err make(const struct satd_datadir *dir, const struct sat_entropy *entropy, struct sat_sign_key *key,
                         struct sat_fault *fault)
{
    uint8_t seed[SEED_BYTES];
    struct sat_public_key public_key;
    sat_entropy_fill(entropy, seed, sizeof seed);
    sat_sign_keypair(seed, &public_key, key);
    sodium_memzero(seed, sizeof seed);
    return store(dir, CURRENT, key, fault);
}

/* ---- All of them ---- */

static int is_former(const struct dirent *entry)
{
    return fnmatch(FORMER, entry->d_name, 0) == 0;
}

struct names { /* of the former ones' files, sorted */
    struct dirent **at;
    int n;
};

static enum sat_err list_names(const struct satd_datadir *dir, struct names *out, struct sat_fault *fault)
{
    out->n = scandirat(dir->fd, ".", &out->at, is_former, alphasort);
    if (out->n >= 0) return SAT_OK;
    *out = (struct names){0};
    return satd_fail_errno(fault, "reading the data directory", dir->path);
}

static void free_names(struct names *names)
{
    for (int i = 0; i < names->n; i++) free(names->at[i]);
    free(names->at);
}

/* A change that was cut short leaves the current one in both places: it counts once. */
static enum sat_err add_former(const struct satd_datadir *dir, const char *name, struct satd_identities *out,
                               struct sat_fault *fault)
{
    if (out->n == SATD_IDENTITIES_MAX)
        return sat_fail(fault, SAT_ERR_CONFIG, "there are more than %d identities: drop some", SATD_IDENTITIES_MAX);
    enum sat_err err = load(dir, name, &out->keys[out->n], fault);
    if (err != SAT_OK) return err;
    struct sat_public_key pin = sat_sign_public(&out->keys[out->n]);
    if (!satd_identities_find(out, pin.b, sizeof pin.b)) out->n++;
    return SAT_OK;
}

static enum sat_err add_formers(const struct satd_datadir *dir, struct satd_identities *out, struct sat_fault *fault)
{
    struct names names;
    enum sat_err err = list_names(dir, &names, fault);
    for (int i = 0; err == SAT_OK && i < names.n; i++) err = add_former(dir, names.at[i]->d_name, out, fault);
    free_names(&names);
    return err;
}

static bool has_orgs(const struct satd_datadir *dir)
{
    int fd = dup(dir->orgs_fd);
    DIR *orgs = fd >= 0 ? fdopendir(fd) : NULL;
    if (!orgs) {
        if (fd >= 0) (void)close(fd);
        return true; /* when in doubt, no new identity */
    }
    bool any = false;
    rewinddir(orgs);
    for (struct dirent *entry; !any && (entry = readdir(orgs));) any = entry->d_name[0] != '.';
    (void)closedir(orgs);
    return any;
}

/* `made`: whether the first one was made; NULL: it is not to be. The directory is held. */
static enum sat_err read_all(const struct satd_datadir *dir, const struct sat_entropy *entropy, bool *made,
                             struct satd_identities *out, struct sat_fault *fault)
{
    *out = (struct satd_identities){.keys = sodium_allocarray(SATD_IDENTITIES_MAX, sizeof *out->keys)};
    if (!out->keys) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    if (made) *made = false;
    enum sat_err err = load(dir, CURRENT, out->keys, fault);
    if (err == SAT_ERR_NOT_FOUND && has_orgs(dir))
        return sat_fail(fault, SAT_ERR_CORRUPT,
                        "%s is missing, but there are orgs whose clients have pinned it: bring it back", CURRENT);
    if (err == SAT_ERR_NOT_FOUND && made) {
        err = make(dir, entropy, out->keys, fault);
        *made = err == SAT_OK;
    }
    if (err != SAT_OK) return err;
    out->n = 1;
    err = add_formers(dir, out, fault);
    (void)sodium_mprotect_readonly(out->keys);
    return err;
}

enum sat_err satd_identities_open(const struct satd_datadir *dir, const struct sat_entropy *entropy,
                                  struct satd_log *log, struct satd_identities *out, struct sat_fault *fault)
{
    bool made = false;
    *out = (struct satd_identities){0};
    enum sat_err err = satd_datadir_hold(dir, fault);
    if (err != SAT_OK) return err;
    err = read_all(dir, entropy, &made, out, fault);
    satd_datadir_release(dir);
    if (!made) return err;
    struct sat_public_key pin = sat_sign_public(out->keys);
    satd_log(log, IDENTITY_MADE, satd_id("pin", pin.b, sizeof pin.b));
    return err;
}

enum sat_err satd_identities_read(const struct satd_datadir *dir, struct satd_identities *out, struct sat_fault *fault)
{
    *out = (struct satd_identities){0};
    enum sat_err err = satd_datadir_hold(dir, fault);
    if (err != SAT_OK) return err;
    err = read_all(dir, NULL, NULL, out, fault);
    satd_datadir_release(dir);
    if (err == SAT_ERR_NOT_FOUND)
        return sat_fail(fault, err, "there is no identity yet: it is made at the server's first start");
    return err;
}

void satd_identities_close(struct satd_identities *identities)
{
    sodium_free(identities->keys);
    *identities = (struct satd_identities){0};
}

const struct sat_sign_key *satd_identities_find(const struct satd_identities *identities, const uint8_t *prefix,
                                                size_t len)
{
    for (uint32_t i = 0; i < identities->n; i++) {
        struct sat_public_key pin = sat_sign_public(&identities->keys[i]);
        if (memcmp(pin.b, prefix, len) == 0) return &identities->keys[i];
    }
    return NULL;
}

/* ---- Changing them ---- */

/* First the copy under the other name, then the new one in its place: whenever that is cut short, none is lost. */
static enum sat_err replace(const struct satd_datadir *dir, const struct sat_entropy *entropy,
                            const struct satd_identities *now, struct sat_sign_key *fresh, struct sat_fault *fault)
{
    char hex[65], name[sizeof FORMER + sizeof hex];
    struct sat_public_key pin = sat_sign_public(now->keys);
    if (now->n == SATD_IDENTITIES_MAX)
        return sat_fail(fault, SAT_ERR_INVALID, "there are %d identities already: drop one first", SATD_IDENTITIES_MAX);
    sat_hex_format(pin.b, sizeof pin.b, hex);
    (void)snprintf(name, sizeof name, "identity-%s.key", hex);
    enum sat_err err = store(dir, name, now->keys, fault);
    return err == SAT_OK ? make(dir, entropy, fresh, fault) : err;
}

enum sat_err satd_identity_new(const struct satd_datadir *dir, const struct sat_entropy *entropy,
                               struct sat_public_key *out, struct sat_fault *fault)
{
    bool made = false;
    struct satd_identities now = {0};
    struct sat_sign_key *fresh = sodium_malloc(sizeof *fresh);
    if (!fresh) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    enum sat_err err = satd_datadir_hold(dir, fault);
    if (err == SAT_OK) {
        err = read_all(dir, entropy, &made, &now, fault);
        if (err == SAT_OK && !made) err = replace(dir, entropy, &now, fresh, fault);
        satd_datadir_release(dir);
    }
    if (err == SAT_OK) *out = sat_sign_public(made ? now.keys : fresh);
    satd_identities_close(&now);
    sodium_free(fresh);
    return err;
}

static enum sat_err remove_files_of(const struct satd_datadir *dir, const struct sat_public_key *pin,
                                    struct sat_fault *fault)
{
    struct names names;
    struct sat_sign_key *key = sodium_malloc(sizeof *key);
    if (!key) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    enum sat_err err = list_names(dir, &names, fault);
    for (int i = 0; err == SAT_OK && i < names.n; i++) {
        const char *name = names.at[i]->d_name;
        err = load(dir, name, key, fault);
        if (err != SAT_OK) break;
        struct sat_public_key of_file = sat_sign_public(key);
        if (memcmp(of_file.b, pin->b, sizeof of_file.b) != 0) continue;
        if (unlinkat(dir->fd, name, 0) != 0) err = satd_fail_errno(fault, "removing", name);
    }
    free_names(&names);
    sodium_free(key);
    return err == SAT_OK ? satd_directory_sync(dir->fd, fault) : err;
}

enum sat_err satd_identity_drop(const struct satd_datadir *dir, const struct sat_public_key *pin,
                                struct sat_fault *fault)
{
    struct satd_identities now = {0};
    enum sat_err err = satd_datadir_hold(dir, fault);
    if (err != SAT_OK) return err;
    err = read_all(dir, NULL, NULL, &now, fault);
    const struct sat_sign_key *key = err == SAT_OK ? satd_identities_find(&now, pin->b, sizeof pin->b) : NULL;
    if (err == SAT_OK && !key) err = sat_fail(fault, SAT_ERR_NOT_FOUND, "this server does not have that identity");
    if (err == SAT_OK && key == now.keys)
        err = sat_fail(fault, SAT_ERR_INVALID,
                       "this is the current identity, which new organisations pin: make a new one first");
    if (err == SAT_OK) err = remove_files_of(dir, pin, fault);
    satd_datadir_release(dir);
    satd_identities_close(&now);
    return err;
}
