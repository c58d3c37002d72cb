/* isa: each */
/* Whole small models: gradients against differences of the loss, the same bits for any number of
 * threads and with recomputation; configurations as transformers writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "models/model.h"

enum { ROWS = 70, SEQUENCE = 29 };

static const yh_model_config configs[] = {{.family = "qwen3",
                                           .vocab = 67,
                                           .width = 24,
                                           .layers = 2,
                                           .heads = 4,
                                           .kv_heads = 2,
                                           .head_dim = 10,
                                           .ffn = 40,
                                           .context = 64,
                                           .rope_theta = 10000.0,
                                           .norm_eps = 1e-6,
                                           .tied = true,
                                           .init_std = 0.3,
                                           .bos = -1,
                                           .eos = 3,
                                           .pad = -1},
                                          {.family = "qwen3",
                                           .vocab = 90,
                                           .width = 33,
                                           .layers = 1,
                                           .heads = 3,
                                           .kv_heads = 1,
                                           .head_dim = 16,
                                           .ffn = 65,
                                           .context = 32,
                                           .rope_theta = 1e6,
                                           .norm_eps = 1e-5,
                                           .tied = false,
                                           .init_std = 0.3,
                                           .bos = 1,
                                           .eos = 2,
                                           .pad = 0},
                                          {.family = "gpt2",
                                           .vocab = 71,
                                           .width = 30,
                                           .layers = 2,
                                           .heads = 3,
                                           .kv_heads = 3,
                                           .head_dim = 10,
                                           .ffn = 50,
                                           .context = 48,
                                           .norm_eps = 1e-5,
                                           .tied = true,
                                           .init_std = 0.3,
                                           .bos = 5,
                                           .eos = 5,
                                           .pad = -1}};
enum { N_CONFIGS = sizeof configs / sizeof configs[0] };

static void check(yh_status s, const yh_err *e)
{
    if (s != YH_OK)
        fail_msg("%s: %s", yh_status_text(s), e->msg);
}

/* ------------------------------------------------------------------ a model ready to run */

typedef struct trial {
    yh_model *m;
    yh_graph *g;
    yh_build b;
    int32_t tokens[ROWS], pos[ROWS], start[ROWS], targets[ROWS];
    float scale;
    float **grad;
} trial;

static void fill_inputs(trial *t)
{
    yh_rng r;
    yh_rng_init(&r, 3, 9);
    for (int i = 0; i < ROWS; i++) {
        t->tokens[i] = (int32_t)yh_rng_below(&r, (uint64_t)t->m->cfg.vocab);
        t->targets[i] = i % 11 == 4 ? -1 : (int32_t)yh_rng_below(&r, (uint64_t)t->m->cfg.vocab);
        t->pos[i] = i % SEQUENCE;
        t->start[i] = i / SEQUENCE * SEQUENCE;
    }
    t->scale = 0.25f;
}

static void open_trial(trial *t, const yh_model_config *c, yh_dtype type, bool backward,
                       int recompute)
{
    yh_err e = YH_ERR_INIT;
    memset(t, 0, sizeof *t);
    check(yh_model_init(&t->m, c, type, 21, &e), &e);
    fill_inputs(t);
    check(yh_graph_create(&t->g, type, &e), &e);
    t->b = (yh_build){.g = t->g, .cfg = &t->m->cfg, .rows = ROWS, .trainable = backward};
    yh_graph_set_recompute(t->g, recompute);
    yh_model_build(&t->b, 0);
    if (backward)
        yh_graph_backward(t->g, t->b.loss);
    check(yh_graph_plan(t->g, &e), &e);
    check(yh_model_bind(t->m, t->g, &e), &e);
    yh_tensor_bind(t->b.tokens, t->tokens);
    yh_tensor_bind(t->b.pos, t->pos);
    yh_tensor_bind(t->b.start, t->start);
    yh_tensor_bind(t->b.targets, t->targets);
    yh_tensor_bind(t->b.scale, &t->scale);
    t->grad = calloc((size_t)t->m->n_params, sizeof *t->grad);
    assert_non_null(t->grad);
    for (int i = 0; i < t->m->n_params; i++) {
        yh_tensor *p = yh_graph_find(t->g, t->m->params[i].spec.name);
        assert_non_null(p);
        t->grad[i] = calloc((size_t)yh_tensor_count(p), sizeof(float));
        assert_non_null(t->grad[i]);
        t->grad[i][0] = NAN; /* overwritten */
        yh_tensor_bind_grad(p, t->grad[i]);
    }
    yh_graph_clear_grads(t->g);
}

