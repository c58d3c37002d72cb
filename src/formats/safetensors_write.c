#include "base/json.h"
#include "formats/safetensors.h"

struct yh_st_writer {
    char *path;
    yh_writer file;
    json_t *header;
    uint64_t declared, written; /* bytes of data */
    bool begun;
};

yh_status yh_st_writer_create(yh_st_writer **out, const char *path, yh_err *err)
{
    yh_st_writer *w = yh_calloc(1, sizeof *w);
    *out = NULL;
    if (w == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to write", path);
    w->file = (yh_writer)YH_WRITER_INIT;
    w->path = yh_strdup(path);
    w->header = json_object();
    yh_status s = YH_OK;
    if (w->path == NULL || w->header == NULL)
        s = yh_fail(err, YH_NOMEM, "%s: no memory to write", path);
    if (s == YH_OK)
        s = yh_st_writer_meta(w, "format", "pt", err); /* transformers refuses files without it */
    if (s == YH_OK)
        s = yh_writer_open(&w->file, path, err);
    if (s != YH_OK) {
        yh_st_writer_free(w);
        return s;
    }
    *out = w;
    return YH_OK;
}

yh_status yh_st_writer_meta(yh_st_writer *w, const char *key, const char *value, yh_err *err)
{
    json_t *m = json_object_get(w->header, "__metadata__");
    if (m == NULL) {
        m = json_object();
        if (json_object_set_new(w->header, "__metadata__", m) != 0)
            return yh_fail(err, YH_NOMEM, "%s: no memory for the header", w->path);
    }
    if (w->begun || json_object_set_new(m, key, json_string(value)) != 0)
        return yh_fail(err, w->begun ? YH_INTERNAL : YH_NOMEM,
                       "%s: cannot add \"%s\" to the header", w->path, key);
    return YH_OK;
}

yh_status yh_st_writer_declare(yh_st_writer *w, const char *name, yh_dtype type, int ndim,
                               const int64_t *dim, yh_err *err)
{
    static const char *const text[YH_DTYPE_COUNT] = {"F32", "BF16", "F16", "I32", "U8"};
    size_t size = yh_dtype_size(type);
    json_t *shape = json_array();
    bool ok = shape != NULL;
    if (w->begun || size == 0 || ndim < 0 || ndim > YH_ST_MAX_DIMS ||
        json_object_get(w->header, name) != NULL) {
        json_decref(shape);
        return yh_fail(err, YH_INTERNAL, "%s: tensor \"%s\" cannot be declared", w->path, name);
    }
    for (int i = 0; i < ndim; i++) {
        ok = ok && dim[i] >= 0 && yh_mul_size(size, (size_t)dim[i], &size);
        ok = ok && json_array_append_new(shape, json_integer(dim[i])) == 0;
    }
    if (ok && size > (uint64_t)INT64_MAX - w->declared)
        ok = false;
    json_t *entry =
        !ok ? NULL
            : json_pack("{s:s,s:O,s:[I,I]}", "dtype", text[type], "shape", shape, "data_offsets",
                        (json_int_t)w->declared, (json_int_t)(w->declared + size));
    json_decref(shape);
    if (entry == NULL || json_object_set_new(w->header, name, entry) != 0)
        return yh_fail(err, YH_NOMEM, "%s: tensor \"%s\": no memory for the header", w->path, name);
    w->declared += size;
    return YH_OK;
}

/* The header is padded with spaces so that the data begins at a multiple of 64. */
static yh_status begin(yh_st_writer *w, yh_err *err)
{

    char *text = json_dumps(w->header, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (text == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the header", w->path);
    size_t n = strlen(text), pad = (64 - (8 + n) % 64) % 64;
    uint64_t total = n + pad;
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(total >> (8 * i));
    yh_status s = total > YH_ST_MAX_HEADER
                      ? yh_fail(err, YH_LIMIT, "%s: the header would have %llu bytes", w->path,
                                (unsigned long long)total)
                      : yh_writer_write(&w->file, length, 8, err);
    if (s == YH_OK)
        s = yh_writer_write(&w->file, text, n, err);
    for (size_t i = 0; s == YH_OK && i < pad; i++)
        s = yh_writer_write(&w->file, " ", 1, err);
    yh_json_text_free(text);
    w->begun = true;
    return s;
}

yh_status yh_st_writer_data(yh_st_writer *w, const void *p, size_t n, yh_err *err)
{
    if (!w->begun)
        YH_TRY(begin(w, err));
    if (n > w->declared - w->written)
        return yh_fail(err, YH_INTERNAL, "%s: more data than was declared", w->path);
    w->written += n;
    return yh_writer_write(&w->file, p, n, err);
}

static yh_status finish(yh_st_writer *w, yh_err *err)
{
    if (!w->begun)
        YH_TRY(begin(w, err));
    if (w->written != w->declared)
        return yh_fail(err, YH_INTERNAL, "%s: %llu bytes of %llu were given", w->path,
                       (unsigned long long)w->written, (unsigned long long)w->declared);
    return YH_OK;
}

yh_status yh_st_writer_commit(yh_st_writer *w, yh_err *err)
{
    YH_TRY(finish(w, err));
    return yh_writer_commit(&w->file, err);
}

yh_status yh_st_writer_commit_unsynced(yh_st_writer *w, yh_err *err)
{
    YH_TRY(finish(w, err));
    return yh_writer_commit_unsynced(&w->file, err);
}

void yh_st_writer_free(yh_st_writer *w)
{
    if (w == NULL)
        return;
    yh_writer_abort(&w->file);
    json_decref(w->header);
    yh_free(w->path);
    yh_free(w);
}
