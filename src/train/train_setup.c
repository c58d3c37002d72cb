/* Opening and closing a run: data, plan, model, graphs, optimiser, in the order in which mistakes
 * are found before memory is taken. */
#include <math.h>

#include "formats/safetensors.h"
#include "train/trainer.h"

static yh_status open_data(yh_trainer *t, yh_err *err)
{
    YH_TRY(yh_tokens_open(&t->tokens, t->o->data, false, err));
    t->facts = (yh_plan_facts){.train_tokens = yh_tokens_total(t->tokens, YH_TRAIN),
                               .heldout_tokens = yh_tokens_total(t->tokens, YH_HELDOUT),
                               .vocab = yh_tokens_vocab(t->tokens),
                               .eos = (int32_t)yh_tokens_eos(t->tokens)};
    if (t->facts.train_tokens == 0)
        return yh_fail(err, YH_INVALID, "%s: holds no training tokens; pack more text", t->o->data);
    return YH_OK;
}

static yh_status make_plan(yh_trainer *t, yh_err *err)
{
    yh_dtype type = t->o->precision == YH_PRECISION_F32 || (t->o->precision == YH_PRECISION_AUTO &&
                                                            yh_isa_current() < YH_ISA_AVX512BF16)
                        ? YH_F32
                        : YH_BF16;
    if (!t->resumed) {
        t->peak = yh_train_machine_peak(type, t->pool);
        t->facts.flops = t->peak > 0 ? t->peak : 1e11;
        t->state =
            (yh_train_state){.best_bpb = (double)NAN, .last_bpb = (double)NAN, .loss = (double)NAN};
        return yh_plan_make(&t->plan, t->o, &t->facts, err);
    }
    YH_TRY(yh_checkpoint_read_state(t, err));
    if (t->state.finished)
        return YH_OK;
    t->peak = yh_train_machine_peak(t->plan.type, t->pool);
    t->facts.flops = t->peak > 0 ? t->peak : 1e11;
    return YH_OK;
}

/* After loading with masters nothing is a view: the mapped file would only count as memory. */
static void drop_files(yh_model *m)
{
    yh_safetensors_close(m->files);
    m->files = NULL;
}

static yh_status make_model(yh_trainer *t, yh_err *err)
{
    yh_train_plan *p = &t->plan;
    yh_precision precision = p->type == YH_BF16 ? YH_PRECISION_BF16 : YH_PRECISION_F32;
    if (t->resumed) {
        drop_files(t->model); /* loaded with the plan */
        return YH_OK;
    }
    if (!yh_plan_model_is_folder(t->o->model))
        return yh_model_init(&t->model, &p->cfg, p->type, p->seed, err);
    YH_TRY(yh_model_load(&t->model, t->o->model, precision, true, err));
    drop_files(t->model);
    return YH_OK;
}

/* ------------------------------------------------------------------ graphs */

yh_status yh_trainer_graph(yh_graph **g, yh_build *b, const yh_train_plan *p, bool trainable,
                           int recompute, yh_err *err)
{
    YH_TRY(yh_graph_create(g, p->type, err));
    yh_graph_set_recompute(*g, recompute);
    *b = (yh_build){.g = *g,
                    .cfg = &p->cfg,
                    .rows = (int64_t)p->context * p->micro_batch,
                    .trainable = trainable};
    yh_model_build(b, 0);
    if (b->loss != NULL) {
        yh_graph_keep(*g, b->loss);
        yh_graph_keep(*g, b->loss->extra[0]);
        if (trainable)
            yh_graph_backward(*g, b->loss);
    }
    return YH_OK;
}

void yh_trainer_bind_rows(yh_trainer *t, int half)
{
    int64_t n = t->build.rows;
    int32_t *at = t->rows + 4 * n * half;
    yh_tensor_bind(t->build.tokens, at);
    yh_tensor_bind(t->build.targets, at + n);
    yh_tensor_bind(t->build.pos, at + 2 * n);
    yh_tensor_bind(t->build.start, at + 3 * n);
}

