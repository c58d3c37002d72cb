/* What general compressors reach on the held-out text after seeing the training text: a line that a
 * language model has to stay below. One stream: training text, flush, held-out text; the bytes that
 * come after the flush are the held-out text's. Each compressor runs on a thread of its own. */
#include <lzma.h>
#include <pthread.h>
#include <zstd.h>

#include "cli/make.h"

typedef struct texts {
    yh_buf prime, heldout;
} texts;

typedef struct job {
    const texts *t;
    uint64_t bytes;
    yh_status status;
    yh_err err;
} job;

enum { OUT_CHUNK = 1 << 16 };

/* Feeds `in` and runs the coder until it has taken everything and finished `action`. */
static yh_status lzma_feed(lzma_stream *s, const yh_buf *in, lzma_action action, uint64_t *out,
                           yh_err *err)
{
    uint8_t chunk[OUT_CHUNK];
    s->next_in = (const uint8_t *)in->data;
    s->avail_in = in->len;
    for (;;) {
        s->next_out = chunk;
        s->avail_out = sizeof chunk;
        lzma_ret r = lzma_code(s, action);
        *out += sizeof chunk - s->avail_out;
        if (r == LZMA_STREAM_END)
            return YH_OK;
        if (r != LZMA_OK)
            return yh_fail(err, r == LZMA_MEM_ERROR ? YH_NOMEM : YH_INTERNAL,
                           "xz failed with code %d on the baseline", (int)r);
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped while measuring xz");
    }
}

static void *run_xz(void *arg)
{
    job *j = arg;
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_options_lzma o;
    lzma_filter chain[] = {{LZMA_FILTER_LZMA2, &o}, {LZMA_VLI_UNKNOWN, NULL}};
    uint64_t before = 0;
    if (lzma_lzma_preset(&o, 9 | LZMA_PRESET_EXTREME) ||
        lzma_stream_encoder(&s, chain, LZMA_CHECK_NONE) != LZMA_OK) {
        j->status = yh_fail(&j->err, YH_NOMEM, "no memory for the xz baseline");
        return NULL;
    }
    j->status = lzma_feed(&s, &j->t->prime, LZMA_SYNC_FLUSH, &before, &j->err);
    if (j->status == YH_OK)
        j->status = lzma_feed(&s, &j->t->heldout, LZMA_SYNC_FLUSH, &j->bytes, &j->err);
    lzma_end(&s);
    return NULL;
}

static yh_status zstd_feed(ZSTD_CCtx *c, const yh_buf *in, uint64_t *out, yh_err *err)
{
    char chunk[OUT_CHUNK];
    ZSTD_inBuffer ib = {in->data, in->len, 0};
    for (;;) {
        ZSTD_outBuffer ob = {chunk, sizeof chunk, 0};
        size_t left = ZSTD_compressStream2(c, &ob, &ib, ZSTD_e_flush);
        *out += ob.pos;
        if (ZSTD_isError(left))
            return yh_fail(err, YH_INTERNAL, "zstd: %s on the baseline", ZSTD_getErrorName(left));
        if (left == 0 && ib.pos == ib.size)
            return YH_OK;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped while measuring zstd");
    }
}

static void *run_zstd(void *arg)
{
    job *j = arg;
    uint64_t before = 0;
    ZSTD_CCtx *c = ZSTD_createCCtx();
    if (c == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 19)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, 1)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, 27))) {
        j->status = yh_fail(&j->err, YH_NOMEM, "no memory for the zstd baseline");
    } else {
        j->status = zstd_feed(c, &j->t->prime, &before, &j->err);
        if (j->status == YH_OK)
            j->status = zstd_feed(c, &j->t->heldout, &j->bytes, &j->err);
    }
    ZSTD_freeCCtx(c);
    return NULL;
}

static yh_status collect(const make_job *m, texts *t, yh_err *err)
{
    yh_corpus *c;
    yh_doc d;
    bool more;
    yh_status s;
    YH_TRY(yh_corpus_open(&c, m->corpus, err));
    for (;;) {
        YH_GOTO(s, yh_corpus_next(c, &d, &more, err), out);
        if (!more)
            break;
        bool held = yh_doc_is_heldout(d.text, d.len, m->heldout);
        yh_buf *b = held ? &t->heldout : &t->prime;
        if (held ? b->len >= MAKE_EVAL_BYTES : b->len + d.len > MAKE_PRIME_BYTES)
            continue;
        YH_GOTO(s, yh_buf_add(b, d.text, d.len, err), out);
        YH_GOTO(s, yh_buf_addc(b, '\n', err), out);
    }
out:
    yh_corpus_close(c);
    return s;
}

yh_status make_baseline_run(const make_job *m, make_baseline *out, yh_err *err)
{
    texts t;
    pthread_t other;
    *out = (make_baseline){0, 0, 0, 0};
    yh_buf_init(&t.prime, 0);
    yh_buf_init(&t.heldout, 0);
    yh_status s = collect(m, &t, err);
    if (s == YH_OK && t.heldout.len > 0) {
        job xz = {.t = &t, .err = YH_ERR_INIT}, zs = {.t = &t, .err = YH_ERR_INIT};
        bool threaded = pthread_create(&other, NULL, run_zstd, &zs) == 0;
        run_xz(&xz);
        if (threaded)
            pthread_join(other, NULL);
        else
            run_zstd(&zs);
        s = xz.status != YH_OK ? xz.status : zs.status;
        if (s != YH_OK)
            (void)yh_fail(err, s, "%s", xz.status != YH_OK ? xz.err.msg : zs.err.msg);
        *out = (make_baseline){t.prime.len, t.heldout.len, xz.bytes, zs.bytes};
    }
    yh_buf_fini(&t.prime);
    yh_buf_fini(&t.heldout);
    return s;
}
