#include "eval/packer.h"
#include "yh/eval.h"

typedef struct piece {
    size_t tag;
    int64_t begin, end; /* rows */
} piece;

struct yh_packer {
    yh_model *m;
    yh_graph *g;
    yh_build b;
    yh_pool *pool;
    yh_packer_fn fn;
    void *user;
    int64_t rows, longest, used;
    int32_t *tokens, *pos, *start, *targets;
    float scale;
    piece *pieces;
    size_t n_pieces;
};

void yh_packer_free(yh_packer *p)
{
    if (p == NULL)
        return;
    yh_graph_free(p->g);
    yh_free(p->tokens);
    yh_free(p->pos);
    yh_free(p->start);
    yh_free(p->targets);
    yh_free(p->pieces);
    yh_free(p);
}

static void bind(yh_tensor *t, void *data)
{
    if (t != NULL)
        yh_tensor_bind(t, data);
}

static yh_status build(yh_packer *p, bool keep_hidden, yh_err *err)
{
    YH_TRY(yh_graph_create(&p->g, p->m->type, err));
    p->b = (yh_build){.g = p->g, .cfg = &p->m->cfg, .rows = p->rows};
    yh_model_build(&p->b, 0);
    if (p->b.loss != NULL)
        yh_graph_keep(p->g, p->b.loss->extra[0]);
    if (keep_hidden && p->b.hidden != NULL)
        yh_graph_keep(p->g, p->b.hidden);
    YH_TRY(yh_graph_plan(p->g, err));
    YH_TRY(yh_model_bind(p->m, p->g, err));
    bind(p->b.tokens, p->tokens);
    bind(p->b.pos, p->pos);
    bind(p->b.start, p->start);
    bind(p->b.targets, p->targets);
    bind(p->b.scale, &p->scale);
    return YH_OK;
}

static yh_status create(yh_packer **out, yh_model *m, int64_t rows, int64_t longest,
                        bool keep_hidden, yh_pool *pool, yh_err *err)
{
    yh_packer *p = yh_calloc(1, sizeof *p);
    *out = p;
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for evaluation");
    p->m = m;
    p->pool = pool;
    p->rows = rows;
    p->longest = longest;
    p->scale = 1.0f;
    size_t n = (size_t)rows;
    p->tokens = yh_calloc(n, sizeof *p->tokens);
    p->pos = yh_calloc(n, sizeof *p->pos);
    p->start = yh_calloc(n, sizeof *p->start);
    p->targets = yh_calloc(n, sizeof *p->targets);
    p->pieces = yh_calloc(n, sizeof *p->pieces);
    if (p->tokens == NULL || p->pos == NULL || p->start == NULL || p->targets == NULL ||
        p->pieces == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for evaluation");
    return build(p, keep_hidden, err);
}

yh_status yh_packer_create(yh_packer **out, yh_model *m, yh_pool *pool, yh_packer_fn fn, void *user,
                           yh_err *err)
{
    int64_t longest = m->cfg.context < YH_PACKER_PIECE ? m->cfg.context : YH_PACKER_PIECE;
    int64_t rows = longest > YH_PACKER_ROWS ? longest : YH_PACKER_ROWS;
    yh_status s = create(out, m, rows, longest, false, pool, err);
    if (s != YH_OK) {
        yh_packer_free(*out);
        *out = NULL;
        return s;
    }
    (*out)->fn = fn;
    (*out)->user = user;
    return YH_OK;
}

/* Rows behind the last piece: segments of one row each, ignored by the loss. */
static void pad(yh_packer *p)
{
    for (int64_t i = p->used; i < p->rows; i++) {
        p->tokens[i] = 0;
        p->pos[i] = 0;
        p->start[i] = (int32_t)i;
        p->targets[i] = -1;
    }
}

yh_status yh_packer_flush(yh_packer *p, yh_err *err)
{
    if (p->used == 0)
        return YH_OK;
    pad(p);
    YH_TRY(yh_graph_run(p->g, p->pool, err));
    const float *loss = p->b.loss->extra[0]->data;
    for (size_t i = 0; i < p->n_pieces; i++) {
        double nats = 0.0;
        for (int64_t r = p->pieces[i].begin; r < p->pieces[i].end; r++)
            nats += (double)loss[r];
        p->fn(p->user, p->pieces[i].tag, nats);
    }
    p->used = 0;
    p->n_pieces = 0;
    return YH_OK;
}

yh_status yh_packer_add(yh_packer *p, const int32_t *ids, size_t n, int32_t eos, size_t tag,
                        yh_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= p->m->cfg.vocab)
            return yh_fail(err, YH_CORRUPT, "token id %d is past the model's vocabulary of %d",
                           ids[i], p->m->cfg.vocab);
    for (size_t at = 0; at < n;) {
        int64_t k = (int64_t)(n - at) < p->longest ? (int64_t)(n - at) : p->longest;
        if (k > p->rows - p->used)
            YH_TRY(yh_packer_flush(p, err));
        p->pieces[p->n_pieces++] = (piece){tag, p->used, p->used + k};
        for (int64_t i = 0; i < k; i++) {
            int64_t r = p->used + i;
            size_t from = at + (size_t)i;
            p->tokens[r] = from == 0 ? eos : ids[from - 1];
            p->targets[r] = ids[from];
            p->pos[r] = (int32_t)i;
            p->start[r] = (int32_t)p->used;
        }
        p->used += k;
        at += (size_t)k;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
    }
    return YH_OK;
}

yh_status yh_eval_logits(yh_model *m, const uint32_t *ids, size_t n, float *out, yh_pool *pool,
                         yh_err *err)
{
    yh_packer *p = NULL;
    if (n == 0 || n > (size_t)m->cfg.context)
        return yh_fail(err, YH_LIMIT, "%zu tokens: must be 1 to the model's context of %d", n,
                       m->cfg.context);
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= (uint32_t)m->cfg.vocab)
            return yh_fail(err, YH_MISMATCH, "token id %u is past the model's vocabulary of %d",
                           ids[i], m->cfg.vocab);
    yh_status s = create(&p, m, (int64_t)n, (int64_t)n, true, pool, err);
    for (size_t i = 0; s == YH_OK && i < n; i++) {
        p->tokens[i] = (int32_t)ids[i];
        p->pos[i] = (int32_t)i;
        p->start[i] = 0;
        p->targets[i] = -1;
    }
    if (s == YH_OK)
        s = yh_graph_run(p->g, pool, err);
    if (s == YH_OK) {
        int64_t width = m->cfg.width, vocab = m->cfg.vocab;
        yh_gemm product = {.m = (int64_t)n,
                           .n = vocab,
                           .k = width,
                           .ab_type = m->type,
                           .c_type = YH_F32,
                           .trans_b = true,
                           .a = p->b.hidden->data,
                           .b = p->b.head->data,
                           .c = out,
                           .lda = width,
                           .ldb = width,
                           .ldc = vocab};
        s = yh_gemm_run(&product, pool, err);
    }
    yh_packer_free(p);
    return s;
}
