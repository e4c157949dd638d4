#define _GNU_SOURCE

#include "client/cli/act.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

enum { KIT_BYTES_MAX = 64 * 1024 };

static bool read_all(int fd, size_t size_max, struct sat_buf *out)
{
    uint8_t chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        sat_put_bytes(out, chunk, (size_t)n);
        if (out->len > size_max) errno = EFBIG;
        if (out->len > size_max) return false;
    }
    explicit_bzero(chunk, sizeof chunk);
    return n == 0;
}

int cli_read_file(struct cli *cli, const char *path, size_t size_max, struct sat_buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && read_all(fd, size_max, out);
    int reason = errno;
    if (fd >= 0 && !standard) (void)close(fd);
    sat_put_u8(out, 0);
    if (!done)
        return cli_fail(cli, reason == ENOENT ? SAT_ERR_NOT_FOUND : SAT_ERR_INVALID, "%s cannot be read: %s",
                        standard ? "stdin" : path, strerror(reason));
    if (memchr(out->at, 0, out->len - 1))
        return cli_fail(cli, SAT_ERR_INVALID, "%s holds a zero byte", standard ? "stdin" : path);
    return 0;
}

static int use_kit(struct cli *cli, const char *path)
{
    struct sat_buf page;
    sat_buf_init(&page);
    int code = cli_read_file(cli, path, KIT_BYTES_MAX, &page);
    if (!code && satchel_use_kit(cli->satchel, (const char *)page.at)) code = cli_fail_handle(cli);
    sat_buf_wipe(&page);
    return code;
}

int cli_act_open(struct cli *cli)
{
    const char *kit = cli_option(cli, CLI_OPTION_KIT);
    int code = cli_open(cli, CLI_ADMINISTRATION);
    return code || !kit ? code : use_kit(cli, kit);
}

int cli_act_done(struct cli *cli, int failed, json_t *object, const char *note)
{
    const char *proposal = failed ? NULL : satchel_proposal(cli->satchel);
    if (failed || proposal) json_decref(object);
    if (failed) return cli_fail_handle(cli);
    if (proposal) {
        cli_note(cli, "not done yet, as it needs a second signature: another admin has to run `satchel cosign` with "
                      "the line on stdout, before anything else is changed");
        if (cli->json) return cli_print_new(cli, json_pack("{s:s}", "cosign", proposal));
        cli_out(cli, "%s\n", proposal);
        return 0;
    }
    if (cli->json) return cli_print_new(cli, object);
    json_decref(object);
    cli_note(cli, "%s", note);
    return 0;
}

int cli_number(struct cli *cli, const char *word, const char *what, uint64_t most, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    bool digits = *word >= '1' && *word <= '9';
    uint64_t number = digits ? strtoull(word, &end, 10) : 0;
    if (!digits || *end || errno || number > most)
        return cli_fail(cli, SAT_ERR_USAGE, "%s is no %s's number", word, what);
    *out = number;
    return 0;
}
