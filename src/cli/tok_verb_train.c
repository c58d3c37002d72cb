/* yh tok train. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "cli/tok_report.h"
#include "cli/tok_verbs.h"

static const struct {
    const char *name, *pattern;
} patterns[] = {
    {"qwen2", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
              "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
    {"llama3", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
               "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
    {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
};

/* Held-out text that is kept for the report: per source, and in all. */
#define KEEP_SOURCE ((uint64_t)2 << 20)
#define KEEP_ALL    ((size_t)64 << 20)

typedef struct kept {
    char *source, *lang, *text;
    size_t len;
} kept;

typedef struct job {
    yh_tok_trainer *trainer;
    unsigned heldout;
    kept *kept;
    size_t n, cap, bytes;
    bool replay; /* counted by an earlier run: only held-out text is wanted */
    uint64_t docs, text;
} job;

static void on_merge(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    yh_live(false, "making the vocabulary: %llu of %llu", (unsigned long long)done,
            (unsigned long long)total);
}

static yh_status keep(job *j, const yh_doc *d, yh_err *err)
{
    if (j->bytes + d->len > KEEP_ALL)
        return YH_OK;
    kept *all = yh_grow(j->kept, &j->cap, j->n + 1, sizeof *all);
    if (all == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for held-out text");
    j->kept = all;
    all[j->n].source = yh_strdup(d->source);
    all[j->n].lang = yh_strdup(d->lang != NULL ? d->lang : "");
    all[j->n].text = yh_strndup(d->text, d->len);
    all[j->n].len = d->len;
    j->n++;
    j->bytes += d->len;
    const kept *k = &all[j->n - 1];
    return k->source != NULL && k->lang != NULL && k->text != NULL
               ? YH_OK
               : yh_fail(err, YH_NOMEM, "no memory for held-out text");
}

static yh_status feed(void *user, const yh_doc *d, bool *more, yh_err *err)
{
    job *j = user;
    char text[32];
    j->docs++;
    j->text += d->len;
    if (yh_doc_is_heldout(d->text, d->len, j->heldout))
        return keep(j, d, err);
    if (j->replay) {
        *more = j->text < KEEP_ALL;
        return YH_OK;
    }
    yh_live(false, "counting words: %llu documents, %s", (unsigned long long)j->docs,
            yh_fmt_bytes((double)j->text, text));
    return yh_tok_trainer_add(j->trainer, d->text, d->len, err);
}

/* Told before the work, not behind it. A folder that is still missing is made when it is filled. */
static yh_status check_out(const char *out, yh_err *err)
{
    if (access(out, F_OK) == 0 && !yh_is_dir(out))
        return yh_fail(err, YH_INVALID, "%s: exists and is not a folder", out);
    if (access(out, W_OK) != 0 && errno != ENOENT)
        return yh_fail_errno(err, errno, "%s: cannot write to the folder", out);
    return YH_OK;
}

/* Names the input: paths, sizes and times of all files, and what is held out of them. */
static yh_status input_key(const yh_args *a, unsigned heldout, char key[48], yh_err *err)
{
    uint64_t h = heldout;
    for (int i = 1; i < yh_arg_count(a); i++) {
        const char *path = yh_arg_at(a, i);
        yh_file_list l = {0};
        h = yh_hash64(path, strlen(path), h);
        yh_status s = yh_file_list_add(&l, path, err);
        for (size_t k = 0; k < l.n && s == YH_OK; k++) {
            struct stat st;
            if (stat(l.path[k], &st) != 0) {
                s = yh_fail_errno(err, errno, "%s", l.path[k]);
                break;
            }
            int64_t about[3] = {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
            h = yh_hash64(l.path[k], strlen(l.path[k]), yh_hash64(about, sizeof about, h));
        }
        yh_file_list_fini(&l);
        YH_TRY(s);
    }
    snprintf(key, 48, "%016llx", (unsigned long long)h);
    return YH_OK;
}

/* ---- what is told at the end ---- */

static yh_status measure(const job *j, const yh_args *a, const yh_tok *const *tok,
                         const char *const *name, tok_report **report, yh_err *err)
{
    bool full;
    yh_pool *pool = yh_cli_pool(a);
    *report = NULL;
    if (j->n == 0 || pool == NULL)
        return YH_OK;
    YH_TRY(tok_report_create(report, tok, name, 1, KEEP_SOURCE, err));
    for (size_t i = 0; i < j->n; i++)
        YH_TRY(tok_report_add(*report, pool, j->kept[i].source, j->kept[i].lang, j->kept[i].text,
                              j->kept[i].len, &full, err));
    return tok_report_finish(*report, pool, err);
}

static void tell_json(const yh_tok *tok, const yh_tok_train_report *r, const tok_report *report,
                      double seconds)
{
    char hash[32];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)yh_tok_hash(tok));
    json_t *j = json_pack(
        "{s:i,s:I,s:I,s:f,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "vocab", (int)yh_tok_size(tok),
        "documents", (json_int_t)r->docs, "bytes", (json_int_t)r->bytes, "seconds", seconds, "hash",
        hash, "words", (json_int_t)r->words, "dropped_words", (json_int_t)r->dropped,
        "dropped_below", (json_int_t)r->dropped_below, "sampled", (json_int_t)r->sampled,
        "spilled_bytes", (json_int_t)r->spilled, "resumed_documents", (json_int_t)r->resumed);
    if (j != NULL && report != NULL)
        (void)json_object_set_new(j, "heldout", tok_report_json(report));
    char *text = j != NULL ? json_dumps(j, JSON_REAL_PRECISION(6)) : NULL;
    if (text != NULL)
        puts(text);
    yh_json_text_free(text);
    json_decref(j);
}