static void close_trial(trial *t)
{
    for (int i = 0; i < t->m->n_params; i++)
        free(t->grad[i]);
    free(t->grad);
    yh_graph_free(t->g);
    yh_model_free(t->m);
}

static int64_t count_of(const yh_param *p)
{
    return p->spec.dim[0] * (p->spec.ndim > 1 ? p->spec.dim[1] : 1);
}

/* The sum of the rows' losses in double: finer than the F32 loss. */
static double run_loss(trial *t)
{
    yh_err e = YH_ERR_INIT;
    double sum = 0.0;
    check(yh_graph_run(t->g, NULL, &e), &e);
    for (int i = 0; i < ROWS; i++)
        sum += (double)((const float *)t->b.loss->extra[0]->data)[i];
    return sum * (double)t->scale;
}

/* ------------------------------------------------------------------ gradients */

/* Slope of the loss along `dir`, by central differences of order four. */
static double slope(trial *t, yh_param *p, const float *old, const double *dir, double h)
{
    static const double step[4] = {1.0, -1.0, 2.0, -2.0};
    double loss[4];
    int64_t n = count_of(p);
    for (int k = 0; k < 4; k++) {
        for (int64_t i = 0; i < n; i++)
            p->w[i] = (float)((double)old[i] + step[k] * h * dir[i]);
        loss[k] = run_loss(t);
    }
    memcpy(p->w, old, (size_t)n * sizeof *old);
    return (8.0 * (loss[0] - loss[1]) - (loss[2] - loss[3])) / (12.0 * h);
}

static void check_param(trial *t, int i)
{
    yh_param *p = &t->m->params[i];
    int64_t n = count_of(p);
    yh_rng r;
    double want, got = 0.0, norm = 0.0;
    double *dir = calloc((size_t)n, sizeof *dir);
    float *old = calloc((size_t)n, sizeof *old);
    assert_true(dir != NULL && old != NULL);
    memcpy(old, p->w, (size_t)n * sizeof *old);
    yh_rng_init(&r, 77, (uint64_t)i);
    for (int64_t k = 0; k < n; k++) {
        dir[k] = yh_rng_normal(&r) / sqrt((double)n);
        got += dir[k] * (double)t->grad[i][k];
        norm += (double)t->grad[i][k] * (double)t->grad[i][k];
    }
    want = slope(t, p, old, dir, 0.02);
    /* along a random direction the slope is about norm / sqrt(n) */
    double scale = fabs(want) + sqrt(norm / (double)n);
    if (!(fabs(want - got) <= 4e-3 * scale + 1e-4))
        fail_msg("%s %s: slope %.8g, by differences %.8g", t->m->cfg.family, p->spec.name, got,
                 want);
    free(dir);
    free(old);
}

static void gradients_match_differences(void **state)
{
    (void)state;
    for (int c = 0; c < N_CONFIGS; c++) {
        trial grad, loss;
        yh_err e = YH_ERR_INIT;
        open_trial(&grad, &configs[c], YH_F32, true, 0);
        open_trial(&loss, &configs[c], YH_F32, false, 0);
        check(yh_graph_run(grad.g, NULL, &e), &e);
        float by_rows = (float)run_loss(&loss), scalar = *(const float *)grad.b.loss->data;
        assert_true(fabsf(by_rows - scalar) <= 1e-6f * fabsf(scalar));
        assert_true(yh_graph_memory(loss.g) < yh_graph_memory(grad.g));
        for (int i = 0; i < grad.m->n_params; i++) {
            float **own = loss.grad;
            loss.grad = grad.grad;
            check_param(&loss, i);
            loss.grad = own;
        }
        close_trial(&grad);
        close_trial(&loss);
    }
}

