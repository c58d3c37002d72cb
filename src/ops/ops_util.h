/* What the files of this folder share: splitting rows over threads, sums over rows in fixed
 * blocks, one matrix product. */
#ifndef YH_OPS_OPS_UTIL_H
#define YH_OPS_OPS_UTIL_H

#include "ops/cases.h"
#include "ops/ops.h"

enum {
    YH_GRAIN_ROWS = 4,    /* rows a thread takes at least */
    YH_GRAIN_ELEMS = 4096 /* elements; a multiple of every vector width */
};

/* Element `i` of t. */
static inline void *yh_at(const yh_tensor *t, int64_t i)
{
    return (char *)t->data + (size_t)i * yh_dtype_size(t->type);
}

/* Sums over rows: rows are cut into blocks that depend on their number alone, each block's sum goes
 * into its own row of `part` [blocks, width], and the rows of `part` are added in order. So the
 * result does not depend on the number of threads. */
int64_t yh_row_blocks(int64_t rows);
/* First row of block i of n. */
static inline int64_t yh_block_begin(int64_t rows, int64_t n, int64_t i)
{
    return rows / n * i + (i < rows % n ? i : rows % n);
}
/* The rows of part [blocks, width], in order, are the gradient of the vector, or added to it. */
void yh_grad_sum_parts(yh_tensor *param, const yh_tensor *part);

/* Fails the graph and returns false unless x is a matrix of activations of the compute type. */
bool yh_want_matrix(yh_graph *g, const char *op, const yh_tensor *x);
/* ... unless w is an F32 vector of n elements */
bool yh_want_vector(yh_graph *g, const char *op, const yh_tensor *w, int64_t n);
/* ... unless i is an I32 vector of n elements */
bool yh_want_ids(yh_graph *g, const char *op, const yh_tensor *i, int64_t n);
/* False when a source is missing because its own builder failed before. */
bool yh_sources_ok(yh_graph *g, const char *op, int n, yh_tensor *const *src);

#endif
