/* Attention backward. Included by attn_body.h. */
#ifndef YH_KERNELS_ATTN_BACKWARD_BODY_H
#define YH_KERNELS_ATTN_BACKWARD_BODY_H

VEC_INLINE vf get_typed(yh_dtype t, const void *p, int64_t i, int64_t n)
{
    return t == YH_BF16 ? v_get(YH_BF16, p, i, n) : v_get(YH_F32, p, i, n);
}

void ATTN(attn_delta)(const yh_attn_job *j, int head, int64_t begin, int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        const void *d = v_at(j->type, j->dout, r * j->ldo + (int64_t)head * j->dim);
        const void *o = v_at(j->type, j->fwd_out, r * j->ldo + (int64_t)head * j->dim);
        vf s = {0};
        for (int64_t i = 0; i < j->dim; i += VL)
            s = v_fma(get_typed(j->type, d, i, j->dim), get_typed(j->type, o, i, j->dim), s);
        j->delta[head * j->rows + r] = v_sum(s);
    }
}

/* A query block's rows and those of dout, along the dim and turned; what had to be packed lies
 * behind it. */
typedef struct bwd_queries {
    a_opnd q, d, q_turned, d_turned;
} bwd_queries;
_Static_assert(sizeof(bwd_queries) <= ATTN_HEADER * sizeof(opnd), "what lies behind it");

typedef struct bwd_state {
    opnd *kt, *vt;  /* key block: [deep][BL] */
    opnd *kr;       /* key block: [BL/KP][pad_dim] */
    opnd *tmp;      /* [BL][deep] */
    float *s, *t;   /* [BL][BL] */
    opnd *p, *ds;   /* [BL/KP][BL], pairs along queries */
    opnd *dsk;      /* [BL][BL/KP], pairs along keys; ds itself in F32 */
    float *dk, *dv; /* [pad_dim][BL], turned */
    float *dq;      /* [BL][pad_dim] */
    void *queries;  /* one bwd_queries */
    int64_t k0, nk;
} bwd_state;

static void bwd_layout(bwd_state *b, const yh_attn_job *j, float *scratch)
{
    int64_t kd = deep(j->dim), dp = pad_dim(j->dim);
    b->kt = (opnd *)scratch;
    b->vt = b->kt + kd * BL;
    b->tmp = b->vt + kd * BL;
    b->kr = b->tmp + kd * BL;
    b->p = b->kr + BL / KP * dp;
    b->ds = b->p + BL / KP * BL;
    b->dsk = KP == 1 ? b->ds : b->ds + BL / KP * BL;
    b->s = (float *)(b->dsk + BL * BL / KP);
    b->t = b->s + BL * BL;
    b->dk = b->t + BL * BL;
    b->dv = b->dk + BL * dp;
    b->dq = b->dv + BL * dp;
    b->queries = b->dq + BL * dp;
}

/* Packs a query block to `to` (yh_attn_queries_floats). */
static const bwd_queries *bwd_pack_queries(const yh_attn_job *j, int head, int64_t q0, bool turned,
                                           void *to)
{
    const int64_t kd = deep(j->dim), dp = pad_dim(j->dim);
    const int64_t nq = j->rows - q0 < BL ? j->rows - q0 : BL;
    const rows_view q = view(j, j->q, j->ldq, head, q0, nq);
    const rows_view d = view(j, j->dout, j->ldo, head, q0, nq);
    bwd_queries *b = to;
    opnd *own = (opnd *)to + ATTN_HEADER;
    b->q = rows_operand(own, q);
    b->d = rows_operand(own + BL * kd, d);
    own += 2 * BL * kd;
    if (turned) {
        b->q_turned = turned_operand(own, q);
        b->d_turned = turned_operand(own + BL / KP * dp, d);
    }
    return b;
}

