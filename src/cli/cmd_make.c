/* yh make: the whole way from raw text to a model folder with a report. Each stage is restartable;
 * DIR/work/make.json remembers the finished ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/make.h"
#include "cli/train_progress.h"

static void say(int stage, const char *what)
{
    yh_live_end();
    fprintf(stderr, "[%d/6] %s\n", stage, what);
}

/* ------------------------------------------------------------------ 1 clean */

static void on_clean(void *user, const yh_clean_progress *p)
{
    char in[32], total[32], kept[32];
    (void)user;
    yh_live(false, "      %s of %s read, %llu of %llu documents kept, %s of text",
            yh_fmt_bytes((double)p->bytes_done, in), yh_fmt_bytes((double)p->bytes_total, total),
            (unsigned long long)p->docs_kept, (unsigned long long)p->docs_in,
            yh_fmt_bytes((double)p->text_bytes, kept));
}

static yh_status stage_clean(make_job *j, yh_err *err)
{
    if (make_state_done(j, "clean") != NULL)
        return YH_OK;
    say(1, "clean: documents out of the raw files");
    yh_clean_options o = {.part_chars = MAKE_PART_CHARS, .leave_out = j->out, .progress = on_clean};
    YH_TRY(yh_clean_run(yh_arg_all(j->args), (size_t)yh_arg_count(j->args), j->corpus, &o, j->pool,
                        err));
    char *path = yh_path_join(j->corpus, "report.json");
    json_t *report = NULL;
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "no memory");
    yh_status s = yh_json_load(&report, path, 0, err);
    yh_free(path);
    return s == YH_OK ? make_state_finish(j, "clean", report, err) : s;
}

/* ------------------------------------------------------------------ 2 tokenizer */

/* Chooses how much is held out: two in a hundred, doubled while that is next to nothing; counts
 * what is left to train on. */
static yh_status stage_split(make_job *j, yh_err *err)
{
    json_t *done = make_state_done(j, "split");
    if (done != NULL) {
        j->heldout = (unsigned)make_num(done, "heldout_per_mille");
        return YH_OK;
    }
    enum { ENOUGH_DOCS = 4, ENOUGH_BYTES = 16384 };
    for (j->heldout = MAKE_HELDOUT_PER_MILLE;; j->heldout *= 2) {
        yh_corpus *c;
        yh_doc d = {0};
        bool more = true;
        uint64_t docs = 0, bytes = 0, training = 0;
        YH_TRY(yh_corpus_open(&c, j->corpus, err));
        yh_status s = YH_OK;
        while ((s = yh_corpus_next(c, &d, &more, err)) == YH_OK && more)
            if (yh_doc_is_heldout(d.text, d.len, j->heldout)) {
                docs++;
                bytes += d.len;
            } else {
                training += d.len;
            }
        yh_corpus_close(c);
        YH_TRY(s);
        if ((docs >= ENOUGH_DOCS && bytes >= ENOUGH_BYTES) || j->heldout >= MAKE_HELDOUT_MOST)
            return make_state_finish(j, "split",
                                     json_pack("{s:i, s:I, s:I, s:I}", "heldout_per_mille",
                                               (int)j->heldout, "documents", (json_int_t)docs,
                                               "bytes", (json_int_t)bytes, "training_bytes",
                                               (json_int_t)training),
                                     err);
    }
}

/* Small text fills only a small vocabulary with pieces worth a row of the embedding. */
static uint32_t vocab_for(uint64_t bytes)
{
    static const struct {
        uint64_t below;
        uint32_t vocab;
    } rule[] = {{(uint64_t)2 << 20, 2048},
                {(uint64_t)8 << 20, 4096},
                {(uint64_t)32 << 20, 8192},
                {(uint64_t)512 << 20, 16384}};
    for (size_t i = 0; i < sizeof rule / sizeof *rule; i++)
        if (bytes < rule[i].below)
            return rule[i].vocab;
    return 32768;
}

static void on_merge(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    yh_live(false, "      %llu of %llu merges", (unsigned long long)done,
            (unsigned long long)total);
}

