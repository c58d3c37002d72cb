/* Memory before the first step: what is allocated, and what of it will be touched. */
#include "base/cpu.h"
#include "train/trainer.h"

/* Of the process itself: program, libraries, thread stacks, small objects. */
enum { PROCESS_BYTES = 6 << 20 };

static uint64_t round_64(uint64_t n)
{
    return (n + 63) & ~(uint64_t)63;
}

/* Packed operands of the largest matrix product (see gemm.c). */
static uint64_t product_bytes(const yh_train_plan *p)
{
    const yh_model_config *c = &p->cfg;
    uint64_t e = yh_dtype_size(p->type), rows = (uint64_t)p->context * p->micro_batch;
    uint64_t q = (uint64_t)c->heads * (uint64_t)c->head_dim, w = (uint64_t)c->width;
    uint64_t wide = (uint64_t)c->ffn > q ? (uint64_t)c->ffn : q;
    uint64_t hidden = rows * wide + (rows > wide ? rows : wide) * w;
    return round_64(hidden * e) + ((uint64_t)1 << 20);
}

yh_status yh_trainer_predict_memory(yh_trainer *t, yh_err *err)
{
    yh_train_memory *m = &t->memory;
    const yh_train_plan *p = &t->plan;
    const yh_model_family *f = yh_model_family_find(p->cfg.family);
    size_t grads = 0, state = 0, scratch = 0, graph = 0, eval_graph = 0;
    *m = (yh_train_memory){.process = PROCESS_BYTES};
    if (f == NULL)
        return yh_fail(err, YH_INTERNAL, "no model family \"%s\"", p->cfg.family);
    for (int i = 0; i < f->param_count(&p->cfg); i++) {
        yh_param_spec s;
        f->param_spec(&p->cfg, i, &s);
        uint64_t n = (uint64_t)s.dim[0] * (uint64_t)(s.ndim == 2 ? s.dim[1] : 1);
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
    m->scratch = scratch + product_bytes(p);
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
