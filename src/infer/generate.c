/* From a prompt to text: prefill, sample, decode, hold back what may become a stop text. */
#include <math.h>

#include "base/file.h"
#include "infer/session_parts.h"

enum { MAX_ENDS = 8, MAX_STOPS = 64 };

typedef struct run {
    yh_session *s;
    const yh_tok *tok;
    const yh_generate_options *o;
    yh_tok_stream stream;
    char *piece; /* one token decoded */
    size_t piece_cap;
    yh_buf held; /* text that may be the beginning of a stop text */
    uint32_t ends[MAX_ENDS];
    int n_ends;
    uint32_t tokens;
    const char *finish; /* NULL: go on */
    bool closed;        /* nothing more may be emitted */
} run;

/* ------------------------------------------------------------------ text out */

static void emit(run *r, size_t n)
{
    if (n == 0)
        return;
    if (r->o->emit != NULL && !r->o->emit(r->o->user, r->held.data, n)) {
        r->finish = "cancelled";
        r->closed = true;
    }
    memmove(r->held.data, r->held.data + n, r->held.len - n);
    r->held.len -= n;
    r->held.data[r->held.len] = '\0';
}

/* Finds the first stop text in held[0..len), or how much of the end might become one. */
static bool find_stop(const run *r, size_t *at, size_t *keep)
{
    bool found = false;
    *at = r->held.len;
    *keep = 0;
    for (size_t i = 0; i < r->o->n_stop; i++) {
        const char *stop = r->o->stop[i];
        size_t m = strlen(stop);
        if (m == 0)
            continue;
        for (size_t p = 0; p < r->held.len; p++) {
            size_t n = r->held.len - p < m ? r->held.len - p : m;
            if (memcmp(r->held.data + p, stop, n) != 0)
                continue;
            if (n == m && p < *at) {
                *at = p;
                found = true;
            } else if (n < m && n > *keep) {
                *keep = n;
            }
            break;
        }
    }
    return found;
}

static yh_status put_text(run *r, const char *text, size_t n, bool last, yh_err *err)
{
    size_t at, keep;
    YH_TRY(yh_buf_add(&r->held, text, n, err));
    if (find_stop(r, &at, &keep)) {
        emit(r, at);
        r->finish = r->closed ? r->finish : "stop";
        r->closed = true;
        return YH_OK;
    }
    /* Never cut inside a character: keep may begin in the middle of one only if the stop text
     * does, and stop texts are whole characters. */
    emit(r, r->held.len - (last ? 0 : keep));
    return YH_OK;
}

/* ------------------------------------------------------------------ where it ends */

static void add_end(run *r, int64_t id)
{
    for (int i = 0; i < r->n_ends; i++)
        if (r->ends[i] == id)
            return;
    if (id >= 0 && r->n_ends < MAX_ENDS)
        r->ends[r->n_ends++] = (uint32_t)id;
}

static void find_ends(run *r)
{
    static const char *const turns[] = {"<|im_end|>", "<|endoftext|>", "<|eot_id|>",
                                        "<|end_of_text|>"};
    if (r->o->ignore_eos)
        return;
    add_end(r, yh_session_eos(r->s));
    add_end(r, yh_tok_eos(r->tok));
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
        add_end(r, yh_tok_find(r->tok, turns[i]));
}

static bool is_end(const run *r, uint32_t id)
{
    for (int i = 0; i < r->n_ends; i++)
        if (r->ends[i] == id)
            return true;
    return false;
}

/* ------------------------------------------------------------------ the loop */

static yh_status prefill(run *r, const char *prompt, size_t n, unsigned flags, uint32_t *count,
                         yh_err *err)
{
    yh_ids ids = YH_IDS_INIT;
    uint32_t *all = NULL;
    int64_t eos = yh_tok_eos(r->tok);
    size_t front = (flags & YH_ENCODE_SPECIAL) == 0 && eos >= 0 ? 1 : 0;
    yh_status s = yh_tok_encode(r->tok, prompt, n, flags & ~(unsigned)YH_ENCODE_OFFSETS, &ids, err);
    if (s == YH_OK && front == 1 && ids.n > 0 && ids.id[0] == (uint32_t)eos)
        front = 0; /* the template added it already */
    if (s == YH_OK && ids.n + front == 0)
        s = yh_fail(
            err, YH_INVALID,
            "the prompt is empty, and the tokenizer has no end-of-text token to begin with");
    if (s == YH_OK && (all = yh_realloc_array(NULL, ids.n + front, sizeof *all)) == NULL)
        s = yh_fail(err, YH_NOMEM, "no memory for a prompt of %zu tokens", ids.n);
    if (s == YH_OK) {
        if (front == 1)
            all[0] = (uint32_t)eos;
        if (ids.n > 0)
            memcpy(all + front, ids.id, ids.n * sizeof *all);
        *count = (uint32_t)(ids.n + front);
        s = yh_session_set(r->s, all, ids.n + front, err);
    }
    yh_free(all);
    yh_ids_fini(&ids);
    return s;
}

