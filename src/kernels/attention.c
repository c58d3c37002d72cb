/* Attention: checks, scratch memory, and the split of the work over threads. Each output element is
 * written by one task that adds in a fixed order, so the bits do not depend on the threads. */
#include <math.h>

#include "kernels/attention.h"
#include "kernels/multi.h"
#include "kernels/workspace.h"

#define TABLE_OF(isa, level) [level] = &yh_attn_table__##isa,
static const yh_attn_table *const tables[YH_ISA_COUNT] = {YH_BUILT_ISAS(TABLE_OF)};

static const yh_attn_table *forced;

void yh_attn_force(const yh_attn_table *bf16)
{
    forced = bf16;
}

static const yh_attn_table *table_for(yh_dtype type)
{
    yh_isa isa = yh_isa_current();
    if (type == YH_BF16 && forced != NULL)
        return forced;
#ifdef YH_X86
    if (type == YH_BF16 && isa >= YH_ISA_AMX)
        return &yh_attn_table_bf16__amx;
    if (type == YH_BF16 && isa >= YH_ISA_AVX512BF16)
        return &yh_attn_table_bf16__avx512bf16;
#endif
    return tables[isa];
}

static int64_t padded(int dim)
{
    return (dim + 15) / 16 * 16;
}

/* One call on the pool: the job, the kernels and each worker's part of the scratch. */
typedef struct run {
    yh_attn_job job;
    const yh_attn_table *table;
    float *scratch;
    size_t each;           /* floats of scratch per worker */
    int64_t blocks, group; /* forward: blocks of a head that go together */
    const int32_t *unit;   /* [units + 1] first blocks of independent spans */
    int64_t units;
    int64_t chunks; /* decoding: pieces of the longest row */
} run;

static float *worker_scratch(const run *r, int worker)
{
    return r->scratch + (size_t)worker * r->each;
}

static yh_status check_shape(int64_t rows, int heads, int kv_heads, int dim, float scale,
                             yh_dtype type, yh_err *err)
{
    if (rows < 0 || rows > INT32_MAX || heads < 1 || kv_heads < 1 || heads % kv_heads != 0)
        return yh_fail(err, YH_INVALID,
                       "attention: %d query heads over %d key heads: must be a multiple", heads,
                       kv_heads);
    if (dim < 1 || dim > ATTN_MAX_DIM)
        return yh_fail(err, YH_UNSUPPORTED, "attention: heads of %d elements: must be 1 to %d", dim,
                       (int)ATTN_MAX_DIM);
    if (!(scale > 0))
        return yh_fail(err, YH_INVALID, "attention: scale %g: must be above 0", (double)scale);
    if (type != YH_F32 && type != YH_BF16)
        return yh_fail(err, YH_UNSUPPORTED, "attention: %s rows: must be F32 or BF16",
                       yh_dtype_text(type));
    return YH_OK;
}

static yh_attn_job job_of(const yh_attn *a)
{
    return (yh_attn_job){.rows = a->rows,
                         .keys = a->rows,
                         .heads = a->heads,
                         .kv_heads = a->kv_heads,
                         .dim = a->dim,
                         .scale = a->scale,
                         .window = a->window,
                         .type = a->type,
                         .start = a->start,
                         .q = a->q,
                         .k = a->k,
                         .v = a->v,
                         .out = a->out,
                         .fwd_out = a->out,
                         .dout = a->dout,
                         .dq = a->dq,
                         .dk = a->dk,
                         .dv = a->dv,
                         .ldq = a->ldq,
                         .ldk = a->ldk,
                         .ldv = a->ldv,
                         .ldo = a->ldo,
                         .lse = a->lse};
}

/* Task i of blocks x heads: eight blocks of one head after another, so that the rows that they
 * share are still in the cache. Returns the block's place in the order. */
static int64_t task_block(const run *r, int64_t i, int heads, int *head)
{
    const int64_t first = i / (8 * heads) * 8, left = r->blocks - first;
    const int64_t group = left < 8 ? left : 8, k = i - first * heads;
    *head = (int)(k / group);
    return first + k % group;
}

/* ---- forward ---- */

/* Later query blocks see more keys: they are handed out first. */
static void forward_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const run *r = arg;
    const int64_t groups = (r->blocks + r->group - 1) / r->group;
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = (groups - 1 - i / r->job.heads) * r->group;
        const int64_t behind = first + r->group < r->blocks ? first + r->group : r->blocks;
        r->table->attn_fwd(&r->job, (int)(i % r->job.heads), first, behind,
                           worker_scratch(r, worker));
    }
}

/* How many query blocks of a head go together: their keys and values are packed once. Enough tasks
 * are left for the threads, and the blocks' sums stay in the second-level cache. */
