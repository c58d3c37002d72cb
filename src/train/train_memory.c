/* Memory before the first step: what is allocated, and what of it will be touched. */
#include <math.h>

#include "base/cpu.h"
#include "train/trainer.h"

/* Small objects and stacks that come on top of what the process held before. */
enum {
    PROCESS_BYTES = 2 << 20,
    PRODUCT_EXTRA = 1 << 20 /* tiles of sums, attention */,
    DATA_KEPT = 64 << 20, /* of mapped tokens; more are released while training */
    DATA_ENTRY = 32,      /* a document's in the index */
    PACK_MICRO = 4        /* micro-batches of a step from which on packed weights are worth it */
};

static uint64_t round_64(uint64_t n)
{
    return (n + 63) & ~(uint64_t)63;
}

/* Scratch of the three products that a matrix [out, in] takes part in with `rows` rows: the most.
 */
static uint64_t matrix_bytes(int64_t rows, int64_t out, int64_t in, yh_dtype type, int threads)
{
    yh_gemm p[3] = {
        {.m = rows, .n = out, .k = in, .c_type = type, .trans_b = true, .lda = in},
        {.m = rows, .n = in, .k = out, .c_type = type, .lda = out},
        {.m = out, .n = in, .k = rows, .trans_a = true, .accumulate = true, .lda = out}};
    uint64_t most = 0;
    for (int i = 0; i < 3; i++) {
        p[i].ab_type = type;
        p[i].ldb = in;
        p[i].residual = &p[i]; /* C is another */
        const uint64_t bytes = yh_gemm_workspace(&p[i], threads);
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* Rows of logits that the loss computes at once: the second dimension of its matrix is the
 * vocabulary. */
static uint64_t loss_rows(const yh_trainer *t)
{
    const yh_tensor *loss = t->build.loss;
    for (int i = 0; loss != NULL && i < YH_MAX_OUT_EXTRA; i++)
        if (loss->extra[i] != NULL && loss->extra[i]->ndim == 2 &&
            loss->extra[i]->dim[1] == t->plan.cfg.vocab)
            return (uint64_t)loss->extra[i]->dim[0];
    return (uint64_t)t->build.rows;
}

/* What of the mapped tokens and their index counts as memory of the process. */
static uint64_t data_bytes(yh_trainer *t)
{
    uint64_t bytes = 0;
    for (int k = YH_TRAIN; k <= YH_HELDOUT; k++)
        bytes += yh_tokens_total(t->tokens, (yh_split)k) *
                     (yh_tokens_vocab(t->tokens) <= 65536 ? 2 : 4) +
                 yh_tokens_docs(t->tokens, (yh_split)k) * DATA_ENTRY;
    t->release_data = bytes > DATA_KEPT;
    return t->release_data ? DATA_KEPT : bytes;
}

static yh_status predict(yh_trainer *t, yh_err *err)
{
    yh_train_memory *m = &t->memory;
    const yh_train_plan *p = &t->plan;
    const yh_model_family *f = yh_model_family_find(p->cfg.family);
    uint64_t product = 0;
    size_t grads = 0, state = 0, scratch = 0, graph = 0, eval_graph = 0;
    *m = (yh_train_memory){.process = t->held_before + PROCESS_BYTES};
    if (f == NULL)
        return yh_fail(err, YH_INTERNAL, "no model family \"%s\"", p->cfg.family);
    for (int i = 0; i < f->param_count(&p->cfg); i++) {
        yh_param_spec s;
        f->param_spec(&p->cfg, i, &s);
        uint64_t n = (uint64_t)s.dim[0] * (uint64_t)(s.ndim == 2 ? s.dim[1] : 1), packed = 0;
        bool head = s.kind == YH_PARAM_HEAD ||
                    (s.kind == YH_PARAM_EMBED && p->cfg.tied && s.dim[0] == p->cfg.vocab);
        if (s.kind == YH_PARAM_MATRIX || head)
            packed =
                matrix_bytes(head ? (int64_t)loss_rows(t) : t->build.rows,
                             head && s.dim[0] > YH_LOSS_BLOCK ? (int64_t)YH_LOSS_BLOCK : s.dim[0],
                             s.dim[1], p->type, yh_pool_threads(t->pool));
        product = packed > product ? packed : product;
        if (p->type == YH_BF16 && s.kind != YH_PARAM_VECTOR) {
            m->weights += round_64(n * 2);
            m->shadow += round_64(n * 2);
        } else {
            m->weights += round_64(n * 4);
        }
    }
    YH_TRY(yh_optim_bytes(&p->cfg, p->optim.kind, p->type, &grads, &state, &scratch, err));
    YH_TRY(yh_graph_measure(t->graph, &graph, err));
    if (t->eval_graph != NULL)
        YH_TRY(yh_graph_measure(t->eval_graph, &eval_graph, err));
    m->grads = grads;
    m->state = state;
    m->scratch = scratch + product + PRODUCT_EXTRA;
    m->graph = graph;
    m->eval_graph = eval_graph;
    m->loader = yh_loader_memory(t->loader) + t->heldout.runs * (uint64_t)t->heldout.rows * 16 +
                (uint64_t)p->context * p->micro_batch * 32;
    m->data = data_bytes(t);
    m->packed = t->pack ? yh_optim_pack_bytes(&p->cfg, p->type) : 0;
    m->total = m->weights + m->shadow + m->packed + m->grads + m->state + m->scratch + m->graph +
               m->eval_graph + m->loader + m->data + m->process;
    return YH_OK;
}

/* ------------------------------------------------------------------ what fits */

typedef struct fit {
    uint64_t limit, available; /* bytes; 0: none, not known */
    yh_train_memory least;     /* of what was tried */
    int least_level;
    uint32_t least_rows;
} fit;

static bool fits(const fit *f, const yh_train_memory *m)
{
    if (f->limit != 0 && m->total > f->limit)
        return false;
    /* mapped tokens: the system drops them when memory is short */
    return f->available == 0 || m->total - m->data - m->process <= f->available;
}

/* The optimiser's pass takes longer where it packs, each micro-batch's products a little less; with
 * AMX, where arithmetic is cheap and nothing is read in place, much less. */
static bool pack_pays(const yh_trainer *t)
{
    const yh_train_plan *p = &t->plan;
    if (t->o->pack_weights != YH_PACK_AUTO)
        return t->o->pack_weights == YH_PACK_ON;
    return yh_isa_current() >= YH_ISA_AMX && p->type == YH_BF16 && p->micro_batches >= PACK_MICRO;
}

static yh_status try_level(yh_trainer *t, int level, fit *f, bool *yes, yh_err *err)
{
    yh_graph_free(t->graph);
    yh_graph_free(t->eval_graph);
    t->graph = t->eval_graph = NULL;
    t->recompute = level;
    YH_TRY(yh_trainer_graph(&t->graph, &t->build, &t->plan, true, level, err));
    if (t->heldout.runs > 0)
        YH_TRY(yh_trainer_graph(&t->eval_graph, &t->eval_build, &t->plan, false, 0, err));
    t->pack = pack_pays(t);
    YH_TRY(predict(t, err));
    if (t->pack && t->o->pack_weights == YH_PACK_AUTO && !fits(f, &t->memory)) {
        t->pack = false;
        YH_TRY(predict(t, err));
    }
    if (f->least.total == 0 || t->memory.total < f->least.total) {
        f->least = t->memory;
        f->least_level = level;
        f->least_rows = t->plan.micro_batch;
    }
    *yes = fits(f, &t->memory);
    return YH_OK;
}

static yh_status try_levels(yh_trainer *t, fit *f, bool *yes, yh_err *err)
{
    int from = t->o->recompute_set ? t->o->recompute : 0;
    int to = t->o->recompute_set ? t->o->recompute : YH_RECOMPUTE_MAX;
    for (int level = from; level <= to && !*yes; level++)
        YH_TRY(try_level(t, level, f, yes, err));
    return YH_OK;
}

/* The next smaller number of rows that divides a step; 0: none. */
static uint32_t fewer_rows(const yh_train_plan *p)
{
    uint64_t rows = (uint64_t)p->micro_batch * p->micro_batches;
    uint32_t m = p->micro_batch - 1;
    while (m > 0 && rows % m != 0)
        m--;
    return m;
}

static yh_status set_rows(yh_trainer *t, uint32_t rows, yh_err *err)
{
    yh_train_plan *p = &t->plan;
    p->micro_batches = (uint32_t)((uint64_t)p->micro_batch * p->micro_batches / rows);
    p->micro_batch = rows;
    yh_eval_set_fini(&t->heldout);
    return yh_trainer_open_heldout(t, err);
}

static yh_status does_not_fit(const fit *f, yh_err *err)
{
    const yh_train_memory *m = &f->least;
    bool limit = f->limit != 0 && m->total > f->limit;
    uint64_t need = limit ? m->total : m->total - m->data - m->process;
    return yh_fail(err, YH_LIMIT,
                   "training needs at least %.0f MB (weights and optimiser %.0f MB, activations "
                   "%.0f MB at recomputation level %d with micro-batches of %u row%s), %.0f MB "
                   "are %s; use a smaller --depth, %s--context",
                   ceil((double)need / 1e6),
                   (double)(m->weights + m->shadow + m->packed + m->grads + m->state) / 1e6,
                   (double)(m->graph + m->eval_graph) / 1e6, f->least_level, f->least_rows,
                   f->least_rows == 1 ? "" : "s", (double)(limit ? f->limit : f->available) / 1e6,
                   limit ? "allowed" : "available",
                   f->least_rows > 1 ? "--micro-batch or " : "or ");
}

yh_status yh_trainer_fit_memory(yh_trainer *t, yh_err *err)
{
    fit f = {.limit = t->o->memory, .available = yh_mem_available()};
    bool yes = false;
    YH_TRY(try_levels(t, &f, &yes, err));
    /* fewer rows at once change the order of sums, so only a limit that was given asks for it */
    bool may = t->o->memory != 0 && t->o->micro_batch == 0 && !t->resumed;
    while (!yes && may) {
        uint32_t rows = fewer_rows(&t->plan);
        if (rows == 0)
            break;
        YH_TRY(set_rows(t, rows, err));
        YH_TRY(try_levels(t, &f, &yes, err));
    }
    return yes ? YH_OK : does_not_fit(&f, err);
}