/* ------------------------------------------------------------------ the same bits */

static void run_with(const yh_model_config *c, yh_dtype type, int threads, int recompute, trial *t)
{
    yh_pool *pool;
    yh_err e = YH_ERR_INIT;
    open_trial(t, c, type, true, recompute);
    check(yh_pool_create(&pool, threads, &e), &e);
    for (int i = 0; i < 2; i++) /* gradients accumulate */
        check(yh_graph_run(t->g, pool, &e), &e);
    yh_pool_free(pool);
}

static void expect_same(const trial *a, const trial *b, const char *what)
{
    assert_memory_equal(a->b.loss->data, b->b.loss->data, sizeof(float));
    for (int i = 0; i < a->m->n_params; i++) {
        const yh_param *p = &a->m->params[i];
        if (memcmp(a->grad[i], b->grad[i], (size_t)count_of(p) * sizeof(float)) != 0)
            fail_msg("%s: the gradient of %s differs %s", a->m->cfg.family, p->spec.name, what);
    }
}

static void threads_and_recomputation_change_nothing(void **state)
{
    (void)state;
    for (int c = 0; c < N_CONFIGS; c++) {
        for (int k = 0; k < 2; k++) {
            yh_dtype type = k == 0 ? YH_F32 : YH_BF16;
            trial one, other;
            run_with(&configs[c], type, 1, 0, &one);
            for (int threads = 2; threads <= 3; threads++) {
                run_with(&configs[c], type, threads, 0, &other);
                expect_same(&one, &other, "with threads");
                close_trial(&other);
            }
            for (int level = 1; level <= YH_RECOMPUTE_MAX; level++) {
                run_with(&configs[c], type, 2, level, &other);
                expect_same(&one, &other, "with recomputation");
                assert_true(yh_graph_memory(other.g) < yh_graph_memory(one.g));
                close_trial(&other);
            }
            close_trial(&one);
        }
    }
}

static void bf16_follows_f32(void **state)
{
    (void)state;
    for (int c = 0; c < N_CONFIGS; c++) {
        trial f, h;
        yh_model_config mild = configs[c];
        mild.init_std = 0.1;
        run_with(&mild, YH_F32, 1, 0, &f);
        run_with(&mild, YH_BF16, 1, 0, &h);
        float a = *(const float *)f.b.loss->data, b = *(const float *)h.b.loss->data;
        assert_true(fabsf(a - b) < 0.01f * a);
        for (int i = 0; i < f.m->n_params; i++) {
            double dot = 0.0, na = 0.0, nb = 0.0;
            for (int64_t j = 0; j < count_of(&f.m->params[i]); j++) {
                double x = (double)f.grad[i][j], y = (double)h.grad[i][j];
                dot += x * y;
                na += x * x;
                nb += y * y;
            }
            if (!(dot > 0.99 * sqrt(na * nb)) && na > 1e-10)
                fail_msg("%s: the bf16 gradient of %s points elsewhere (cosine %g)", mild.family,
                         f.m->params[i].spec.name, dot / sqrt(na * nb));
        }
        close_trial(&f);
        close_trial(&h);
    }
}

/* ------------------------------------------------------------------ counting */

static void totals_are_those_of_known_models(void **state)
{
    (void)state;
    const yh_model_config gpt2 = {.family = "gpt2",
                                  .vocab = 50257,
                                  .width = 768,
                                  .layers = 12,
                                  .heads = 12,
                                  .kv_heads = 12,
                                  .head_dim = 64,
                                  .ffn = 3072,
                                  .context = 1024,
                                  .tied = true};
    const yh_model_config qwen = {.family = "qwen3", /* Qwen3-0.6B */
                                  .vocab = 151936,
                                  .width = 1024,
                                  .layers = 28,
                                  .heads = 16,
                                  .kv_heads = 8,
                                  .head_dim = 128,
                                  .ffn = 3072,
                                  .context = 40960,
                                  .tied = true};
    assert_int_equal(yh_model_param_total(&gpt2), 124439808);
    assert_int_equal(yh_model_param_total(&qwen), 596049920);
    /* 12 layers of 12 * 768^2, and the output projection */
    assert_int_equal(yh_model_param_matmul(&gpt2), 12ull * 12 * 768 * 768 + 50257ull * 768);
    assert_true(yh_model_flops_per_token(&gpt2, 1024) ==
                6.0 * (12.0 * 12 * 768 * 768 + 50257.0 * 768) + 6.0 * 12 * 768 * 1024);
}

