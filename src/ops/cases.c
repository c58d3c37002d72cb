#include <stdio.h>

#include "base/rng.h"
#include "ops/ops_util.h"
#include "registry_op.h"

#define DECLARE(name) extern const yh_op yh_op_##name;
YH_REGISTRY_OP(DECLARE)
#undef DECLARE
static const yh_op *const ops[] = {
#define ENTRY(name) &yh_op_##name,
    YH_REGISTRY_OP(ENTRY)
#undef ENTRY
};

int yh_op_count(void)
{
    return (int)(sizeof ops / sizeof ops[0]);
}

const yh_op *yh_op_at(int i)
{
    return ops[i];
}

yh_tensor *yh_case_input(yh_graph *g, const char *name, int64_t rows, int64_t cols)
{
    int64_t dim[2] = {rows, cols};
    yh_tensor *t = yh_graph_input(g, name, yh_graph_compute_type(g), 2, dim);
    if (t != NULL)
        t->needs_grad = true;
    return t;
}

yh_tensor *yh_case_param(yh_graph *g, const char *name, int64_t rows, int64_t cols)
{
    int64_t dim[2] = {rows, cols};
    return yh_graph_param(g, name, cols == 0 ? YH_F32 : yh_graph_compute_type(g), cols == 0 ? 1 : 2,
                          dim, true);
}

/* How a case's ids are filled: attr[0] the kind, attr[1] the bound. */
yh_tensor *yh_case_id_input(yh_graph *g, const char *name, int64_t n, yh_case_ids kind,
                            int64_t below)
{
    yh_tensor *t = yh_graph_input(g, name, YH_I32, 1, &n);
    if (t != NULL) {
        t->attr[0].i = kind;
        t->attr[1].i = below;
    }
    return t;
}

static int32_t id_at(const yh_tensor *t, int64_t i, yh_rng *rng)
{
    int64_t below = t->attr[1].i;
    switch ((yh_case_ids)t->attr[0].i) {
    case YH_CASE_RANDOM:
        return (int32_t)yh_rng_below(rng, (uint64_t)below);
    case YH_CASE_TARGETS:
        return i % 7 == 3 ? -1 : (int32_t)yh_rng_below(rng, (uint64_t)below);
    case YH_CASE_POS:
        return (int32_t)(i % below);
    case YH_CASE_START:
        return (int32_t)(i / below * below);
    case YH_CASE_LAST:
        return (int32_t)(below - t->dim[0] + i);
    }
    return 0;
}

static void fill(yh_tensor *t, uint64_t seed)
{
    yh_rng rng;
    yh_rng_init(&rng, seed, (uint64_t)t->id);
    int64_t n = yh_tensor_count(t);
    bool vector = t->ndim == 1;
    for (int64_t i = 0; i < n; i++) {
        if (t->type == YH_I32)
            yh_tensor_set(t, i, (double)id_at(t, i, &rng));
        else
            yh_tensor_set(t, i, vector ? 1.0 + 0.3 * yh_rng_normal(&rng) : yh_rng_normal(&rng));
    }
}

/* ---- loss = sum of y * r; src: y, r */
static yh_status sum_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    double sum = 0.0;
    (void)pool;
    (void)err;
    for (int64_t i = 0; i < yh_tensor_count(t->src[0]); i++)
        sum += yh_tensor_get(t->src[0], i) * yh_tensor_get(t->src[1], i);
    *(float *)t->data = (float)sum;
    return YH_OK;
}

static void sum_backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    (void)grad;
    yh_graph_grad_add(g, t->src[0], t->src[1]);
}

static const yh_op op_case_loss = {
    .name = "case_loss", .forward = sum_run, .backward = sum_backward};

static void add_loss(yh_case_run *r)
{
    int64_t one = 1;
    r->loss = r->y;
    if (yh_tensor_count(r->y) != 1 || r->y->ndim != 1) {
        yh_tensor *src[2] = {r->y, yh_graph_input(r->g, "case_r", r->y->type, 2, r->y->dim)};
        r->loss = yh_graph_node(r->g, &op_case_loss, YH_F32, 1, &one, 2, src);
        yh_graph_keep(r->g, r->loss);
    }
    yh_graph_backward(r->g, r->loss);
}

/* One pass measures (memory NULL), the next binds. */
static size_t bind_all(yh_case_run *r, yh_tensor *const *t, int n, uint64_t seed)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        bool grad = t[i]->kind == YH_T_PARAM && t[i]->needs_grad;
        size_t size = (yh_tensor_bytes(t[i]) + 63) & ~(size_t)63;
        size_t gsize =
            grad ? ((size_t)yh_tensor_count(t[i]) * sizeof(float) + 63) & ~(size_t)63 : 0;
        if (r->memory != NULL) {
            yh_tensor_bind(t[i], (char *)r->memory + at);
            if (grad)
                yh_tensor_bind_grad(t[i], (float *)(void *)((char *)r->memory + at + size));
            fill(t[i], seed);
        }
        at += size + gsize;
    }
    return at;
}

yh_status yh_case_open(yh_case_run *r, const yh_op *op, const yh_op_case *c, yh_dtype type,
                       bool gradient, int recompute, uint64_t seed, yh_err *err)
{
    *r = (yh_case_run){0};
    if (gradient && op->backward == NULL)
        return yh_fail(err, YH_UNSUPPORTED, "operation %s has no gradient", op->name);
    YH_TRY(yh_graph_create(&r->g, type, err));
    yh_status s = YH_OK;
    r->y = op->build_case(r->g, c->p);
    yh_graph_keep(r->g, r->y);
    yh_graph_set_recompute(r->g, recompute);
    if (r->y != NULL && gradient)
        add_loss(r);
    if (yh_graph_failed(r->g)) {
        s = yh_fail(err, yh_graph_error(r->g)->code, "%s", yh_graph_error(r->g)->msg);
        goto done;
    }
    yh_tensor *bound[32];
    int n = yh_graph_sources(r->g, bound, 32);
    for (int i = 0; i < n; i++)
        yh_graph_keep(r->g, bound[i]->grad);
    r->memory_size = bind_all(r, bound, n, seed);
    r->memory = yh_big_alloc(r->memory_size);
    if (r->memory == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory for a case of %s", op->name);
        goto done;
    }
    memset(r->memory, 0, r->memory_size);
    bind_all(r, bound, n, seed);
    s = yh_graph_plan(r->g, err);
    r->flops = yh_graph_flops(r->g);
    r->bytes = yh_graph_traffic(r->g);
done:
    if (s != YH_OK)
        yh_case_close(r);
    return s;
}

void yh_case_close(yh_case_run *r)
{
    yh_graph_free(r->g);
    if (r->memory != NULL)
        yh_big_free(r->memory, r->memory_size);
    *r = (yh_case_run){0};
}
