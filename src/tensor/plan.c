/* Memory plan: every tensor that an operation writes gets an offset in one buffer; two may share
 * bytes only when their lives do not meet. Largest first, each in the smallest gap that holds it:
 * "greedy by size" of Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference",
 * 2020. */
#include <stdlib.h>

#include "tensor/graph_private.h"

enum { PLAN_ALIGN = 64 };

/* May output `o` of node t take src's memory? Only if src dies here and is the graph's own. */
static bool can_take(const yh_tensor *t, const yh_tensor *o, const yh_tensor *src,
                     const yh_life *life)
{
    if (src == NULL || !yh_is_written(src) || src->keep || o->keep)
        return false;
    if (yh_tensor_bytes(src) != yh_tensor_bytes(o) || life[src->id].last != t->id)
        return false;
    for (int i = 0, uses = 0; i < YH_MAX_SRC; i++) {
        uses += t->src[i] == src;
        if (uses > 1)
            return false;
    }
    return true;
}

static void take_places(const yh_tensor *t, yh_life *life)
{
    const yh_tensor *out[3] = {t, t->extra[0], t->extra[1]};
    unsigned taken = 0;
    for (int k = 0; k < 3; k++) {
        if (out[k] == NULL || yh_tensor_count(out[k]) == 0)
            continue;
        for (unsigned i = 0; i < YH_MAX_SRC; i++) {
            unsigned bit = 1u << i;
            if ((t->op->inplace[k] & bit) == 0 || (taken & bit) != 0 ||
                !can_take(t, out[k], t->src[i], life))
                continue;
            life[out[k]->id].storage = life[t->src[i]->id].storage;
            taken |= bit;
            break;
        }
    }
}

void yh_plan_lives(const yh_graph *g, yh_life *life)
{
    for (size_t i = 0; i < g->n; i++) {
        const yh_tensor *t = g->tensor[i];
        life[i] = (yh_life){t->owner->id, t->owner->id, t->id};
        if (t->op != NULL && t->op->once)
            life[i].first = 0;
    }
    for (size_t i = 0; i < g->n; i++) {
        const yh_tensor *t = g->tensor[i];
        for (int k = 0; k < YH_MAX_SRC; k++) {
            if (t->src[k] != NULL && life[t->src[k]->id].last < t->id)
                life[t->src[k]->id].last = t->id;
        }
        if (t->keep)
            life[i].last = INT32_MAX;
    }
    for (size_t i = 0; i < g->n; i++) {
        if (yh_is_node(g->tensor[i]))
            take_places(g->tensor[i], life);
    }
    /* a memory lives as long as everything that uses it */
    for (size_t i = 0; i < g->n; i++) {
        yh_life *s = &life[life[i].storage];
        if (s->last < life[i].last)
            s->last = life[i].last;
    }
}

typedef struct slot {
    size_t size, offset;
    int32_t first, last, id;
} slot;

static int by_size(const void *pa, const void *pb)
{
    const slot *a = pa, *b = pb;
    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    return a->id < b->id ? -1 : 1;
}

/* Puts s into the smallest gap between the placed slots (sorted by offset) that are alive with it;
 * returns where it belongs in that order. */
static size_t place(slot *s, slot *const *placed, size_t n)
{
    size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const slot *p = placed[i];
        if (p->last < s->first || p->first > s->last)
            continue;
        if (p->offset > end && p->offset - end >= s->size && p->offset - end < best_gap) {
            best = end;
            best_gap = p->offset - end;
        }
        if (p->offset + p->size > end)
            end = p->offset + p->size;
    }
    s->offset = best != SIZE_MAX ? best : end;
    size_t at = n;
    while (at > 0 && placed[at - 1]->offset > s->offset)
        at--;
    return at;
}

