/* One stage over JSON Lines, for bench/dedup_vs_peers: what goes to standard output as JSON Lines,
 * times and memory to standard error as one JSON object.
 *   dedup_run STAGE PARAMS MEMORY_MB THREADS FOLDER FILE
 * FILE: {"id": ..., "text": ..., "url": ...} a line. FOLDER takes the store and what is temporary.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/cpu.h"
#include "base/file.h"
#include "dedup/stage.h"

static double cpu_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

enum { BLOCK = 1 << 20, DOCS = 65536 };

typedef struct reader {
    yh_store_writer *w;
    yh_stored d[DOCS];
    json_t *j[DOCS];
    size_t n;
    uint64_t bytes;
} reader;

static yh_status put_block(reader *r, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_store_block(r->d, r->n, &b, err);
    if (s == YH_OK)
        s = yh_store_writer_add(r->w, &b, r->n, r->bytes, err);
    for (size_t i = 0; i < r->n; i++)
        json_decref(r->j[i]);
    r->n = 0;
    r->bytes = 0;
    yh_buf_fini(&b);
    return s;
}

static yh_status read_file(reader *r, const char *path, yh_err *err)
{
    char *line = NULL;
    size_t cap = 0;
    yh_status s = YH_OK;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return yh_fail(err, YH_NOTFOUND, "%s: cannot open", path);
    for (ssize_t n; s == YH_OK && (n = getline(&line, &cap, f)) > 0;) {
        json_t *j;
        s = yh_json_parse(&j, line, (size_t)n, path, err);
        if (s != YH_OK)
            break;
        const json_t *text = json_object_get(j, "text");
        r->j[r->n] = j;
        r->d[r->n++] = (yh_stored){.text = json_string_value(text),
                                   .len = json_string_length(text),
                                   .id = json_string_value(json_object_get(j, "id")),
                                   .url = json_string_value(json_object_get(j, "url"))};
        r->bytes += json_string_length(text);
        if (r->bytes >= BLOCK || r->n == DOCS)
            s = put_block(r, err);
    }
    if (s == YH_OK && r->n > 0)
        s = put_block(r, err);
    free(line);
    fclose(f);
    return s;
}

static yh_status make_store(const char *path, const char *file, yh_err *err)
{
    reader *r = calloc(1, sizeof *r);
    yh_status s = yh_store_writer_create(&r->w, path, err);
    if (s == YH_OK)
        s = read_file(r, file, err);
    if (s == YH_OK)
        s = yh_store_writer_commit(r->w, err);
    yh_store_writer_free(r->w);
    free(r);
    return s;
}

static void print_one(const yh_decision *x, char *const *id)
{
    printf("{\"id\":\"%s\",\"other\":\"%s\",\"score\":%.6g,\"at\":%llu,\"len\":%lld}\n",
           id[x->ordinal], x->other != UINT64_MAX ? id[x->other] : "", x->score,
           (unsigned long long)x->at, (long long)x->len);
}

/* Two readings: the names first, for a decision names a document anywhere. */
static yh_status print_decisions(yh_store *s, yh_err *err)
{
    yh_store_cursor *c;
    char **id = calloc(yh_store_documents(s) + 1, sizeof *id);
    uint64_t n = 0;
    YH_TRY(yh_store_cursor_create(&c, s, err));
    for (int print = 0; print < 2; print++)
        for (uint64_t b = 0; b < yh_store_blocks(s); b++) {
            yh_store_raw raw;
            YH_TRY(yh_store_block_raw(c, b, &raw, err));
            for (size_t i = 0; i < raw.n && !print; i++)
                id[n++] = strdup(raw.doc[i].id);
            for (size_t i = 0; i < raw.n_decision[0] && print; i++)
                print_one(&raw.decision[0][i], id);
        }
    yh_store_cursor_free(c);
    for (uint64_t i = 0; i < n; i++)
        free(id[i]);
    free(id);
    return YH_OK;
}

static yh_status run(char **arg, yh_err *err)
{
    char store_path[4096], decided[4096];
    const char *paths[] = {store_path};
    const yh_stage *stage = yh_stage_find(arg[1]);
    json_t *given = json_loads(arg[2], 0, NULL), *params;
    yh_stage_run x = {.memory = strtoull(arg[3], NULL, 10) << 20, .work = arg[5]};
    double t[4], c[4];
    if (stage == NULL || given == NULL)
        return yh_fail(err, YH_INVALID, "no such stage, or parameters that are not JSON");
    snprintf(store_path, sizeof store_path, "%s/store", arg[5]);
    snprintf(decided, sizeof decided, "%s/decided", arg[5]);
    YH_TRY(yh_mkdirs(arg[5], err));
    t[0] = yh_now(), c[0] = cpu_seconds();
    YH_TRY(make_store(store_path, arg[6], err));
    YH_TRY(yh_store_open(&x.store, paths, 1, err));
    YH_TRY(yh_pool_create(&x.pool, atoi(arg[4]), err));
    YH_TRY(yh_params_complete(&params, given, stage->params, stage->name, err));
    YH_TRY(yh_decisions_create(&x.out, 8 << 20, arg[5], x.pool, err));
    x.stats = json_object();
    (void)yh_mem_peak_begin();
    t[1] = yh_now(), c[1] = cpu_seconds();
    YH_TRY(stage->run(params, &x, err));
    YH_TRY(yh_decisions_commit(x.out, decided, err));
    t[2] = yh_now(), c[2] = cpu_seconds();
    fprintf(stderr,
            "{\"documents\":%llu,\"bytes\":%llu,\"store_seconds\":%.3f,\"seconds\":%.3f,"
            "\"cpu_seconds\":%.3f,\"peak_mb\":%.1f,\"threads\":%d}\n",
            (unsigned long long)yh_store_documents(x.store),
            (unsigned long long)yh_store_bytes(x.store), t[1] - t[0], t[2] - t[1], c[2] - c[1],
            (double)yh_mem_peak_rss() / 1048576, yh_pool_threads(x.pool));
    YH_TRY(yh_store_apply(x.store, decided, err));
    YH_TRY(print_decisions(x.store, err));
    yh_decisions_free(x.out);
    yh_store_close(x.store);
    yh_pool_free(x.pool);
    json_decref(x.stats);
    json_decref(params);
    json_decref(given);
    return YH_OK;
}

int main(int argc, char **argv)
{
    yh_err err = YH_ERR_INIT;
    if (argc != 7) {
        fprintf(stderr, "usage: dedup_run STAGE PARAMS MEMORY_MB THREADS FOLDER FILE\n");
        return 2;
    }
    if (run(argv, &err) == YH_OK)
        return 0;
    fprintf(stderr, "dedup_run: %s\n", err.msg);
    return 1;
}
