/* The server's identity files, as it reads them at its start: the current one, and behind it in the input perhaps a
 * former one. With an odd first byte the public key of the first is made to fit its seed. What is read is what the file
 * says, and what is damaged is named. */
#define _GNU_SOURCE

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/identity.h"
#include "tests/fuzz/fuzz.h"

enum { FILE_BYTES_MAX = 1024, SEED_AT = 22, PUBLIC_AT = SEED_AT + 65, WHOLE_BYTES = PUBLIC_AT + 65 };

static const char CURRENT[] = "identity.key", FORMER[] = "identity-former.key";

static char the_folder[64];

static void remove_folder(void)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", the_folder, CURRENT);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/%s", the_folder, FORMER);
    (void)unlink(path);
    (void)rmdir(the_folder);
}

/* A folder for the files, where there is memory for that instead of a disk. */
static int folder(void)
{
    static int fd = -1;
    if (fd >= 0) return fd;
    sat_check(sodium_init() >= 0);
    (void)snprintf(the_folder, sizeof the_folder, "%s/satchel-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    sat_check(mkdtemp(the_folder) != NULL && atexit(remove_folder) == 0);
    fd = open(the_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sat_check(fd >= 0);
    return fd;
}

static void put_file(const char *name, struct sat_span bytes)
{
    int fd = openat(folder(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    sat_check(fd >= 0 && write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len);
    (void)close(fd);
}

static void mend(uint8_t file[FILE_BYTES_MAX], size_t len)
{
    char hex[65];
    uint8_t seed[32];
    struct sat_public_key public_key;
    struct sat_sign_key key;
    if (len < WHOLE_BYTES) return;
    memcpy(hex, file + SEED_AT, 64);
    hex[64] = 0;
    if (sat_hex_parse(hex, seed, sizeof seed)) return;
    sat_sign_keypair(seed, &public_key, &key);
    sat_hex_format(public_key.b, sizeof public_key.b, hex);
    memcpy(file + PUBLIC_AT, hex, 64);
}

/* The key that was read has the public key that the file states. */
static void check_read(const struct satd_identities *identities, const uint8_t *file, size_t len)
{
    char stated[65];
    struct sat_public_key read = sat_sign_public(&identities->keys[0]), said;
    sat_check(identities->n >= 1 && identities->n <= 2 && len == WHOLE_BYTES);
    memcpy(stated, file + PUBLIC_AT, 64);
    stated[64] = 0;
    fuzz_must(sat_hex_parse(stated, said.b, sizeof said.b));
    sat_check(memcmp(read.b, said.b, sizeof read.b) == 0);
    sat_check(satd_identities_find(identities, read.b, 8) == &identities->keys[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    uint8_t how = fuzz_byte(&input), file[FILE_BYTES_MAX];
    struct sat_span current = fuzz_piece(&input);
    struct satd_datadir dir = {.path = the_folder, .fd = folder(), .tokens_fd = -1, .orgs_fd = -1, .lock_fd = -1};
    struct satd_identities identities = {0};
    struct sat_fault fault = {0};
    if (current.len > sizeof file) return 0;
    if (current.len) memcpy(file, current.at, current.len);
    if (how & 1) mend(file, current.len);
    put_file(CURRENT, sat_span(file, current.len));
    (void)unlinkat(dir.fd, FORMER, 0);
    if (input.len) put_file(FORMER, input);
    enum sat_err err = satd_identities_read(&dir, &identities, &fault);
    sat_check(!err || (err == SAT_ERR_CORRUPT && fault.err == err));
    if (err)
        fuzz_check_sentence(fault.text);
    else
        check_read(&identities, file, current.len);
    satd_identities_close(&identities);
    return 0;
}