yh_status yh_trainer_bind(yh_trainer *t, yh_err *err)
{
    YH_TRY(yh_graph_plan(t->graph, err));
    YH_TRY(yh_model_bind(t->model, t->graph, err));
    for (int i = 0; i < t->optim.n; i++) {
        const char *name = t->optim.param[i].p->spec.name;
        yh_tensor *w = yh_graph_find(t->graph, name);
        if (w == NULL)
            return yh_fail(err, YH_INTERNAL, "%s: not in the graph", name);
        yh_tensor_bind_grad(w, t->optim.param[i].g);
        yh_tensor_bind_packed(w, t->optim.param[i].packed[0], t->optim.param[i].packed[1]);
    }
    int64_t n = t->build.rows;
    t->rows = yh_calloc((size_t)n * 8, sizeof *t->rows);
    if (t->rows == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a micro-batch of %lld tokens", (long long)n);
    yh_trainer_bind_rows(t, 0);
    t->scale = (float)(1.0 / (double)t->plan.batch_tokens);
    yh_tensor_bind(t->build.scale, &t->scale);
    if (t->eval_graph == NULL)
        return YH_OK;
    YH_TRY(yh_graph_plan(t->eval_graph, err));
    YH_TRY(yh_model_bind(t->model, t->eval_graph, err));
    t->eval_scale = 1.0f;
    yh_tensor_bind(t->eval_build.scale, &t->eval_scale);
    return YH_OK;
}

/* ------------------------------------------------------------------ open, close */

static yh_status open_inputs(yh_trainer *t, yh_err *err)
{
    yh_train_plan *p = &t->plan;
    yh_loader_options lo = {.split = YH_TRAIN,
                            .context = p->context,
                            .order = p->order,
                            .across_documents = p->across_documents,
                            .seed = p->seed,
                            .vocab = (uint32_t)p->cfg.vocab};
    YH_TRY(yh_loader_create(&t->loader, t->tokens, &lo, err));
    return yh_trainer_open_heldout(t, err);
}

yh_status yh_trainer_open_heldout(yh_trainer *t, yh_err *err)
{
    const yh_train_plan *p = &t->plan;
    if (p->eval_tokens == 0)
        return YH_OK;
    return yh_eval_set_make(&t->heldout, t->tokens, p->context,
                            (int64_t)p->context * p->micro_batch, p->eval_tokens,
                            p->across_documents, (uint32_t)p->cfg.vocab, err);
}

static yh_status open_all(yh_trainer *t, yh_err *err)
{
    const yh_train_options *o = t->o;
    if (o->data == NULL || o->out == NULL)
        return yh_fail(err, YH_INVALID, "training needs a token folder and a run folder");
    if (o->recompute_set && (o->recompute < 0 || o->recompute > YH_RECOMPUTE_MAX))
        return yh_fail(err, YH_INVALID, "recomputation level %d: must be 0 to %d", o->recompute,
                       (int)YH_RECOMPUTE_MAX);
    YH_TRY(open_data(t, err));
    YH_TRY(yh_mkdirs(o->out, err));
    YH_TRY(yh_dir_lock_wait(&t->lock, o->out, err));
    t->resumed = yh_checkpoint_exists(o->out);
    if (t->resumed && !o->resume) {
        YH_TRY(yh_checkpoint_discard(o->out, err));
        t->resumed = false;
    }
    YH_TRY(make_plan(t, err));
    if (t->resumed) {
        if (!t->state.finished)
            YH_TRY(yh_checkpoint_load_model(t, err));
        YH_TRY(yh_plan_compare(&t->plan, o, o->out, err));
        if (t->state.finished)
            return YH_OK;
    } else {
        YH_TRY(yh_train_copy_tokenizer(t, err));
    }
    YH_TRY(open_inputs(t, err));
    YH_TRY(yh_trainer_fit_memory(t, err));
    YH_TRY(make_model(t, err));
    YH_TRY(yh_optim_init(&t->optim, t->model, &t->plan.optim, err));
    YH_TRY(yh_optim_place(&t->optim, t->pool, err));
    if (t->resumed)
        YH_TRY(yh_checkpoint_load_optim(t, err));
    if (t->pack)
        YH_TRY(yh_optim_pack(&t->optim, t->pool, err));
    YH_TRY(yh_trainer_bind(t, err));
    return yh_metrics_open(&t->metrics, o->out, t->resumed ? t->state.metrics_bytes : 0, err);
}

yh_status yh_trainer_open(yh_trainer *t, const yh_train_options *o, yh_pool *pool, yh_err *err)
{
    *t = (yh_trainer){.o = o, .pool = pool, .held_before = yh_mem_peak_begin()};
    t->lock = (yh_dir_lock)YH_DIR_LOCK_INIT;
    t->metrics.fd = -1;
    t->state.best_bpb = t->state.last_bpb = t->state.loss = (double)NAN;
    yh_status s = open_all(t, err);
    if (s != YH_OK)
        yh_trainer_close(t);
    return s;
}

void yh_trainer_close(yh_trainer *t)
{
    yh_task_wait(&t->ahead.task);
    yh_saving_close(t);
    yh_graph_free(t->graph);
    yh_graph_free(t->eval_graph);
    yh_optim_fini(&t->optim);
    yh_model_free(t->model);
    yh_loader_free(t->loader);
    yh_eval_set_fini(&t->heldout);
    if (t->tokens != NULL)
        yh_tokens_close(t->tokens);
    yh_free(t->rows);
    yh_metrics_close(&t->metrics);
    yh_dir_lock_release(&t->lock);
    t->graph = t->eval_graph = NULL;
    t->model = NULL;
    t->loader = NULL;
    t->tokens = NULL;
    t->rows = NULL;
}