/* Samples from the logits that are ready, emits the text, feeds the token. */
static yh_status one_token(run *r, uint32_t vocab, bool last, yh_err *err)
{
    const float *logits = yh_session_logits(r->s);
    uint32_t used = yh_session_used(r->s);
    uint32_t id = yh_sampler_pick(yh_session_sampler(r->s), logits, vocab, &r->o->sampling,
                                  yh_session_ids(r->s), used, used);
    bool special = false;
    size_t len;
    if (!isfinite(logits[id]))
        return yh_fail(err, YH_CORRUPT,
                       "the model gives no finite numbers: its weights are broken");
    if (is_end(r, id)) {
        r->finish = "stop";
        return YH_OK;
    }
    (void)yh_tok_bytes(r->tok, id, &len, &special);
    r->tokens++;
    if (!special) {
        size_t n = yh_tok_stream_push(r->tok, &r->stream, id, r->piece, r->piece_cap);
        YH_TRY(put_text(r, r->piece, n, false, err));
    }
    if (r->finish == NULL && (last || used == yh_session_context(r->s)))
        r->finish = "length";
    return r->finish == NULL ? yh_session_feed(r->s, &id, 1, err) : YH_OK;
}

/* What is still held back. */
static yh_status flush(run *r, yh_err *err)
{
    if (r->closed)
        return YH_OK;
    size_t n = yh_tok_stream_end(&r->stream, r->piece, r->piece_cap);
    return put_text(r, r->piece, n, true, err);
}

static yh_status check(const yh_session *s, const yh_tok *tok, const yh_generate_options *o,
                       yh_err *err)
{
    YH_TRY(yh_sampling_check(&o->sampling, err));
    if (o->n_stop > MAX_STOPS)
        return yh_fail(err, YH_LIMIT, "%zu stop texts, at most %d", o->n_stop, (int)MAX_STOPS);
    if (yh_tok_size(tok) > yh_session_vocab(s))
        return yh_fail(err, YH_MISMATCH,
                       "the tokenizer has %u ids, the model only %u: they do not belong together",
                       yh_tok_size(tok), yh_session_vocab(s));
    if (yh_session_eos(s) >= (int64_t)yh_tok_size(tok))
        return yh_fail(err, YH_MISMATCH,
                       "the tokenizer has %u ids, the model ends a text with id %lld: they do not "
                       "belong together",
                       yh_tok_size(tok), (long long)yh_session_eos(s));
    return YH_OK;
}

static yh_status loop(run *r, yh_generate_result *out, yh_err *err)
{
    uint32_t vocab = yh_tok_size(r->tok), max = r->o->max_tokens;
    double begun = yh_now();
    yh_status s = YH_OK;
    while (r->finish == NULL && s == YH_OK) {
        if (yh_stop_requested()) {
            r->finish = "cancelled";
            break;
        }
        s = one_token(r, vocab, max > 0 && r->tokens + 1 >= max, err);
    }
    if (s == YH_OK)
        s = flush(r, err);
    out->tokens = r->tokens;
    out->finish = r->finish != NULL ? r->finish : "cancelled";
    out->seconds = yh_now() - begun;
    return s;
}

yh_status yh_generate(yh_session *s, const yh_tok *tok, const char *prompt, size_t n,
                      unsigned encode_flags, const yh_generate_options *o, yh_generate_result *out,
                      yh_err *err)
{
    run r = {.s = s, .tok = tok, .o = o};
    yh_generate_result unused;
    if (out == NULL)
        out = &unused;
    *out = (yh_generate_result){.finish = "cancelled"};
    YH_TRY(check(s, tok, o, err));
    r.piece_cap = yh_tok_longest(tok) + 16;
    r.piece = yh_malloc(r.piece_cap);
    if (r.piece == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to generate");
    yh_buf_init(&r.held, 0);
    find_ends(&r);
    yh_err own = YH_ERR_INIT;
    double begun = yh_now();
    yh_status rc = prefill(&r, prompt, n, encode_flags, &out->prompt_tokens, &own);
    out->prompt_seconds = yh_now() - begun;
    if (rc == YH_OK)
        rc = loop(&r, out, &own);
    yh_buf_fini(&r.held);
    yh_free(r.piece);
    if (rc == YH_STOPPED) { /* asked for: what was emitted stands */
        out->finish = "cancelled";
        return YH_OK;
    }
    return rc == YH_OK ? rc : yh_fail(err, rc, "%s", own.msg);
}
