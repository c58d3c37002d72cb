/* Building a graph: tensors, names, errors. */
#include <stdarg.h>
#include <stdio.h>

#include "tensor/graph_private.h"

yh_status yh_graph_create(yh_graph **out, yh_dtype compute_type, yh_err *err)
{
    *out = NULL;
    if (compute_type != YH_F32 && compute_type != YH_BF16)
        return yh_fail(err, YH_INVALID, "a graph computes in f32 or bf16, not %s",
                       yh_dtype_text(compute_type));
    yh_graph *g = yh_calloc(1, sizeof *g);
    if (g == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a graph");
    yh_arena_init(&g->arena);
    g->compute = compute_type;
    *out = g;
    return YH_OK;
}

void yh_graph_free(yh_graph *g)
{
    if (g == NULL)
        return;
    yh_big_free(g->memory, g->bytes);
    yh_arena_fini(&g->arena);
    yh_free(g->tensor);
    yh_free(g);
}

yh_dtype yh_graph_compute_type(const yh_graph *g)
{
    return g->compute;
}

yh_tensor *yh_graph_fail(yh_graph *g, const char *fmt, ...)
{
    char msg[sizeof g->err.msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    yh_fail(&g->err, YH_INVALID, "%s", msg);
    return NULL;
}

bool yh_graph_failed(const yh_graph *g)
{
    return g->err.code != YH_OK;
}

const yh_err *yh_graph_error(const yh_graph *g)
{
    return &g->err;
}

void *yh_graph_alloc(yh_graph *g, size_t size)
{
    void *p = yh_arena_alloc(&g->arena, size);
    if (p == NULL)
        yh_fail(&g->err, YH_NOMEM, "no memory to build a graph");
    return p;
}

int64_t yh_tensor_count(const yh_tensor *t)
{
    if (t->ndim == 0)
        return 0;
    int64_t n = 1;
    for (int i = 0; i < t->ndim; i++)
        n *= t->dim[i];
    return n;
}

size_t yh_tensor_bytes(const yh_tensor *t)
{
    return (size_t)yh_tensor_count(t) * yh_dtype_size(t->type);
}

static bool shape_ok(yh_graph *g, const char *name, yh_dtype type, int ndim, const int64_t *dim)
{
    if (ndim < 0 || ndim > YH_MAX_DIMS || (unsigned)type >= YH_DTYPE_COUNT) {
        yh_graph_fail(g, "%s: bad type or number of dimensions", name);
        return false;
    }
    size_t n = yh_dtype_size(type);
    for (int i = 0; i < ndim; i++) {
        if (dim[i] < 1 || !yh_mul_size(n, (size_t)dim[i], &n) || n > INT64_MAX / 4) {
            yh_graph_fail(g, "%s: dimension %d is %lld: must be positive and not overflow", name, i,
                          (long long)dim[i]);
            return false;
        }
    }
    return true;
}

static yh_tensor *new_tensor(yh_graph *g, const char *name, yh_tensor_kind kind, yh_dtype type,
                             int ndim, const int64_t *dim)
{
    if (yh_graph_failed(g))
        return NULL;
    if (g->planned)
        return yh_graph_fail(g, "%s: the graph is planned already", name);
    if (!shape_ok(g, name, type, ndim, dim))
        return NULL;
    yh_tensor **grown = yh_grow(g->tensor, &g->cap, g->n + 1, sizeof *grown);
    if (grown == NULL || g->n >= INT32_MAX) {
        yh_fail(&g->err, YH_NOMEM, "no memory to build a graph");
        return NULL;
    }
    g->tensor = grown;
    yh_tensor *t = yh_graph_alloc(g, sizeof *t);
    if (t == NULL)
        return NULL;
    t->name = name;
    if (kind != YH_T_NODE) {
        t->name = yh_arena_strdup(&g->arena, name);
        if (t->name == NULL) {
            yh_fail(&g->err, YH_NOMEM, "no memory to build a graph");
            return NULL;
        }
    }
    t->kind = kind;
    t->type = type;
    t->ndim = ndim;
    for (int i = 0; i < ndim; i++)
        t->dim[i] = dim[i];
    t->id = (int32_t)g->n;
    t->owner = t;
    g->tensor[g->n++] = t;
    return t;
}

static yh_tensor *new_named(yh_graph *g, const char *name, yh_tensor_kind kind, yh_dtype type,
                            int ndim, const int64_t *dim)
{
    if (yh_graph_failed(g))
        return NULL;
    if (yh_graph_find(g, name) != NULL)
        return yh_graph_fail(g, "%s: an input or parameter has this name already", name);
    if (ndim < 1)
        return yh_graph_fail(g, "%s: needs a dimension", name);
    return new_tensor(g, name, kind, type, ndim, dim);
}

yh_tensor *yh_graph_input(yh_graph *g, const char *name, yh_dtype type, int ndim,
                          const int64_t *dim)
{
    return new_named(g, name, YH_T_INPUT, type, ndim, dim);
}

yh_tensor *yh_graph_param(yh_graph *g, const char *name, yh_dtype type, int ndim,
                          const int64_t *dim, bool trainable)
{
    yh_tensor *t = new_named(g, name, YH_T_PARAM, type, ndim, dim);
    if (t != NULL)
        t->needs_grad = trainable;
    return t;
}

yh_tensor *yh_graph_find(const yh_graph *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++) {
        yh_tensor *t = g->tensor[i];
        if (t->kind != YH_T_NODE && strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}

int yh_graph_sources(const yh_graph *g, yh_tensor **out, int max)
{
    int n = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->tensor[i]->kind != YH_T_NODE) {
            if (n < max)
                out[n] = g->tensor[i];
            n++;
        }
    }
    return n;
}

yh_tensor *yh_graph_node(yh_graph *g, const yh_op *op, yh_dtype type, int ndim, const int64_t *dim,
                         int n_src, yh_tensor *const *src)
{
    if (n_src > YH_MAX_SRC)
        return yh_graph_fail(g, "%s: more than %d sources", op->name, YH_MAX_SRC);
    yh_tensor *t = new_tensor(g, op->name, YH_T_NODE, type, ndim, dim);
    if (t == NULL)
        return NULL;
    t->op = op;
    for (int i = 0; i < n_src; i++) {
        t->src[i] = src[i];
        if (src[i] != NULL && src[i]->needs_grad && !g->differentiated)
            t->needs_grad = true;
    }
    t->keep = op->once;
    return t;
}

yh_tensor *yh_graph_extra(yh_graph *g, yh_tensor *t, int i, yh_dtype type, int ndim,
                          const int64_t *dim)
{
    if (t == NULL)
        return NULL;
    if (i < 0 || i >= YH_MAX_OUT_EXTRA || t->extra[i] != NULL)
        return yh_graph_fail(g, "%s: extra output %d cannot be added", t->name, i);
    yh_tensor *e = new_tensor(g, t->name, YH_T_NODE, type, ndim, dim);
    if (e == NULL)
        return NULL;
    e->owner = t;
    t->extra[i] = e;
    return e;
}

yh_tensor *yh_graph_find_constant(const yh_graph *g, const yh_op *op, const yh_tensor *like)
{
    for (size_t i = 0; i < g->n; i++) {
        yh_tensor *t = g->tensor[i];
        bool same = t->op == op;
        for (size_t k = 0; same && k < sizeof t->attr / sizeof t->attr[0]; k++)
            same = t->attr[k].i == like->attr[k].i; /* the bits, whichever member was set */
        if (same)
            return t;
    }
    return NULL;
}

void yh_tensor_bind(yh_tensor *t, void *data)
{
    t->data = data;
}

void yh_tensor_bind_grad(yh_tensor *t, float *grad)
{
    t->grad_data = grad;
}

void yh_tensor_bind_packed(yh_tensor *t, const void *by_rows, const void *by_columns)
{
    t->packed[0] = by_rows;
    t->packed[1] = by_columns;
}

void yh_graph_keep(yh_graph *g, yh_tensor *t)
{
    (void)g;
    if (t != NULL)
        t->keep = true;
}

double yh_tensor_get(const yh_tensor *t, int64_t i)
{
    switch (t->type) {
    case YH_F32:
        return (double)((const float *)t->data)[i];
    case YH_BF16:
        return (double)yh_bf16_to_f32(((const yh_bf16 *)t->data)[i]);
    case YH_I32:
        return (double)((const int32_t *)t->data)[i];
    case YH_U8:
        return (double)((const uint8_t *)t->data)[i];
    case YH_F16:
    case YH_DTYPE_COUNT:
        break;
    }
    return 0.0;
}

void yh_tensor_set(yh_tensor *t, int64_t i, double v)
{
    switch (t->type) {
    case YH_F32:
        ((float *)t->data)[i] = (float)v;
        break;
    case YH_BF16:
        ((yh_bf16 *)t->data)[i] = yh_f32_to_bf16((float)v);
        break;
    case YH_I32:
        ((int32_t *)t->data)[i] = (int32_t)v;
        break;
    case YH_U8:
        ((uint8_t *)t->data)[i] = (uint8_t)v;
        break;
    case YH_F16:
    case YH_DTYPE_COUNT:
        break;
    }
}
