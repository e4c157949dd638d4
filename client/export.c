/* satchel_export(): the view's rows in files, for spreadsheets, other programs and the drawer. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/disclosures.h"
#include "client/home.h"
#include "client/rows.h"
#include "client/view/view.h"
#include "common/proof/directory_index.h"
#include "common/vault/types.h"

struct file { /* one that is being written */
    FILE *stream;
    int format;
    int error; /* errno of the first failure; 0: none */
    bool archived;
    bool headed;
    uint64_t records, archived_n;
};

enum { PURPOSE_BYTES_MAX = 100, SQL_BYTES = 500 };

struct exporting {
    struct satchel *satchel;
    struct client_view *view;
    const char *directory, *purpose;
    const char *contacts; /* which of them; NULL: all */
    bool made;            /* the directory */
    json_t *written;      /* what is told once all of it is there */
};

/* ---- Rows ---- */

static void put(struct file *file, const char *text, size_t len)
{
    if (len && fwrite(text, 1, len, file->stream) != len && !file->error) file->error = errno ? errno : EIO;
}

static void put_text(struct file *file, const char *text)
{
    put(file, text, strlen(text));
}

/* Quoted where it has to be, and where it is empty, so that it is told from null. */
static void put_field(struct file *file, const char *text)
{
    if (text[0] && !strpbrk(text, ",\"\r\n")) {
        put_text(file, text);
        return;
    }
    put_text(file, "\"");
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        put(file, text, (size_t)(quote - text + 1));
        put_text(file, "\"");
    }
    put_text(file, text);
    put_text(file, "\"");
}

static void put_value(struct file *file, const json_t *value)
{
    if (json_is_null(value)) return;
    if (json_is_string(value)) {
        put_field(file, json_string_value(value));
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    put_field(file, text ? text : "");
    free(text);
}

static void put_csv(struct file *file, json_t *row, bool header)
{
    const char *name, *comma = "";
    json_t *value;
    json_object_foreach(row, name, value)
    {
        put_text(file, comma);
        if (header)
            put_field(file, name);
        else
            put_value(file, value);
        comma = ",";
    }
    put_text(file, "\r\n");
}

static void put_ndjson(struct file *file, const json_t *row)
{
    char *line = json_dumps(row, JSON_COMPACT);
    put_text(file, line ? line : "{}");
    put_text(file, "\n");
    free(line);
}

/* The view's row with `archived` behind the territory. */
static json_t *marked(const char *text, bool archived)
{
    json_t *given = json_loads(text, JSON_ALLOW_NUL, NULL), *row = json_object(), *value;
    const char *name;
    json_object_foreach(given, name, value)
    {
        (void)json_object_set(row, name, value);
        if (strcmp(name, "territory") == 0) (void)json_object_set_new(row, "archived", json_boolean(archived));
    }
    json_decref(given);
    return row;
}

static int write_row(void *context, const char *json)
{
    struct file *file = context;
    json_t *row = marked(json, file->archived);
    if (file->format == SATCHEL_CSV)
        put_csv(file, row, false);
    else
        put_ndjson(file, row);
    json_decref(row);
    file->records++;
    file->archived_n += file->archived;
    return file->error;
}

/* The names of a table's columns: a CSV has them even where it has no row. */
static int write_header(void *context, const char *json)
{
    struct file *file = context;
    json_t *row = marked(json, false);
    put_csv(file, row, true);
    json_decref(row);
    return file->error;
}

static enum sat_err put_header(struct exporting *exporting, const struct sat_type *type, struct file *file)
{
    char sql[100];
    (void)snprintf(sql, sizeof sql, "SELECT r.* FROM (SELECT 1) LEFT JOIN main.\"%s\" AS r ON 0", type->name);
    return client_view_query(exporting->view, sql, write_header, file, &exporting->satchel->fault);
}

static enum sat_err write_rows(struct exporting *exporting, const struct sat_type *type, struct file *file)
{
    static const char *const databases[] = {"main", "archived"};
    enum sat_err err = file->format == SATCHEL_CSV ? put_header(exporting, type, file) : SAT_OK;
    for (int i = 0; i < 2 && !err; i++) {
        char sql[SQL_BYTES];
        const char *whom = exporting->contacts && strcmp(type->name, "contact") == 0 ? exporting->contacts : "";
        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s.\"%s\" %s ORDER BY id", databases[i], type->name, whom);
        file->archived = i == 1;
        err = client_view_query(exporting->view, sql, write_row, file, &exporting->satchel->fault);
    }
    return err;
}