/* Gives the trainer every document that is not held out. */
static yh_status add_training_docs(const make_job *j, yh_tok_trainer *t, yh_err *err)
{
    yh_corpus *c;
    yh_doc d;
    bool more;
    yh_status s;
    uint64_t bytes = 0;
    YH_TRY(yh_corpus_open(&c, j->corpus, err));
    for (;;) {
        YH_GOTO(s, yh_corpus_next(c, &d, &more, err), out);
        if (!more)
            break;
        if (yh_doc_is_heldout(d.text, d.len, j->heldout))
            continue;
        bytes += d.len;
        YH_GOTO(s, yh_tok_trainer_add(t, d.text, d.len, err), out);
        if (yh_stop_requested()) {
            s = yh_fail(err, YH_STOPPED, "stopped while training the tokenizer");
            goto out;
        }
        yh_live(false, "      %.1f MB of text counted", (double)bytes / 1e6);
    }
out:
    yh_corpus_close(c);
    return s;
}

static yh_status stage_tokenizer(make_job *j, yh_err *err)
{
    if (make_state_done(j, "tokenizer") != NULL)
        return YH_OK;
    double t0 = yh_now();
    uint64_t bytes = (uint64_t)make_num(make_state_done(j, "split"), "training_bytes");
    if (bytes < 10000)
        return yh_fail(err, YH_INVALID,
                       "only %llu bytes of text were left after cleaning: too little to train on; "
                       "%s/report.json says what was removed and why",
                       (unsigned long long)bytes, j->corpus);
    uint32_t vocab = j->vocab != 0 ? j->vocab : vocab_for(bytes);
    char text[96];
    snprintf(text, sizeof text, "tokenizer: a vocabulary of %u", vocab);
    say(2, text);
    yh_tok_trainer *t = NULL;
    yh_tok *tok = NULL;
    yh_status s;
    yh_tok_train_options o = {.vocab = vocab, .threads = yh_pool_threads(j->pool)};
    YH_TRY(yh_tok_trainer_create(&t, &o, err));
    YH_GOTO(s, add_training_docs(j, t, err), out);
    YH_GOTO(s, yh_tok_trainer_finish(t, on_merge, NULL, &tok, err), out);
    YH_GOTO(s, yh_mkdirs(j->tok_dir, err), out);
    YH_GOTO(s, yh_tok_save(tok, j->tok_dir, err), out);
    s = make_state_finish(j, "tokenizer",
                          json_pack("{s:i, s:I, s:f}", "vocab", (int)yh_tok_size(tok), "text_bytes",
                                    (json_int_t)bytes, "seconds", yh_now() - t0),
                          err);
out:
    yh_tok_free(tok);
    yh_tok_trainer_free(t);
    return s;
}

/* ------------------------------------------------------------------ 3 pack */

static void on_pack(void *user, uint64_t docs, uint64_t tokens, uint64_t bytes)
{
    char n[32];
    (void)user;
    yh_live(false, "      %llu documents, %s tokens, %.1f MB", (unsigned long long)docs,
            yh_fmt_count((double)tokens, n), (double)bytes / 1e6);
}

static yh_status stage_pack(make_job *j, yh_err *err)
{
    if (make_state_done(j, "pack") != NULL)
        return YH_OK;
    say(3, "pack: documents to tokens");
    double t0 = yh_now();
    yh_tok *tok = NULL;
    yh_tokens *t = NULL;
    yh_pack_options o = {.heldout_per_mille = j->heldout, .progress = on_pack};
    YH_TRY(yh_tok_load(&tok, j->tok_dir, err));
    yh_status s = yh_pack_run(j->corpus, tok, j->tokens, &o, j->pool, err);
    yh_tok_free(tok);
    if (s == YH_OK)
        s = yh_tokens_open(&t, j->tokens, false, err);
    if (s != YH_OK)
        return s;
    json_t *facts = json_object();
    static const char *const name[] = {"train", "heldout"};
    for (int i = 0; i < 2; i++) {
        yh_split split = i == 0 ? YH_TRAIN : YH_HELDOUT;
        (void)json_object_set_new(facts, name[i],
                                  json_pack("{s:I, s:I, s:I}", "documents",
                                            (json_int_t)yh_tokens_docs(t, split), "tokens",
                                            (json_int_t)yh_tokens_total(t, split), "bytes",
                                            (json_int_t)yh_tokens_bytes(t, split)));
    }
    (void)json_object_set_new(facts, "seconds", json_real(yh_now() - t0));
    yh_tokens_close(t);
    return make_state_finish(j, "pack", facts, err);
}

