/* The matrix product: blocking, packing, threads. See gemm_parts.h for the layout of panels.
 *
 * For a block of at most `mo` rows and `no` columns of C, both operands are packed whole (all of k)
 * into a shared workspace, unless the rows of A can be read in place, B comes packed or tasks pack
 * it in strips; then tasks of mt x nt sums run over the panels in passes of kc, sized for the
 * second-level cache or made of strips that are. A sum is
 * always taken over k in the same order by the same micro-kernel, so its bits depend neither on the
 * number of threads nor on the blocks. */
#include <math.h>
#include <string.h>

#include "kernels/gemm_parts.h"
#include "kernels/workspace.h"

enum {
    TASK_ROWS = 112,
    TASK_COLS = 256,
    STRIP = 128,      /* columns of B that a task packs right before use, */
    STRIP_ROWS = 512, /* for so many rows, at most, where k takes several passes */
    DEPTH = 1024,     /* of k, packed at once where A lies across it and C is F32 */
    HOT_A = 1 << 20,  /* bytes packed at once for each thread, used up while a cache has them: A, */
    HOT_B = 1 << 20,  /* and B */
    STRIPS_TO = 256,  /* rows of A in place: with more of them all B is packed first */
    PACK_COST = 20,   /* an element, in multiplications of a whole tile */
    TURN_COST = 16,   /* the same, to store an element of C transposed */
    ALIAS = 4096,     /* rows so far apart fall on the same lines of the first-level cache */
    GEMV_GRAIN = 12,  /* columns; whole groups of the few-row kernels */
    UNPACKED_ROWS = 3 * YH_FEW_ROWS, /* up to here packing the weight costs more than it brings */
    SMALL = 1 << 15, /* below so many multiplications threads cost more than they bring */
};

typedef struct job {
    const yh_gemm *g;
    const yh_gemm *turned; /* g computes the transpose of this product's C; NULL: its own C */
    const yh_micro *u;
    const yh_gemm_helpers *h;
    yh_pack a, b;
    int64_t a_panels, b_panels; /* to pack in this phase */
    bool in_place;              /* whole panels of A are read where they are; the last is packed */
    const char *a_rows;         /* in place: the block's first row */
    bool strips;                /* tasks pack their columns of B themselves, */
    int64_t strip;              /* so many at a time */
    char *strip_room;
    int64_t strip_each; /* bytes per worker */
    bool go_on;         /* the sums begin with C */
    bool direct;        /* whole tiles are stored by the micro-kernel */
    yh_tile_end end;
    int64_t row, col, rows, cols; /* block of C */
    int64_t mt, nt, tasks_m, tasks_n;
    int64_t kc;  /* depth of a pass */
    float *part; /* exp: [task][sum, top][n] */
    float *scratch;
    int64_t scratch_each; /* floats per worker */
} job;

/* Rows [m0, m1) and columns [n0, n1) of the block, k from pc to pc + kb. */
typedef struct piece {
    int64_t m0, m1, n0, n1, pc, kb;
} piece;

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

