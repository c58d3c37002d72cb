#include "ops/ops_util.h"
#include "tensor/op.h"

int64_t yh_row_blocks(int64_t rows)
{
    const int64_t at_least = 32, at_most = 64;
    int64_t n = (rows + at_least - 1) / at_least;
    return n < 1 ? 1 : n > at_most ? at_most : n;
}

void yh_grad_sum_parts(yh_tensor *param, const yh_tensor *part)
{
    const int64_t width = part->dim[1];
    const float *row = part->data;
    float *out = param->grad_data;
    int64_t b = 0;
    if (!yh_grad_adds(param)) {
        memcpy(out, row, (size_t)width * sizeof *out);
        b = 1;
    }
    for (; b < part->dim[0]; b++) {
        for (int64_t i = 0; i < width; i++)
            out[i] += row[b * width + i];
    }
}

bool yh_sources_ok(yh_graph *g, const char *op, int n, yh_tensor *const *src)
{
    if (yh_graph_failed(g))
        return false;
    for (int i = 0; i < n; i++) {
        if (src[i] == NULL) {
            yh_graph_fail(g, "%s: source %d is missing", op, i);
            return false;
        }
    }
    return true;
}

bool yh_want_matrix(yh_graph *g, const char *op, const yh_tensor *x)
{
    if (x->ndim == 2 && x->type == yh_graph_compute_type(g))
        return true;
    yh_graph_fail(g, "%s: %s must be a matrix of %s", op, x->name,
                  yh_dtype_text(yh_graph_compute_type(g)));
    return false;
}

bool yh_want_vector(yh_graph *g, const char *op, const yh_tensor *w, int64_t n)
{
    if (w->ndim == 1 && w->dim[0] == n && w->type == YH_F32)
        return true;
    yh_graph_fail(g, "%s: %s must hold %lld f32 elements", op, w->name, (long long)n);
    return false;
}

bool yh_want_ids(yh_graph *g, const char *op, const yh_tensor *i, int64_t n)
{
    if (i->ndim == 1 && i->dim[0] == n && i->type == YH_I32)
        return true;
    yh_graph_fail(g, "%s: %s must hold %lld i32 elements", op, i->name, (long long)n);
    return false;
}