static int64_t group_of(const run *r, int threads)
{
    int64_t n = ATTN_GROUP;
    while (n > 1 && (n * padded(r->job.dim) > 512 ||
                     (r->blocks + n - 1) / n * r->job.heads < 4 * (int64_t)threads))
        n /= 2;
    return n;
}

static yh_status run_forward(run *r, yh_pool *pool, yh_err *err)
{
    yh_workspace *ws;
    const int threads = yh_pool_threads(pool);
    r->blocks = (r->job.rows + ATTN_BLOCK - 1) / ATTN_BLOCK;
    r->group = group_of(r, threads);
    r->each = yh_attn_fwd_floats(r->job.dim, r->group);
    YH_TRY(yh_workspace_take(&ws, (size_t)threads * r->each * sizeof(float), err));
    r->scratch = ws->data;
    yh_pool_run_dynamic(pool, (r->blocks + r->group - 1) / r->group * r->job.heads, 1,
                        forward_tasks, r);
    yh_workspace_give(ws);
    return YH_OK;
}

yh_status yh_attn_forward(const yh_attn *a, yh_pool *pool, yh_err *err)
{
    YH_TRY(check_shape(a->rows, a->heads, a->kv_heads, a->dim, a->scale, a->type, err));
    run r = {.job = job_of(a), .table = table_for(a->type)};
    return run_forward(&r, pool, err);
}

/* ---- backward ---- */

static void delta_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const run *r = arg;
    (void)worker;
    for (int h = 0; h < r->job.heads; h++)
        r->table->attn_delta(&r->job, h, begin, end);
}

static void key_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const run *r = arg;
    for (int64_t i = begin; i < end; i++) {
        int head;
        int64_t block = task_block(r, i, r->job.kv_heads, &head);
        r->table->attn_bwd_kv(&r->job, head, block, worker_scratch(r, worker));
    }
}

static void query_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const run *r = arg;
    for (int64_t i = begin; i < end; i++) {
        int head;
        int64_t block = r->blocks - 1 - task_block(r, i, r->job.heads, &head);
        r->table->attn_bwd_q(&r->job, head, block, worker_scratch(r, worker));
    }
}

static void unit_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const run *r = arg;
    float *scratch = worker_scratch(r, worker);
    for (int64_t i = begin; i < end; i++) {
        const int32_t *u = r->unit + i / r->job.kv_heads;
        r->table->attn_bwd_all(&r->job, (int)(i % r->job.kv_heads), u[0], u[1], scratch,
                               scratch + yh_attn_bwd_floats(r->job.dim));
    }
}

/* Cuts the blocks where no row sees a key before the cut (sequences that begin on the grid).
 * Returns the length of the longest span, in blocks. */
static int64_t find_units(run *r, int32_t *unit)
{
    int64_t n = 0, longest = 0;
    for (int64_t b = 0; b < r->blocks; b++) {
        int64_t lo, hi;
        yh_attn_range(&r->job, b * ATTN_BLOCK, &lo, &hi);
        if (lo == hi)
            unit[n++] = (int32_t)b;
    }
    unit[n] = (int32_t)r->blocks;
    for (int64_t i = 0; i < n; i++)
        longest = unit[i + 1] - unit[i] > longest ? unit[i + 1] - unit[i] : longest;
    r->unit = unit;
    r->units = n;
    return longest;
}

yh_status yh_attn_backward(const yh_attn *a, yh_pool *pool, yh_err *err)
{
    YH_TRY(check_shape(a->rows, a->heads, a->kv_heads, a->dim, a->scale, a->type, err));
    if (a->rows == 0)
        return YH_OK;
    run r = {.job = job_of(a), .table = table_for(a->type)};
    yh_workspace *shared, *ws = NULL;
    const int threads = yh_pool_threads(pool);
    const size_t group = (size_t)(a->heads / a->kv_heads);
    r.blocks = (a->rows + ATTN_BLOCK - 1) / ATTN_BLOCK;
    size_t delta = (size_t)a->heads * (size_t)a->rows * sizeof(float);
    YH_TRY(yh_workspace_take(&shared, delta + (size_t)(r.blocks + 1) * sizeof(int32_t), err));
    r.job.delta = shared->data;
    int64_t longest = find_units(&r, (int32_t *)(void *)((char *)shared->data + delta));

    /* One pass over independent spans computes the scores once; with too few spans for the threads,
     * or long ones, a pass for dk, dv and one for dq split finer. Both give the same bits. */
    size_t kept = (size_t)longest * group *
                  (ATTN_BLOCK * (size_t)padded(a->dim) + yh_attn_queries_floats(a->dim));
    bool spans = kept <= ((size_t)32 << 20) / sizeof(float) &&
                 (threads == 1 || r.units * a->kv_heads >= 3 * (int64_t)threads);
    r.each = yh_attn_bwd_floats(a->dim) + (spans ? kept : 0);
    yh_status s = yh_workspace_take(&ws, (size_t)threads * r.each * sizeof(float), err);
    if (s == YH_OK) {
        r.scratch = ws->data;
        yh_pool_run(pool, a->rows, ATTN_BLOCK, delta_tasks, &r);
        if (spans) {
            yh_pool_run_dynamic(pool, r.units * a->kv_heads, 1, unit_tasks, &r);
        } else {
            yh_pool_run_dynamic(pool, r.blocks * a->kv_heads, 1, key_tasks, &r);
            yh_pool_run_dynamic(pool, r.blocks * a->heads, 1, query_tasks, &r);
        }
        yh_workspace_give(ws);
    }
    yh_workspace_give(shared);
    return s;
}

