/* A timeline over a model: KV cache, and graphs for one token and for chunks of a prompt. */
#include "base/alloc.h"
#include "infer/session_parts.h"
#include "models/model.h"

/* Rows of the graphs: decoding, then ever larger pieces of prompts. Each is built when first
 * used. A chunk may be padded: the padding lies behind the last real token, where later tokens
 * overwrite it, and no real token looks there. */
static const uint32_t step_rows[] = {1, 16, 128, 512};
enum { N_STEPS = (int)(sizeof step_rows / sizeof *step_rows) };

typedef struct step {
    yh_graph *g;
    const float *logits;
    int32_t *tokens, *pos, out_row;
} step;

struct yh_session {
    yh_model *model;
    yh_pool *pool;
    uint32_t context, used;
    uint32_t *ids;
    int layers;
    void **k, **v; /* caches of the layers */
    size_t cache_bytes;
    step steps[N_STEPS];
    const float *logits;
    yh_sampler *sampler;
};

static void step_fini(step *p)
{
    yh_graph_free(p->g);
    yh_free(p->tokens);
    yh_free(p->pos);
    *p = (step){0};
}

void yh_session_free(yh_session *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < N_STEPS; i++)
        step_fini(&s->steps[i]);
    for (int i = 0; i < s->layers; i++) {
        if (s->k != NULL)
            yh_big_free(s->k[i], s->cache_bytes);
        if (s->v != NULL)
            yh_big_free(s->v[i], s->cache_bytes);
    }
    yh_sampler_free(s->sampler);
    yh_free(s->k);
    yh_free(s->v);
    yh_free(s->ids);
    yh_free(s);
}

/* All caches have one size; pages are touched when used, so that a long context costs nothing
 * until it is filled. */
static yh_status make_caches(yh_session *s, yh_err *err)
{
    const yh_model_config *c = &s->model->cfg;
    size_t n = yh_dtype_size(s->model->type);
    bool ok = yh_mul_size(n, s->context, &n) && yh_mul_size(n, (size_t)c->kv_heads, &n) &&
              yh_mul_size(n, (size_t)c->head_dim, &n);
    s->cache_bytes = n;
    s->k = yh_calloc((size_t)c->layers, sizeof *s->k);
    s->v = yh_calloc((size_t)c->layers, sizeof *s->v);
    ok = ok && s->k != NULL && s->v != NULL;
    s->layers = c->layers;
    for (int i = 0; ok && i < c->layers; i++) {
        s->k[i] = yh_big_alloc(n);
        s->v[i] = yh_big_alloc(n);
        ok = s->k[i] != NULL && s->v[i] != NULL;
    }
    if (!ok)
        return yh_fail(err, YH_NOMEM,
                       "no memory for a context of %u tokens (%d caches of %zu bytes): ask for a "
                       "shorter context",
                       s->context, 2 * c->layers, n);
    return YH_OK;
}

yh_status yh_session_create(yh_session **out, yh_model *model, uint32_t context, yh_pool *pool,
                            yh_err *err)
{
    uint32_t most = (uint32_t)model->cfg.context;
    *out = NULL;
    if (context == 0)
        context = most;
    if (context > most)
        return yh_fail(err, YH_LIMIT, "a context of %u tokens: the model has %u", context, most);
    yh_session *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a session");
    s->model = model;
    s->pool = pool;
    s->context = context;
    s->ids = yh_calloc(context, sizeof *s->ids);
    yh_status rc = s->ids != NULL ? make_caches(s, err) : yh_fail(err, YH_NOMEM, "no memory");
    if (rc == YH_OK)
        rc = yh_sampler_create(&s->sampler, (uint32_t)model->cfg.vocab, err);
    if (rc == YH_OK)
        *out = s;
    else
        yh_session_free(s);
    return rc;
}

/* ------------------------------------------------------------------ graphs */

static yh_status bind_caches(yh_session *s, const yh_build *b, yh_err *err)
{
    for (int i = 0; i < s->layers; i++) {
        if (yh_tensor_bytes(b->k_cache[i]) != s->cache_bytes ||
            yh_tensor_bytes(b->v_cache[i]) != s->cache_bytes)
            return yh_fail(err, YH_INTERNAL, "the caches of layer %d have another size", i);
        yh_tensor_bind(b->k_cache[i], s->k[i]);
        yh_tensor_bind(b->v_cache[i], s->v[i]);
    }
    return YH_OK;
}