static void bwd_key_block(bwd_state *b, const yh_attn_job *j, int64_t kv, int64_t k_block)
{
    b->k0 = k_block * BL;
    b->nk = j->keys - b->k0 < BL ? j->keys - b->k0 : BL;
    rows_view k = view(j, j->k, j->ldk, kv, b->k0, b->nk);
    pack_cols(b->kt, k, b->tmp);
    pack_cols(b->vt, view(j, j->v, j->ldv, kv, b->k0, b->nk), b->tmp);
    pack_rows(b->kr, k);
}

/* Row r of the block: probabilities and gradients of the scores, from scores and dP. */
VEC_INLINE void bwd_row(const bwd_state *b, const yh_attn_job *j, int64_t at, int64_t r, int v,
                        bool mask, vf *p, vf *ds)
{
    const float c = j->scale * LOG2E;
    vf s = v_load(b->s + r * BL + v * VL), t = v_load(b->t + r * BL + v * VL);
    *p = exp2_neg(v_min(v_fma(s, v_set(c), v_set(-j->lse[at] * LOG2E)), v_set(0)));
    *ds = *p * (t - j->delta[at]) * j->scale;
    if (mask) { /* what was left out may hold anything, NaN too */
        int64_t lo, hi;
        yh_attn_range(j, at % j->rows, &lo, &hi);
        vi lane;
        for (int i = 0; i < VL; i++)
            lane[i] = i;
        vi key = lane + (int32_t)(b->k0 + v * VL);
        vi seen = (vi)(key >= vi_set((int32_t)lo)) & (vi)(key <= vi_set((int32_t)hi));
        *p = v_pick(seen, *p, (vf){0});
        *ds = v_pick(seen, *ds, (vf){0});
    }
}

VEC_INLINE void bwd_softmax(bwd_state *b, const yh_attn_job *j, int head, int64_t q0, int64_t nq,
                            bool mask)
{
    for (int64_t r = 0; r < nq; r += KP)
        for (int v = 0; v < BV; v++) {
            vf p[2] = {{0}, {0}}, ds[2] = {{0}, {0}};
            int64_t at = head * j->rows + q0 + r;
            bwd_row(b, j, at, r, v, mask, &p[0], &ds[0]);
            if (KP == 2 && r + 1 < nq)
                bwd_row(b, j, at + 1, r + 1, v, mask, &p[1], &ds[1]);
            put_pair(b->p + r / KP * BL + v * VL, p[0], p[1]);
            put_pair(b->ds + r / KP * BL + v * VL, ds[0], ds[1]);
#if ATTN_BF16
            for (int i = 0; i < 2; i++)
                v_store16((yh_bf16 *)b->dsk + (r + i) * BL + v * VL, ds[i]);
#endif
        }
}

/* Rows past the last query, which tiles read. */
static void bwd_pad(bwd_state *b, int64_t nq)
{
    const int64_t pairs = (nq + KP - 1) / KP, left = BL / KP - pairs;
    memset(b->p + pairs * BL, 0, (size_t)(left * BL) * sizeof *b->p);
    memset(b->ds + pairs * BL, 0, (size_t)(left * BL) * sizeof *b->ds);
    memset(b->dsk + nq * (BL / KP), 0, (size_t)((BL - nq) * (BL / KP)) * sizeof *b->dsk);
}

/* Scores and dP of nq queries; diagonal: each step of queries with the keys up to its end. */
static void bwd_scores(bwd_state *b, const bwd_queries *x, int64_t nq, int64_t kd, bool diagonal)
{
    const int64_t step = diagonal ? STEP : nq;
    for (int64_t q = 0; q < nq; q += step) {
        int64_t m = nq - q < step ? nq - q : step, n = diagonal ? q + step : BL;
        mm(x->q.p + q * x->q.sm, x->q.sm, x->q.sk, b->kt, BL, b->s + q * BL, BL, m, n, kd, false);
        mm(x->d.p + q * x->d.sm, x->d.sm, x->d.sk, b->vt, BL, b->t + q * BL, BL, m, n, kd, false);
    }
}

