/* Attention forward. Included by attn_body.h. */
#ifndef YH_KERNELS_ATTN_FORWARD_BODY_H
#define YH_KERNELS_ATTN_FORWARD_BODY_H

/* A query block on its way over the keys. */
typedef struct fwd_block {
    int64_t q0, nq, first, behind;
    opnd *qt;      /* [deep][BL] */
    float *o;      /* [pad_dim][BL] sums, turned */
    float top[BL]; /* running maximum of the unscaled scores */
    float sum[BL];
    int32_t lo[BL], hi[BL];
} fwd_block;

/* What the blocks share: one key block, one pair of blocks. */
typedef struct fwd_state {
    int64_t k0;          /* first key */
    a_opnd keys, values; /* values: turned */
    opnd *ka, *vt;       /* where they are packed */
    float *s;            /* [BL][BL] scores, [key][query] */
    opnd *p;             /* [BL/KP][BL] probabilities */
    float *factor;       /* [BL] what earlier sums are multiplied by */
} fwd_state;

/* Scores of nk keys to probabilities; false when no factor differs from 1. */
VEC_INLINE bool softmax_block(const fwd_state *f, fwd_block *b, float c, int64_t nk, bool mask)
{
    vi changed = {0};
    for (int v = 0; v < BV; v++) {
        float *s = f->s + v * VL;
        vi lo, hi;
        memcpy(&lo, b->lo + v * VL, sizeof lo);
        memcpy(&hi, b->hi + v * VL, sizeof hi);
        vf old = v_load(b->top + v * VL), top = old;
        for (int64_t r = 0; r < nk; r++) {
            vf x = v_load(s + r * BL);
            if (mask) {
                vi key = vi_set((int32_t)(f->k0 + r));
                x = v_pick((vi)(key >= lo) & (vi)(key <= hi), x, v_set(LOWEST));
                v_store(s + r * BL, x);
            }
            top = v_max(x, top);
        }
        vf factor = exp2_neg((old - top) * c), sum = v_load(b->sum + v * VL) * factor;
        vf shift = top * -c;
        for (int64_t r = 0; r < nk; r += KP) {
            vf p[2] = {{0}, {0}};
            for (int i = 0; i < KP; i++) {
                if (r + i >= nk)
                    break;
                p[i] = exp2_neg(v_fma(v_load(s + (r + i) * BL), v_set(c), shift));
                if (mask) {
                    vi key = vi_set((int32_t)(f->k0 + r + i));
                    p[i] = v_pick((vi)(key >= lo) & (vi)(key <= hi), p[i], (vf){0});
                }
                sum += p[i];
            }
            put_pair(f->p + r / KP * BL + v * VL, p[0], p[1]);
        }
        v_store(b->top + v * VL, top);
        v_store(b->sum + v * VL, sum);
        v_store(f->factor + v * VL, factor);
        changed |= (vi)(factor != v_set(1.0f));
    }
    return v_any(changed);
}

/* Transposed scores of nk keys; diagonal: of the queries from each step of keys on. */
static void fwd_scores(const fwd_state *f, const fwd_block *b, int64_t nk, int64_t kd,
                       bool diagonal)
{
    const int64_t step = diagonal ? STEP : nk;
    for (int64_t k = 0; k < nk; k += step) {
        const int64_t n = nk - k < step ? nk - k : step, from = diagonal ? k : 0;
        mm(f->keys.p + k * f->keys.sm, f->keys.sm, f->keys.sk, b->qt + from, BL,
           f->s + k * BL + from, BL, n, BL - from, kd, false);
    }
}

/* o += the transpose of p v; diagonal: each step of queries with the keys up to its end. */
static void fwd_values(const fwd_state *f, const fwd_block *b, int64_t nk, int64_t dim,
                       bool diagonal)
{
    const int64_t step = diagonal ? STEP : BL, pairs = (nk + KP - 1) / KP;
    const a_opnd v = f->values;
    if (pairs % UNIT_K != 0)
        memset(f->p + pairs * BL, 0, (size_t)((UNIT_K - pairs % UNIT_K) * BL) * sizeof *f->p);
    for (int64_t q = 0; q < BL; q += step) {
        const int64_t own = (q + step) / KP;
        mm(v.p, v.sm, v.sk, f->p + q, BL, b->o + q, BL, dim, step, own < pairs ? own : pairs, true);
    }
}

