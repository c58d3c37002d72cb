#include "train/optim.h"

#include <math.h>

#include "models/weights.h"

enum {
    MUON_GRAIN = 4096, /* elements that a thread takes at least */
    ROWS = 32          /* of a matrix, updated and packed together */
};

typedef struct yh_optim_block {
    int param;
    int64_t begin, end;
} yh_optim_block;

static int64_t round_16(int64_t n)
{
    return (n + 15) & ~(int64_t)15;
}

static bool uses_muon(const yh_param_spec *s, yh_optimizer kind)
{
    return kind == YH_OPT_MUON && s->kind == YH_PARAM_MATRIX && s->ndim == 2;
}

static int64_t elements(const yh_param_spec *s)
{
    return s->ndim == 2 ? s->dim[0] * s->dim[1] : s->dim[0];
}

yh_status yh_optim_bytes(const yh_model_config *cfg, yh_optimizer kind, yh_dtype type,
                         size_t *grads, size_t *state, size_t *scratch, yh_err *err)
{
    const yh_model_family *f = yh_model_family_find(cfg->family);
    if (f == NULL)
        return yh_fail(err, YH_INTERNAL, "no model family \"%s\"", cfg->family);
    *grads = *state = *scratch = 0;
    for (int i = 0; i < f->param_count(cfg); i++) {
        yh_param_spec s;
        f->param_spec(cfg, i, &s);
        bool muon = uses_muon(&s, kind);
        size_t n = (size_t)round_16(elements(&s)) * sizeof(float);
        *grads += n;
        *state += muon ? n : 2 * n;
        size_t need =
            muon ? (size_t)elements(&s) * 4 + 64 + yh_muon_scratch(s.dim[0], s.dim[1], type) : 0;
        *scratch = need > *scratch ? need : *scratch;
    }
    return YH_OK;
}

/* Elements of a block: of a matrix whole groups of ROWS rows. */
static int64_t block_size(const yh_optim_param *q)
{
    if (q->p->spec.ndim != 2)
        return YH_OPTIM_BLOCK;
    const int64_t group = ROWS * q->cols, groups = YH_OPTIM_BLOCK / group;
    return group * (groups > 0 ? groups : 1);
}

static yh_status make_blocks(yh_optim *o, yh_err *err)
{
    int64_t count = 0;
    for (int i = 0; i < o->n; i++)
        count += (o->param[i].n - 1) / block_size(&o->param[i]) + 1;
    o->block = yh_calloc((size_t)count, sizeof *o->block);
    o->partial = yh_calloc((size_t)count, sizeof *o->partial);
    if (o->block == NULL || o->partial == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the optimiser");
    for (int i = 0; i < o->n; i++) {
        const int64_t size = block_size(&o->param[i]);
        for (int64_t at = 0; at < o->param[i].n; at += size) {
            const int64_t left = o->param[i].n - at;
            o->block[o->blocks++] = (yh_optim_block){i, at, at + (left < size ? left : size)};
        }
    }
    return YH_OK;
}

yh_status yh_optim_init(yh_optim *o, yh_model *m, const yh_optim_rule *rule, yh_err *err)
{
    *o = (yh_optim){.rule = *rule, .n = m->n_params, .type = m->type};
    YH_TRY(yh_optim_bytes(&m->cfg, rule->kind, m->type, &o->grad_bytes, &o->state_bytes,
                          &o->scratch_bytes, err));
    o->param = yh_calloc((size_t)o->n, sizeof *o->param);
    o->grad = yh_big_alloc(o->grad_bytes);
    o->state = yh_big_alloc(o->state_bytes);
    o->scratch = yh_big_alloc(o->scratch_bytes);
    yh_status s = YH_OK;
    if (o->param == NULL || o->grad == NULL || o->state == NULL || o->scratch == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory for gradients and optimiser state (%zu bytes)",
                    o->grad_bytes + o->state_bytes + o->scratch_bytes);
        goto fail;
    }
    float *g = o->grad, *state = o->state;
    for (int i = 0; i < o->n; i++) {
        yh_optim_param *q = &o->param[i];
        const yh_param_spec *spec = &m->params[i].spec;
        *q = (yh_optim_param){.p = &m->params[i], .n = elements(spec)};
        q->rows = spec->dim[0];
        q->cols = spec->ndim == 2 ? spec->dim[1] : 1;
        q->muon = uses_muon(spec, rule->kind);
        if (q->p->w == NULL && q->p->low == NULL) {
            s = yh_fail(err, YH_INTERNAL, "%s: the model has no master", spec->name);
            goto fail;
        }
        int64_t step = round_16(q->n);
        q->g = g;
        g += step;
        q->m = state;
        state += step;
        if (!q->muon) {
            q->v = state;
            state += step;
        }
    }
    YH_GOTO(s, make_blocks(o, err), fail);
    return YH_OK;
fail:
    yh_optim_fini(o);
    return s;
}