yh_status yh_plan_offsets(const yh_graph *g, size_t *offset, size_t *bytes, yh_err *err)
{
    yh_status s = YH_OK;
    size_t n = 0;
    *bytes = 0;
    yh_life *life = yh_calloc(g->n + 1, sizeof *life);
    slot *slots = yh_calloc(g->n + 1, sizeof *slots);
    slot **placed = yh_calloc(g->n + 1, sizeof *placed);
    if (life == NULL || slots == NULL || placed == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory to plan a graph of %zu tensors", g->n);
        goto done;
    }
    yh_plan_lives(g, life);
    for (size_t i = 0; i < g->n; i++) {
        const yh_tensor *t = g->tensor[i];
        size_t size = yh_tensor_bytes(t);
        offset[i] = SIZE_MAX;
        if (yh_is_written(t) && size != 0 && life[i].storage == t->id)
            slots[n++] = (slot){(size + PLAN_ALIGN - 1) & ~(size_t)(PLAN_ALIGN - 1), 0,
                                life[i].first, life[i].last, t->id};
    }
    qsort(slots, n, sizeof *slots, by_size);
    for (size_t i = 0; i < n; i++) {
        size_t at = place(&slots[i], placed, i), end;
        memmove(placed + at + 1, placed + at, (i - at) * sizeof *placed);
        placed[at] = &slots[i];
        offset[slots[i].id] = slots[i].offset;
        if (!yh_add_size(slots[i].offset, slots[i].size, &end) || end > SIZE_MAX / 2) {
            s = yh_fail(err, YH_NOMEM, "the activations are larger than the address space");
            goto done;
        }
        *bytes = end > *bytes ? end : *bytes;
    }
    for (size_t i = 0; i < g->n; i++) {
        if (yh_is_written(g->tensor[i]) && yh_tensor_count(g->tensor[i]) != 0)
            offset[i] = offset[life[i].storage];
    }
done:
    yh_free(life);
    yh_free(slots);
    yh_free(placed);
    return s;
}

yh_status yh_graph_measure(yh_graph *g, size_t *bytes, yh_err *err)
{
    *bytes = g->bytes;
    if (yh_graph_failed(g))
        return yh_fail(err, g->err.code, "%s", g->err.msg);
    if (g->planned)
        return YH_OK;
    size_t *offset = yh_calloc(g->n + 1, sizeof *offset);
    if (offset == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to plan a graph");
    yh_status s = yh_plan_offsets(g, offset, bytes, err);
    yh_free(offset);
    return s;
}

yh_status yh_graph_plan(yh_graph *g, yh_err *err)
{
    if (yh_graph_failed(g))
        return yh_fail(err, g->err.code, "%s", g->err.msg);
    if (g->planned)
        return yh_fail(err, YH_INVALID, "the graph is planned already");
    size_t bytes = 0;
    size_t *offset = yh_calloc(g->n + 1, sizeof *offset);
    if (offset == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to plan a graph");
    yh_status s = yh_plan_offsets(g, offset, &bytes, err);
    if (s != YH_OK)
        goto done;
    if (bytes != 0) {
        g->memory = yh_big_alloc(bytes);
        if (g->memory == NULL) {
            s = yh_fail(err, YH_NOMEM,
                        "no memory for the activations (%zu MiB); use a smaller batch, a shorter "
                        "context or a smaller model",
                        bytes >> 20);
            goto done;
        }
    }
    g->bytes = bytes;
    g->planned = true;
    for (size_t i = 0; i < g->n; i++) {
        if (offset[i] != SIZE_MAX)
            g->tensor[i]->data = (char *)g->memory + offset[i];
    }
    for (size_t i = 0; i < g->n && s == YH_OK; i++) {
        yh_tensor *t = g->tensor[i];
        if (yh_is_node(t) && t->op->once)
            s = t->op->forward(t, NULL, err);
    }
done:
    yh_free(offset);
    return s;
}

size_t yh_graph_memory(const yh_graph *g)
{
    return g->bytes;
}