/* ------------------------------------------------------------------ 4 train */

static yh_status stage_train(make_job *j, yh_err *err)
{
    if (make_state_done(j, "train") != NULL)
        return YH_OK;
    char text[64];
    snprintf(text, sizeof text, "train: %g minutes", j->minutes);
    say(4, text);
    yh_train_result r = {0};
    yh_train_options o = {.data = j->tokens,
                          .tokenizer = j->tok_dir,
                          .out = j->out,
                          .depth = j->depth,
                          .minutes = j->minutes,
                          .seed = j->seed,
                          .resume = true,
                          .keep_best = true,
                          .progress = yh_train_progress_show};
    YH_TRY(yh_train_run(&o, j->pool, &r, err));
    yh_live_end();
    json_t *facts =
        json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:s}", "steps",
                  (json_int_t)r.steps, "tokens", (json_int_t)r.tokens, "best_step",
                  (json_int_t)r.best_step, "seconds", r.seconds, "loss", r.loss,
                  "best_bits_per_byte", isfinite(r.best_bits_per_byte) ? r.best_bits_per_byte : 0.0,
                  "tokens_per_second", r.tokens_per_second, "peak_fraction", r.peak_fraction,
                  "memory_predicted", (json_int_t)r.memory_predicted, "memory_peak",
                  (json_int_t)r.memory_peak, "stopped_because", r.stopped_because);
    return make_state_finish(j, "train", facts, err);
}

/* ------------------------------------------------------------------ 5 evaluate */

static json_t *eval_row(const yh_eval_row *r)
{
    double bytes = r->bytes > 0 ? (double)r->bytes : 1.0;
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:f}", "source", r->source, "documents",
                     (json_int_t)r->docs, "tokens", (json_int_t)r->tokens, "bytes",
                     (json_int_t)r->bytes, "bits_per_byte", r->nats / log(2.0) / bytes,
                     "bytes_per_token", r->tokens > 0 ? bytes / (double)r->tokens : 0.0);
}

static yh_status evaluate(make_job *j, yh_model *m, const yh_tok *tok, json_t *facts, yh_err *err)
{
    yh_eval_report rep = {0};
    yh_model_facts mf;
    yh_model_describe(m, &mf);
    (void)json_object_set_new(facts, "model",
                              json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:I}", "family",
                                        mf.family, "vocab", (int)mf.vocab, "width", (int)mf.width,
                                        "layers", (int)mf.layers, "heads", (int)mf.heads,
                                        "kv_heads", (int)mf.kv_heads, "context", (int)mf.context,
                                        "weights", (json_int_t)mf.weights));
    YH_TRY(yh_eval_corpus(m, tok, j->corpus, j->heldout, MAKE_EVAL_BYTES / 2, j->pool, &rep, err));
    json_t *rows = json_array();
    for (size_t i = 0; i < rep.n; i++)
        (void)json_array_append_new(rows, eval_row(&rep.rows[i]));
    (void)json_object_set_new(facts, "heldout", eval_row(&rep.total));
    (void)json_object_set_new(facts, "by_source", rows);
    yh_eval_report_fini(&rep);
    return YH_OK;
}