/* ---- decoding ---- */

/* The chunk's results of all heads of one row: [head][2 + padded dim]. */
static float *decode_part(const run *r, int64_t row, int64_t chunk, int head)
{
    return r->job.part +
           ((row * r->chunks + chunk) * r->job.heads + head) * (padded(r->job.dim) + 2);
}

static void chunk_span(const run *r, int64_t row, int64_t *first, int64_t *last)
{
    int64_t lo, hi;
    yh_attn_range(&r->job, row, &lo, &hi);
    *first = lo / ATTN_CHUNK;
    *last = hi / ATTN_CHUNK;
}

/* task = (row, chunk, kv head) */
static void decode_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const run *r = arg;
    (void)worker;
    const int kvs = r->job.kv_heads, group = r->job.heads / kvs;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / kvs / r->chunks, chunk = i / kvs % r->chunks, first, last;
        int kv = (int)(i % kvs);
        chunk_span(r, row, &first, &last);
        if (first + chunk <= last)
            r->table->attn_decode(&r->job, row, kv, first + chunk,
                                  decode_part(r, row, chunk, kv * group));
    }
}

/* Joins the chunks of (row, head) in ascending order. */
static void join_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const run *r = arg;
    const yh_attn_job *j = &r->job;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / j->heads, first, last;
        int head = (int)(i % j->heads);
        chunk_span(r, row, &first, &last);
        float top = -1e30f, sum = 0;
        float acc[ATTN_MAX_DIM] = {0};
        for (int64_t c = 0; c <= last - first; c++) {
            const float *p = decode_part(r, row, c, head);
            top = p[0] > top ? p[0] : top;
        }
        for (int64_t c = 0; c <= last - first; c++) {
            const float *p = decode_part(r, row, c, head);
            float w = exp2f(p[0] - top);
            sum += p[1] * w;
            for (int d = 0; d < j->dim; d++)
                acc[d] += p[2 + d] * w;
        }
        int64_t at = row * j->ldo + (int64_t)head * j->dim;
        for (int d = 0; d < j->dim; d++) {
            if (j->type == YH_BF16)
                ((yh_bf16 *)j->out)[at + d] = yh_f32_to_bf16(acc[d] / sum);
            else
                ((float *)j->out)[at + d] = acc[d] / sum;
        }
    }
}

yh_status yh_attn_cached_run(const yh_attn_cached *a, yh_pool *pool, yh_err *err)
{
    YH_TRY(check_shape(a->n, a->heads, a->kv_heads, a->dim, a->scale, a->type, err));
    run r = {.job = {.rows = a->n,
                     .heads = a->heads,
                     .kv_heads = a->kv_heads,
                     .dim = a->dim,
                     .scale = a->scale,
                     .window = a->window,
                     .type = a->type,
                     .pos = a->pos,
                     .q = a->q,
                     .k = a->k_cache,
                     .v = a->v_cache,
                     .out = a->out,
                     .ldq = a->ldq,
                     .ldk = a->ldkv,
                     .ldv = a->ldkv,
                     .ldo = a->ldo},
             .table = table_for(a->type)};
    if (a->n >= ATTN_BLOCK / 4) /* a prompt: the blocked kernel reads each key once per block */
        return run_forward(&r, pool, err);
    r.chunks = 1;
    for (int64_t i = 0; i < a->n; i++) {
        int64_t first, last;
        chunk_span(&r, i, &first, &last);
        r.chunks = last - first + 1 > r.chunks ? last - first + 1 : r.chunks;
    }
    yh_workspace *ws;
    size_t floats = (size_t)(a->n * r.chunks * a->heads) * (size_t)(padded(a->dim) + 2);
    YH_TRY(yh_workspace_take(&ws, floats * sizeof(float), err));
    r.job.part = ws->data;
    yh_pool_run_dynamic(pool, a->n * r.chunks * a->kv_heads, 1, decode_tasks, &r);
    yh_pool_run(pool, a->n * a->heads, 1, join_tasks, &r);
    yh_workspace_give(ws);
    return YH_OK;
}
