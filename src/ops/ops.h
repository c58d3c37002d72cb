/* Builders of the operations. One operation a file (op_*.c), each exporting `const yh_op
 * yh_op_<name>` with shape rule, forward, backward, cost and test cases; CMake makes the registry
 * from the names. T is the number of rows (tokens of the micro-batch, sequences laid end to end).
 */
#ifndef YH_OPS_H
#define YH_OPS_H

#include "tensor/graph.h"

/* tokens [T] I32, w [V, C] -> [T, C]; out-of-range ids are the caller's bug (loader checks) */
yh_tensor *yh_embedding(yh_graph *g, yh_tensor *tokens, yh_tensor *w);
/* x [T, In], w [Out, In], b [Out] F32 or NULL, residual [T, Out] or NULL -> [T, Out] */
yh_tensor *yh_linear(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *b, yh_tensor *residual);
/* The same without b and residual, always F32: logits. No gradient unless the graph is F32. */
yh_tensor *yh_logits(yh_graph *g, yh_tensor *x, yh_tensor *w);
yh_tensor *yh_rmsnorm(yh_graph *g, yh_tensor *x, yh_tensor *w, float eps);
yh_tensor *yh_layernorm(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *b, float eps);
/* x [T, heads*dim], norm_w [dim] F32 or NULL, pos [T] I32 (< max_pos) -> like x */
yh_tensor *yh_rope_norm(yh_graph *g, yh_tensor *x, yh_tensor *norm_w, yh_tensor *pos, int heads,
                        float eps, double theta, int64_t max_pos);
/* q [T, heads*dim], k, v [T, kv_heads*dim], start [T] I32 -> [T, heads*dim]; see kernels.h.
 * k and v NULL: q holds all three side by side, [T, (heads + 2*kv_heads)*dim]. */
yh_tensor *yh_attention(yh_graph *g, yh_tensor *q, yh_tensor *k, yh_tensor *v, yh_tensor *start,
                        int heads, int kv_heads, int64_t window);
/* Inference: writes k, v [n, kv_heads*dim] into the caches (inputs, [capacity, kv_heads*dim]) at
 * rows pos[i], then attends. k and v NULL: as above. */
yh_tensor *yh_attention_cached(yh_graph *g, yh_tensor *q, yh_tensor *k, yh_tensor *v,
                               yh_tensor *k_cache, yh_tensor *v_cache, yh_tensor *pos, int heads,
                               int kv_heads, int64_t window);
yh_tensor *yh_swiglu(yh_graph *g, yh_tensor *gate, yh_tensor *up);
yh_tensor *yh_gelu(yh_graph *g, yh_tensor *x);
yh_tensor *yh_add(yh_graph *g, yh_tensor *a, yh_tensor *b);
/* Picks rows: x [T, C], rows [n] I32 -> [n, C] (inference: the last token only). No gradient. */
yh_tensor *yh_take_rows(yh_graph *g, yh_tensor *x, yh_tensor *rows);
/* Output projection and cross-entropy in chunks of rows; the logits are never stored for the batch.
 * x [T, C], w [V, C], targets [T] I32 (negative: ignored), scale [1] F32 input: the loss gradient's
 * factor (for example 1 / tokens of the whole batch). Returns the F32 scalar sum of -log p over
 * targets times scale; extra[0] is the F32 per-row loss [T] (unscaled, natural log). */
enum { YH_LOSS_BLOCK = 4096 /* rows of w that its products take at once */ };
yh_tensor *yh_lm_loss(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *targets,
                      yh_tensor *scale);

#endif