static yh_status stage_evaluate(make_job *j, yh_err *err)
{
    if (make_state_done(j, "evaluate") != NULL)
        return YH_OK;
    say(5, "evaluate: held-out documents, xz, zstd, samples");
    yh_model *m = NULL;
    yh_tok *tok = NULL;
    json_t *facts = json_object(), *samples = NULL;
    make_baseline b;
    yh_status s;
    if (facts == NULL)
        return yh_fail(err, YH_NOMEM, "no memory");
    YH_GOTO(s, yh_tok_load(&tok, j->out, err), out);
    YH_GOTO(s, yh_model_load(&m, j->out, YH_PRECISION_AUTO, false, err), out);
    yh_live(true, "      bits per byte on held-out documents");
    YH_GOTO(s, evaluate(j, m, tok, facts, err), out);
    yh_live(true, "      xz -9e and zstd -19 --long on the same text");
    YH_GOTO(s, make_baseline_run(j, &b, err), out);
    double bytes = b.text_bytes > 0 ? (double)b.text_bytes : 1.0;
    (void)json_object_set_new(facts, "baseline",
                              json_pack("{s:I, s:I, s:f, s:f}", "primed_with_bytes",
                                        (json_int_t)b.prime_bytes, "text_bytes",
                                        (json_int_t)b.text_bytes, "xz_bits_per_byte",
                                        8.0 * (double)b.xz_bytes / bytes, "zstd_bits_per_byte",
                                        8.0 * (double)b.zstd_bytes / bytes));
    YH_GOTO(s, make_samples_run(j, m, tok, &samples, err), out);
    (void)json_object_set_new(facts, "samples", samples);
    s = make_state_finish(j, "evaluate", facts, err);
    facts = NULL;
out:
    json_decref(facts);
    yh_model_free(m);
    yh_tok_free(tok);
    return s;
}

/* ------------------------------------------------------------------ all */

static void summary(const make_job *j)
{
    const json_t *train = make_state_done(j, "train"), *ev = make_state_done(j, "evaluate");
    const json_t *base = json_object_get(ev, "baseline"), *held = json_object_get(ev, "heldout");
    const json_t *model = json_object_get(ev, "model");
    char w[32], t[32];
    printf("model    %s: %s, %.0f layers of width %.0f, %s weights\n", j->out,
           make_text(model, "family"), make_num(model, "layers"), make_num(model, "width"),
           yh_fmt_count(make_num(model, "weights"), w));
    printf("trained  %s tokens at %.0f tokens/s, %.0f%% of the measured peak; %s\n",
           yh_fmt_count(make_num(train, "tokens"), t), make_num(train, "tokens_per_second"),
           100 * make_num(train, "peak_fraction"), make_text(train, "stopped_because"));
    printf("held out %.3f bits per byte (xz -9e %.3f, zstd -19 --long %.3f, both primed with the "
           "training text)\n",
           make_num(held, "bits_per_byte"), make_num(base, "xz_bits_per_byte"),
           make_num(base, "zstd_bits_per_byte"));
    printf("report   %s/report.html\n", j->out);
    printf("next     yh chat %s   or   yh generate %s -p \"...\"\n", j->out, j->out);
}

static yh_status run_stages(make_job *j, yh_err *err)
{
    YH_TRY(make_state_open(j, err));
    YH_TRY(stage_clean(j, err));
    YH_TRY(stage_split(j, err));
    YH_TRY(stage_tokenizer(j, err));
    YH_TRY(stage_pack(j, err));
    YH_TRY(stage_train(j, err));
    YH_TRY(stage_evaluate(j, err));
    say(6, "report");
    return make_report_write(j, err);
}

static yh_status make_all(make_job *j, yh_err *err)
{
    char *work = yh_path_join(j->out, "work");
    if (work == NULL)
        return yh_fail(err, YH_NOMEM, "no memory");
    yh_status s = yh_mkdirs(work, err);
    if (s == YH_OK)
        s = yh_dir_lock_wait(&j->lock, work, err);
    j->corpus = yh_path_join(work, "corpus");
    j->tok_dir = yh_path_join(work, "tokenizer");
    j->tokens = yh_path_join(work, "tokens");
    j->state_path = yh_path_join(work, "make.json");
    if (s == YH_OK && (!j->corpus || !j->tok_dir || !j->tokens || !j->state_path))
        s = yh_fail(err, YH_NOMEM, "no memory");
    if (s == YH_OK && yh_arg_flag(j->args, "fresh"))
        s = make_fresh(j, err);
    if (s == YH_OK)
        s = run_stages(j, err);
    yh_dir_lock_release(&j->lock);
    yh_free(work);
    yh_free(j->corpus);
    yh_free(j->tok_dir);
    yh_free(j->tokens);
    yh_free(j->state_path);
    return s;
}

