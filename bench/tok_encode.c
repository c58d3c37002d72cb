/* Times encoding for bench/tok_vs_peers: tok_encode TOKENIZER THREADS REPETITIONS TEXT...
 * Cuts each text into documents as the script does (at the first line end behind 16 KB), encodes
 * them one by one, and prints one JSON object a text: seconds of loading, of the first pass with a
 * freshly loaded tokenizer (cold) and of a second pass (warm), for each repetition, and the number
 * of ids with a checksum. THREADS is 1: by the processor's time, which neighbours
 * do not change; 1w: one thread, by the clock; more: by the clock, the documents dealt out to a
 * pool. "alu" instead of a tokenizer times a loop without memory on THREADS threads: the control
 * for scaling. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/thread.h"
#include "yh/tok.h"

enum { DOC = 16384 };

typedef struct job {
    const yh_tok *tok;
    const char *text;
    const size_t *cut;
    size_t docs;
    yh_ids ids[64]; /* by worker */
    uint64_t *sum;  /* by document */
    yh_status status[64];
} job;

/* Processor time for one thread: neighbours do not count. */
static clockid_t which = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void encode(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    for (int64_t i = begin; i < end; i++) {
        yh_ids *ids = &j->ids[worker];
        ids->n = 0;
        yh_status s =
            yh_tok_encode(j->tok, j->text + j->cut[i], j->cut[i + 1] - j->cut[i], 0, ids, NULL);
        if (s != YH_OK)
            j->status[worker] = s;
        j->sum[i] = ids->n;
    }
}

static size_t *cut_text(const char *p, size_t n, size_t *docs)
{
    size_t *cut = malloc((n / DOC + 2) * sizeof *cut), k = 0, at = 0;
    if (cut == NULL)
        exit(1);
    while (at < n) {
        cut[k++] = at;
        const char *end = n - at > DOC ? memchr(p + at + DOC, '\n', n - at - DOC) : NULL;
        at = end != NULL ? (size_t)(end - p) + 1 : n;
    }
    cut[k] = n;
    *docs = k;
    return cut;
}

static uint64_t checksum(const yh_tok *tok, const char *text, size_t n)
{
    yh_ids ids = YH_IDS_INIT;
    uint64_t h = 0;
    if (yh_tok_encode(tok, text, n, 0, &ids, NULL) != YH_OK)
        exit(1);
    for (size_t i = 0; i < ids.n; i++)
        h = h * 1000003 + ids.id[i];
    yh_ids_fini(&ids);
    return h;
}

static void list(const char *name, const double *v, int n)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%.6f", i > 0 ? ", " : "", v[i]);
    printf("]");
}

static volatile uint64_t sink;
static void spin(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        uint64_t x = (uint64_t)i;
        for (int k = 0; k < 1 << 20; k++)
            x = (x ^ x >> 7) * 0x9E3779B97F4A7C15u;
        sink = x;
    }
}

int main(int argc, char **argv)
{
    int threads = argc > 2 ? atoi(argv[2]) : 0, reps = argc > 3 ? atoi(argv[3]) : 0;
    yh_pool *pool = NULL;
    if (threads < 1 || threads > 64 || reps < 1 || reps > 100) {
        fprintf(stderr, "usage: tok_encode TOKENIZER|alu THREADS REPETITIONS TEXT...\n");
        return 2;
    }
    if (threads == 1 && strchr(argv[2], 'w') == NULL && strcmp(argv[1], "alu") != 0)
        which = CLOCK_PROCESS_CPUTIME_ID;
    double load[100], cold[100], warm[100];
    if (yh_pool_create(&pool, threads, NULL) != YH_OK)
        return 1;
    if (strcmp(argv[1], "alu") == 0) {
        for (int r = 0; r < reps; r++) {
            double t = now();
            yh_pool_run_dynamic(pool, 64, 1, spin, NULL);
            cold[r] = now() - t;
        }
        printf("{");
        list("alu", cold, reps);
        printf("}\n");
        yh_pool_free(pool);
        return 0;
    }
    for (int a = 4; a < argc; a++) {
        yh_buf text;
        yh_buf_init(&text, 0);
        if (yh_file_read(argv[a], 0, &text, NULL) != YH_OK)
            return 1;
        job *j = calloc(1, sizeof *j);
        if (j == NULL)
            return 1;
        size_t *cut = cut_text(text.data, text.len, &j->docs);
        j->text = text.data;
        j->cut = cut;
        j->sum = calloc(j->docs + 1, sizeof *j->sum);
        uint64_t ids = 0, sum = 0;
        for (int r = 0; r < reps; r++) {
            yh_tok *tok;
            double t0 = now();
            yh_err err = YH_ERR_INIT;
            if (yh_tok_load(&tok, argv[1], &err) != YH_OK) {
                fprintf(stderr, "%s\n", err.msg);
                return 1;
            }
            double t1 = now();
            j->tok = tok;
            yh_pool_run_dynamic(pool, (int64_t)j->docs, 8, encode, j);
            double t2 = now();
            yh_pool_run_dynamic(pool, (int64_t)j->docs, 8, encode, j);
            double t3 = now();
            load[r] = t1 - t0;
            cold[r] = t2 - t1;
            warm[r] = t3 - t2;
            if (r == 0) {
                for (size_t i = 0; i < j->docs; i++)
                    ids += j->sum[i];
                sum = checksum(tok, text.data, cut[1]);
            }
            yh_tok_free(tok);
        }
        printf("{\"text\": \"%s\", \"bytes\": %zu, \"documents\": %zu, \"ids\": %" PRIu64
               ", \"checksum\": \"%016" PRIx64 "\", ",
               yh_path_base(argv[a]), text.len, j->docs, ids, sum);
        list("load", load, reps);
        printf(", ");
        list("cold", cold, reps);
        printf(", ");
        list("warm", warm, reps);
        printf("}\n");
        fflush(stdout);
        for (int i = 0; i < 64; i++) {
            if (j->status[i] != YH_OK)
                return 1;
            yh_ids_fini(&j->ids[i]);
        }
        free(j->sum);
        free(cut);
        free(j);
        yh_buf_fini(&text);
    }
    yh_pool_free(pool);
    return 0;
}
