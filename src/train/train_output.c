#include <math.h>

#include "base/cpu.h"
#include "train/trainer.h"

enum { TOKENIZER_LIMIT = 256 << 20 };

static const char *const tokenizer_files[] = {
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
    "merges.txt",     "chat_template.jinja"};

static bool has_tokenizer(const char *dir)
{
    char *path = dir != NULL ? yh_path_join(dir, "tokenizer.json") : NULL;
    bool yes = path != NULL && yh_is_file(path);
    yh_free(path);
    return yes;
}

static yh_status copy_file(const char *from_dir, const char *to_dir, const char *name, yh_err *err)
{
    char *from = yh_path_join(from_dir, name), *to = yh_path_join(to_dir, name);
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    if (from == NULL || to == NULL)
        s = yh_fail(err, YH_NOMEM, "%s: no memory", from_dir);
    else if (yh_is_file(from)) {
        s = yh_file_read(from, TOKENIZER_LIMIT, &b, err);
        if (s == YH_OK)
            s = yh_file_write(to, b.data, b.len, err);
    }
    yh_buf_fini(&b);
    yh_free(from);
    yh_free(to);
    return s;
}

/* A model folder to start from knows its own ids: text packed with others would teach it nonsense.
 */
static yh_status check_start_model(const yh_trainer *t, uint64_t hash, yh_err *err)
{
    const char *model = t->o->model;
    yh_tok *tok = NULL;
    if (!yh_plan_model_is_folder(model) || !has_tokenizer(model))
        return YH_OK;
    YH_TRY(yh_tok_load(&tok, model, err));
    uint64_t own = yh_tok_hash(tok);
    yh_tok_free(tok);
    return own == hash
               ? YH_OK
               : yh_fail(err, YH_MISMATCH,
                         "%s: %s was not packed with this model's tokenizer; pack the text again "
                         "with it, or insist with --tokenizer %s",
                         model, t->o->data, t->o->data);
}

yh_status yh_train_copy_tokenizer(const yh_trainer *t, yh_err *err)
{
    const char *dir = t->o->tokenizer;
    yh_tok *tok = NULL;
    if (dir == NULL && has_tokenizer(t->o->data))
        dir = t->o->data;
    if (dir == NULL && yh_plan_model_is_folder(t->o->model) && has_tokenizer(t->o->model))
        dir = t->o->model;
    if (dir == NULL) {
        yh_log(YH_LOG_WARN, "%s: no tokenizer.json there; the run folder gets none", t->o->data);
        return YH_OK;
    }
    YH_TRY(yh_tok_load(&tok, dir, err));
    uint64_t hash = yh_tok_hash(tok);
    yh_tok_free(tok);
    if (hash != yh_tokens_vocab_hash(t->tokens))
        return yh_fail(err, YH_MISMATCH,
                       "%s: this is not the tokenizer that %s was packed with; pack the text "
                       "again with it, or give the other with --tokenizer",
                       dir, t->o->data);
    if (t->o->tokenizer == NULL)
        YH_TRY(check_start_model(t, hash, err));
    for (size_t i = 0; i < sizeof tokenizer_files / sizeof *tokenizer_files; i++)
        YH_TRY(copy_file(dir, t->o->out, tokenizer_files[i], err));
    return YH_OK;
}

void yh_trainer_measure(yh_trainer *t)
{
    yh_train_state *s = &t->state;
    s->elapsed = yh_trainer_elapsed(t);
    s->memory_predicted = t->memory.total;
    s->memory_peak = yh_mem_peak_rss();
    if (t->all_step_seconds <= 0)
        return;
    s->rate = (double)(t->sitting_steps * t->plan.batch_tokens) / t->all_step_seconds;
    if (t->peak > 0)
        s->peak_fraction =
            s->rate * yh_model_flops_per_token(&t->plan.cfg, t->plan.context) / t->peak;
}

void yh_trainer_result(const yh_trainer *t, yh_train_result *r)
{
    const yh_train_state *s = &t->state;
    *r = (yh_train_result){.steps = s->step,
                           .tokens = s->step * t->plan.batch_tokens,
                           .best_step = s->best_step,
                           .finished = s->finished,
                           .heldout_bits_per_byte = s->last_bpb,
                           .seconds = s->elapsed,
                           .loss = s->loss,
                           .best_bits_per_byte = s->best_bpb,
                           .tokens_per_second = s->rate,
                           .peak_fraction = s->peak_fraction,
                           .memory_predicted = s->memory_predicted,
                           .memory_peak = s->memory_peak};
    if (t->facts.train_tokens > 0)
        r->epochs_milli = (uint64_t)((double)r->tokens * 1000.0 / (double)t->facts.train_tokens);
    memcpy(r->stopped_because, s->why, sizeof r->stopped_because);
}
