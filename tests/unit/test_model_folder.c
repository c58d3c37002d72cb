#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/safetensors.h"
#include "models/model.h"
#include "scratch_dir.h"

static yh_model_config config_of(const char *family, bool tied)
{
    bool gpt2 = strcmp(family, "gpt2") == 0;
    return (yh_model_config){.family = gpt2 ? "gpt2" : "qwen3",
                             .vocab = 75,
                             .width = 36,
                             .layers = 2,
                             .heads = 6,
                             .kv_heads = gpt2 ? 6 : 2,
                             .head_dim = gpt2 ? 6 : 8,
                             .ffn = 70,
                             .context = 66,
                             .rope_theta = gpt2 ? 0.0 : 10000.0,
                             .norm_eps = 1e-6,
                             .tied = tied,
                             .init_std = 0.02,
                             .bos = -1,
                             .eos = 74,
                             .pad = -1};
}

static yh_model *make(const char *family, bool tied, yh_dtype type)
{
    yh_model_config c = config_of(family, tied);
    yh_model *m;
    yh_err err = YH_ERR_INIT;
    if (yh_model_init(&m, &c, type, 5, &err) != YH_OK)
        print_error("%s\n", err.msg);
    assert_int_equal(err.code, YH_OK);
    return m;
}

static int64_t count(const yh_param *p)
{
    return p->spec.dim[0] * (p->spec.ndim > 1 ? p->spec.dim[1] : 1);
}

static float value(const yh_param *p, int64_t i)
{
    return p->w != NULL     ? p->w[i]
           : p->low != NULL ? yh_f32_join(p->w16[i], p->low[i])
                            : yh_bf16_to_f32(p->w16[i]);
}

/* Every weight of b is that of a, rounded to bf16 where `rounded`. */
static void expect_equal(const yh_model *a, const yh_model *b, bool rounded)
{
    assert_int_equal(a->n_params, b->n_params);
    for (int i = 0; i < a->n_params; i++) {
        assert_string_equal(a->params[i].spec.name, b->params[i].spec.name);
        for (int64_t k = 0; k < count(&a->params[i]); k++) {
            float x = value(&a->params[i], k), y = value(&b->params[i], k);
            bool vector = a->params[i].spec.kind == YH_PARAM_VECTOR;
            if (rounded && !vector)
                x = yh_bf16_to_f32(yh_f32_to_bf16(x));
            assert_true(x == y);
        }
    }
}

static void starts_are_random_and_the_same(void **state)
{
    yh_model *a = make("qwen3", false, YH_F32), *b = make("qwen3", false, YH_BF16);
    (void)state;
    expect_equal(a, b, false); /* masters are equal */
    for (int i = 0; i < b->n_params; i++) {
        const yh_param *p = &b->params[i];
        double sum = 0.0, squares = 0.0, n = (double)count(p), std = p->spec.init_std;
        assert_int_equal(p->w16 != NULL, p->spec.kind != YH_PARAM_VECTOR);
        for (int64_t k = 0; k < count(p); k++) {
            const double w = (double)value(p, k);
            sum += w - p->spec.init_mean;
            squares += pow(w - p->spec.init_mean, 2.0);
            if (p->w16 != NULL) /* the nearest */
                assert_true(fabs((double)yh_bf16_to_f32(p->w16[k]) - w) <=
                            fabs((double)yh_bf16_to_f32(yh_f32_to_bf16((float)w)) - w));
        }
        assert_true(fabs(sum / n) <= 5.0 * std / sqrt(n));
        assert_true(fabs(sqrt(squares / n) - std) <= 5.0 * std / sqrt(2.0 * n));
    }
    /* two matrices of one shape differ */
    assert_true(value(&a->params[2], 0) != value(&a->params[4], 0));
    yh_model_free(a);
    yh_model_free(b);
}

