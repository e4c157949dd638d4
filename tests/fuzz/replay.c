/* Replays inputs through a fuzz target without a fuzzer: the files and folders that are named, or the target's corpus.
 * A broken property or a bad access ends the program, and the last name that was printed says where. */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { PATH_BYTES = 1024, FILE_BYTES_MAX = 1 << 20 };

struct tally {
    unsigned passed, failed;
};

static void replay_file(struct tally *tally, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    size_t len = file && bytes ? fread(bytes, 1, FILE_BYTES_MAX, file) : 0;
    bool read = file && bytes && !ferror(file);
    if (file) (void)fclose(file);
    if (read) {
        /* Exactly as long as it is, so that reading behind its end is seen. */
        uint8_t *exact = malloc(len ? len : 1);
        sat_check(exact != NULL);
        if (len) memcpy(exact, bytes, len);
        (void)printf("%s\n", path);
        (void)fflush(stdout);
        sat_check(LLVMFuzzerTestOneInput(exact, len) == 0);
        free(exact);
        tally->passed++;
    } else {
        (void)printf("%s cannot be read: %s\n", path, strerror(errno));
        tally->failed++;
    }
    free(bytes);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay(struct tally *tally, const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, is_shown, alphasort);
    if (n < 0) {
        replay_file(tally, path);
        return;
    }
    for (int i = 0; i < n; i++) {
        char inside[PATH_BYTES];
        (void)snprintf(inside, sizeof inside, "%s/%s", path, names[i]->d_name);
        replay_file(tally, inside);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    struct tally tally = {0};
    const char *name = strstr(argv[0], "test_fuzz_");
    char corpus[PATH_BYTES];
    (void)snprintf(corpus, sizeof corpus, "tests/fuzz/corpus/%s", name ? name + strlen("test_fuzz_") : "");
    sat_check(LLVMFuzzerTestOneInput(nothing, 0) == 0);
    if (argc == 1) replay(&tally, corpus);
    for (int i = 1; i < argc; i++) replay(&tally, argv[i]);
    if (tally.passed + tally.failed == 0) tally.failed = 1; /* an empty corpus proves nothing */
    (void)printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally.failed ? 1 : 0;
}
