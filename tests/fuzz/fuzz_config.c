/* What the operator says to the server: the words of the command line, one in a line, and behind an empty line the
 * configuration file. What is refused is refused by a sentence, and what is taken keeps within its bounds. */
#define _GNU_SOURCE

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/options.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS_MAX = 16, PATH_SIZE = 64 };
enum kind { TEXT, FLAG, NUMBER, BYTES, ADDRESS, ADDRESSES, LEVEL, NETWORKS };

static const struct {
    enum kind kind;
    uint64_t least, most;
} bounds[] = {
#define X(NAME, name, kind, where, argument, preset, least, most, help) {kind, least, most},
#include "server/options.def"
#undef X
};

/* The input's file has a name, but no place on the disk. */
static void make_file(struct sat_span contents, char path[PATH_SIZE])
{
    static int fd = -1;
    if (fd < 0) fd = memfd_create("config", MFD_CLOEXEC);
    sat_check(fd >= 0 && ftruncate(fd, 0) == 0);
    sat_check(pwrite(fd, contents.at, contents.len, 0) == (ssize_t)contents.len);
    (void)snprintf(path, PATH_SIZE, "/proc/self/fd/%d", fd);
}

/* The next line without its end; the input moves behind it. */
static struct sat_span next_line(struct sat_span *input)
{
    const uint8_t *end = input->len ? memchr(input->at, '\n', input->len) : NULL;
    size_t len = end ? (size_t)(end - input->at) : input->len, used = end ? len + 1 : len;
    struct sat_span line = sat_span(input->at, len);
    if (used) *input = sat_span(input->at + used, input->len - used);
    return line;
}

static void check_taken(const struct satd_options *options)
{
    for (unsigned i = 0; i < SATD_OPTION_COUNT; i++) {
        const char *value = options->value[i];
        if (!value) continue;
        sat_check(value[0]);
        if (bounds[i].kind == FLAG) sat_check(strcmp(value, "true") == 0);
        if (bounds[i].kind == NUMBER || bounds[i].kind == BYTES)
            sat_check(options->number[i] >= bounds[i].least && options->number[i] <= bounds[i].most);
        if (bounds[i].kind == LEVEL) sat_check(options->number[i] <= SATD_LEVEL_ERROR);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    char name[] = "satcheld", option[] = "--config", path[PATH_SIZE], *words[WORDS_MAX + 3] = {name};
    int n = 1;
    struct satd_options options;
    struct sat_fault fault = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (struct sat_span line = next_line(&input); line.len && n < WORDS_MAX; line = next_line(&input)) {
        char *word = sat_arena_text(&arena, (const char *)line.at, line.len);
        if (strncmp(word, option, sizeof option - 1) != 0) words[n++] = word; /* no other file than the input's */
    }
    if (input.len) {
        make_file(input, path);
        words[n++] = option;
        words[n++] = path;
    }
    enum sat_err err = satd_options_read(n, words, &arena, &options, &fault);
    sat_check(!err || ((err == SAT_ERR_USAGE || err == SAT_ERR_CONFIG) && fault.err == err));
    sat_check(err != SAT_ERR_CONFIG || input.len);
    if (err)
        fuzz_check_sentence(fault.text);
    else
        check_taken(&options);
    sat_arena_deinit(&arena);
    return 0;
}