static void what_is_saved_loads(void **state)
{
    static const char *const families[] = {"qwen3", "gpt2"};
    (void)state;
    for (int k = 0; k < 16; k++) {
        yh_model *a = make(families[k & 1], (k & 2) != 0, YH_F32), *b;
        yh_dtype store = k & 4 ? YH_BF16 : YH_F32;
        yh_precision p = k & 8 ? YH_PRECISION_BF16 : YH_PRECISION_F32;
        yh_err err = YH_ERR_INIT;
        assert_int_equal(yh_model_save(a, in_dir("m"), store, true, &err), YH_OK);
        for (int masters = 0; masters < 2; masters++) {
            if (yh_model_load(&b, in_dir("m"), p, masters != 0, &err) != YH_OK)
                print_error("%s\n", err.msg);
            assert_int_equal(err.code, YH_OK);
            assert_int_equal(b->type, p == YH_PRECISION_BF16 ? YH_BF16 : YH_F32);
            /* an initial norm is 1 or 0, which bf16 holds */
            expect_equal(a, b, store == YH_BF16 || (p == YH_PRECISION_BF16 && masters == 0));
            for (int i = 0; masters && i < b->n_params; i++)
                assert_true(b->params[i].owned &&
                            (b->params[i].w != NULL) != (b->params[i].low != NULL));
            assert_int_equal(b->cfg.vocab, a->cfg.vocab);
            assert_int_equal(b->cfg.tied, a->cfg.tied);
            assert_int_equal(b->cfg.ffn, a->cfg.ffn);
            assert_int_equal(b->cfg.eos, 74);
            yh_model_free(b);
        }
        yh_model_free(a);
    }
}

static void views_where_they_fit(void **state)
{
    yh_model *a = make("qwen3", true, YH_F32), *b;
    (void)state;
    assert_int_equal(yh_model_save(a, in_dir("v"), YH_F32, true, NULL), YH_OK);
    assert_int_equal(yh_model_load(&b, in_dir("v"), YH_PRECISION_F32, false, NULL), YH_OK);
    for (int i = 0; i < b->n_params; i++)
        assert_false(b->params[i].owned);
    yh_model_free(b);
    /* a saved model may replace the file that it is a view of */
    assert_int_equal(yh_model_load(&b, in_dir("v"), YH_PRECISION_F32, false, NULL), YH_OK);
    assert_int_equal(yh_model_save(b, in_dir("v"), YH_F32, true, NULL), YH_OK);
    expect_equal(a, b, false);
    yh_model_free(b);
    assert_int_equal(yh_model_load(&b, in_dir("v"), YH_PRECISION_F32, false, NULL), YH_OK);
    expect_equal(a, b, false);
    yh_model_free(b);
    yh_model_free(a);
}

/* ------------------------------------------------------------------ other people's files */

typedef struct change {
    const char *skip, *strip, *extra; /* tensor left out; prefix cut; tensor added */
    const char *reshape;              /* tensor that gets one dimension */
    yh_dtype type;
} change;

/* Writes the model's weights again with something changed; gpt2's matrices are not handled. */
static void rewrite(const yh_model *m, const char *path, const change *c)
{
    yh_st_writer *w;
    assert_int_equal(yh_st_writer_create(&w, path, NULL), YH_OK);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < m->n_params; i++) {
            const yh_param *p = &m->params[i];
            const char *name = p->spec.name;
            int64_t n = count(p);
            if (c->skip != NULL && strcmp(c->skip, name) == 0)
                continue;
            if (c->strip != NULL && strncmp(name, c->strip, strlen(c->strip)) == 0)
                name += strlen(c->strip);
            if (pass == 0 && c->reshape != NULL && strcmp(c->reshape, p->spec.name) == 0)
                assert_int_equal(yh_st_writer_declare(w, name, c->type, 1, &n, NULL), YH_OK);
            else if (pass == 0)
                assert_int_equal(
                    yh_st_writer_declare(w, name, c->type, p->spec.ndim, p->spec.dim, NULL), YH_OK);
            for (int64_t k = 0; pass == 1 && k < n; k++) {
                uint16_t half = c->type == YH_BF16 ? yh_f32_to_bf16(p->w[k])
                                : p->w[k] > 0.5f   ? 0x3c00 /* 1 */
                                                   : 0x2800;  /* 1/32 */
                const void *v = yh_dtype_size(c->type) == 4 ? (const void *)&p->w[k] : &half;
                assert_int_equal(yh_st_writer_data(w, v, yh_dtype_size(c->type), NULL), YH_OK);
            }
        }
        static const int64_t three = 3;
        if (c->extra != NULL && pass == 0)
            assert_int_equal(yh_st_writer_declare(w, c->extra, YH_U8, 1, &three, NULL), YH_OK);
        if (c->extra != NULL && pass == 1)
            assert_int_equal(yh_st_writer_data(w, "abc", 3, NULL), YH_OK);
    }
    assert_int_equal(yh_st_writer_commit(w, NULL), YH_OK);
    yh_st_writer_free(w);
}