/* ---- Files ---- */

static const char *ending_of(int format)
{
    return format == SATCHEL_CSV ? "csv" : "ndjson";
}

static char *path_of(const struct exporting *exporting, const struct sat_type *type, int format)
{
    char name[80];
    (void)snprintf(name, sizeof name, "%s.%s", type->name, ending_of(format));
    return client_home_path(exporting->directory, name);
}

static FILE *open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
    if (fd >= 0 && !stream) (void)close(fd);
    return stream;
}

static void finish_file(struct file *file)
{
    if ((fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0) && !file->error)
        file->error = errno ? errno : EIO;
    if (fclose(file->stream) != 0 && !file->error) file->error = errno ? errno : EIO;
}

static enum sat_err write_file(struct exporting *exporting, const struct sat_type *type, int format)
{
    struct file file = {.format = format};
    char *path = path_of(exporting, type, format);
    enum sat_err err = SAT_OK;
    errno = 0;
    file.stream = open_file(path);
    if (!file.stream) {
        err = client_fail_errno(&exporting->satchel->fault, path, errno);
    } else {
        err = write_rows(exporting, type, &file);
        finish_file(&file);
        if (!err && file.error) err = client_fail_errno(&exporting->satchel->fault, path, file.error);
    }
    if (!err) {
        json_t *json = json_object();
        (void)json_object_set_new(json, "file", json_string(path));
        (void)json_object_set_new(json, "type", json_string(type->name));
        (void)json_object_set_new(json, "records", json_integer((json_int_t)file.records));
        (void)json_object_set_new(json, "archived", json_integer((json_int_t)file.archived_n));
        (void)json_array_append_new(exporting->written, json);
    }
    free(path);
    return err;
}

/* ---- The directory ---- */

static enum sat_err check_empty(const char *directory, struct sat_fault *fault)
{
    DIR *dir = opendir(directory);
    if (!dir) return client_fail_errno(fault, directory, errno);
    enum sat_err err = SAT_OK;
    for (const struct dirent *entry = readdir(dir); entry && !err; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        err = sat_fail(fault, SAT_ERR_EXISTS, "%s is not empty (it has %.80s): choose another directory", directory,
                       entry->d_name);
    }
    (void)closedir(dir);
    return err;
}

static enum sat_err make_directory(struct exporting *exporting)
{
    struct sat_fault *fault = &exporting->satchel->fault;
    exporting->made = mkdir(exporting->directory, 0700) == 0;
    if (exporting->made) return SAT_OK;
    if (errno != EEXIST) return client_fail_errno(fault, exporting->directory, errno);
    return check_empty(exporting->directory, fault);
}

/* Half an export looks like a whole one. */
static void remove_all(const struct exporting *exporting)
{
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        for (int format = SATCHEL_NDJSON; format <= SATCHEL_CSV; format++) {
            char *path = path_of(exporting, sat_type_at(i), format);
            (void)unlink(path);
            free(path);
        }
    }
    if (exporting->made) (void)rmdir(exporting->directory);
}

static enum sat_err write_all(struct exporting *exporting, int formats)
{
    enum sat_err err = SAT_OK;
    for (uint16_t i = 0; i < sat_types_count() && !err; i++)
        for (int format = SATCHEL_NDJSON; format <= SATCHEL_CSV && !err; format++)
            if (formats & format) err = write_file(exporting, sat_type_at(i), format);
    if (!err && !client_sync_directory(exporting->directory))
        err = client_fail_errno(&exporting->satchel->fault, exporting->directory, errno);
    if (err) remove_all(exporting);
    return err;
}

/* ---- The record of it ---- */

