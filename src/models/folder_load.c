/* Opening a model folder: config.json, then every parameter found, checked and brought to the
 * compute type. Matrices that are stored in the compute type stay views into the mapped file. */
#include <stdio.h>

#include "base/file.h"
#include "formats/safetensors.h"
#include "models/weights.h"

enum { CONFIG_LIMIT = 16 << 20, BLOCK = 64 };

typedef struct loader {
    yh_model *m;
    yh_safetensors *st;
    const yh_st_tensor **found; /* [n_params] */
    bool masters;
} loader;

/* ------------------------------------------------------------------ names */

/* Files hold names with or without the name of the inner model in front. */
static const yh_st_tensor *find_tensor(const yh_safetensors *st, const char *name)
{
    static const char *const prefix[] = {"model.", "transformer."};
    const yh_st_tensor *t = yh_safetensors_find(st, name);
    for (size_t i = 0; t == NULL && i < 2; i++) {
        char longer[128];
        size_t n = strlen(prefix[i]);
        if (strncmp(name, prefix[i], n) == 0) {
            t = yh_safetensors_find(st, name + n);
        } else if (strlen(name) + n < sizeof longer) {
            memcpy(longer, prefix[i], n);
            memcpy(longer + n, name, strlen(name) + 1);
            t = yh_safetensors_find(st, longer);
        }
    }
    return t;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Buffers that follow from the configuration, and the second name of a tied embedding. */
static bool is_known_extra(const yh_model *m, const char *name)
{
    return ends_with(name, ".attn.bias") || ends_with(name, ".attn.masked_bias") ||
           ends_with(name, ".rotary_emb.inv_freq") ||
           (m->cfg.tied && ends_with(name, "lm_head.weight"));
}

static void shape_text(int ndim, const int64_t *dim, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < ndim && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%lld", i ? ", " : "", (long long)dim[i]);
}

static yh_status check_shape(const loader *l, const yh_param_spec *p, const yh_st_tensor *t,
                             yh_err *err)
{
    int64_t want[2] = {p->dim[0], p->ndim > 1 ? p->dim[1] : 1};
    char have_text[160], want_text[64];
    if (p->transposed && p->ndim == 2) {
        want[0] = p->dim[1];
        want[1] = p->dim[0];
    }
    bool same = t->ndim == p->ndim;
    for (int i = 0; same && i < p->ndim; i++)
        same = t->dim[i] == want[i];
    if (same)
        return YH_OK;
    shape_text(t->ndim, t->dim, have_text, sizeof have_text);
    shape_text(p->ndim, want, want_text, sizeof want_text);
    return yh_fail(err, YH_MISMATCH, "%s: tensor \"%s\" has shape [%s], config.json asks for [%s]",
                   yh_safetensors_file(l->st, t), t->name, have_text, want_text);
}

static yh_status match(loader *l, const char *dir, yh_err *err)
{
    size_t n = yh_safetensors_count(l->st);
    bool *used = yh_calloc(n, sizeof *used);
    yh_status s = YH_OK;
    if (used == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    for (int i = 0; i < l->m->n_params && s == YH_OK; i++) {
        const yh_param_spec *p = &l->m->params[i].spec;
        const yh_st_tensor *t = find_tensor(l->st, p->name);
        yh_dtype type;
        if (t == NULL) {
            s = yh_fail(err, YH_MISMATCH,
                        "%s: tensor \"%s\" is missing: the weights do not belong to this "
                        "config.json, or are incomplete",
                        dir, p->name);
            break;
        }
        used[t - yh_safetensors_at(l->st, 0)] = true;
        l->found[i] = t;
        s = check_shape(l, p, t, err);
        if (s == YH_OK)
            s = yh_safetensors_dtype(l->st, t, &type, err);
        if (s == YH_OK && type != YH_F32 && type != YH_BF16 && type != YH_F16)
            s = yh_fail(err, YH_UNSUPPORTED,
                        "%s: tensor \"%s\" has type %s; weights must be F32, "
                        "BF16 or F16",
                        yh_safetensors_file(l->st, t), t->name, t->type);
    }
    for (size_t i = 0; i < n && s == YH_OK; i++) {
        const yh_st_tensor *t = yh_safetensors_at(l->st, i);
        if (!used[i] && !is_known_extra(l->m, t->name))
            s = yh_fail(err, YH_MISMATCH,
                        "%s: tensor \"%.120s\" (byte %llu) is no part of the %s model that "
                        "config.json describes",
                        yh_safetensors_file(l->st, t), t->name, (unsigned long long)t->offset,
                        l->m->family->name);
    }
    yh_free(used);
    return s;
}

/* ------------------------------------------------------------------ weights */

static void to_f32(yh_dtype type, const void *src, int64_t at, float *out, int64_t n)
{
    const yh_kernel_table *k = yh_kernels();
    if (type == YH_F32)
        memcpy(out, (const float *)src + at, (size_t)n * sizeof *out);
    else if (type == YH_BF16)
        k->bf16_to_f32((const yh_bf16 *)src + at, out, 0, n);
    else
        k->f16_to_f32((const uint16_t *)src + at, out, 0, n);
}

static void copy_straight(const yh_param *p, yh_dtype type, const void *src)
{
    float v[4096];
    int64_t n = yh_weights_count(&p->spec), step = (int64_t)(sizeof v / sizeof *v);
    for (int64_t i = 0; i < n; i += step) {
        int64_t k = n - i < step ? n - i : step;
        to_f32(type, src, i, v, k);
        yh_weights_put(p, i, v, k);
    }
}

/* File [in, out] to memory [out, in], block by block. */
static void copy_transposed(const yh_param *p, yh_dtype type, const void *src)
{
    float a[BLOCK][BLOCK], line[BLOCK];
    int64_t out = p->spec.dim[0], in = p->spec.dim[1];
    for (int64_t i = 0; i < in; i += BLOCK) {
        int64_t ni = in - i < BLOCK ? in - i : BLOCK;
        for (int64_t o = 0; o < out; o += BLOCK) {
            int64_t no = out - o < BLOCK ? out - o : BLOCK;
            for (int64_t r = 0; r < ni; r++)
                to_f32(type, src, (i + r) * out + o, a[r], no);
            for (int64_t c = 0; c < no; c++) {
                for (int64_t r = 0; r < ni; r++)
                    line[r] = a[r][c];
                yh_weights_put(p, (o + c) * in + i, line, ni);
            }
        }
    }
}

/* Tensors may begin at any byte: those that do not suit their type are copied first. */
static yh_status read_param(const loader *l, int i, yh_err *err)
{
    yh_param *p = &l->m->params[i];
    const yh_st_tensor *t = l->found[i];
    const void *data = yh_safetensors_data(l->st, t);
    bool bf16 = yh_weights_is_bf16(l->m, &p->spec);
    bool transposed = p->spec.transposed && p->spec.ndim == 2;
    yh_dtype type;
    void *copy = NULL;
    if (yh_stop_requested())
        return yh_fail(err, YH_STOPPED, "stopped");
    YH_TRY(yh_safetensors_dtype(l->st, t, &type, err));
    if ((uintptr_t)data % yh_dtype_size(type) != 0) {
        copy = yh_big_alloc((size_t)t->size);
        if (copy == NULL)
            return yh_fail(err, YH_NOMEM, "%s: no memory for tensor \"%s\"",
                           yh_safetensors_file(l->st, t), t->name);
        memcpy(copy, data, (size_t)t->size);
        data = copy;
    }
    yh_status s = YH_OK;
    if (!l->masters && !transposed && copy == NULL && type == (bf16 ? YH_BF16 : YH_F32)) {
        if (bf16) /* a view: read only, which graphs that are not trained keep to */
            p->w16 = (yh_bf16 *)(uintptr_t)data;
        else
            p->w = (float *)(uintptr_t)data;
    } else {
        s = yh_weights_alloc(p, bf16, l->masters, err);
        if (s == YH_OK && transposed)
            copy_transposed(p, type, data);
        else if (s == YH_OK)
            copy_straight(p, type, data);
    }
    if (copy != NULL)
        yh_big_free(copy, (size_t)t->size);
    return s;
}

/* ------------------------------------------------------------------ configuration */

static yh_status find_family(const json_t *j, const char *path, const yh_model_family **out,
                             yh_err *err)
{
    const char *type = NULL;
    const char *class_name =
        json_string_value(json_array_get(json_object_get(j, "architectures"), 0));
    if (!json_is_object(j))
        return yh_fail(err, YH_CORRUPT, "%s: is no JSON object", path);
    YH_TRY(yh_json_str(j, "model_type", true, path, &type, err));
    if (type == NULL && class_name == NULL)
        return yh_fail(err, YH_CORRUPT, "%s: has neither \"model_type\" nor \"architectures\"",
                       path);
    *out = type != NULL ? yh_model_family_find(type) : NULL;
    if (*out == NULL && class_name != NULL)
        *out = yh_model_family_find(class_name);
    if (*out == NULL)
        return yh_fail(err, YH_UNSUPPORTED,
                       "%s: the model type \"%.60s\" is not supported (qwen3 and gpt2 are)", path,
                       type != NULL ? type : class_name);
    return YH_OK;
}

static yh_status read_config(const char *dir, yh_model_config *cfg, yh_err *err)
{
    const yh_model_family *f;
    json_t *j = NULL;
    memset(cfg, 0, sizeof *cfg);
    if (!yh_is_dir(dir))
        return yh_fail(err, yh_is_file(dir) ? YH_INVALID : YH_NOTFOUND,
                       "%s: %s: a model is a folder with config.json and model.safetensors", dir,
                       yh_is_file(dir) ? "is a file" : "there is no such folder");
    char *path = yh_path_join(dir, "config.json");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    yh_status s = yh_json_load(&j, path, CONFIG_LIMIT, err);
    if (s == YH_OK)
        s = find_family(j, path, &f, err);
    if (s == YH_OK)
        s = f->read_config(cfg, j, path, err);
    if (s == YH_OK)
        s = yh_model_config_check(cfg, path, err);
    json_decref(j);
    yh_free(path);
    return s;
}

yh_status yh_model_load(yh_model **out, const char *dir, yh_precision precision, bool masters,
                        yh_err *err)
{
    yh_model_config cfg;
    loader l = {.masters = masters};
    bool bf16 = precision == YH_PRECISION_BF16 ||
                (precision == YH_PRECISION_AUTO && yh_isa_current() >= YH_ISA_AVX512BF16);
    yh_status s;
    *out = NULL;
    YH_TRY(read_config(dir, &cfg, err));
    YH_TRY(yh_safetensors_open(&l.st, dir, err));
    s = yh_weights_create(&l.m, &cfg, bf16 ? YH_BF16 : YH_F32, err);
    if (s != YH_OK) {
        yh_safetensors_close(l.st);
        return s;
    }
    l.m->files = l.st;
    l.found = yh_calloc((size_t)l.m->n_params, sizeof *l.found);
    s = l.found != NULL ? match(&l, dir, err) : yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    for (int i = 0; i < l.m->n_params && s == YH_OK; i++)
        s = read_param(&l, i, err);
    yh_free(l.found);
    if (s == YH_OK)
        *out = l.m;
    else
        yh_model_free(l.m);
    return s;
}

yh_status yh_model_inspect(const char *dir, yh_model_facts *out, yh_err *err)
{
    yh_model_config cfg;
    YH_TRY(read_config(dir, &cfg, err));
    yh_config_facts(&cfg, out);
    return YH_OK;
}

yh_status yh_model_tensors(const char *path, bool (*each)(void *user, const yh_tensor_facts *t),
                           void *user, yh_err *err)
{
    yh_safetensors *st = NULL;
    YH_TRY(yh_safetensors_open(&st, path, err));
    for (size_t i = 0; each != NULL && i < yh_safetensors_count(st); i++) {
        const yh_st_tensor *t = yh_safetensors_at(st, i);
        yh_tensor_facts f = {.name = t->name,
                             .type = t->type,
                             .file = yh_safetensors_file(st, t),
                             .ndim = t->ndim,
                             .offset = t->offset,
                             .size = t->size};
        memcpy(f.dim, t->dim, sizeof f.dim);
        if (!each(user, &f))
            break;
    }
    yh_safetensors_close(st);
    return YH_OK;
}