static const void *at(const void *base, yh_dtype t, int64_t elements)
{
    return (const char *)base + elements * (int64_t)yh_dtype_size(t);
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

/* Neighbours together: they share lines of the source. */
static void pack(job *j, yh_pool *pool)
{
    const int64_t panels = j->a_panels + j->b_panels;
    if (panels > 0)
        yh_pool_run_dynamic(pool, panels, max64(panels / (4 * yh_pool_threads(pool)), 2),
                            pack_panels, j);
}

/* Rows in place are too many streams for the hardware's prefetcher: while the panels of B pass a
 * panel of A, the next panel's rows are called for, some with each. */
static void call_for_rows(const job *j, int64_t m, int64_t part, int64_t parts, int64_t pc,
                          int64_t kb)
{
    const int64_t elem = (int64_t)yh_dtype_size(j->u->packed), ld = j->g->lda * elem;
    if (!j->in_place || m + j->u->mr > j->rows)
        return;
    for (int64_t i = part; i < j->u->mr; i += parts)
        for (int64_t at = 0; at < kb * elem; at += 64)
            __builtin_prefetch(j->a_rows + (m + i) * ld + pc * elem + at);
}

/* The lines of C that the tile will be stored to, while its sums are taken. */
static void call_for_tile(const job *j, const piece *p, int64_t m, int64_t n)
{
    const yh_gemm *g = j->turned != NULL ? j->turned : j->g;
    const int64_t rows = min64(j->u->mr, p->m1 - m), cols = min64(j->u->nr, p->n1 - n);
    const int64_t elem = (int64_t)yh_dtype_size(g->c_type);
    const int64_t row = j->turned != NULL ? j->col + n : j->row + m,
                  col = j->turned != NULL ? j->row + m : j->col + n;
    const int64_t height = j->turned != NULL ? cols : rows, width = j->turned != NULL ? rows : cols;
    if (g->c == NULL)
        return;
    for (int64_t i = 0; i < height; i++) {
        const char *first = (const char *)g->c + ((row + i) * g->ldc + col) * elem;
        for (int64_t at = 0; at < width * elem; at += 64)
            __builtin_prefetch(first + at, 1);
    }
}

static void store_tile(const job *j, const float *tile, int64_t m, int64_t n, int rows, int cols,
                       float *part)
{
    const int nr = j->u->nr;
    const int64_t row = j->row + m, col = j->col + n;
    if (j->turned != NULL)
        j->h->gemm_store_turned(j->turned, tile, nr, col, row, cols, rows);
    else if (j->g->exp == NULL)
        j->h->gemm_store(j->g, tile, nr, row, col, rows, cols);
    else
        j->h->gemm_store_exp(j->g, tile, nr, row, col, rows, cols, part, part + j->g->n);
}

/* The part of B that a piece takes, as a task packs it. */
static yh_pack strip_of(const job *j, const piece *p)
{
    yh_pack s = j->b;
    s.src = at(s.src, s.src_type, s.k_inner ? p->n0 * s.ld + p->pc : p->pc * s.ld + p->n0);
    s.outer = p->n1 - p->n0;
    s.k = min64(p->kb, s.k - p->pc);
    s.k_padded = s.to = p->kb;
    return s;
}

/* While tiles of one piece are computed, what the next strip is packed from is called for. */
static void call_for_strip(const yh_pack *s, int64_t tile, int64_t tiles)
{
    const int64_t lines = s->k_inner ? s->outer : s->k;
    const int64_t bytes = (s->k_inner ? s->k : s->outer) * (int64_t)yh_dtype_size(s->src_type);
    for (int64_t i = lines * tile / tiles; i < lines * (tile + 1) / tiles; i++) {
        const char *line = at(s->src, s->src_type, i * s->ld);
        for (int64_t x = 0; x < bytes; x += 64)
            __builtin_prefetch(line + x, 0, 2);
    }
}

/* Sums that begin with C. */
static void load_tile(const job *j, float *tile, int64_t m, int64_t n, int rows, int cols)
{
    const float *c = (const float *)j->g->c + (j->row + m) * j->g->ldc + j->col + n;
    for (int i = 0; i < rows; i++)
        memcpy(tile + i * j->u->nr, c + i * j->g->ldc, (size_t)cols * sizeof *c);
}

/* One panel of A, packed or in place, times one of B, to C if this is the last of k. */
static void run_tile(const job *j, const piece *p, int64_t m, int64_t n, const char *a,
                     const char *b, float *tile, float *sums)
{
    const yh_micro *u = j->u;
    const yh_gemm *g = j->g;
    const int rows = (int)min64(u->mr, p->m1 - m), cols = (int)min64(u->nr, p->n1 - n);
    const bool add = p->pc > 0 || j->go_on;
    int64_t ld = 0;
    if (j->in_place && rows == u->mr) {
        const int64_t elem = (int64_t)yh_dtype_size(u->packed);
        ld = g->lda * elem;
        a = j->a_rows + m * ld + p->pc * elem;
    }
    if (j->direct && rows == u->mr && cols == u->nr) {
        const int64_t first = (j->row + m) * g->ldc + j->col + n;
        u->run_to(p->kb, a, ld, b, (char *)g->c + first * (int64_t)yh_dtype_size(g->c_type), g->ldc,
                  j->end);
        return;
    }
    if (j->go_on && p->pc == 0)
        load_tile(j, tile, m, n, rows, cols);
    if (ld > 0)
        u->run_rows(p->kb, a, ld, b, tile, add);
    else if (rows < u->mr && u->run_few != NULL)
        u->run_few(p->kb, rows, a, b, tile, add);
    else
        u->run(p->kb, a, b, tile, add);
    if (p->pc + p->kb == j->a.k_padded)
        store_tile(j, tile, m, n, rows, cols, sums);
}

/* The smaller operand is read again and again, from a cache, the larger one once. */
static void run_piece(const job *j, const piece *p, const piece *next, float *tile, char *strip,
                      float *sums)
{
    const yh_micro *u = j->u;
    const int64_t kp = j->a.k_padded, elem = (int64_t)yh_dtype_size(u->packed);
    const int64_t across = (p->n1 - p->n0 + u->nr - 1) / u->nr,
                  tiles = (p->m1 - p->m0 + u->mr - 1) / u->mr * across;
    const char *a =
                   (const char *)j->a.dst + ((j->in_place ? 0 : p->m0) * kp + p->pc * u->mr) * elem,
               *b = (const char *)j->b.dst + (p->n0 * kp + p->pc * u->nr) * elem;
    const int64_t step_a = j->in_place ? 0 : kp * u->mr * elem,
                  step_b = (j->strips ? p->kb : kp) * u->nr * elem;
    yh_pack to_come = {0};
    if (j->strips) {
        yh_pack s = strip_of(j, p);
        s.dst = strip;
        j->h->gemm_pack(&s, 0, across);
        b = strip;
        to_come = strip_of(j, next);
    }
    int64_t done = 0;
    for (int64_t m = p->m0; m < p->m1; m += u->mr, a += step_a)
        for (int64_t i = 0; i < across; i++, done++) {
            const int64_t n = p->n0 + i * u->nr;
            call_for_rows(j, m + u->mr, i, across, p->pc, p->kb);
            if (to_come.outer > 0)
                call_for_strip(&to_come, done, tiles);
            if (p->pc + p->kb == kp)
                call_for_tile(j, p, m, n);
            run_tile(j, p, m, n, a, b + i * step_b, tile, sums);
            if (kp > j->kc)
                tile += u->mr * u->nr;
        }
}

/* One mt x nt part of the block, in strips of columns and passes over k. */
static void run_task(const job *j, int64_t task, float *scratch, char *strip)
{
    const int64_t kp = j->a.k_padded;
    const bool tall = j->in_place && j->rows > j->cols;
    const int64_t tm = tall ? task / j->tasks_n : task % j->tasks_m;
    const int64_t tn = tall ? task % j->tasks_n : task / j->tasks_m;
    const int64_t n0 = tn * j->nt, n1 = min64(n0 + j->nt, j->cols);
    const int64_t width = j->strips ? j->strip : j->nt;
    float *part = j->part != NULL ? j->part + 2 * tm * j->g->n : NULL;
    for (int64_t n = n0; part != NULL && n < n1; n++) {
        part[j->col + n] = 0.0f;
        part[j->g->n + j->col + n] = -INFINITY;
    }
    piece p = {.m0 = tm * j->mt, .n0 = n0, .kb = min64(j->kc, kp)};
    p.m1 = min64(p.m0 + j->mt, j->rows);
    p.n1 = min64(n0 + width, n1);
    while (p.n0 < n1) {
        piece next = p;
        next.pc += p.kb;
        if (next.pc == kp) {
            next.pc = 0;
            next.n0 = p.n1;
            next.n1 = min64(p.n1 + width, n1);
        }
        next.kb = min64(j->kc, kp - next.pc);
        run_piece(j, &p, &next, scratch, strip, part);
        p = next;
    }
}

static void run_tasks(void *arg, int64_t begin, int64_t end, int worker)
{
    const job *j = arg;
    if (j->u->enter != NULL)
        j->u->enter();
    for (int64_t t = begin; t < end; t++)
        run_task(j, t, j->scratch + worker * j->scratch_each,
                 j->strip_room + worker * j->strip_each);
    if (j->u->leave != NULL)
        j->u->leave();
}

/* Splits `total` into equal parts of at most `most`, multiples of `unit`. */
static int64_t part(int64_t total, int64_t most, int64_t unit)
{
    int64_t parts = (total + most - 1) / most;
    return round_up((total + parts - 1) / parts, unit);
}

/* Task sizes: cache-sized, smaller when there would be too few tasks to share out. The rows of a
 * task whose sums are taken down its columns never depend on the threads. */
static void choose_tasks(job *j, int threads)
{
    const yh_micro *u = j->u;
    int64_t most_m = max64(TASK_ROWS / u->mr, 1) * u->mr,
            most_n = max64(TASK_COLS / u->nr, 1) * u->nr;
    if (j->strips) {
        most_m = j->a.k_padded > j->kc ? STRIP_ROWS / u->mr * u->mr : round_up(j->rows, u->mr);
        most_n = round_up(j->cols, u->nr);
    }
    for (;;) {
        j->mt = part(j->rows, most_m, u->mr);
        j->nt = part(j->cols, most_n, u->nr);
        j->tasks_m = (j->rows + j->mt - 1) / j->mt;
        j->tasks_n = (j->cols + j->nt - 1) / j->nt;
        int64_t tasks = j->tasks_m * j->tasks_n;
        if (tasks >= 2 * threads || threads == 1)
            return;
        if (most_n > 2 * u->nr)
            most_n = round_up(most_n / 2, u->nr);
        else if (most_m > 2 * u->mr && j->g->exp == NULL)
            most_m = round_up(most_m / 2, u->mr);
        else
            return;
    }
}

/* Adds the sums of the tasks, and takes the largest top, in the order of the rows. */
static void fold_parts(const job *j)
{
    const yh_gemm_exp *e = j->g->exp;
    for (int64_t t = 0; t < j->tasks_m; t++) {
        const float *sum = j->part + 2 * t * j->g->n, *top = sum + j->g->n;
        for (int64_t n = j->col; n < j->col + j->cols; n++) {
            e->sum[n] += (double)sum[n];
            e->top[n] = top[n] > e->top[n] ? top[n] : e->top[n];
        }
    }
}

static void run_block(job *j, bool pack_a, bool pack_b, yh_pool *pool)
{
    const yh_gemm *g = j->g;
    const int64_t elem = (int64_t)yh_dtype_size(g->ab_type);
    j->a_rows = at(g->a, g->ab_type, g->trans_a ? j->row : j->row * g->lda);
    j->a.src = j->a_rows;
    j->a.outer = j->rows;
    if (j->in_place) {
        j->a.outer = j->rows % j->u->mr;
        j->a.src = j->a_rows + (j->rows - j->a.outer) * g->lda * elem;
    }
    j->b.src = at(g->b, g->ab_type, g->trans_b ? j->col * g->ldb : j->col);
    j->b.outer = j->cols;
    j->a_panels = pack_a ? (j->a.outer + j->u->mr - 1) / j->u->mr : 0;
    j->b_panels = pack_b ? (j->cols + j->u->nr - 1) / j->u->nr : 0;
    pack(j, pool);
    choose_tasks(j, yh_pool_threads(pool));
    yh_pool_run_dynamic(pool, j->tasks_m * j->tasks_n, 1, run_tasks, j);
    if (g->exp != NULL)
        fold_parts(j);
}

static yh_pack pack_of_b(const yh_gemm *g, const yh_micro *u)
{
    return (yh_pack){.src = g->b,
                     .ld = g->ldb,
                     .src_type = g->ab_type,
                     .dst_type = u->packed,
                     .k_inner = g->trans_b,
                     .outer = g->n,
                     .k = g->k,
                     .k_padded = round_up(g->k, u->k_align),
                     .to = round_up(g->k, u->k_align),
                     .r = u->nr,
                     .unit = u->unit_b};
}

size_t yh_gemm_packed_bytes(int64_t n, int64_t k)
{
    return (size_t)round_up(n, 32) * (size_t)round_up(k, 32) * sizeof(float);
}

void yh_gemm_pack_b(const yh_gemm *g, void *dst, yh_pool *pool)
{
    const yh_micro *u = yh_micro_pick(g->ab_type);
    job j = {.g = g, .u = u, .h = yh_gemm_helpers_current(), .b = pack_of_b(g, u)};
    j.b.dst = dst;
    j.b_panels = (g->n + u->nr - 1) / u->nr;
    pack(&j, pool);
}

size_t yh_gemm_weight_bytes(const yh_gemm *g)
{
    const yh_micro *u = yh_micro_pick(g->ab_type);
    return (size_t)(round_up(g->n, u->nr) * round_up(g->k, u->k_align)) * yh_dtype_size(u->packed);
}

void yh_gemm_pack_rows(const yh_gemm *g, void *dst, int64_t begin, int64_t end)
{
    const yh_micro *u = yh_micro_pick(g->ab_type);
    yh_pack p = pack_of_b(g, u);
    int64_t first = 0, last = (g->n + u->nr - 1) / u->nr;
    p.dst = dst;
    if (g->trans_b) {
        first = begin / u->nr;
        last = (end + u->nr - 1) / u->nr;
    } else {
        p.from = begin;
        p.to = end < g->k ? end : p.k_padded;
    }
    yh_gemm_helpers_current()->gemm_pack(&p, first, last);
}

/* Whether rows of an operand can be read where they are. */
static bool reads_in_place(const yh_gemm *g, const yh_micro *u, bool k_inner, int64_t ld)
{
    return u->run_rows != NULL && k_inner && g->ab_type == u->packed && g->k % u->k_align == 0 &&
           ld * (int64_t)yh_dtype_size(g->ab_type) % ALIAS != 0;
}

/* Whether to compute Cᵀ = op(B)ᵀ · op(A)ᵀ: then B is read where it lies, and A packed, which pays
 * where A has few rows. */
static bool turns(const yh_gemm *g, const yh_micro *u)
{
    if (g->trans_a || g->packed_b != NULL || g->exp != NULL ||
        !reads_in_place(g, u, g->trans_b, g->ldb))
        return false;
    const int64_t m = g->m, n = g->n, across = round_up(m, u->nr);
    return across * (n * g->k + n * TURN_COST) + m * g->k * PACK_COST <
           round_up(m, u->mr) * n * g->k + n * g->k * PACK_COST;
}

static yh_gemm turn(const yh_gemm *g)
{
    yh_gemm t = *g;
    t.m = g->n;
    t.n = g->m;
    t.a = g->b;
    t.b = g->a;
    t.lda = g->ldb;
    t.ldb = g->lda;
    return t;
}

/* What the operands of a product are packed into. */
typedef struct room {
    int64_t mo, no; /* rows and columns of C that are packed at once */
    size_t a, b, scratch, part;
} room; /* b: of all strips, where tasks pack it */

static room room_for(const job *j, int threads)
{
    const yh_gemm *g = j->g;
    const yh_micro *u = j->u;
    const int64_t kp = round_up(g->k, u->k_align), elem = (int64_t)yh_dtype_size(u->packed);
    /* sums down the columns may not depend on the threads */
    const int64_t a =
        g->exp != NULL ? YH_GEMM_PACKED_MAX : min64((int64_t)HOT_A * threads, YH_GEMM_PACKED_MAX);
    const int64_t b = min64((int64_t)HOT_B * threads, YH_GEMM_PACKED_MAX);
    const int64_t bytes = max64(kp, 1) * elem;
    room r = {.mo = g->m, .no = g->n};
    if (!j->in_place)
        r.mo = part(g->m, max64(a / bytes / TASK_ROWS, 1) * TASK_ROWS, u->mr);
    if (g->packed_b == NULL && !j->strips)
        r.no = part(g->n, max64(b / bytes / TASK_COLS, 1) * TASK_COLS, u->nr);
    r.a = (size_t)round_up((j->in_place ? u->mr : r.mo) * kp * elem, 4096);
    r.b = g->packed_b != NULL ? 0 : (size_t)round_up(r.no * kp * elem, 4096);
    if (j->strips)
        r.b = (size_t)(j->strip_each * threads);
    r.scratch = (size_t)(j->scratch_each * threads) * sizeof(float);
    if (g->exp != NULL)
        r.part = (size_t)(2 * (r.mo / (TASK_ROWS / u->mr * u->mr) + 1) * g->n) * sizeof(float);
    return r;
}

static void run_blocks(job *j, const room *r, yh_pool *pool)
{
    const yh_gemm *g = j->g;
    for (j->col = 0; j->col < g->n; j->col += r->no)
        for (j->row = 0; j->row < g->m; j->row += r->mo) {
            j->cols = min64(r->no, g->n - j->col);
            j->rows = min64(r->mo, g->m - j->row);
            run_block(j, j->in_place || r->mo < g->m || j->col == 0,
                      g->packed_b == NULL && !j->strips && j->row == 0, pool);
        }
}

static job job_for(const yh_gemm *g, const yh_micro *u)
{
    job j = {.g = g,
             .u = u,
             .h = yh_gemm_helpers_current(),
             .in_place = reads_in_place(g, u, !g->trans_a, g->lda)};
    const int64_t kp = round_up(g->k, u->k_align);
    j.kc = kp <= u->kc ? u->kc : part(kp, u->kc, u->k_align);
    j.strips = g->packed_b == NULL && g->exp == NULL && (!j.in_place || g->m <= STRIPS_TO);
    j.strip = round_up(STRIP, u->nr);
    j.strip_each = round_up(j.strip * min64(kp, j.kc) * (int64_t)yh_dtype_size(u->packed), 4096);
    /* one tile, or all tiles of a piece where k takes several passes */
    j.scratch_each = u->mr * u->nr;
    if (kp > u->kc)
        j.scratch_each = j.strips ? (STRIP_ROWS + u->mr) * j.strip
                                  : (TASK_ROWS + u->mr) * (int64_t)(TASK_COLS + u->nr);
    j.scratch_each = round_up(j.scratch_each, 1024);
    return j;
}

/* Whether the micro-kernel can store whole tiles. */
static void choose_end(job *j)
{
    const yh_gemm *g = j->g;
    j->direct = j->u->run_to != NULL && j->turned == NULL && g->exp == NULL && g->bias == NULL &&
                g->residual == NULL && j->a.k_padded <= j->kc &&
                (g->c_type == YH_F32 || (g->c_type == YH_BF16 && j->u->narrows));
    j->end = g->c_type == YH_BF16           ? YH_TILE_BF16
             : j->go_on                     ? YH_TILE_GO_ON
             : g->accumulate && !g->c_empty ? YH_TILE_ADD
                                            : YH_TILE_STORE;
}

static yh_status run_whole(const yh_gemm *g, const yh_gemm *turned, bool go_on, const yh_micro *u,
                           yh_pool *pool, yh_err *err)
{
    job j = job_for(g, u);
    j.turned = turned;
    j.go_on = go_on;
    const room r = room_for(&j, yh_pool_threads(pool));
    yh_workspace *w;
    YH_TRY(yh_workspace_take(&w, r.a + r.b + r.scratch + r.part, err));
    j.a = (yh_pack){.ld = g->lda,
                    .src_type = g->ab_type,
                    .dst_type = u->packed,
                    .k_inner = !g->trans_a,
                    .k = g->k,
                    .k_padded = round_up(g->k, u->k_align),
                    .to = round_up(g->k, u->k_align),
                    .r = u->mr,
                    .unit = u->unit_a,
                    .dst = w->data};
    j.b = pack_of_b(g, u);
    j.b.dst = (char *)w->data + r.a;
    j.strip_room = (char *)w->data + r.a;
    choose_end(&j);
    j.scratch = (float *)(void *)((char *)w->data + r.a + r.b);
    if (r.part > 0)
        j.part = j.scratch + j.scratch_each * yh_pool_threads(pool);
    if (g->packed_b != NULL)
        j.b.dst = (void *)(uintptr_t)g->packed_b;
    run_blocks(&j, &r, pool);
    yh_workspace_give(w);
    return YH_OK;
}

/* A gradient of weights (A lies across k, both operands are packed) is computed in parts of k,
 * whose panels stay in a cache. What is added to C is added in parts, and sums may not depend on m
 * and n, so nor does this. */
static int64_t depth_of(const yh_gemm *g)
{
    const bool parts = g->c_type == YH_F32 && g->trans_a && g->packed_b == NULL && g->exp == NULL &&
                       (g->residual == NULL || g->residual != g->c);
    return parts && g->k > DEPTH ? part(g->k, DEPTH, 32) : g->k;
}

yh_status yh_gemm_run_micro(const yh_gemm *g, const yh_micro *u, yh_pool *pool, yh_err *err)
{
    if (turns(g, u)) {
        const yh_gemm t = turn(g);
        return run_whole(&t, g, false, u, pool, err);
    }
    const int64_t depth = depth_of(g);
    yh_gemm p = *g;
    int64_t k = 0;
    do {
        const bool last = k + depth >= g->k;
        p.k = min64(depth, g->k - k);
        p.a = at(g->a, g->ab_type, g->trans_a ? k * g->lda : k);
        p.b = at(g->b, g->ab_type, g->trans_b ? k : k * g->ldb);
        p.bias = last ? g->bias : NULL;
        p.residual = last ? g->residual : NULL;
        p.c_empty = g->c_empty && k == 0;
        YH_TRY(run_whole(&p, NULL, k > 0 && !g->accumulate, u, pool, err));
        k += depth;
    } while (k < g->k);
    return YH_OK;
}

/* Few rows of A: nothing is packed. */
static bool has_few_rows(const yh_gemm *g)
{
    return !g->trans_a && g->trans_b && g->m <= UNPACKED_ROWS && g->exp == NULL;
}

size_t yh_gemm_workspace(const yh_gemm *g, int threads)
{
    const yh_micro *u = yh_micro_pick(g->ab_type);
    if (has_few_rows(g))
        return 0;
    yh_gemm p = turns(g, u) ? turn(g) : *g;
    if (!turns(g, u))
        p.k = depth_of(g);
    const job j = job_for(&p, u);
    const room r = room_for(&j, threads);
    return r.a + r.b + r.scratch + r.part;
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
    if (has_few_rows(g)) {
        few_rows_job j = {g, yh_gemm_helpers_current()};
        yh_pool_run(pool, g->n, GEMV_GRAIN, run_few_rows, &j);
        return YH_OK;
    }
    return yh_gemm_run_micro(g, yh_micro_pick(g->ab_type), pool, err);
}