static int run(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    make_job j = {.args = a,
                  .out = yh_arg_text(a, "output", NULL),
                  .minutes = yh_arg_num(a, "minutes", 10.0),
                  .depth = (int)yh_arg_int(a, "depth", 0),
                  .vocab = (uint32_t)yh_arg_int(a, "vocab", 0),
                  .seed = (uint64_t)yh_arg_int(a, "seed", 0),
                  .lock = YH_DIR_LOCK_INIT};
    if (j.out == NULL)
        return yh_cli_usage(a, "-o DIR is missing: where should the model go?");
    if (!(j.minutes > 0 && j.minutes <= 1e6))
        return yh_cli_usage(a, "--minutes must be above 0");
    if (j.depth < 0 || j.depth > 64)
        return yh_cli_usage(a, "--depth must be 1 to 64");
    if (yh_arg_given(a, "vocab") &&
        (yh_arg_int(a, "vocab", 0) < 300 || yh_arg_int(a, "vocab", 0) > 1000000))
        return yh_cli_usage(a, "--vocab must be 300 to 1000000");
    for (int i = 0; i < yh_arg_count(a); i++)
        if (!yh_is_file(yh_arg_at(a, i)) && !yh_is_dir(yh_arg_at(a, i))) {
            (void)yh_fail(&err, YH_NOTFOUND, "%s: no such file or folder", yh_arg_at(a, i));
            return yh_cli_fail(a, &err);
        } else if (yh_path_is_within(yh_arg_at(a, i), j.out)) {
            (void)yh_fail(&err, YH_INVALID,
                          "%s: lies in %s, where the model is to go; choose another folder with -o",
                          yh_arg_at(a, i), j.out);
            return yh_cli_fail(a, &err);
        }
    j.pool = yh_cli_pool(a);
    if (j.pool == NULL)
        return 1;
    yh_status s = make_all(&j, &err);
    if (s == YH_OK) {
        yh_live_end();
        if (yh_arg_flag(a, "json"))
            json_dumpf(j.state, stdout, JSON_INDENT(2));
        else
            summary(&j);
    }
    json_decref(j.state);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

static const yh_opt opts[] = {
    {"output", 'o', YH_OPT_TEXT, "DIR", "the model folder to make (needed)"},
    {"minutes", 'm', YH_OPT_NUM, "M", "minutes of training (10); the rest comes on top"},
    {"depth", 'd', YH_OPT_INT, "N", "size of the model (default: by corpus, minutes and speed)"},
    {"vocab", 0, YH_OPT_INT, "V", "size of the vocabulary (default: by the amount of text)"},
    {"seed", 0, YH_OPT_INT, "S", "random seed (0)"},
    {"fresh", 0, YH_OPT_FLAG, NULL, "forget what DIR holds and begin anew"},
    {"json", 0, YH_OPT_FLAG, NULL, "print the report as JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL},
};

const yh_cmd yh_cmd_make = {
    .name = "make",
    .summary = "the whole way: raw files to a model that answers, with a report",
    .usage = "RAW... -o DIR [--minutes M] [--depth N] [--vocab V] [--seed S]",
    .description = "Reads files and folders (.txt .md .html .htm .jsonl .json, each also .gz or "
                   ".zst), cleans\n"
                   "them, trains a tokenizer and a model, measures it on documents held out from "
                   "training and\n"
                   "leaves a model folder with report.html. Interrupt it when you like: the same "
                   "command goes\n"
                   "on where it was.",
    .opts = opts,
    .min_args = 1,
    .max_args = -1,
    .run = run};