static int take_count(void *context, const char *json)
{
    json_t *row = json_loads(json, 0, NULL);
    *(uint64_t *)context += (uint64_t)json_integer_value(json_object_get(row, "n"));
    json_decref(row);
    return 0;
}

static enum sat_err count(const struct exporting *exporting, const struct sat_type *type, uint64_t *n)
{
    char sql[160];
    *n = 0;
    (void)snprintf(sql, sizeof sql,
                   "SELECT (SELECT COUNT(*) FROM main.\"%s\") + (SELECT COUNT(*) FROM archived.\"%s\") AS n",
                   type->name, type->name);
    return client_view_query(exporting->view, sql, take_count, n, &exporting->satchel->fault);
}

/* Before the first byte is in a file, whatever becomes of the files. */
static enum sat_err disclose(const struct exporting *exporting, int formats)
{
    static const char *const names[] = {
        [SATCHEL_NDJSON] = "ndjson", [SATCHEL_CSV] = "csv", [SATCHEL_NDJSON | SATCHEL_CSV] = "ndjson,csv"};
    bool *types = calloc(sat_types_count(), sizeof *types);
    struct client_disclosing what = {
        .kind = "export", .format = names[formats], .types = types, .reason = exporting->purpose};
    enum sat_err err = types ? SAT_OK : SAT_ERR_NO_MEMORY;
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) {
        uint64_t n;
        err = count(exporting, sat_type_at(i), &n);
        types[i] = n > 0;
        what.records += n;
    }
    if (!err) err = client_disclose(exporting->satchel, &what);
    free(types);
    return err;
}

static enum sat_err write_out(struct exporting *exporting, int formats)
{
    enum sat_err err = disclose(exporting, formats);
    if (err && exporting->made) (void)rmdir(exporting->directory);
    return err ? err : write_all(exporting, formats);
}

static enum sat_err check_policy(struct satchel *satchel)
{
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    bool rep = user && user->role == SAT_ROLE_REP;
    if (!rep || sat_directory_policy(&satchel->directory, SAT_POLICY_EXPORT_REP)) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_DENIED,
                    "reps may not export: the organisation's policy export.rep says so");
}

/* Without who is not to be contacted for the purpose. */
static enum sat_err choose_contacts(struct exporting *exporting, char out[SQL_BYTES])
{
    const char *purpose = exporting->purpose;
    if (!purpose) return SAT_OK;
    if (!*purpose || strlen(purpose) > PURPOSE_BYTES_MAX || strchr(purpose, '\''))
        return sat_fail(&exporting->satchel->fault, SAT_ERR_INVALID, "a purpose is a word, as calls or marketing");
    (void)snprintf(out, SQL_BYTES,
                   "WHERE id NOT IN (SELECT contact FROM withheld WHERE purpose IS NULL OR purpose = '%s')", purpose);
    exporting->contacts = out;
    return SAT_OK;
}

int satchel_export(struct satchel *satchel, const char *directory, int formats, satchel_row_fn row, void *context)
{
    return satchel_export_for(satchel, directory, formats, NULL, row, context);
}

int satchel_export_for(struct satchel *satchel, const char *directory, int formats, const char *purpose,
                       satchel_row_fn row, void *context)
{
    struct exporting exporting = {
        .satchel = satchel, .directory = directory, .purpose = purpose, .written = json_array()};
    char contacts[SQL_BYTES];
    client_begin(satchel);
    enum sat_err err = choose_contacts(&exporting, contacts);
    if (!err && (formats == 0 || (formats & ~(SATCHEL_NDJSON | SATCHEL_CSV))))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "an export is of format ndjson, csv or both");
    if (!err) err = check_policy(satchel);
    if (!err) err = client_view_get(satchel, &exporting.view);
    if (!err) err = make_directory(&exporting);
    if (!err) err = write_out(&exporting, formats);
    size_t i;
    json_t *file;
    json_array_foreach(exporting.written, i, file)
    {
        if (err || !row || !client_give_row(row, context, json_incref(file))) break;
    }
    json_decref(exporting.written);
    if (exporting.view) client_touch(satchel); /* the record of it is not in there */
    return client_end(satchel, err);
}