static void fwd_pair(const yh_attn_job *j, fwd_state *f, fwd_block *b)
{
    const float c = j->scale * LOG2E;
    const int64_t nk = b->behind - f->k0 < BL ? b->behind - f->k0 : BL;
    const bool diagonal = f->k0 == b->q0 && j->pos == NULL;
    fwd_scores(f, b, nk, deep(j->dim), diagonal);
    bool changed;
    if (b->nq < BL || needs_mask(b->lo, b->hi, b->nq, f->k0, f->k0 + nk))
        changed = softmax_block(f, b, c, nk, true);
    else
        changed = softmax_block(f, b, c, nk, false);
    if (changed)
        for (int v = 0; v < BV; v++) {
            const vf factor = v_load(f->factor + v * VL);
            for (int64_t i = 0; i < j->dim; i++) {
                float *o = b->o + i * BL + v * VL;
                v_store(o, v_load(o) * factor);
            }
        }
    fwd_values(f, b, nk, j->dim, diagonal);
}

static void fwd_begin(const yh_attn_job *j, fwd_block *b, int head, int64_t q_block, opnd *tmp)
{
    b->q0 = q_block * BL;
    b->nq = j->rows - b->q0 < BL ? j->rows - b->q0 : BL;
    for (int64_t r = 0; r < BL; r++) {
        b->top[r] = LOWEST;
        b->sum[r] = 0;
    }
    memset(b->o, 0, (size_t)(BL * pad_dim(j->dim)) * sizeof *b->o);
    block_range(j, b->q0, b->q0 + b->nq, b->lo, b->hi, &b->first, &b->behind);
    b->first = b->first / BL * BL;
    pack_cols(b->qt, view(j, j->q, j->ldq, head, b->q0, b->nq), tmp);
}

static void fwd_finish(const yh_attn_job *j, const fwd_block *b, int head)
{
    float inv[BL];
    for (int64_t r = 0; r < BL; r++)
        inv[r] = 1.0f / b->sum[r];
    put_turned(j, j->out, j->ldo, head, b->q0, b->nq, b->o, inv);
    for (int64_t r = 0; j->lse != NULL && r < b->nq; r++)
        j->lse[head * j->rows + b->q0 + r] = b->top[r] * j->scale + logf(b->sum[r]);
}

/* The keys pass once, from first to last, and each query block takes those that it sees: the same
 * sums in the same order however many blocks go together. */
void ATTN(attn_fwd)(const yh_attn_job *j, int head, int64_t begin, int64_t end, float *scratch)
{
    const int64_t dp = pad_dim(j->dim), kd = deep(j->dim), kv = head / (j->heads / j->kv_heads);
    fwd_block block[ATTN_GROUP];
    fwd_state f = {.ka = (opnd *)scratch};
    f.vt = f.ka + BL * kd;
    f.s = (float *)(f.vt + BL / KP * dp);
    f.p = (opnd *)(f.s + BL * BL);
    f.factor = (float *)(f.p + BL / KP * BL);
    float *own = f.factor + BL;
    int64_t first = INT64_MAX, behind = 0;
    mm_enter();
    for (int64_t i = 0; i < end - begin; i++) {
        fwd_block *b = block + i;
        b->qt = (opnd *)own;
        b->o = (float *)(b->qt + kd * BL);
        own = b->o + dp * BL;
        fwd_begin(j, b, head, begin + i, f.ka);
        first = b->first < first ? b->first : first;
        behind = b->behind > behind ? b->behind : behind;
    }
    for (f.k0 = first; f.k0 < behind; f.k0 += BL) {
        bool packed = false;
        for (int64_t i = 0; i < end - begin; i++) {
            fwd_block *b = block + i;
            if (f.k0 < b->first || f.k0 >= b->behind)
                continue;
            if (!packed) {
                const int64_t next = f.k0 + BL, nk = behind < next ? behind - f.k0 : BL;
                f.keys = rows_operand(f.ka, view(j, j->k, j->ldk, kv, f.k0, nk));
                f.values = turned_operand(f.vt, view(j, j->v, j->ldv, kv, f.k0, nk));
                if (next < behind) {
                    const int64_t n = behind - next < BL ? behind - next : BL;
                    prefetch_rows(view(j, j->k, j->ldk, kv, next, n));
                    prefetch_rows(view(j, j->v, j->ldv, kv, next, n));
                }
                packed = true;
            }
            fwd_pair(j, &f, b);
        }
    }
    for (int64_t i = 0; i < end - begin; i++)
        fwd_finish(j, block + i, head);
    mm_leave();
}

#endif