static void tell(const yh_args *a, const char *out, const yh_tok *tok, const yh_tok_train_report *r,
                 const tok_report *report, double seconds)
{
    long long vocab = (long long)yh_arg_int(a, "vocab", 32768);
    if (yh_arg_flag(a, "json")) {
        tell_json(tok, r, report, seconds);
    } else {
        printf("%s: %u tokens from %llu documents, %llu bytes, in %.1f s\n", out, yh_tok_size(tok),
               (unsigned long long)r->docs, (unsigned long long)r->bytes, seconds);
        if (report != NULL) {
            printf("on documents that were held out:\n");
            tok_report_print(report);
        }
    }
    if (r->resumed > 0)
        fprintf(stderr, "yh tok: %llu documents had been counted by an earlier run\n",
                (unsigned long long)r->resumed);
    if (r->sampled > 1)
        fprintf(stderr,
                "yh tok: memory was short: a sample was taken, one of %llu words of the text; %llu "
                "of %llu different ones are not in it; --memory gives more\n",
                (unsigned long long)r->sampled, (unsigned long long)r->dropped,
                (unsigned long long)r->words);
    else if (r->dropped > 0)
        fprintf(stderr,
                "yh tok: memory was short: %llu of %llu different words, those that occur less "
                "than %llu times, were left out; --memory gives more\n",
                (unsigned long long)r->dropped, (unsigned long long)r->words,
                (unsigned long long)r->dropped_below);
    if (yh_tok_size(tok) < (uint64_t)vocab)
        fprintf(stderr,
                "yh tok: the text has nothing more that occurs often enough: %u tokens instead of "
                "%lld\n",
                yh_tok_size(tok), vocab);
}

/* ---- training ---- */

static yh_status run(const yh_args *a, const yh_tok_train_options *o, const char *out, job *j,
                     yh_err *err)
{
    yh_tok *tok = NULL;
    tok_report *report = NULL;
    const char *name = yh_path_base(out);
    yh_tok_train_report r;
    double start = yh_now();
    yh_status s = yh_tok_trainer_create(&j->trainer, o, err);
    if (s != YH_OK)
        return s;
    j->replay = yh_tok_trainer_counted(j->trainer);
    if (!j->replay || j->heldout > 0)
        for (int i = 1; i < yh_arg_count(a) && s == YH_OK; i++)
            s = yh_tok_each_doc(yh_arg_at(a, i), feed, j, err);
    if (s == YH_OK && j->text == 0 && !j->replay)
        s = yh_fail(err, YH_INVALID, "there is no text to train on");
    if (s == YH_OK)
        s = yh_tok_trainer_finish(j->trainer, on_merge, NULL, &tok, err);
    if (s == YH_OK)
        s = yh_tok_save(tok, out, err);
    if (s == YH_OK)
        s = yh_tok_trainer_clear(j->trainer, err);
    if (s == YH_OK)
        s = measure(j, a, (const yh_tok *const *)&tok, &name, &report, err);
    yh_live_end();
    if (s == YH_OK) {
        yh_tok_trainer_report(j->trainer, &r);
        tell(a, out, tok, &r, report, yh_now() - start);
    }
    tok_report_free(report);
    yh_tok_free(tok);
    return s;
}

