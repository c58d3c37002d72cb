/* The matrix product: blocking, packing, threads. See gemm_parts.h for the layout of panels.
 *
 * For a block of at most `mo` rows and `no` columns of C, both operands are packed whole (all of k)
 * into a shared workspace; then tasks of mt x nt sums, sized for the second-level cache, run over
 * the panels in passes of kc. A sum is always taken over k in the same order by the same
 * micro-kernel, so its bits depend neither on the number of threads nor on the blocks. */
#include "kernels/gemm_parts.h"
#include "kernels/workspace.h"

enum {
    TASK_ROWS = 112,
    TASK_COLS = 256,
    GEMV_GRAIN = 12,                 /* columns; whole groups of the few-row kernels */
    UNPACKED_ROWS = 3 * YH_FEW_ROWS, /* up to here packing the weight costs more than it brings */
    SMALL = 1 << 15, /* below so many multiplications threads cost more than they bring */
};

typedef struct job {
    const yh_gemm *g;
    const yh_micro *u;
    const yh_gemm_helpers *h;
    yh_pack a, b;
    int64_t a_panels, b_panels;   /* to pack in this phase */
    int64_t row, col, rows, cols; /* block of C */
    int64_t mt, nt, tasks_m;
    float *scratch;
    int64_t scratch_each; /* floats per worker */
} job;

static int64_t round_up(int64_t v, int64_t to)
{
    return (v + to - 1) / to * to;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void pack_panels(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = arg;
    if (begin < j->a_panels)
        j->h->gemm_pack(&j->a, begin, min64(end, j->a_panels));
    if (end > j->a_panels)
        j->h->gemm_pack(&j->b, max64(begin, j->a_panels) - j->a_panels, end - j->a_panels);
}

/* One mt x nt part of the block. */
static void run_task(const job *j, int64_t task, float *scratch)
{
    const yh_micro *u = j->u;
    const int64_t kp = j->a.k_padded, elem = (int64_t)yh_dtype_size(u->packed);
    const int64_t m0 = task % j->tasks_m * j->mt, n0 = task / j->tasks_m * j->nt;
    const int64_t m1 = min64(m0 + j->mt, j->rows), n1 = min64(n0 + j->nt, j->cols);
    const bool one_pass = kp <= u->kc;
    int64_t pc = 0;
    do {
        const int64_t kb = min64(u->kc, kp - pc);
        const bool last = pc + kb == kp;
        float *tile = scratch;
        for (int64_t m = m0; m < m1; m += u->mr) {
            const char *a = (const char *)j->a.dst + (m * kp + pc * u->mr) * elem;
            for (int64_t n = n0; n < n1; n += u->nr) {
                const char *b = (const char *)j->b.dst + (n * kp + pc * u->nr) * elem;
                u->run(kb, a, b, tile, pc > 0);
                if (last)
                    j->h->gemm_store(j->g, tile, u->nr, j->row + m, j->col + n,
                                     (int)min64(u->mr, m1 - m), (int)min64(u->nr, n1 - n));
                if (!one_pass)
                    tile += u->mr * u->nr;
            }
        }
        pc += kb;
    } while (pc < kp);
}

static void run_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const job *j = arg;
    if (j->u->enter != NULL)
        j->u->enter();
    for (int64_t t = begin; t < end; t++)
        run_task(j, t, j->scratch + worker * j->scratch_each);
    if (j->u->leave != NULL)
        j->u->leave();
}

/* Splits `total` into equal parts of at most `most`, multiples of `unit`. */
static int64_t part(int64_t total, int64_t most, int64_t unit)
{
    int64_t parts = (total + most - 1) / most;
    return round_up((total + parts - 1) / parts, unit);
}

/* Task sizes: cache-sized, smaller when there would be too few tasks to share out. */
static void choose_tasks(job *j, int threads)
{
    const yh_micro *u = j->u;
    int64_t most_m = max64(TASK_ROWS / u->mr, 1) * u->mr,
            most_n = max64(TASK_COLS / u->nr, 1) * u->nr;
    for (;;) {
        j->mt = part(j->rows, most_m, u->mr);
        j->nt = part(j->cols, most_n, u->nr);
        j->tasks_m = (j->rows + j->mt - 1) / j->mt;
        int64_t tasks = j->tasks_m * ((j->cols + j->nt - 1) / j->nt);
        if (tasks >= 2 * threads || threads == 1)
            return;
        if (most_n > 2 * u->nr)
            most_n = round_up(most_n / 2, u->nr);
        else if (most_m > 2 * u->mr)
            most_m = round_up(most_m / 2, u->mr);
        else
            return;
    }
}

static const void *at(const void *base, yh_dtype t, int64_t elements)
{
    return (const char *)base + elements * (int64_t)yh_dtype_size(t);
}

