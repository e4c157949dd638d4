#define _GNU_SOURCE
#include "server/identity.h"

#include <dirent.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

/* The file: "satchel identity key 1\n" <seed, 64 hex> "\n" <public key, 64 hex> "\n". The public key is there so that a
 * damaged seed is noticed and never becomes a new identity. */
static const char NAME[] = "identity.key";
static const char FIRST_LINE[] = "satchel identity key 1\n";

enum { FILE_BYTES = sizeof FIRST_LINE - 1 + 65 + 65 };

static enum sat_err parse(struct sat_span file, struct sat_sign_key *key, struct sat_fault *fault)
{
    char hex[65];
    uint8_t seed[32];
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
    return ok ? SAT_OK : sat_fail(fault, SAT_ERR_CORRUPT, "%s is damaged: bring it back from a backup", NAME);
}

static enum sat_err load(const struct satd_datadir *dir, struct sat_sign_key *key, struct sat_fault *fault)
{
    struct sat_buf file;
    sat_buf_init(&file);
    sat_buf_reserve(&file, 4096); /* at once: growing would leave copies behind */
    enum sat_err err = satd_file_read(dir->fd, NAME, FILE_BYTES, &file, fault);
    if (err == SAT_OK) err = parse(sat_buf_span(&file), key, fault);
    if (err == SAT_ERR_TOO_LARGE)
        err = sat_fail(fault, SAT_ERR_CORRUPT, "%s is damaged: bring it back from a backup", NAME);
    sat_buf_wipe(&file);
    return err;
}

static enum sat_err make(const struct satd_datadir *dir, const struct sat_entropy *entropy, struct sat_sign_key *key,
                         struct sat_fault *fault)
{
    uint8_t seed[32];
    char hex[65];
    struct sat_public_key public_key;
    struct sat_buf file;
    sat_entropy_fill(entropy, seed, sizeof seed);
    sat_sign_keypair(seed, &public_key, key);
    sat_buf_init(&file);
    sat_buf_reserve(&file, FILE_BYTES);
    sat_put_span(&file, sat_span_text(FIRST_LINE));
    sat_hex_format(seed, sizeof seed, hex);
    sat_put_span(&file, sat_span_text(hex));
    sat_put_u8(&file, '\n');
    sat_hex_format(public_key.b, sizeof public_key.b, hex);
    sat_put_span(&file, sat_span_text(hex));
    sat_put_u8(&file, '\n');
    enum sat_err err = satd_file_write(dir->fd, NAME, sat_buf_span(&file), fault);
    sat_buf_wipe(&file);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(seed, sizeof seed);
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

enum sat_err satd_identity_open(const struct satd_datadir *dir, const struct sat_entropy *entropy, struct satd_log *log,
                                struct sat_sign_key **out, struct sat_fault *fault)
{
    struct sat_sign_key *key = sodium_malloc(sizeof *key);
    *out = key;
    if (!key) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    enum sat_err err = load(dir, key, fault);
    if (err == SAT_ERR_NOT_FOUND && has_orgs(dir))
        return sat_fail(fault, SAT_ERR_CORRUPT,
                        "%s is missing, but there are orgs whose clients have pinned it: bring it back", NAME);
    if (err == SAT_ERR_NOT_FOUND) {
        err = make(dir, entropy, key, fault);
        struct sat_public_key public_key = sat_sign_public(key);
        if (err == SAT_OK) satd_log(log, IDENTITY_MADE, satd_id("pin", public_key.b, sizeof public_key.b));
    }
    if (err == SAT_OK) (void)sodium_mprotect_readonly(key);
    return err;
}

void satd_identity_free(struct sat_sign_key *key)
{
    sodium_free(key);
}
