#include "tests/faults/alloc.h"

#include <errno.h>
#include <execinfo.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <zstd.h>

/* Beneath: the sanitizer's allocator, or the C library's. */
#ifdef __SANITIZE_ADDRESS__
#define BENEATH(name) __interceptor_##name
#else
#define BENEATH(name) __libc_##name
#endif
void *BENEATH(malloc)(size_t size);
void *BENEATH(calloc)(size_t n, size_t size);
void *BENEATH(realloc)(void *at, size_t size);

/* libsodium's guarded memory comes from the system itself: the linker sends these calls here (--wrap). */
void *__real_sodium_malloc(size_t size);
void *__wrap_sodium_malloc(size_t size);
/* These two libraries do not bear it that memory fails in the middle: zstd (before 1.5.5) makes use of the dictionary
 * that it could not allocate, jansson (2.14) of a string that it could not extend. Each call counts as one allocation.
 */
ZSTD_CDict *__real_ZSTD_createCDict(const void *dictionary, size_t size, int level);
ZSTD_CDict *__wrap_ZSTD_createCDict(const void *dictionary, size_t size, int level);
json_t *__real_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__real_json_loads(const char *text, size_t flags, json_error_t *error);
json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *at, size_t size);

static _Thread_local struct {
    bool armed;
    uint32_t spared;
    uint64_t n, failed, from, count;
} state;

static struct {
    uint64_t *paths, size;
} trace;

void alloc_trace(uint64_t *paths, uint64_t size)
{
    void *frame;
    trace.paths = paths;
    trace.size = size;
    (void)backtrace(&frame, 1); /* loads what it needs */
}

/* The calls above, from the allocation up. */
static uint64_t path_here(void)
{
    void *frames[40];
    uint64_t hash = 14695981039346656037u;
    alloc_spare();
    int n = backtrace(frames, 40);
    alloc_spare_end();
    for (int i = 0; i < n; i++) hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211u;
    return hash;
}

void alloc_arm(uint64_t from, uint64_t count)
{
    state.n = state.failed = 0;
    state.from = from;
    state.count = count;
    state.armed = true;
}

uint64_t alloc_disarm(void)
{
    state.armed = false;
    return state.n;
}

uint64_t alloc_failed(void)
{
    return state.failed;
}

void alloc_spare(void)
{
    state.spared++;
}

void alloc_spare_end(void)
{
    state.spared--;
}

static bool fails(void)
{
    if (!state.armed || state.spared) return false;
    uint64_t n = ++state.n;
    if (trace.paths && n <= trace.size) trace.paths[n - 1] = path_here();
    if (!state.from || n < state.from || n - state.from >= state.count) return false;
    state.failed++;
    errno = ENOMEM;
    return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    return fails() ? NULL : BENEATH(malloc)(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : BENEATH(calloc)(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *at, size_t size)
{
    return fails() ? NULL : BENEATH(realloc)(at, size);
}

void *__wrap_sodium_malloc(size_t size)
{
    return fails() ? NULL : __real_sodium_malloc(size);
}

ZSTD_CDict *__wrap_ZSTD_createCDict(const void *dictionary, size_t size, int level)
{
    if (fails()) return NULL;
    alloc_spare();
    ZSTD_CDict *made = __real_ZSTD_createCDict(dictionary, size, level);
    alloc_spare_end();
    return made;
}

/* As jansson says it: json_error_code() reads the last byte of the text. */
static json_t *no_json(json_error_t *error)
{
    *error = (json_error_t){.line = -1, .column = -1};
    error->text[sizeof error->text - 1] = json_error_out_of_memory;
    return NULL;
}

json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error)
{
    if (fails()) return no_json(error);
    alloc_spare();
    json_t *json = __real_json_loadb(text, size, flags, error);
    alloc_spare_end();
    return json;
}

json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error)
{
    if (fails()) return no_json(error);
    alloc_spare();
    json_t *json = __real_json_loads(text, flags, error);
    alloc_spare_end();
    return json;
}