void yh_optim_fini(yh_optim *o)
{
    yh_free(o->param);
    yh_free(o->block);
    yh_free(o->partial);
    yh_big_free(o->grad, o->grad_bytes);
    yh_big_free(o->state, o->state_bytes);
    yh_big_free(o->scratch, o->scratch_bytes);
    yh_big_free(o->packed, o->packed_bytes);
    *o = (yh_optim){0};
}

/* ------------------------------------------------------------------ placement */

typedef struct place_job {
    yh_optim *o;
    yh_optim_param *q; /* Muon: the parameter in hand; the others go by blocks */
    bool weights;      /* they move; else gradients and state are touched */
    yh_param *fresh;   /* of each parameter: new memory for its weights, if any */
} place_job;

/* Writes to each page, the values staying. */
static void touch(float *p, int64_t begin, int64_t end)
{
    volatile float *v = p;
    for (int64_t i = begin; p != NULL && i < end; i += 1024)
        v[i] = v[i];
}

static void place_range(const place_job *j, int i, int64_t begin, int64_t end)
{
    const yh_optim_param *q = &j->o->param[i];
    if (!j->weights) {
        touch(q->g, begin, end);
        touch(q->m, begin, end);
        touch(q->v, begin, end);
        return;
    }
    const yh_param *to = &j->fresh[i];
    const size_t n = (size_t)(end - begin);
    if (to->w != NULL)
        memcpy(to->w + begin, q->p->w + begin, n * sizeof *to->w);
    if (to->w16 != NULL)
        memcpy(to->w16 + begin, q->p->w16 + begin, n * sizeof *to->w16);
    if (to->low != NULL)
        memcpy(to->low + begin, q->p->low + begin, n * sizeof *to->low);
}

static void place_blocks(void *arg, int64_t begin, int64_t end, int worker)
{
    const place_job *j = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        const yh_optim_block *b = &j->o->block[i];
        if (!j->o->param[b->param].muon)
            place_range(j, b->param, b->begin, b->end);
    }
}

static void place_muon(void *arg, int64_t begin, int64_t end, int worker)
{
    const place_job *j = arg;
    (void)worker;
    place_range(j, (int)(j->q - j->o->param), begin, end);
}

static void place_all(place_job *j, yh_pool *pool)
{
    yh_pool_run(pool, j->o->blocks, 1, place_blocks, j);
    for (int i = 0; i < j->o->n; i++) {
        j->q = &j->o->param[i];
        if (j->q->muon)
            yh_pool_run(pool, j->q->n, MUON_GRAIN, place_muon, j);
    }
}

/* New memory for weights that the model owns. */
static yh_status take_memory(place_job *j, yh_err *err)
{
    for (int i = 0; i < j->o->n; i++) {
        const yh_param *p = j->o->param[i].p;
        j->fresh[i].spec = p->spec;
        if (p->owned)
            YH_TRY(yh_weights_alloc(&j->fresh[i], p->w16 != NULL, true, err));
    }
    return YH_OK;
}

/* Gives the model its new memory, or back what was not used. */
static void give_memory(place_job *j, bool used)
{
    for (int i = 0; i < j->o->n; i++) {
        yh_param *p = j->o->param[i].p, unused = j->fresh[i];
        if (used && unused.owned) {
            unused = *p;
            *p = j->fresh[i];
        }
        yh_weights_free(&unused);
    }
}