static yh_status build_step(yh_session *s, step *p, uint32_t rows, yh_err *err)
{
    yh_build b = {.cfg = &s->model->cfg, .rows = rows, .cached = true, .capacity = s->context};
    p->tokens = yh_calloc(rows, sizeof *p->tokens);
    p->pos = yh_calloc(rows, sizeof *p->pos);
    if (p->tokens == NULL || p->pos == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a graph of %u rows", rows);
    YH_TRY(yh_graph_create(&p->g, s->model->type, err));
    b.g = p->g;
    yh_model_build(&b, 1);
    YH_TRY(yh_graph_plan(p->g, err));
    YH_TRY(yh_model_bind(s->model, p->g, err));
    YH_TRY(bind_caches(s, &b, err));
    yh_tensor_bind(b.tokens, p->tokens);
    yh_tensor_bind(b.pos, p->pos);
    yh_tensor_bind(b.out_rows, &p->out_row);
    p->logits = b.logits->data;
    return YH_OK;
}

/* The graph for the next piece of n tokens: the smallest that holds them all, else the largest;
 * padded only where the context has room for the padding. */
static int choose_step(const yh_session *s, size_t n)
{
    uint32_t room = s->context - s->used;
    int best = 0;
    for (int i = 0; i < N_STEPS && step_rows[i] <= room; i++) {
        best = i;
        if (step_rows[i] >= n)
            break;
    }
    return best;
}

/* Feeds at most one graph's rows; *took tells how many. */
static yh_status feed_piece(yh_session *s, const uint32_t *id, size_t n, uint32_t *took,
                            yh_err *err)
{
    int which = choose_step(s, n);
    step *p = &s->steps[which];
    uint32_t rows = step_rows[which], real = n < rows ? (uint32_t)n : rows;
    if (p->logits == NULL) {
        yh_status rc = build_step(s, p, rows, err);
        if (rc != YH_OK) {
            step_fini(p);
            return rc;
        }
    }
    for (uint32_t i = 0; i < rows; i++) {
        p->tokens[i] = i < real ? (int32_t)id[i] : 0;
        p->pos[i] = (int32_t)(s->used + i);
    }
    p->out_row = (int32_t)real - 1;
    YH_TRY(yh_graph_run(p->g, s->pool, err));
    memcpy(s->ids + s->used, id, real * sizeof *id);
    s->used += real;
    s->logits = p->logits;
    *took = real;
    return YH_OK;
}

yh_status yh_session_feed(yh_session *s, const uint32_t *id, size_t n, yh_err *err)
{
    if (n == 0)
        return yh_fail(err, YH_INVALID, "no tokens to feed");
    if (n > s->context - s->used)
        return yh_fail(err, YH_LIMIT, "%zu tokens do not fit: %u of the context's %u are taken", n,
                       s->used, s->context);
    for (size_t i = 0; i < n; i++)
        if (id[i] >= (uint32_t)s->model->cfg.vocab)
            return yh_fail(err, YH_MISMATCH,
                           "token id %u is past the model's vocabulary of %d: the tokenizer does "
                           "not belong to the model",
                           id[i], s->model->cfg.vocab);
    s->logits = NULL;
    while (n > 0) {
        uint32_t took = 0;
        YH_TRY(feed_piece(s, id, n, &took, err));
        id += took;
        n -= took;
        if (n > 0 && yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
    }
    return YH_OK;
}

yh_status yh_session_set(yh_session *s, const uint32_t *id, size_t n, yh_err *err)
{
    uint32_t same = 0;
    if (n == 0)
        return yh_fail(err, YH_INVALID, "no tokens to feed");
    if (n > s->context)
        return yh_fail(err, YH_LIMIT, "the prompt has %zu tokens, the context %u: shorten it", n,
                       s->context);
    while (same < s->used && same < n && s->ids[same] == id[same])
        same++;
    if (same == n)
        same--; /* its logits are needed */
    s->used = same;
    return yh_session_feed(s, id + same, n - same, err);
}

void yh_session_reset(yh_session *s)
{
    s->used = 0;
    s->logits = NULL;
}

const float *yh_session_logits(const yh_session *s)
{
    return s->logits;
}

const uint32_t *yh_session_ids(const yh_session *s)
{
    return s->ids;
}

uint32_t yh_session_used(const yh_session *s)
{
    return s->used;
}

uint32_t yh_session_context(const yh_session *s)
{
    return s->context;
}

uint32_t yh_session_vocab(const yh_session *s)
{
    return (uint32_t)s->model->cfg.vocab;
}

int64_t yh_session_eos(const yh_session *s)
{
    return s->model->cfg.eos;
}

yh_sampler *yh_session_sampler(yh_session *s)
{
    return s->sampler;
}
