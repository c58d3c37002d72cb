/* Held-out bits per byte while training: a forward graph over a fixed subset. */
#include <math.h>

#include "train/trainer.h"

static void bind_set(const yh_trainer *t, uint64_t run)
{
    const yh_eval_set *e = &t->heldout;
    const yh_build *b = &t->eval_build;
    uint64_t at = run * (uint64_t)e->rows;
    yh_tensor_bind(b->tokens, e->tokens + at);
    yh_tensor_bind(b->targets, e->targets + at);
    yh_tensor_bind(b->pos, e->pos + at);
    yh_tensor_bind(b->start, e->start + at);
}

yh_status yh_trainer_evaluate(yh_trainer *t, double *bpb, double *loss, yh_err *err)
{
    *bpb = *loss = (double)NAN;
    if (t->heldout.runs == 0)
        return YH_OK;
    const float *row_loss = t->eval_build.loss->extra[0]->data;
    double nats = 0;
    for (uint64_t r = 0; r < t->heldout.runs; r++) {
        bind_set(t, r);
        YH_TRY(yh_graph_run(t->eval_graph, t->pool, err));
        const int32_t *target = t->heldout.targets + r * (uint64_t)t->heldout.rows;
        for (int64_t i = 0; i < t->heldout.rows; i++)
            if (target[i] >= 0)
                nats += (double)row_loss[i];
    }
    *loss = nats / (double)t->heldout.tokens_used;
    *bpb = nats / log(2.0) / t->heldout.bytes;
    return YH_OK;
}