static yh_status place_weights(place_job *j, yh_pool *pool, yh_err *err)
{
    j->fresh = yh_calloc((size_t)j->o->n, sizeof *j->fresh);
    if (j->fresh == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the optimiser");
    yh_status s = take_memory(j, err);
    if (s == YH_OK)
        place_all(j, pool);
    give_memory(j, s == YH_OK);
    yh_free(j->fresh);
    return s;
}

yh_status yh_optim_place(yh_optim *o, yh_pool *pool, yh_err *err)
{
    place_job j = {.o = o, .weights = true};
    /* first, while gradients and state take no memory yet */
    if (yh_pool_pinned(pool))
        YH_TRY(place_weights(&j, pool, err));
    j.weights = false;
    place_all(&j, pool);
    return YH_OK;
}

/* ------------------------------------------------------------------ packing */

/* The product that reads a matrix [rows, cols] by rows (x · wᵀ) or by columns (dy · w). */
static yh_gemm product(int64_t rows, int64_t cols, yh_dtype type, const void *w, int way)
{
    return (yh_gemm){.n = way == 0 ? rows : cols,
                     .k = way == 0 ? cols : rows,
                     .ab_type = type,
                     .trans_b = way == 0,
                     .b = w,
                     .ldb = cols};
}

static size_t packed_size(const yh_param_spec *s, yh_dtype type, int way)
{
    const yh_gemm g = product(s->dim[0], s->dim[1], type, NULL, way);
    return s->kind == YH_PARAM_MATRIX ? (yh_gemm_weight_bytes(&g) + 63) & ~(size_t)63 : 0;
}

size_t yh_optim_pack_bytes(const yh_model_config *cfg, yh_dtype type)
{
    const yh_model_family *f = yh_model_family_find(cfg->family);
    size_t bytes = 0;
    for (int i = 0; f != NULL && i < f->param_count(cfg); i++) {
        yh_param_spec s;
        f->param_spec(cfg, i, &s);
        bytes += packed_size(&s, type, 0) + packed_size(&s, type, 1);
    }
    return bytes;
}

/* Rows [begin, end) of a matrix. */
static void pack_rows(const yh_optim *o, const yh_optim_param *q, int64_t begin, int64_t end)
{
    const void *w = q->p->w != NULL ? (const void *)q->p->w : (const void *)q->p->w16;
    for (int way = 0; way < 2; way++) {
        if (q->packed[way] == NULL)
            continue;
        const yh_gemm g = product(q->rows, q->cols, o->type, w, way);
        yh_gemm_pack_rows(&g, q->packed[way], begin, end);
    }
}

static void pack_blocks(void *arg, int64_t begin, int64_t end, int worker)
{
    const yh_optim *o = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        const yh_optim_block *b = &o->block[i];
        const yh_optim_param *q = &o->param[b->param];
        pack_rows(o, q, b->begin / q->cols, b->end / q->cols);
    }
}

yh_status yh_optim_pack(yh_optim *o, yh_pool *pool, yh_err *err)
{
    size_t bytes = 0;
    for (int i = 0; i < o->n; i++)
        bytes += packed_size(&o->param[i].p->spec, o->type, 0) +
                 packed_size(&o->param[i].p->spec, o->type, 1);
    o->packed = yh_big_alloc(bytes);
    o->packed_bytes = bytes;
    if (o->packed == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for packed weights (%zu bytes)", bytes);
    char *at = o->packed;
    for (int i = 0; i < o->n; i++)
        for (int way = 0; way < 2; way++) {
            const size_t size = packed_size(&o->param[i].p->spec, o->type, way);
            o->param[i].packed[way] = size > 0 ? at : NULL;
            at += size;
        }
    yh_pool_run(pool, o->blocks, 1, pack_blocks, o);
    return YH_OK;
}

/* ------------------------------------------------------------------ step */

typedef struct step_job {
    yh_optim *o;
    yh_optim_param *q; /* Muon: the parameter in hand */
    float *update;
    float g_scale, lr, c1, c2, muon_lr, decay;
} step_job;

static void norm_part(void *arg, int64_t begin, int64_t end, int worker)
{
    yh_optim *o = ((step_job *)arg)->o;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        const yh_optim_block *b = &o->block[i];
        o->partial[i] =
            yh_kernels()->sum_squares(o->param[b->param].g + b->begin, b->end - b->begin);
    }
}

static void adamw_part(void *arg, int64_t begin, int64_t end, int worker)
{
    step_job *j = arg;
    const yh_optim_rule *r = &j->o->rule;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        const yh_optim_block *b = &j->o->block[i];
        yh_optim_param *q = &j->o->param[b->param];
        if (q->muon)
            continue;
        float wd = q->p->spec.decay ? (float)r->weight_decay : 0.0f;
        const int64_t step =
            (q->packed[0] != NULL || q->packed[1] != NULL) ? ROWS * q->cols : b->end - b->begin;
        for (int64_t at = b->begin; at < b->end; at += step) {
            const int64_t to = b->end - at < step ? b->end : at + step;
            yh_kernels()->adamw(q->p->w, q->p->w16, q->p->low, q->g, q->m, q->v, j->g_scale, j->lr,
                                (float)r->beta1, (float)r->beta2, (float)r->eps, wd, j->c1, j->c2,
                                at, to);
            pack_rows(j->o, q, at / q->cols, to / q->cols); /* while a cache has them */
        }
    }
}