/* dv and dk, turned; diagonal: each step of keys with the queries from its begin on. */
static void bwd_keys(bwd_state *b, const bwd_queries *x, int64_t nq, int64_t dim, bool diagonal)
{
    const int64_t step = diagonal ? STEP : BL, pairs = (nq + KP - 1) / KP;
    const a_opnd q = x->q_turned, d = x->d_turned;
    for (int64_t k = 0; k < BL; k += step) {
        const int64_t from = diagonal ? k / KP : 0;
        if (from >= pairs)
            break;
        mm(d.p + from * d.sk, d.sm, d.sk, b->p + from * BL + k, BL, b->dv + k, BL, dim, step,
           pairs - from, true);
        mm(q.p + from * q.sk, q.sm, q.sk, b->ds + from * BL + k, BL, b->dk + k, BL, dim, step,
           pairs - from, true);
    }
}

/* dq; diagonal: each step of queries with the keys up to its end. */
static void bwd_dq(bwd_state *b, int64_t nq, int64_t dp, float *dq, int64_t ld, bool diagonal)
{
    const int64_t step = diagonal ? STEP : nq;
    for (int64_t q = 0; q < nq; q += step) {
        int64_t m = nq - q < step ? nq - q : step;
        int64_t keys = diagonal && q + step < b->nk ? q + step : b->nk;
        mm(b->dsk + q * (BL / KP), BL / KP, 1, b->kr, dp, dq + q * ld, ld, m, dp,
           (keys + KP - 1) / KP, true);
    }
}

/* One pair of blocks: adds to dk and dv (when asked for), and to dq (when not NULL). */
static void bwd_pair(bwd_state *b, const yh_attn_job *j, int head, int64_t q0, const bwd_queries *x,
                     bool want_kv, float *dq, int64_t dq_ld)
{
    int64_t nq = j->rows - q0 < BL ? j->rows - q0 : BL;
    const bool diagonal = q0 == b->k0;
    int32_t lo[ATTN_BLOCK], hi[ATTN_BLOCK];
    int64_t first, behind;
    block_range(j, q0, q0 + nq, lo, hi, &first, &behind);
    bool mask = b->nk < BL || needs_mask(lo, hi, nq, b->k0, b->k0 + BL);
    bwd_scores(b, x, nq, deep(j->dim), diagonal);
    if (mask)
        bwd_softmax(b, j, head, q0, nq, true);
    else
        bwd_softmax(b, j, head, q0, nq, false);
    if (nq < BL)
        bwd_pad(b, nq);
    if (want_kv)
        bwd_keys(b, x, nq, j->dim, diagonal);
    if (dq != NULL)
        bwd_dq(b, nq, pad_dim(j->dim), dq, dq_ld, diagonal);
}

static void put_rows(const yh_attn_job *j, void *dst, int64_t ld, int64_t head, int64_t first,
                     int64_t n, const float *src, int64_t src_ld)
{
    for (int64_t r = 0; r < n; r++) {
        void *row = v_at_mut(j->type, dst, (first + r) * ld + head * j->dim);
        for (int64_t i = 0; i < j->dim; i += VL) {
            if (j->type == YH_BF16)
                v_put(YH_BF16, row, i, j->dim, v_load(src + r * src_ld + i));
            else
                v_put(YH_F32, row, i, j->dim, v_load(src + r * src_ld + i));
        }
    }
}

static int64_t first_key(const yh_attn_job *j, int64_t row)
{
    int64_t lo, hi;
    yh_attn_range(j, row, &lo, &hi);
    return lo;
}

static void bwd_clear(float *p, int64_t n)
{
    memset(p, 0, (size_t)n * sizeof *p);
}

/* What attn_bwd_all keeps of its blocks [begin, end): the packed queries and the sums of dq, which
 * begin at row 0 of block `begin`. */
typedef struct bwd_span {
    int64_t begin;
    float *dq;      /* [rows, group, pad_dim] */
    float *queries; /* [blocks, group] of yh_attn_queries_floats */
} bwd_span;