/* A failed run that saved no work leaves no folders. */
static void leave_nothing(yh_tok_trainer *t, const char *out, const char *work)
{
    yh_err ignored = YH_ERR_INIT;
    char *state = yh_path_join(work, "state.json");
    if (state != NULL && !yh_is_file(state) && yh_tok_trainer_clear(t, &ignored) == YH_OK)
        (void)rmdir(out); /* fails when there is anything in it */
    yh_free(state);
}

int yh_tok_verb_train(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    const char *out = yh_arg_text(a, "out", NULL), *pattern = yh_arg_text(a, "pattern", NULL);
    int64_t vocab = yh_arg_int(a, "vocab", 32768), memory = yh_arg_int(a, "memory", 0);
    int64_t min_count = yh_arg_int(a, "min-count", 0), save = yh_arg_int(a, "save-every", 0);
    int64_t heldout = yh_arg_int(a, "heldout", 10);
    const char **special, *specials[65];
    int n_special = yh_arg_list(a, "special-token", &special);
    const char *model = yh_arg_text(a, "model", "bpe");
    bool unigram = strcmp(model, "unigram") == 0;
    if (out == NULL)
        return yh_cli_usage(a, "train needs -o DIR");
    if (!unigram && strcmp(model, "bpe") != 0)
        return yh_cli_usage(a, "--model is bpe or unigram, not \"%s\"", model);
    if (unigram && pattern != NULL)
        return yh_cli_usage(a, "--pattern is for --model bpe; unigram cuts words at spaces");
    if (yh_arg_count(a) < 2)
        return yh_cli_usage(a, "train needs text: a corpus folder or files");
    if (vocab < 256 || vocab >= 1 << 24)
        return yh_cli_usage(a, "--vocab must be 256 and special tokens to %d", (1 << 24) - 1);
    if (memory != 0 && memory < 32 << 20)
        return yh_cli_usage(a, "--memory must be at least 32Mi");
    if (min_count < 0 || save < 0 || heldout < 0 || heldout > 1000)
        return yh_cli_usage(a, "a number is out of range (--heldout is 0 to 1000)");
    if (n_special > 64)
        return yh_cli_usage(a, "at most 64 special tokens");
    for (int i = 0; i < n_special; i++)
        specials[i] = special[i];
    specials[n_special > 0 ? n_special : 0] = NULL;
    for (size_t i = 0; pattern != NULL && i < sizeof patterns / sizeof *patterns; i++)
        if (strcmp(pattern, patterns[i].name) == 0)
            pattern = patterns[i].pattern;
    char key[48];
    yh_tok_train_options o = {.vocab = (uint32_t)vocab,
                              .pattern = pattern,
                              .threads = (int)yh_arg_int(a, "threads", 0),
                              .memory = (uint64_t)memory,
                              .min_count = (uint64_t)min_count,
                              .kind = unigram ? YH_TOK_UNIGRAM : YH_TOK_BPE,
                              .coverage = yh_arg_num(a, "coverage", 0),
                              .no_byte_fallback = yh_arg_flag(a, "no-byte-fallback"),
                              .special = n_special > 0 ? specials : NULL,
                              .key = key,
                              .save_bytes = (uint64_t)save};
    job j = {.heldout = (unsigned)heldout};
    char *work = yh_path_join(out, ".training");
    yh_status s = work != NULL ? check_out(out, &err) : yh_fail(&err, YH_NOMEM, "no memory");
    o.work = work;
    if (s == YH_OK)
        s = input_key(a, j.heldout, key, &err);
    if (s == YH_OK)
        s = run(a, &o, out, &j, &err);
    if (s != YH_OK && j.trainer != NULL)
        leave_nothing(j.trainer, out, work);
    yh_tok_trainer_free(j.trainer);
    for (size_t i = 0; i < j.n; i++) {
        yh_free(j.kept[i].source);
        yh_free(j.kept[i].lang);
        yh_free(j.kept[i].text);
    }
    yh_free(j.kept);
    yh_free(work);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}
