#define _GNU_SOURCE
#include "server/log.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/datadir.h"
#include "server/line.h"

enum { OURS, MEMBER, OUTSIDE };
enum { OUTSIDE_PER_MINUTE = 60 };

static const struct {
    const char *name;
    enum satd_level level;
    int cause;
} events[] = {
#define X(NAME, name, level, cause) {name, SATD_LEVEL_##level, cause},
#include "server/log.def"
#undef X
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct satd_field satd_number(const char *name, uint64_t number)
{
    return (struct satd_field){.name = name, .kind = SATD_FIELD_NUMBER, .number = number};
}

struct satd_field satd_id(const char *name, const uint8_t *id, size_t len)
{
    return (struct satd_field){.name = name, .kind = SATD_FIELD_ID, .id = sat_span(id, len < 8 ? len : 8)};
}

struct satd_field satd_err(enum sat_err err)
{
    return (struct satd_field){.kind = SATD_FIELD_ERR, .number = (uint64_t)err};
}

struct satd_field satd_fault(const struct sat_fault *fault)
{
    return (struct satd_field){.kind = SATD_FIELD_FAULT, .fault = fault};
}

struct satd_field satd_place(const char *name, const char *place)
{
    return (struct satd_field){.name = name, .kind = SATD_FIELD_PLACE, .place = place};
}

void satd_log_init(struct satd_log *log, enum satd_level least)
{
    *log = (struct satd_log){.least = least, .fd = STDERR_FILENO};
}

enum sat_err satd_log_to_file(struct satd_log *log, const char *path, struct sat_fault *fault)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) return satd_fail_errno(fault, "opening the log", path);
    satd_log_close(log);
    log->fd = fd;
    log->path = path;
    return SAT_OK;
}

enum sat_err satd_log_reopen(struct satd_log *log, struct sat_fault *fault)
{
    return log->path ? satd_log_to_file(log, log->path, fault) : SAT_OK;
}

void satd_log_close(struct satd_log *log)
{
    if (log->path) (void)close(log->fd);
    log->path = NULL;
    log->fd = STDERR_FILENO;
}

enum sat_err satd_level_parse(const char *text, enum satd_level *out)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(text, level_names[i]) != 0) continue;
        *out = (enum satd_level)i;
        return SAT_OK;
    }
    return SAT_ERR_INVALID;
}

static void add_err(struct satd_line *line, enum sat_err err)
{
    satd_line_text(line, "error", sat_err_name(err));
    satd_line_text(line, "class", sat_err_class_name(sat_err_class(err)));
}

static void add_field(struct satd_line *line, const struct satd_field *field)
{
    switch (field->kind) {
    case SATD_FIELD_NUMBER:
        satd_line_number(line, field->name, field->number);
        return;
    case SATD_FIELD_ID:
        satd_line_hex(line, field->name, field->id);
        return;
    case SATD_FIELD_ERR:
        add_err(line, (enum sat_err)field->number);
        return;
    case SATD_FIELD_FAULT:
        add_err(line, field->fault->err);
        satd_line_text(line, "message", field->fault->text);
        return;
    case SATD_FIELD_PLACE:
        satd_line_text(line, field->name, field->place);
        return;
    }
}

/* May this event be written now? Counts it if not; *surplus is what was kept back since the last line. */
static bool admit(struct satd_log *log, enum satd_event event, uint64_t now_ms, uint32_t *surplus)
{
    *surplus = 0;
    if (events[event].level < log->least) return false;
    if (events[event].cause != OUTSIDE) return true;
    uint64_t minute = now_ms / 60000;
    if (log->limits[event].minute != minute) {
        log->limits[event].minute = minute;
        log->limits[event].written = 0;
    }
    if (log->limits[event].written >= OUTSIDE_PER_MINUTE) {
        log->limits[event].surplus++;
        return false;
    }
    log->limits[event].written++;
    *surplus = log->limits[event].surplus;
    log->limits[event].surplus = 0;
    return true;
}

static void add_time(struct satd_line *line, uint64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[40] = "";
    if (gmtime_r(&seconds, &utc) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &utc) > 0) {
        text[20] = (char)('0' + now_ms % 1000 / 100);
        text[21] = (char)('0' + now_ms % 100 / 10);
        text[22] = (char)('0' + now_ms % 10);
    }
    satd_line_text(line, "time", text);
}

/* A reader of our log who has gone to sleep must not stop the service: a pipe that reports room takes a line under
 * PIPE_BUF whole. */
static bool write_line(int fd, const struct satd_line *line)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT)) return false;
    return write(fd, line->at, line->len) == (ssize_t)line->len;
}

void satd_log_write(struct satd_log *log, enum satd_event event, const struct satd_field *fields, size_t n)
{
    uint32_t surplus;
    uint64_t now_ms = satd_wall_ms();
    if (!admit(log, event, now_ms, &surplus)) return;
    struct satd_line line;
    satd_line_begin(&line);
    satd_line_text(&line, "level", level_names[events[event].level]);
    add_time(&line, now_ms);
    satd_line_text(&line, "event", events[event].name);
    for (size_t i = 0; i < n; i++) add_field(&line, &fields[i]);
    if (surplus) satd_line_number(&line, "surplus", surplus);
    if (log->lost) satd_line_number(&line, "lost", log->lost);
    satd_line_end(&line);
    bool written = write_line(log->fd, &line);
    log->lost = written ? 0 : log->lost + 1;
    log->lost_ever += !written;
}