static void run_block(job *j, bool pack_a, bool pack_b, yh_pool *pool)
{
    const yh_gemm *g = j->g;
    j->a.src = at(g->a, g->ab_type, g->trans_a ? j->row : j->row * g->lda);
    j->b.src = at(g->b, g->ab_type, g->trans_b ? j->col * g->ldb : j->col);
    j->a.outer = j->rows;
    j->b.outer = j->cols;
    j->a_panels = pack_a ? (j->rows + j->u->mr - 1) / j->u->mr : 0;
    j->b_panels = pack_b ? (j->cols + j->u->nr - 1) / j->u->nr : 0;
    yh_pool_run_dynamic(pool, j->a_panels + j->b_panels, 2, pack_panels, j);
    choose_tasks(j, yh_pool_threads(pool));
    yh_pool_run_dynamic(pool, j->tasks_m * ((j->cols + j->nt - 1) / j->nt), 1, run_tasks, j);
}

yh_status yh_gemm_run_micro(const yh_gemm *g, const yh_micro *u, yh_pool *pool, yh_err *err)
{
    const int64_t kp = round_up(g->k, u->k_align), elem = (int64_t)yh_dtype_size(u->packed);
    const int64_t fit = max64(YH_GEMM_PACKED_MAX / (max64(kp, 1) * elem), 1);
    const int64_t mo = part(g->m, max64(fit / u->mr, 1) * u->mr, u->mr);
    const int64_t no = part(g->n, max64(fit / u->nr, 1) * u->nr, u->nr);
    const size_t a_bytes = (size_t)round_up(mo * kp * elem, 4096);
    const size_t b_bytes = (size_t)round_up(no * kp * elem, 4096);
    job j = {.g = g, .u = u, .h = yh_gemm_helpers_current()};
    /* one tile, or all tiles of a task where k takes several passes */
    j.scratch_each =
        kp <= u->kc ? u->mr * u->nr : (TASK_ROWS + u->mr) * (int64_t)(TASK_COLS + u->nr);
    j.scratch_each = round_up(j.scratch_each, 1024);
    const size_t scratch = (size_t)j.scratch_each * sizeof(float) * (size_t)yh_pool_threads(pool);
    yh_workspace *w;
    YH_TRY(yh_workspace_take(&w, a_bytes + b_bytes + scratch, err));
    j.a = (yh_pack){.ld = g->lda,
                    .src_type = g->ab_type,
                    .dst_type = u->packed,
                    .k_inner = !g->trans_a,
                    .k = g->k,
                    .k_padded = kp,
                    .r = u->mr,
                    .unit = u->unit_a,
                    .dst = w->data};
    j.b = (yh_pack){.ld = g->ldb,
                    .src_type = g->ab_type,
                    .dst_type = u->packed,
                    .k_inner = g->trans_b,
                    .k = g->k,
                    .k_padded = kp,
                    .r = u->nr,
                    .unit = u->unit_b,
                    .dst = (char *)w->data + a_bytes};
    j.scratch = (float *)(void *)((char *)w->data + a_bytes + b_bytes);
    for (j.col = 0; j.col < g->n; j.col += no)
        for (j.row = 0; j.row < g->m; j.row += mo) {
            j.cols = min64(no, g->n - j.col);
            j.rows = min64(mo, g->m - j.row);
            run_block(&j, mo < g->m || j.col == 0, j.row == 0, pool);
        }
    yh_workspace_give(w);
    return YH_OK;
}

typedef struct few_rows_job {
    const yh_gemm *g;
    const yh_gemm_helpers *h;
} few_rows_job;

/* Rows in equal parts of at most YH_FEW_ROWS; the columns' weights stay in the cache between parts.
 */
static void run_few_rows(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const few_rows_job *j = arg;
    const int64_t rows = part(j->g->m, YH_FEW_ROWS, 1);
    const int64_t a_row = j->g->lda * (int64_t)yh_dtype_size(j->g->ab_type),
                  c_row = j->g->ldc * (int64_t)yh_dtype_size(j->g->c_type);
    for (int64_t n = begin; n < end; n += GEMV_GRAIN)
        for (int64_t m = 0; m < j->g->m; m += rows) {
            yh_gemm g = *j->g;
            g.m = min64(rows, j->g->m - m);
            g.a = (const char *)g.a + m * a_row;
            g.c = (char *)g.c + m * c_row;
            if (g.residual != NULL)
                g.residual = (const char *)g.residual + m * c_row;
            j->h->gemm_few_rows(&g, n, min64(n + GEMV_GRAIN, end));
        }
}

yh_status yh_gemm_run(const yh_gemm *g, yh_pool *pool, yh_err *err)
{
    if (g->m <= 0 || g->n <= 0)
        return YH_OK;
    if (g->m * g->n < SMALL && g->m * g->n * g->k < SMALL)
        pool = NULL;
    if (!g->trans_a && g->trans_b && g->m <= UNPACKED_ROWS) {
        few_rows_job j = {g, yh_gemm_helpers_current()};
        yh_pool_run(pool, g->n, GEMV_GRAIN, run_few_rows, &j);
        return YH_OK;
    }
    return yh_gemm_run_micro(g, yh_micro_pick(g->ab_type), pool, err);
}