static void expect_load(const change *c, bool tied, yh_status code, const char *part)
{
    yh_model *a = make("qwen3", tied, YH_F32), *b;
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_model_save(a, in_dir("x"), YH_F32, true, NULL), YH_OK);
    rewrite(a, in_dir("x/model.safetensors"), c);
    yh_status s = yh_model_load(&b, in_dir("x"), YH_PRECISION_F32, false, &err);
    if (s != code || (part != NULL && strstr(err.msg, part) == NULL))
        print_error("status %d: %s\n", s, err.msg);
    assert_int_equal(s, code);
    if (part != NULL)
        assert_non_null(strstr(err.msg, part));
    if (s == YH_OK && c->type == YH_F16)
        assert_true(fabsf(value(&b->params[0], 0) - 1.0f / 32) < 1e-9f);
    else if (s == YH_OK)
        expect_equal(a, b, c->type == YH_BF16);
    if (s == YH_OK)
        yh_model_free(b);
    yh_model_free(a);
}

static void names_types_and_shapes(void **state)
{
    (void)state;
    expect_load(&(change){.type = YH_F32}, true, YH_OK, NULL);
    expect_load(&(change){.type = YH_BF16}, true, YH_OK, NULL);
    expect_load(&(change){.type = YH_F16}, true, YH_OK, NULL);
    expect_load(&(change){.type = YH_F32, .strip = "model."}, true, YH_OK, NULL);
    expect_load(&(change){.type = YH_F32, .extra = "lm_head.weight"}, true, YH_OK, NULL);
    expect_load(&(change){.type = YH_F32, .extra = "model.layers.0.self_attn.rotary_emb.inv_freq"},
                true, YH_OK, NULL);
    expect_load(&(change){.type = YH_F32, .extra = "model.layers.0.self_attn.q_proj.bias"}, true,
                YH_MISMATCH, "q_proj.bias");
    expect_load(&(change){.type = YH_F32, .skip = "model.norm.weight"}, true, YH_MISMATCH,
                "\"model.norm.weight\" is missing");
    expect_load(&(change){.type = YH_F32, .skip = "lm_head.weight"}, false, YH_MISMATCH,
                "\"lm_head.weight\" is missing");
    expect_load(&(change){.type = YH_F32, .reshape = "model.layers.1.mlp.up_proj.weight"}, true,
                YH_MISMATCH, "has shape [2520], config.json asks for [70, 36]");
    expect_load(&(change){.type = YH_I32}, true, YH_UNSUPPORTED, "I32");
}

static void tensors_at_odd_bytes(void **state)
{
    yh_model *a = make("qwen3", true, YH_F32), *b;
    yh_buf file;
    yh_err err = YH_ERR_INIT;
    (void)state;
    yh_buf_init(&file, 0);
    assert_int_equal(yh_model_save(a, in_dir("odd"), YH_F32, true, NULL), YH_OK);
    assert_int_equal(yh_file_read(in_dir("odd/model.safetensors"), 0, &file, NULL), YH_OK);
    /* one more space in the header: every tensor begins at an odd byte */
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--)
        n = n << 8 | (uint8_t)file.data[i];
    yh_writer w;
    assert_int_equal(yh_writer_open(&w, in_dir("odd/model.safetensors"), NULL), YH_OK);
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((n + 1) >> (8 * i));
    assert_int_equal(yh_writer_write(&w, length, 8, NULL), YH_OK);
    assert_int_equal(yh_writer_write(&w, file.data + 8, n, NULL), YH_OK);
    assert_int_equal(yh_writer_write(&w, " ", 1, NULL), YH_OK);
    assert_int_equal(yh_writer_write(&w, file.data + 8 + n, file.len - 8 - n, NULL), YH_OK);
    assert_int_equal(yh_writer_commit(&w, NULL), YH_OK);
    yh_buf_fini(&file);
    assert_int_equal(yh_model_load(&b, in_dir("odd"), YH_PRECISION_F32, false, &err), YH_OK);
    expect_equal(a, b, false);
    yh_model_free(a);
    yh_model_free(b);
}

