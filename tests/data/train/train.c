/* Trains the compression dictionary anew, from the root of the project, and compares it with the committed one.
 *
 *   train [FILE]      FILE gets the C source; .build/dictionary_1.c if none is named
 *
 * The contents are vocabulary that the samples do not have, then segments chosen from the samples, the most useful
 * last: what is near costs fewer bits to refer to. The tables of letters are measured on prose in other words: measured
 * on the samples they would know only what the contents do not cover there, which is random bytes. The result depends
 * on the inputs and on zstd's version alone. The committed file is what counts and is never changed: sealed records
 * need it for ever, so another dictionary is dictionary 2. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>
#include <zstd.h>

#include "common/base/utf8.h"
#include "common/vault/dictionary_1.h"
#include "tests/data/train/samples.h"

#define FOLDER "tests/data/train/"

enum {
    TRAINED_BYTES = 16 * 1024,
    DICTIONARY_BYTES_MAX = 64 * 1024,
    LEVEL = 12,            /* the tables are measured at it; squeeze.c compresses at 5 */
    DICTIONARY_ID = 32769, /* never written into a frame; zstd wants one from its private range */
    LINE_COLUMNS_MAX = 116,
};

static size_t checked(size_t result)
{
    if (ZDICT_isError(result)) samples_fail(ZDICT_getErrorName(result), "zstd");
    return result;
}

static bool contains(struct sat_span bytes, struct sat_span word)
{
    for (size_t i = 0; i + word.len <= bytes.len; i++)
        if (memcmp(bytes.at + i, word.at, word.len) == 0) return true;
    return false;
}

static void add_word(struct sat_buf *contents, struct sat_span trained, struct sat_span word)
{
    if (!contains(sat_buf_span(contents), word) && !contains(trained, word)) sat_put_span(contents, word);
}

/* Words stand between spaces, in English with the space before them; a line that begins with a space is taken whole. */
static void add_line(struct sat_buf *contents, struct sat_span trained, const char *line, bool spaced)
{
    if (*line == '#') return;
    if (*line == ' ') {
        add_word(contents, trained, sat_span_text(line));
        return;
    }
    while (*line) {
        size_t len = strcspn(line, " ");
        struct sat_buf word = {0};
        if (spaced) sat_put_u8(&word, ' ');
        sat_put_bytes(&word, line, len);
        if (len) add_word(contents, trained, sat_buf_span(&word));
        sat_buf_deinit(&word);
        line += len + (line[len] == ' ');
    }
}

static void add_vocabulary(struct sat_buf *contents, struct sat_span trained, const char *path, bool spaced)
{
    char line[4096];
    FILE *file = fopen(path, "rb");
    if (!file) samples_fail("cannot be read", path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        add_line(contents, trained, line, spaced);
    }
    (void)fclose(file);
}

/* How many bytes from `at` on can stand in a string as they are: one printable character; 0: write it as an escape. */
static size_t printable(const uint8_t *at, size_t left)
{
    if (*at >= 0x20 && *at < 0x7f) return *at != '"' && *at != '\\' && *at != '?';
    size_t len = *at >= 0xe3 && *at <= 0xe9 ? 3 : 0; /* Chinese and its punctuation */
    if (len == 0 || len > left || !sat_utf8_valid(sat_span(at, len))) return 0;
    return *at != 0xe3 || at[1] == 0x80 ? len : 0;
}

/* One string, as most of it is text. Octal escapes end by themselves; "?" is one too, for trigraphs. */
static void print_source(FILE *to, struct sat_span bytes)
{
    (void)fprintf(to, "/* Made by tests/data/train/train.c. Never changed: sealed records need it for ever. */\n"
                      "#include \"common/vault/dictionary_1.h\"\n\n/* clang-format off */\n"
                      "static const char text[] =");
    int column = LINE_COLUMNS_MAX;
    for (size_t i = 0; i < bytes.len;) {
        if (column >= LINE_COLUMNS_MAX) column = (i ? fprintf(to, "\"\n\"") : fprintf(to, "\n\"")) - 2;
        size_t len = printable(bytes.at + i, bytes.len - i);
        if (len)
            (void)fwrite(bytes.at + i, 1, len, to);
        else
            (void)fprintf(to, "\\%03o", bytes.at[i]);
        column += len ? (len == 3 ? 2 : 1) : 4; /* a Chinese character is two columns wide */
        i += len ? len : 1;
    }
    (void)fprintf(to, "\";\n\nconst uint8_t *const sat_dictionary_1 = (const uint8_t *)text;\n"
                      "const size_t sat_dictionary_1_bytes = sizeof text - 1;\n");
}

/* The segments that zstd chooses from the samples, without its tables. */
static struct sat_span choose(const struct samples *samples, uint8_t out[TRAINED_BYTES])
{
    size_t size = checked(ZDICT_trainFromBuffer(out, TRAINED_BYTES, samples->bytes.at, samples->sizes, samples->n));
    size_t header = checked(ZDICT_getDictHeaderSize(out, size));
    return sat_span(out + header, size - header);
}

int main(int argc, char **argv)
{
    static struct samples samples, prose;
    static uint8_t trained_bytes[TRAINED_BYTES], dictionary[DICTIONARY_BYTES_MAX];
    const char *path = argc > 1 ? argv[1] : ".build/dictionary_1.c";
    samples_read(&samples, FOLDER "northwind.ndjson");
    samples_read(&samples, FOLDER "synthetic.ndjson");
    samples_read(&prose, FOLDER "prose.ndjson");
    struct sat_span trained = choose(&samples, trained_bytes);
    struct sat_buf contents = {0};
    add_vocabulary(&contents, trained, FOLDER "vocabulary_zh.txt", false);
    add_vocabulary(&contents, trained, FOLDER "vocabulary_en.txt", true);
    sat_put_span(&contents, trained);
    ZDICT_params_t params = {.compressionLevel = LEVEL, .dictID = DICTIONARY_ID};
    size_t size = checked(ZDICT_finalizeDictionary(dictionary, sizeof dictionary, contents.at, contents.len,
                                                   prose.bytes.at, prose.sizes, prose.n, params));
    FILE *file = fopen(path, "wb");
    if (!file) samples_fail("cannot be written", path);
    print_source(file, sat_span(dictionary, size));
    (void)fclose(file);
    bool same = sat_span_equal(sat_span(dictionary, size), sat_span(sat_dictionary_1, sat_dictionary_1_bytes));
    printf("%s: %zu bytes from %u samples, zstd %s: %s\n", path, size, samples.n, ZSTD_versionString(),
           same ? "the committed dictionary" : "NOT the committed dictionary, which stays");
    sat_buf_deinit(&contents);
    sat_buf_deinit(&samples.bytes);
    sat_buf_deinit(&prose.bytes);
    return 0;
}
