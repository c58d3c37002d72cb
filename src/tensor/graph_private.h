/* The graph's own state, shared by the files of this folder only. */
#ifndef YH_TENSOR_GRAPH_PRIVATE_H
#define YH_TENSOR_GRAPH_PRIVATE_H

#include "tensor/op.h"

enum { YH_PROFILE_MAX = 64 };

struct yh_graph {
    yh_arena arena;
    yh_dtype compute;
    yh_tensor **tensor; /* all, by id */
    size_t n, cap;
    yh_err err;
    int recompute;
    bool differentiated, planned;
    void *memory;
    size_t bytes;
    bool profiling;
    yh_op_profile profile[YH_PROFILE_MAX];
    int n_profile;
};

/* A tensor that one of the graph's operations writes. */
static inline bool yh_is_written(const yh_tensor *t)
{
    return t->kind == YH_T_NODE;
}
/* A node, not an extra of one. */
static inline bool yh_is_node(const yh_tensor *t)
{
    return t->kind == YH_T_NODE && t->owner == t;
}

/* Offset of every tensor by id (SIZE_MAX: has none) and the size of the whole. */
yh_status yh_plan_offsets(const yh_graph *g, size_t *offset, size_t *bytes, yh_err *err);
/* Life of a tensor's memory, in ids of nodes, both ends included. storage: id of the tensor whose
 * memory it uses (itself, or one whose place it takes). */
typedef struct yh_life {
    int32_t first, last;
    int32_t storage;
} yh_life;
void yh_plan_lives(const yh_graph *g, yh_life *life);

#endif
