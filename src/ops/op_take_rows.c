/* Picks rows. src: x [T, C], rows [n] I32. No gradient: inference only. */
#include "ops/ops_util.h"

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const yh_tensor *x = t->src[0];
    const int32_t *row = t->src[1]->data;
    (void)pool;
    for (int64_t i = 0; i < t->dim[0]; i++) {
        if (row[i] < 0 || row[i] >= x->dim[0])
            return yh_fail(err, YH_INVALID, "\"%s\"[%lld] is %d of %lld rows", t->src[1]->name,
                           (long long)i, (int)row[i], (long long)x->dim[0]);
        memcpy(yh_at(t, i * t->dim[1]), yh_at(x, row[i] * t->dim[1]),
               (size_t)t->dim[1] * yh_dtype_size(t->type));
    }
    return YH_OK;
}

static void cost(const yh_tensor *t, double *flops, double *bytes)
{
    *flops = 0.0;
    *bytes = 2.0 * (double)yh_tensor_bytes(t);
}

static const yh_op_case cases[] = {{{1, 1, 1}, false}, {{13, 33, 40}, false}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    return yh_take_rows(g, yh_case_input(g, "x", p[0], p[1]),
                        yh_case_id_input(g, "rows", p[2], YH_CASE_RANDOM, p[0]));
}

static void reference(const yh_tensor *t, double *out)
{
    int64_t width = t->dim[1];
    for (int64_t i = 0; i < yh_tensor_count(t); i++) {
        int64_t r = (int64_t)yh_tensor_get(t->src[1], i / width);
        out[i] = yh_tensor_get(t->src[0], r * width + i % width);
    }
}

const yh_op yh_op_take_rows = {.name = "take_rows",
                               .forward = forward,
                               .cost = cost,
                               .cases = cases,
                               .n_cases = sizeof cases / sizeof cases[0],
                               .build_case = build_case,
                               .reference = reference};

yh_tensor *yh_take_rows(yh_graph *g, yh_tensor *x, yh_tensor *rows)
{
    yh_tensor *src[2] = {x, rows};
    if (!yh_sources_ok(g, "take_rows", 2, src) || !yh_want_matrix(g, "take_rows", x) ||
        !yh_want_ids(g, "take_rows", rows, rows->dim[0]))
        return NULL;
    int64_t dim[2] = {rows->dim[0], x->dim[1]};
    return yh_graph_node(g, &yh_op_take_rows, x->type, 2, dim, 2, src);
}
