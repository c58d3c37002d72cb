/* Writing a model folder that other tools open: config.json, generation_config.json,
 * model.safetensors. Each file is atomic; the weights come last. */
#include "base/file.h"
#include "formats/safetensors.h"
#include "models/weights.h"

enum { CHUNK = 1 << 16, ROWS = 16 };

static yh_status emit(yh_st_writer *w, yh_dtype store, const float *v, yh_bf16 *half, int64_t n,
                      yh_err *err)
{
    if (store == YH_F32)
        return yh_st_writer_data(w, v, (size_t)n * sizeof *v, err);
    yh_kernels()->f32_to_bf16(v, half, 0, n);
    return yh_st_writer_data(w, half, (size_t)n * sizeof *half, err);
}

static yh_status write_straight(yh_st_writer *w, const yh_param *p, yh_dtype store, float *v,
                                yh_bf16 *half, yh_err *err)
{
    int64_t n = yh_weights_count(&p->spec);
    for (int64_t i = 0; i < n; i += CHUNK) {
        int64_t k = n - i < CHUNK ? n - i : CHUNK;
        yh_weights_get(p, store == YH_F32, i, v, k);
        YH_TRY(emit(w, store, v, half, k, err));
    }
    return YH_OK;
}

/* Memory [out, in] to file [in, out]: ROWS rows of the file at a time, in pieces that fit v. */
static yh_status write_transposed(yh_st_writer *w, const yh_param *p, yh_dtype store, float *v,
                                  yh_bf16 *half, yh_err *err)
{
    int64_t out = p->spec.dim[0], in = p->spec.dim[1];
    float line[ROWS];
    int64_t rows = out <= CHUNK / ROWS ? ROWS : 1;
    for (int64_t i = 0; i < in; i += rows) {
        int64_t ni = in - i < rows ? in - i : rows;
        for (int64_t o = 0; o < out; o += CHUNK) { /* one piece whenever rows > 1 */
            int64_t no = out - o < CHUNK ? out - o : CHUNK;
            for (int64_t c = 0; c < no; c++) {
                yh_weights_get(p, store == YH_F32, (o + c) * in + i, line, ni);
                for (int64_t r = 0; r < ni; r++)
                    v[r * no + c] = line[r];
            }
            YH_TRY(emit(w, store, v, half, ni * no, err));
        }
    }
    return YH_OK;
}

/* All weights into the file's temporary name; *out is the caller's. */
static yh_status write_weights(const yh_model *m, const char *path, yh_dtype store,
                               yh_st_writer **out, yh_err *err)
{
    yh_st_writer *w = NULL;
    float *v = yh_malloc(CHUNK * sizeof *v);
    yh_bf16 *half = yh_malloc(CHUNK * sizeof *half);
    yh_status s = v != NULL && half != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory", path);
    if (s == YH_OK)
        s = yh_st_writer_create(&w, path, err);
    for (int i = 0; i < m->n_params && s == YH_OK; i++) {
        const yh_param_spec *p = &m->params[i].spec;
        int64_t dim[2] = {p->dim[0], p->ndim > 1 ? p->dim[1] : 1};
        if (p->transposed && p->ndim == 2) {
            dim[0] = p->dim[1];
            dim[1] = p->dim[0];
        }
        s = yh_st_writer_declare(w, p->name, store, p->ndim, dim, err);
    }
    for (int i = 0; i < m->n_params && s == YH_OK; i++) {
        const yh_param *p = &m->params[i];
        s = p->spec.transposed && p->spec.ndim == 2 ? write_transposed(w, p, store, v, half, err)
                                                    : write_straight(w, p, store, v, half, err);
    }
    if (s == YH_OK)
        *out = w;
    else
        yh_st_writer_free(w);
    yh_free(v);
    yh_free(half);
    return s;
}

static bool set_default(json_t *j, const char *key, json_t *value)
{
    if (json_object_get(j, key) == NULL)
        return json_object_set_new(j, key, value) == 0;
    json_decref(value);
    return true;
}

static yh_status save_config(const yh_model *m, const char *path, yh_dtype store, yh_err *err)
{
    json_t *j = json_object();
    yh_status s = j != NULL ? m->family->write_config(&m->cfg, j, err) : YH_NOMEM;
    if (s == YH_OK &&
        (!set_default(j, "architectures", json_pack("[s]", m->family->hf_class)) ||
         !set_default(j, "model_type", json_string(m->family->name)) ||
         json_object_set_new(j, "torch_dtype",
                             json_string(store == YH_BF16 ? "bfloat16" : "float32")) != 0))
        s = YH_NOMEM;
    s = s == YH_OK ? yh_json_save(j, path, true, err)
                   : yh_fail(err, s, "%s: cannot write the configuration", path);
    json_decref(j);
    return s;
}

static yh_status save_generation(const yh_model *m, const char *path, yh_err *err)
{
    const struct {
        const char *key;
        int32_t id;
    } ids[] = {
        {"bos_token_id", m->cfg.bos}, {"eos_token_id", m->cfg.eos}, {"pad_token_id", m->cfg.pad}};
    json_t *j = json_object();
    bool ok = j != NULL;
    for (size_t i = 0; i < 3; i++)
        if (ids[i].id >= 0)
            ok = ok && json_object_set_new(j, ids[i].key, json_integer(ids[i].id)) == 0;
    yh_status s =
        ok ? yh_json_save(j, path, true, err) : yh_fail(err, YH_NOMEM, "%s: no memory", path);
    json_decref(j);
    return s;
}

/* config.json and generation_config.json. */
static yh_status save_small(const yh_model *m, const char *dir, yh_dtype store, yh_err *err)
{
    char *config = yh_path_join(dir, "config.json"),
         *generation = yh_path_join(dir, "generation_config.json");
    yh_status s =
        config != NULL && generation != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    if (s == YH_OK)
        s = save_config(m, config, store, err);
    if (s == YH_OK)
        s = save_generation(m, generation, err);
    yh_free(config);
    yh_free(generation);
    return s;
}

yh_status yh_model_save_begin(const yh_model *m, const char *dir, yh_dtype store,
                              yh_st_writer **out, yh_err *err)
{
    *out = NULL;
    if (store != YH_F32 && store != YH_BF16)
        return yh_fail(err, YH_INVALID, "weights are stored as f32 or bf16, not %s",
                       yh_dtype_text(store));
    YH_TRY(yh_mkdirs(dir, err));
    char *path = yh_path_join(dir, "model.safetensors");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    yh_status s = write_weights(m, path, store, out, err);
    yh_free(path);
    return s;
}

yh_status yh_model_save_end(const yh_model *m, const char *dir, yh_dtype store, yh_st_writer *w,
                            bool sync, yh_err *err)
{
    yh_status s = save_small(m, dir, store, err);
    if (s == YH_OK)
        s = sync ? yh_st_writer_commit(w, err) : yh_st_writer_commit_unsynced(w, err);
    yh_st_writer_free(w);
    return s;
}

yh_status yh_model_save(const yh_model *m, const char *dir, yh_dtype store, bool sync, yh_err *err)
{
    yh_st_writer *w;
    YH_TRY(yh_model_save_begin(m, dir, store, &w, err));
    return yh_model_save_end(m, dir, store, w, sync, err);
}

yh_status yh_model_write(const yh_model *m, const char *dir, yh_precision store, yh_err *err)
{
    return yh_model_save(m, dir, store == YH_PRECISION_BF16 ? YH_BF16 : YH_F32, true, err);
}