/* m = momentum * m + g; update = g + momentum * m (Nesterov) */
static void momentum_part(void *arg, int64_t begin, int64_t end, int worker)
{
    step_job *j = arg;
    float mu = (float)j->o->rule.momentum, *m = j->q->m;
    const float *g = j->q->g;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        float v = g[i] * j->g_scale;
        m[i] = mu * m[i] + v;
        j->update[i] = v + mu * m[i];
    }
}

static void apply_range(const step_job *j, int64_t begin, int64_t end)
{
    float w[1024];
    const int64_t step = (int64_t)(sizeof w / sizeof *w);
    for (int64_t at = begin; at < end; at += step) {
        const int64_t n = end - at < step ? end - at : step;
        yh_weights_get(j->q->p, true, at, w, n);
        for (int64_t i = 0; i < n; i++)
            w[i] = w[i] * j->decay - j->muon_lr * j->update[at + i];
        yh_weights_put(j->q->p, at, w, n);
    }
}

/* Groups of rows. */
static void apply_part(void *arg, int64_t begin, int64_t end, int worker)
{
    const step_job *j = arg;
    const yh_optim_param *q = j->q;
    (void)worker;
    for (int64_t row = begin * ROWS; row < end * ROWS && row < q->rows; row += ROWS) {
        const int64_t to = row + ROWS < q->rows ? row + ROWS : q->rows;
        apply_range(j, row * q->cols, to * q->cols);
        pack_rows(j->o, q, row, to);
    }
}

static yh_status muon_step(step_job *j, double muon_lr, yh_pool *pool, yh_err *err)
{
    yh_optim *o = j->o;
    for (int i = 0; i < o->n; i++) {
        yh_optim_param *q = &o->param[i];
        if (!q->muon)
            continue;
        j->q = q;
        j->update = o->scratch;
        char *scratch = (char *)o->scratch + (((size_t)q->n * 4 + 63) & ~(size_t)63);
        double wd = q->p->spec.decay ? o->rule.weight_decay : 0.0;
        double shape = (double)q->rows / (double)q->cols;
        j->muon_lr = (float)(muon_lr * sqrt(shape > 1.0 ? shape : 1.0));
        j->decay = (float)(1.0 - muon_lr * wd);
        yh_pool_run(pool, q->n, MUON_GRAIN, momentum_part, j);
        YH_TRY(yh_muon_orthogonalise(j->update, q->rows, q->cols, o->type, scratch, pool, err));
        yh_pool_run(pool, (q->rows + ROWS - 1) / ROWS, 1, apply_part, j);
    }
    return YH_OK;
}

yh_status yh_optim_step(yh_optim *o, uint64_t t, double lr, double muon_lr, yh_pool *pool,
                        double *grad_norm, yh_err *err)
{
    step_job j = {.o = o, .lr = (float)lr};
    yh_pool_run(pool, o->blocks, 1, norm_part, &j);
    double sum = 0;
    for (int64_t i = 0; i < o->blocks; i++)
        sum += o->partial[i];
    double norm = sqrt(sum);
    *grad_norm = norm;
    if (!isfinite(norm))
        return yh_fail(err, YH_LIMIT,
                       "the gradient's norm is not finite at step %llu; resume from the last "
                       "checkpoint with a lower learning rate",
                       (unsigned long long)t);
    /* as torch.nn.utils.clip_grad_norm_ */
    double scale = o->rule.clip > 0 ? o->rule.clip / (norm + 1e-6) : 1.0;
    j.g_scale = (float)(scale < 1.0 ? scale : 1.0);
    j.c1 = (float)(1.0 - pow(o->rule.beta1, (double)t));
    j.c2 = (float)(1.0 - pow(o->rule.beta2, (double)t));
    yh_pool_run(pool, o->blocks, 1, adamw_part, &j);
    return o->rule.kind == YH_OPT_MUON ? muon_step(&j, muon_lr, pool, err) : YH_OK;
}