/* What the graph counts is what the rule predicts, except that attention is done once more in the
 * backward pass (10 products instead of 8 for 4). */
static void graph_flops_agree_with_the_rule(void **state)
{
    (void)state;
    trial t;
    open_trial(&t, &configs[0], YH_F32, true, 0);
    const yh_model_config *c = &t.m->cfg;
    double pairs = 0.0;
    for (int i = 0; i < ROWS; i++)
        pairs += i + 1 - t.start[i];
    double attention = 14.0 * pairs * c->layers * c->heads * c->head_dim;
    double want = 6.0 * (double)yh_model_param_matmul(c) * ROWS + attention;
    assert_true(fabs(yh_graph_flops(t.g) - want) <= 1e-9 * want);
    close_trial(&t);
}

/* ------------------------------------------------------------------ configurations */

static yh_status read_text(const char *family, const char *text, yh_model_config *c, yh_err *e)
{
    json_t *j = NULL;
    yh_err parse = YH_ERR_INIT;
    check(yh_json_parse(&j, text, strlen(text), "config.json", &parse), &parse);
    yh_status s = yh_model_family_find(family)->read_config(c, j, "config.json", e);
    if (s == YH_OK)
        s = yh_model_config_check(c, "config.json", e);
    json_decref(j);
    return s;
}

#define QWEN                                                                                       \
    "\"vocab_size\": 300, \"hidden_size\": 64, \"num_hidden_layers\": 2, "                         \
    "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 16, "                   \
    "\"intermediate_size\": 96, \"max_position_embeddings\": 128"
#define GPT2                                                                                       \
    "\"vocab_size\": 300, \"n_embd\": 64, \"n_layer\": 2, \"n_head\": 4, \"n_positions\": 128"

static void configurations_of_old_and_new_files(void **state)
{
    (void)state;
    yh_model_config c;
    yh_err e = YH_ERR_INIT;
    check(read_text("qwen3", "{" QWEN ", \"rope_theta\": 1000000, \"rope_scaling\": null}", &c, &e),
          &e);
    assert_true(c.rope_theta == 1e6 && !c.tied && c.eos == -1 && c.norm_eps == 1e-6);
    check(read_text("Qwen3ForCausalLM",
                    "{" QWEN ", \"rope_parameters\": {\"rope_theta\": 5000.0, \"rope_type\": "
                    "\"default\"}, \"eos_token_id\": [7, 8], \"tie_word_embeddings\": true}",
                    &c, &e),
          &e);
    assert_true(c.rope_theta == 5000.0 && c.tied && c.eos == 7);
    check(read_text("gpt2", "{" GPT2 ", \"n_inner\": null, \"eos_token_id\": 50256}", &c, &e), &e);
    assert_true(c.ffn == 256 && c.tied && c.eos == -1 && c.head_dim == 16 && c.kv_heads == 4);
    assert_null(yh_model_family_find("llama"));
    assert_null(yh_model_family_find(NULL));
}

