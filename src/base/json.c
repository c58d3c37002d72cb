#include <math.h>

#include "base/file.h"
#include "base/json.h"

/* jansson's scanner goes on with a cut token when its buffer cannot grow. */
static _Thread_local bool no_memory;

static void *json_take(size_t size)
{
    void *p = yh_malloc(size);
    no_memory |= p == NULL;
    return p;
}

void yh__json_route(void)
{
    json_set_alloc_funcs(json_take, yh_free);
}

static yh_status parse(json_t **out, const char *text, size_t n, size_t flags, const char *name,
                       yh_err *err)
{
    json_error_t e;
    no_memory = false;
    *out = json_loadb(n == 0 ? "" : text, n, flags, &e);
    if (*out != NULL && no_memory) {
        json_decref(*out);
        *out = NULL;
    }
    if (*out == NULL) {
        /* it has no words of its own for most failures of its allocator */
        if (no_memory || e.text[0] == '\0' || json_error_code(&e) == json_error_out_of_memory)
            return yh_fail(err, YH_NOMEM, "%s: no memory to parse JSON", name);
        return yh_fail(err, YH_CORRUPT, "%s: line %d, column %d: not valid JSON: %s", name, e.line,
                       e.column, e.text);
    }
    return YH_OK;
}

yh_status yh_json_parse(json_t **out, const char *text, size_t n, const char *name, yh_err *err)
{
    return parse(out, text, n, JSON_ALLOW_NUL, name, err);
}

yh_status yh_json_parse_unique(json_t **out, const char *text, size_t n, const char *name,
                               yh_err *err)
{
    return parse(out, text, n, JSON_REJECT_DUPLICATES, name, err);
}

yh_status yh_json_load(json_t **out, const char *path, size_t limit, yh_err *err)
{
    yh_buf b;
    *out = NULL;
    yh_buf_init(&b, 0);
    yh_status s = yh_file_read(path, limit, &b, err);
    if (s == YH_OK)
        s = yh_json_parse(out, b.data, b.len, path, err);
    yh_buf_fini(&b);
    return s;
}

void yh_json_text_free(char *text)
{
    json_malloc_t take;
    json_free_t give;
    json_get_alloc_funcs(&take, &give);
    give(text);
}

yh_status yh_json_print(char **out, const json_t *j, size_t flags, yh_err *err)
{
    no_memory = false;
    *out = json_dumps(j, flags);
    if (*out != NULL && no_memory) { /* what could not grow was left out */
        yh_json_text_free(*out);
        *out = NULL;
    }
    return *out != NULL
               ? YH_OK
               : yh_fail(err, YH_NOMEM, "cannot write JSON: no memory, or text that is not UTF-8");
}

yh_status yh_json_print_exact(char **out, const json_t *j, size_t flags, yh_err *err)
{
    for (size_t digits = 15; digits < 17; digits++) {
        json_t *back = NULL;
        YH_TRY(yh_json_print(out, j, flags | JSON_REAL_PRECISION(digits), err));
        back = json_loads(*out, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        bool same = back != NULL && json_equal(back, j);
        json_decref(back);
        if (same)
            return YH_OK;
        yh_json_text_free(*out);
        *out = NULL;
    }
    return yh_json_print(out, j, flags | JSON_REAL_PRECISION(17), err);
}

typedef struct json_file {
    yh_writer w;
    yh_err err;
} json_file;

static int write_part(const char *p, size_t n, void *file)
{
    json_file *f = file;
    return yh_writer_write(&f->w, p, n, &f->err) == YH_OK ? 0 : -1;
}

yh_status yh_json_save(const json_t *j, const char *path, bool pretty, yh_err *err)
{
    size_t flags = (pretty ? JSON_INDENT(2) : JSON_COMPACT) | JSON_REAL_PRECISION(17);
    json_file f = {YH_WRITER_INIT, YH_ERR_INIT};
    YH_TRY(yh_writer_open(&f.w, path, err));
    no_memory = false;
    bool good = json_dump_callback(j, write_part, &f, flags) == 0 && !no_memory &&
                write_part("\n", 1, &f) == 0;
    if (good)
        return yh_writer_commit(&f.w, err);
    yh_writer_abort(&f.w);
    if (f.err.code != YH_OK)
        return yh_fail(err, f.err.code, "%s", f.err.msg);
    return yh_fail(err, YH_NOMEM, "%s: cannot write JSON: no memory, or text that is not UTF-8",
                   path);
}

static yh_status missing(const char *name, const char *key, yh_err *err)
{
    return yh_fail(err, YH_CORRUPT, "%s: key \"%s\" is missing", name, key);
}

yh_status yh_json_int(const json_t *obj, const char *key, int64_t min, int64_t max,
                      bool has_default, int64_t dflt, const char *name, int64_t *out, yh_err *err)
{
    const json_t *v = json_object_get(obj, key);
    if (v == NULL || json_is_null(v)) {
        *out = dflt;
        return has_default ? YH_OK : missing(name, key, err);
    }
    double r = json_is_real(v) ? json_real_value(v) : 0.0;
    if (json_is_integer(v))
        *out = json_integer_value(v);
    else if (json_is_real(v) && floor(r) == r && fabs(r) < 9e15)
        *out = (int64_t)r;
    else
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be a whole number", name, key);
    if (*out < min || *out > max)
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" is %lld, must be %lld to %lld", name, key,
                       (long long)*out, (long long)min, (long long)max);
    return YH_OK;
}

yh_status yh_json_num(const json_t *obj, const char *key, double min, double max, bool has_default,
                      double dflt, const char *name, double *out, yh_err *err)
{
    const json_t *v = json_object_get(obj, key);
    if (v == NULL || json_is_null(v)) {
        *out = dflt;
        return has_default ? YH_OK : missing(name, key, err);
    }
    if (!json_is_number(v))
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be a number", name, key);
    *out = json_number_value(v);
    if (!(*out >= min && *out <= max))
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" is %g, must be %g to %g", name, key, *out, min,
                       max);
    return YH_OK;
}

yh_status yh_json_bool(const json_t *obj, const char *key, bool has_default, bool dflt,
                       const char *name, bool *out, yh_err *err)
{
    const json_t *v = json_object_get(obj, key);
    if (v == NULL || json_is_null(v)) {
        *out = dflt;
        return has_default ? YH_OK : missing(name, key, err);
    }
    if (!json_is_boolean(v))
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be true or false", name, key);
    *out = json_is_true(v);
    return YH_OK;
}

yh_status yh_json_str(const json_t *obj, const char *key, bool has_default, const char *name,
                      const char **out, yh_err *err)
{
    const json_t *v = json_object_get(obj, key);
    *out = NULL;
    if (v == NULL || json_is_null(v))
        return has_default ? YH_OK : missing(name, key, err);
    if (!json_is_string(v))
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be a text", name, key);
    *out = json_string_value(v);
    return YH_OK;
}
