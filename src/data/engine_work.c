#include <math.h>

#include "base/hash.h"
#include "data/engine_work.h"
#include "data/record.h"
#include "input/utf8_scan.h"

enum { EXAMPLE_BYTES = 700 };

void yh_work_fini(yh_work *w)
{
    yh_buf_fini(&w->kept);
    yh_buf_fini(&w->gone);
    yh_buf_fini(&w->block);
    yh_buf_fini(&w->ids);
    for (size_t i = 0; i < w->n_tally; i++) {
        yh_free(w->tally[i].value);
        yh_free(w->tally[i].source);
    }
    yh_free(w->tally);
    json_decref(w->examples);
    memset(w, 0, sizeof *w);
}

void yh_work_reset(yh_work *w)
{
    yh_buf kept = w->kept, gone = w->gone;
    yh_buf_init(&w->kept, 0);
    yh_buf_init(&w->gone, 0);
    yh_work_fini(w);
    yh_buf_clear(&kept);
    yh_buf_clear(&gone);
    w->kept = kept;
    w->gone = gone;
}

yh_tally *yh_work_tally(yh_work *w, const char *source)
{
    for (size_t i = w->n_tally; i-- > 0;)
        if (strcmp(w->tally[i].source, source) == 0)
            return &w->tally[i];
    yh_tally *t = yh_grow(w->tally, &w->cap_tally, w->n_tally + 1, sizeof *t);
    if (t == NULL)
        return NULL;
    w->tally = t;
    t += w->n_tally;
    memset(t, 0, sizeof *t);
    t->source = yh_strdup(source);
    w->n_tally += t->source != NULL;
    return t->source != NULL ? t : NULL;
}

static size_t char_end(const char *p, size_t n, size_t most)
{
    if (n <= most)
        return n;
    while (most > 0 && ((uint8_t)p[most] & 0xc0) == 0x80)
        most--;
    return most;
}

/* Offers what a step did as an example for the report. */
static yh_status offer(yh_work *w, const char *step, const yh_origin *o, const char *what,
                       const char *text, size_t len, uint64_t at, double score,
                       const char *evidence, yh_err *err)
{
    uint64_t hash = yh_hash64(o->id, strlen(o->id), at);
    if (w->examples == NULL)
        w->examples = json_object();
    if (!yh_stats_wants(w->examples, step, hash))
        return YH_OK;
    size_t n = text != NULL ? char_end(text, len, EXAMPLE_BYTES) : 0;
    json_t *j = json_pack("{s:s,s:s,s:s%,s:I}", "what", what, "id", o->id, "text",
                          text != NULL ? text : "", n, "len", (json_int_t)len);
    if (j == NULL) /* an id that is not UTF-8 */
        return YH_OK;
    if (isfinite(score) && (score < 0 || score > 0))
        (void)json_object_set_new(j, "score", json_real(score));
    if (evidence != NULL)
        (void)json_object_set_new(j, "evidence", json_string(evidence));
    return yh_stats_example(w->examples, step, hash, j, err);
}

static void count_cut(yh_tally_step *s, const yh_edit *e)
{
    uint64_t lines = 1;
    for (const char *p = e->text, *end = e->text + e->len;
         (p = memchr(p, '\n', (size_t)(end - p))) != NULL && p + 1 < end; p++)
        lines++;
    s->cuts++;
    s->cut_lines += lines;
    s->cut_bytes += e->len;
}

yh_status yh_work_removed(const yh_engine *e, yh_work *w, const yh_draft *d, const yh_origin *o,
                          yh_err *err)
{
    const yh_recipe *r = e->recipe;
    yh_tally *t = yh_work_tally(w, o->source);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for statistics");
    int last = -1;
    for (size_t i = 0; i < d->n_edit; i++) {
        const yh_edit *x = &d->edit[i];
        yh_tally_step *s = &t->step[x->step];
        const char *name = r->step[x->step].name;
        if (x->kind == YH_EDIT_CUT) {
            s->cut_docs += x->step != last;
            count_cut(s, x);
            YH_TRY(
                offer(w, name, o, "part", x->text, x->len, x->at + 1, x->score, x->evidence, err));
            w->gone_text += x->len;
        } else {
            s->changed_docs += x->step != last;
            s->changes += x->count;
            if (x->evidence != NULL)
                YH_TRY(offer(w, name, o, "change", NULL, 0, 0, x->score, x->evidence, err));
        }
        last = x->step;
    }
    if (d->removed_by >= 0) {
        t->removed++;
        t->step[d->removed_by].removed++;
        t->step[d->removed_by].removed_bytes += d->len;
        w->gone_text += d->len;
        YH_TRY(offer(w, r->step[d->removed_by].name, o, "document", d->text, d->len, 0,
                     d->removed_score, d->removed_evidence, err));
    }
    return yh_record_removed(&w->gone, d, o, r, err);
}

yh_status yh_work_kept(const yh_engine *e, yh_work *w, const yh_draft *d, const yh_origin *o,
                       yh_err *err)
{
    yh_tally *t = yh_work_tally(w, o->source);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for statistics");
    size_t chars = yh_utf8_count(d->text, d->len);
    int bin = chars > 0 ? 63 - __builtin_clzll(chars) : 0;
    t->kept++;
    t->kept_bytes += d->len;
    t->kept_chars += chars;
    t->length[bin < YH_LENGTH_BINS ? bin : YH_LENGTH_BINS - 1]++;
    if (d->lang[0] != '\0')
        yh_tally_add_name(t->lang, &t->n_langs, sizeof t->lang / sizeof *t->lang, d->lang);
    YH_TRY(yh_tally_values(t, d, err));
    w->kept_text += d->len;
    return yh_record_kept(&w->kept, d, o, e->recipe, err);
}

static yh_status frame(yh_buf *b, int level, yh_err *err)
{
    yh_buf out;
    if (b->len == 0 || level == 0)
        return YH_OK;
    yh_buf_init(&out, 0);
    yh_status s = yh_record_compress(&out, b->data, b->len, level, err);
    yh_buf_fini(b);
    *b = out;
    return s;
}

yh_status yh_work_pack(const yh_engine *e, yh_work *w, yh_err *err)
{
    YH_TRY(frame(&w->kept, e->level, err));
    return frame(&w->gone, e->level > 0 ? e->level : 3, err);
}

yh_status yh_work_write(const yh_engine *e, yh_work *w, yh_output *out, json_t *stats, yh_err *err)
{
    YH_TRY(yh_output_write(out, YH_OUT_PART, &w->kept, w->kept_text, err));
    YH_TRY(yh_output_write(out, YH_OUT_GONE, &w->gone, w->gone_text, err));
    for (size_t i = 0; i < w->n_tally; i++)
        YH_TRY(yh_stats_tally(stats, &w->tally[i], e->recipe, err));
    return w->examples != NULL ? yh_stats_merge(stats, w->examples, err) : YH_OK;
}
