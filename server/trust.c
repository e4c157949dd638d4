#define _GNU_SOURCE
#include "server/trust.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sync/replica.h"
#include "server/nursery.h"

static bool read_name(const char *name, struct sat_hash *out)
{
    char hex[65];
    if (strlen(name) != SATD_ORG_NAME_SIZE - 1 || strcmp(name + 64, ".db") != 0) return false;
    memcpy(hex, name, 64);
    hex[64] = 0;
    return sat_hex_parse(hex, out->b, sizeof out->b) == SAT_OK;
}

static enum sat_err read_org(const struct satd_datadir *dir, const char *name, struct sat_public_key *trusted,
                             struct sat_fault *fault)
{
    char path[4200];
    struct sat_store *store = NULL;
    struct sat_directory directory;
    int len = snprintf(path, sizeof path, "%s/orgs/%s", dir->path, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return sat_fail(fault, SAT_ERR_CONFIG, "the path of the data directory is too long");
    sat_directory_init(&directory);
    enum sat_err err = sat_store_open(path, SAT_STORE_READ_ONLY, &store, fault);
    if (err == SAT_OK) err = sat_directory_load(store, &directory, fault);
    *trusted = directory.server;
    sat_store_close(store);
    sat_directory_deinit(&directory);
    return err == SAT_OK ? SAT_OK : sat_fail_keep(fault, err);
}

static enum sat_err count_org(const struct satd_datadir *dir, const struct satd_identities *identities,
                              const char *name, struct satd_trust *out, struct sat_fault *fault)
{
    struct sat_hash org;
    struct sat_public_key trusted;
    if (!read_name(name, &org)) return SAT_OK; /* a journal, or not yet an org */
    enum sat_err err = read_org(dir, name, &trusted, fault);
    if (err != SAT_OK) return err;
    const struct sat_sign_key *key = satd_identities_find(identities, trusted.b, sizeof trusted.b);
    if (!key) {
        out->orgs_lost++;
        out->lost = trusted;
        return SAT_OK;
    }
    out->of[key - identities->keys].orgs++;
    out->of[key - identities->keys].one = org;
    return SAT_OK;
}

enum sat_err satd_trust_read(const struct satd_datadir *dir, const struct satd_identities *identities,
                             struct satd_trust *out, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    int fd = dup(dir->orgs_fd);
    DIR *orgs = fd >= 0 ? fdopendir(fd) : NULL;
    *out = (struct satd_trust){0};
    if (!orgs) {
        err = satd_fail_errno(fault, "reading", "orgs");
        if (fd >= 0) (void)close(fd);
        return err;
    }
    rewinddir(orgs);
    for (struct dirent *entry; err == SAT_OK && (entry = readdir(orgs));)
        err = count_org(dir, identities, entry->d_name, out, fault);
    (void)closedir(orgs);
    return err;
}