/* ------------------------------------------------------------------ bad configurations */

static void expect_config(const char *text, yh_status code, const char *part)
{
    yh_model *m;
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_file_write(in_dir("m/config.json"), text, strlen(text), NULL), YH_OK);
    yh_status s = yh_model_load(&m, in_dir("m"), YH_PRECISION_F32, false, &err);
    if (s != code || strstr(err.msg, part) == NULL || strstr(err.msg, "m") == NULL)
        print_error("%s: status %d: %s\n", text, s, err.msg);
    assert_int_equal(s, code);
    assert_null(m);
    assert_non_null(strstr(err.msg, part));
}

static void bad_folders_are_named(void **state)
{
    yh_model *m;
    yh_model_facts f;
    yh_err err = YH_ERR_INIT;
    yh_model *a = make("qwen3", true, YH_F32);
    (void)state;
    assert_int_equal(yh_model_save(a, in_dir("m"), YH_F32, true, NULL), YH_OK);
    yh_model_free(a);
    assert_int_equal(yh_model_inspect(in_dir("m"), &f, NULL), YH_OK);
    assert_int_equal(f.vocab, 75);
    assert_string_equal(f.family, "qwen3");
    assert_true(f.tied && f.weights > 1000);
    expect_config("", YH_CORRUPT, "config.json");
    expect_config("[]", YH_CORRUPT, "no JSON object");
    expect_config("{}", YH_CORRUPT, "model_type");
    expect_config("{\"model_type\":\"mamba\"}", YH_UNSUPPORTED, "mamba");
    expect_config("{\"model_type\":\"qwen3\"}", YH_CORRUPT, "missing");
#define QWEN3(vocab, width, layers, heads)                                                         \
    "{\"model_type\":\"qwen3\",\"vocab_size\":" vocab ",\"hidden_size\":" width                    \
    ",\"num_hidden_layers\":" layers ",\"num_attention_heads\":" heads                             \
    ",\"num_key_value_heads\":2,\"head_dim\":8,\"intermediate_size\":70,"                          \
    "\"max_position_embeddings\":66,\"tie_word_embeddings\":true}"
    expect_config(QWEN3("0", "36", "2", "6"), YH_CORRUPT, "vocab_size");
    expect_config(QWEN3("99999999999", "36", "2", "6"), YH_CORRUPT, "vocab_size");
    expect_config(QWEN3("-5", "36", "2", "6"), YH_CORRUPT, "vocab_size");
    expect_config(QWEN3("75", "1e300", "2", "6"), YH_CORRUPT, "hidden_size");
    expect_config(QWEN3("75", "36", "1000000000", "6"), YH_CORRUPT, "num_hidden_layers");
    expect_config(QWEN3("75", "36", "2", "5"), YH_CORRUPT, "heads");
    /* numbers that are possible but not those of the weights: nothing is allocated for them */
    expect_config(QWEN3("16000000", "131072", "2", "6"), YH_MISMATCH, "config.json asks for");
    expect_config(QWEN3("75", "36", "4096", "6"), YH_MISMATCH, "is missing");
    expect_config(QWEN3("75", "36", "1", "6"), YH_MISMATCH, "no part of the qwen3 model");
    assert_int_equal(unlink(in_dir("m/config.json")), 0);
    assert_int_equal(yh_model_load(&m, in_dir("m"), YH_PRECISION_F32, false, &err), YH_NOTFOUND);
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_model_load(&m, in_dir("none"), YH_PRECISION_F32, false, &err), YH_NOTFOUND);
    assert_non_null(strstr(err.msg, "none"));
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(
        yh_model_load(&m, in_dir("m/model.safetensors"), YH_PRECISION_F32, false, &err),
        YH_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_random_and_the_same), cmocka_unit_test(what_is_saved_loads),
        cmocka_unit_test(views_where_they_fit),           cmocka_unit_test(names_types_and_shapes),
        cmocka_unit_test(tensors_at_odd_bytes),           cmocka_unit_test(bad_folders_are_named),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