static void configurations_that_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *family, *text, *says;
        yh_status code;
    } bad[] = {
        {"qwen3", "{" QWEN ", \"attention_bias\": true}", "attention_bias", YH_UNSUPPORTED},
        {"qwen3", "{" QWEN ", \"use_sliding_window\": true}", "use_sliding", YH_UNSUPPORTED},
        {"qwen3", "{" QWEN ", \"hidden_act\": \"gelu\"}", "hidden_act", YH_UNSUPPORTED},
        {"qwen3", "{" QWEN ", \"rope_scaling\": {\"rope_type\": \"yarn\"}}", "rope_type",
         YH_UNSUPPORTED},
        {"qwen3", "{" QWEN ", \"rope_scaling\": 3}", "rope_scaling", YH_UNSUPPORTED},
        {"qwen3", "{" QWEN ", \"rope_parameters\": {\"rope_type\": \"linear\"}}", "rope_type",
         YH_UNSUPPORTED},
        {"qwen3", "{" QWEN ", \"layer_types\": [\"full_attention\", \"sliding_attention\"]}",
         "\"layer_types\"[1]", YH_UNSUPPORTED},
        {"qwen3", "{" QWEN ", \"rope_theta\": -1}", "rope_theta", YH_CORRUPT},
        {"qwen3", "{" QWEN ", \"eos_token_id\": \"x\"}", "eos_token_id", YH_CORRUPT},
        {"qwen3", "{\"vocab_size\": 5}", "hidden_size", YH_CORRUPT},
        {"qwen3", "{\"vocab_size\": 99999999999}", "vocab_size", YH_CORRUPT},
        {"gpt2", "{" GPT2 ", \"activation_function\": \"relu\"}", "activation_f", YH_UNSUPPORTED},
        {"gpt2", "{" GPT2 ", \"scale_attn_weights\": false}", "scale_attn_w", YH_UNSUPPORTED},
        {"gpt2", "{" GPT2 ", \"n_inner\": 0}", "n_inner", YH_CORRUPT},
        {"gpt2", "{\"vocab_size\": 9, \"n_embd\": 10, \"n_layer\": 1, \"n_head\": 3}", "n_head",
         YH_CORRUPT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        yh_model_config c;
        yh_err e = YH_ERR_INIT;
        assert_int_equal(read_text(bad[i].family, bad[i].text, &c, &e), bad[i].code);
        if (strstr(e.msg, bad[i].says) == NULL || strstr(e.msg, "config.json") == NULL)
            fail_msg("\"%s\" does not say \"%s\"", e.msg, bad[i].says);
    }
}

static void configurations_are_written_as_they_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < N_CONFIGS; i++) {
        yh_model_config c;
        yh_err e = YH_ERR_INIT;
        json_t *j = json_object(), *again = json_object();
        const yh_model_family *f = yh_model_family_find(configs[i].family);
        check(f->write_config(&configs[i], j, &e), &e);
        check(f->read_config(&c, j, "config.json", &e), &e);
        check(f->write_config(&c, again, &e), &e);
        assert_string_equal(c.family, configs[i].family);
        assert_true(json_equal(j, again));
        assert_true(c.context == configs[i].context && c.ffn == configs[i].ffn &&
                    c.rope_theta == configs[i].rope_theta && c.eos == configs[i].eos &&
                    c.tied == configs[i].tied && c.head_dim == configs[i].head_dim);
        json_decref(j);
        json_decref(again);
    }
}

static void absurd_configurations_do_not_build(void **state)
{
    (void)state;
    yh_err e = YH_ERR_INIT;
    for (int k = 0; k < 3; k++) {
        yh_model_config c = configs[0];
        yh_graph *g;
        if (k == 0)
            c.kv_heads = 3;
        else if (k == 1)
            c.head_dim = 7;
        else
            c.family = "none";
        check(yh_graph_create(&g, YH_F32, &e), &e);
        yh_build b = {.g = g, .cfg = &c, .rows = 8};
        yh_model_build(&b, 0);
        assert_int_not_equal(yh_graph_plan(g, NULL), YH_OK);
        yh_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(threads_and_recomputation_change_nothing),
        cmocka_unit_test(bf16_follows_f32),
        cmocka_unit_test(totals_are_those_of_known_models),
        cmocka_unit_test(graph_flops_agree_with_the_rule),
        cmocka_unit_test(configurations_of_old_and_new_files),
        cmocka_unit_test(configurations_that_are_refused),
        cmocka_unit_test(configurations_are_written_as_they_are_read),
        cmocka_unit_test(absurd_configurations_do_not_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