static void *span_queries(const bwd_span *s, const yh_attn_job *j, int64_t block, int g)
{
    const int64_t group = j->heads / j->kv_heads;
    return s->queries + ((block - s->begin) * group + g) * (int64_t)yh_attn_queries_floats(j->dim);
}

/* One key block against its query blocks, in ascending order; span NULL: dk and dv alone. */
static void bwd_column(bwd_state *b, const yh_attn_job *j, int kv_head, int64_t k_block,
                       const bwd_span *span)
{
    const int64_t dp = pad_dim(j->dim), blocks = (j->rows + BL - 1) / BL;
    const int group = j->heads / j->kv_heads;
    bwd_key_block(b, j, kv_head, k_block);
    bwd_clear(b->dk, BL * dp);
    bwd_clear(b->dv, BL * dp);
    for (int64_t q = k_block; q < blocks; q++) {
        if (first_key(j, q * BL) >= b->k0 + b->nk)
            break; /* starts never decrease: no later row sees these keys */
        for (int g = 0; g < group; g++) {
            const int head = kv_head * group + g;
            float *dq = NULL;
            const bwd_queries *x;
            if (span != NULL) {
                dq = span->dq + ((q - span->begin) * BL * group + g) * dp;
                x = span_queries(span, j, q, g);
            } else {
                x = bwd_pack_queries(j, head, q * BL, true, b->queries);
            }
            bwd_pair(b, j, head, q * BL, x, true, dq, group * dp);
        }
    }
    put_turned(j, j->dk, j->ldk, kv_head, b->k0, b->nk, b->dk, NULL);
    put_turned(j, j->dv, j->ldv, kv_head, b->k0, b->nk, b->dv, NULL);
}

void ATTN(attn_bwd_kv)(const yh_attn_job *j, int kv_head, int64_t k_block, float *scratch)
{
    bwd_state b;
    bwd_layout(&b, j, scratch);
    mm_enter();
    bwd_column(&b, j, kv_head, k_block, NULL);
    mm_leave();
}

void ATTN(attn_bwd_q)(const yh_attn_job *j, int head, int64_t q_block, float *scratch)
{
    const int64_t dp = pad_dim(j->dim), q0 = q_block * BL;
    const int64_t nq = j->rows - q0 < BL ? j->rows - q0 : BL;
    bwd_state b;
    bwd_layout(&b, j, scratch);
    mm_enter();
    bwd_clear(b.dq, BL * dp);
    const bwd_queries *x = bwd_pack_queries(j, head, q0, false, b.queries);
    for (int64_t k = first_key(j, q0) / BL; k <= q_block; k++) {
        bwd_key_block(&b, j, head / (j->heads / j->kv_heads), k);
        bwd_pair(&b, j, head, q0, x, false, b.dq, dp);
    }
    put_rows(j, j->dq, j->ldq, head, q0, nq, b.dq, dp);
    mm_leave();
}

void ATTN(attn_bwd_all)(const yh_attn_job *j, int kv_head, int64_t begin, int64_t end,
                        float *scratch, float *kept)
{
    const int64_t dp = pad_dim(j->dim), row0 = begin * BL, room = (end - begin) * BL;
    const int64_t rows = j->rows - row0 < room ? j->rows - row0 : room;
    const int group = j->heads / j->kv_heads;
    const bwd_span span = {.begin = begin, .dq = kept, .queries = kept + room * group * dp};
    bwd_state b;
    bwd_layout(&b, j, scratch);
    mm_enter();
    bwd_clear(span.dq, room * group * dp);
    for (int64_t q = begin; q < end; q++)
        for (int g = 0; g < group; g++)
            bwd_pack_queries(j, kv_head * group + g, q * BL, true, span_queries(&span, j, q, g));
    for (int64_t k = begin; k < end; k++)
        bwd_column(&b, j, kv_head, k, &span);
    for (int g = 0; g < group; g++)
        put_rows(j, j->dq, j->ldq, kv_head * group + g, row0, rows, span.dq + g * dp, group * dp);
    mm_leave();
}

#endif
