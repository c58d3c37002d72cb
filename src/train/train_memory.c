/* Memory before the first step: what is allocated, and what of it will be touched. */
#include "base/cpu.h"
#include "train/trainer.h"

/* Small objects and stacks that come on top of what the process held before. */
enum { PROCESS_BYTES = 2 << 20, PRODUCT_EXTRA = 1 << 20 /* tiles of sums, attention */ };

static uint64_t round_64(uint64_t n)
{
    return (n + 63) & ~(uint64_t)63;
}

/* Packed operands of one product [m, k] x [k, n] (at most YH_GEMM_PACKED_MAX of each). */
static uint64_t packed_bytes(uint64_t m, uint64_t n, uint64_t k, uint64_t e)
{
    const uint64_t most = YH_GEMM_PACKED_MAX;
    uint64_t a = m * k * e, b = n * k * e;
    return (a < most ? a : most) + (b < most ? b : most);
}

/* The largest of the three products that a matrix [out, in] takes part in with `rows` rows. */
static uint64_t matrix_bytes(uint64_t rows, uint64_t out, uint64_t in, uint64_t e)
{
    uint64_t forward = packed_bytes(rows, out, in, e), dx = packed_bytes(rows, in, out, e),
             dw = packed_bytes(out, in, rows, e);
    forward = forward > dx ? forward : dx;
    return forward > dw ? forward : dw;
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

yh_status yh_trainer_predict_memory(yh_trainer *t, yh_err *err)
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
            packed = matrix_bytes(head ? loss_rows(t) : (uint64_t)t->build.rows, (uint64_t)s.dim[0],
                                  (uint64_t)s.dim[1], yh_dtype_size(p->type));
        product = packed > product ? packed : product;
        m->weights += round_64(n * 4);
        if (p->type == YH_BF16 && s.kind != YH_PARAM_VECTOR)
            m->shadow += round_64(n * 2);
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
                (uint64_t)p->context * p->micro_batch * 16;
    m->data = (yh_tokens_total(t->tokens, YH_TRAIN) + yh_tokens_total(t->tokens, YH_HELDOUT)) *
              (yh_tokens_vocab(t->tokens) <= 65536 ? 2 : 4);
    m->total = m->weights + m->shadow + m->grads + m->state + m->scratch + m->graph +
               m->eval_graph + m->loader + m->data + m->process;
    /* mapped tokens are not counted here: the system drops them when memory is short */
    uint64_t need = m->total - m->data, have = yh_mem_available();
    if (have != 0 && need > have)
        return yh_fail(err, YH_LIMIT,
                       "training needs %.0f MB (weights and optimiser %.0f MB, activations %.0f "
                       "MB), %.0f MB are available; use a smaller --depth, --micro-batch or "
                       "--context",
                       (double)need / 1e6,
                       (double)(m->weights + m->shadow + m->grads + m->state) / 1e6,
                       (double)(m->graph + m->eval_graph) / 1e6, (double)have / 1e6);
    return YH_OK;
}
