#include <stdlib.h>

#include "base/json.h"
#include "formats/safetensors.h"

/* Every type that the format names, so that a file with an unneeded integer buffer still opens. */
static const struct {
    const char *name;
    unsigned bits;
    int dtype; /* yh_dtype or -1 */
} types[] = {
    {"F32", 32, YH_F32},    {"BF16", 16, YH_BF16},  {"F16", 16, YH_F16}, {"F64", 64, -1},
    {"I64", 64, -1},        {"U64", 64, -1},        {"I32", 32, YH_I32}, {"U32", 32, -1},
    {"I16", 16, -1},        {"U16", 16, -1},        {"I8", 8, -1},       {"U8", 8, YH_U8},
    {"BOOL", 8, -1},        {"F8_E4M3", 8, -1},     {"F8_E5M2", 8, -1},  {"F8_E8M0", 8, -1},
    {"F8_E4M3FNUZ", 8, -1}, {"F8_E5M2FNUZ", 8, -1}, {"F6_E2M3", 6, -1},  {"F6_E3M2", 6, -1},
    {"F4", 4, -1},          {"C64", 64, -1}};
enum { N_TYPES = (int)(sizeof types / sizeof *types), MAX_SHARDS = 10000 };

typedef struct shard {
    char *path;
    yh_map map; /* mapped, or (borrowed) a caller's memory */
    bool borrowed;
    json_t *header; /* owns the names */
} shard;

struct yh_safetensors {
    shard *shards;
    int n_shards;
    yh_st_tensor *tensors;
    size_t n, cap;
};

static int type_of(const char *name)
{
    for (int i = 0; i < N_TYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            return i;
    return -1;
}

void yh_safetensors_close(yh_safetensors *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < s->n_shards; i++) {
        if (!s->shards[i].borrowed)
            yh_map_close(&s->shards[i].map);
        json_decref(s->shards[i].header);
        yh_free(s->shards[i].path);
    }
    yh_free(s->shards);
    yh_free(s->tensors);
    yh_free(s);
}

/* ------------------------------------------------------------------ one tensor's entry */

static yh_status bad(const shard *f, const char *tensor, const char *what, yh_err *err)
{
    return yh_fail(err, YH_CORRUPT, "%s: tensor \"%.120s\": %s", f->path, tensor, what);
}

static yh_status read_shape(const shard *f, const char *name, const json_t *j, unsigned bits,
                            yh_st_tensor *t, yh_err *err)
{
    if (!json_is_array(j))
        return bad(f, name, "\"shape\" is missing or no list", err);
    if (json_array_size(j) > YH_ST_MAX_DIMS)
        return yh_fail(err, YH_UNSUPPORTED, "%s: tensor \"%.120s\" has %zu dimensions, at most %d",
                       f->path, name, json_array_size(j), (int)YH_ST_MAX_DIMS);
    t->ndim = (int)json_array_size(j);
    size_t count = 1, nbits;
    for (int i = 0; i < t->ndim; i++) {
        const json_t *v = json_array_get(j, (size_t)i);
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return bad(f, name, "\"shape\" must hold whole numbers from 0", err);
        t->dim[i] = json_integer_value(v);
        if (!yh_mul_size(count, (size_t)t->dim[i], &count))
            return bad(f, name, "\"shape\" overflows", err);
    }
    if (!yh_mul_size(count, bits, &nbits))
        return bad(f, name, "\"shape\" overflows", err);
    if (nbits % 8 != 0)
        return bad(f, name, "does not end at a whole byte", err);
    t->size = nbits / 8;
    return YH_OK;
}

static yh_status read_entry(const shard *f, const char *name, const json_t *j, uint64_t data_at,
                            uint64_t data_size, yh_st_tensor *t, yh_err *err)
{
    if (!json_is_object(j))
        return bad(f, name, "its entry is no JSON object", err);
    const json_t *type = json_object_get(j, "dtype"), *o = json_object_get(j, "data_offsets");
    if (!json_is_string(type))
        return bad(f, name, "\"dtype\" is missing or no text", err);
    int k = type_of(json_string_value(type));
    if (k < 0)
        return yh_fail(err, YH_UNSUPPORTED, "%s: tensor \"%.120s\" has the unknown type \"%.40s\"",
                       f->path, name, json_string_value(type));
    t->name = name;
    t->type = types[k].name;
    YH_TRY(read_shape(f, name, json_object_get(j, "shape"), types[k].bits, t, err));
    if (!json_is_array(o) || json_array_size(o) != 2 || !json_is_integer(json_array_get(o, 0)) ||
        !json_is_integer(json_array_get(o, 1)))
        return bad(f, name, "\"data_offsets\" must be two whole numbers", err);
    int64_t b = json_integer_value(json_array_get(o, 0));
    int64_t e = json_integer_value(json_array_get(o, 1));
    if (b < 0 || e < b)
        return yh_fail(err, YH_CORRUPT,
                       "%s: tensor \"%.120s\": data_offsets [%lld, %lld] are wrong", f->path, name,
                       (long long)b, (long long)e);
    if ((uint64_t)e > data_size)
        return yh_fail(err, YH_CORRUPT,
                       "%s: tensor \"%.120s\" ends at byte %llu, but the file has %zu bytes: it is "
                       "cut short; copy or download it again",
                       f->path, name, (unsigned long long)(data_at + (uint64_t)e), f->map.size);
    if ((uint64_t)(e - b) != t->size)
        return yh_fail(err, YH_CORRUPT,
                       "%s: tensor \"%.120s\" takes %lld bytes, its shape and type %s need %llu",
                       f->path, name, (long long)(e - b), t->type, (unsigned long long)t->size);
    t->offset = data_at + (uint64_t)b;
    return YH_OK;
}

/* ------------------------------------------------------------------ one file */

static int by_offset(const void *a, const void *b)
{
    const yh_st_tensor *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->size != y->size) /* empty ones first */
        return x->size < y->size ? -1 : 1;
    return strcmp(x->name, y->name);
}

static yh_status check_layout(const shard *f, yh_st_tensor *t, size_t n, uint64_t data_at,
                              yh_err *err)
{
    uint64_t at = data_at;
    if (n > 0)
        qsort(t, n, sizeof *t, by_offset);
    for (size_t i = 0; i < n; i++) {
        if (t[i].offset < at)
            return yh_fail(err, YH_CORRUPT,
                           "%s: tensors \"%.120s\" and \"%.120s\" overlap at byte %llu", f->path,
                           t[i - 1].name, t[i].name, (unsigned long long)t[i].offset);
        if (t[i].offset > at)
            return yh_fail(err, YH_CORRUPT,
                           "%s: bytes %llu to %llu before tensor \"%.120s\" belong to no tensor",
                           f->path, (unsigned long long)at, (unsigned long long)t[i].offset,
                           t[i].name);
        at += t[i].size;
    }
    if (at != f->map.size)
        return yh_fail(err, YH_CORRUPT,
                       "%s: the last tensor ends at byte %llu, but the file has %zu bytes", f->path,
                       (unsigned long long)at, f->map.size);
    return YH_OK;
}

static yh_status parse_header(shard *f, uint64_t *data_at, yh_err *err)
{
    const uint8_t *p = f->map.data;
    uint64_t n = 0;
    if (f->map.size < 8)
        return yh_fail(
            err, YH_CORRUPT,
            "%s: has %zu bytes, too few for a safetensors file (8 bytes of header length "
            "come first)",
            f->path, f->map.size);
    for (int i = 7; i >= 0; i--)
        n = n << 8 | p[i];
    if (n > YH_ST_MAX_HEADER)
        return yh_fail(
            err, YH_CORRUPT,
            "%s: claims a header of %llu bytes, the limit is %d: not a safetensors file, "
            "or a broken one",
            f->path, (unsigned long long)n, (int)YH_ST_MAX_HEADER);
    if (n > f->map.size - 8)
        return yh_fail(err, YH_CORRUPT,
                       "%s: claims a header of %llu bytes, but the file has %zu bytes: it is cut "
                       "short; copy or download it again",
                       f->path, (unsigned long long)n, f->map.size);
    if (n == 0 || p[8] != '{')
        return yh_fail(err, YH_CORRUPT, "%s: byte 8: the header must begin with \"{\"", f->path);
    YH_TRY(yh_json_parse_unique(&f->header, (const char *)p + 8, (size_t)n, f->path, err));
    *data_at = 8 + n;
    return YH_OK;
}

static yh_status check_meta(const shard *f, const json_t *meta, yh_err *err)
{
    const char *key;
    json_t *v;
    if (!json_is_object(meta))
        return yh_fail(err, YH_CORRUPT, "%s: \"__metadata__\" is no JSON object", f->path);
    json_object_foreach((json_t *)(uintptr_t)meta, key, v) if (!json_is_string(v)) return yh_fail(
        err, YH_CORRUPT, "%s: \"__metadata__\": \"%.80s\" is no text", f->path, key);
    return YH_OK;
}

/* Adds the tensors of shard `index`, whose bytes are in place. */
static yh_status read_shard(yh_safetensors *s, int index, yh_err *err)
{
    shard *f = &s->shards[index];
    uint64_t data_at = 0;
    const char *name;
    json_t *j;
    YH_TRY(parse_header(f, &data_at, err));
    size_t first = s->n, more = json_object_size(f->header);
    yh_st_tensor *t = yh_grow(s->tensors, &s->cap, s->n + more, sizeof *t);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for %zu tensors", f->path, more);
    s->tensors = t;
    json_object_foreach(f->header, name, j)
    {
        if (strcmp(name, "__metadata__") == 0) {
            YH_TRY(check_meta(f, j, err));
            continue;
        }
        memset(&t[s->n], 0, sizeof *t);
        t[s->n].file = index;
        YH_TRY(read_entry(f, name, j, data_at, f->map.size - data_at, &t[s->n], err));
        s->n++;
    }
    return check_layout(f, t + first, s->n - first, data_at, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const yh_st_tensor *)a)->name, ((const yh_st_tensor *)b)->name);
}

static yh_status sort_names(yh_safetensors *s, yh_err *err)
{
    if (s->n > 0)
        qsort(s->tensors, s->n, sizeof *s->tensors, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (by_name(&s->tensors[i - 1], &s->tensors[i]) == 0)
            return yh_fail(err, YH_CORRUPT, "tensor \"%.120s\" is in two files: %s and %s",
                           s->tensors[i].name, s->shards[s->tensors[i - 1].file].path,
                           s->shards[s->tensors[i].file].path);
    return YH_OK;
}

static yh_status create(yh_safetensors **out, int shards, const char *path, yh_err *err)
{
    yh_safetensors *s = yh_calloc(1, sizeof *s);
    if (s != NULL)
        s->shards = yh_calloc((size_t)shards, sizeof *s->shards);
    *out = s;
    if (s == NULL || s->shards == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to open it", path);
    return YH_OK;
}

static yh_status add_file(yh_safetensors *s, const char *path, yh_err *err)
{
    shard *f = &s->shards[s->n_shards];
    f->path = yh_strdup(path);
    if (f->path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to open it", path);
    s->n_shards++;
    YH_TRY(yh_map_open(&f->map, path, err));
    return read_shard(s, s->n_shards - 1, err);
}

yh_status yh_safetensors_parse(yh_safetensors **out, const void *data, size_t size,
                               const char *name, yh_err *err)
{
    yh_safetensors *s = NULL;
    *out = NULL;
    yh_status rc = create(&s, 1, name, err);
    if (rc == YH_OK) {
        shard *f = &s->shards[0];
        *f = (shard){.path = yh_strdup(name), .map = {data, size}, .borrowed = true};
        s->n_shards = 1;
        rc = f->path != NULL ? read_shard(s, 0, err) : yh_fail(err, YH_NOMEM, "no memory");
    }
    if (rc == YH_OK)
        rc = sort_names(s, err);
    if (rc == YH_OK)
        *out = s;
    else
        yh_safetensors_close(s);
    return rc;
}

/* ------------------------------------------------------------------ shards by their index */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Distinct file names of the weight map, sorted; texts borrowed from map. */
static yh_status shard_names(const json_t *map, const char *path, const char ***out, size_t *n,
                             yh_err *err)
{
    const char *key;
    json_t *v;
    const char **name = yh_calloc(json_object_size(map), sizeof *name);
    *out = name;
    *n = 0;
    if (name == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", path);
    json_object_foreach((json_t *)(uintptr_t)map, key, v)
    {
        const char *file = json_string_value(v);
        if (file == NULL)
            return yh_fail(err, YH_CORRUPT, "%s: weight_map: \"%.120s\" names no file", path, key);
        if (file[0] == '\0' || file[0] == '.' || strchr(file, '/') != NULL)
            return yh_fail(err, YH_CORRUPT,
                           "%s: weight_map: \"%.120s\": \"%.120s\" is no file name of this folder",
                           path, key, file);
        name[(*n)++] = file;
    }
    if (*n > 0)
        qsort(name, *n, sizeof *name, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (kept == 0 || strcmp(name[kept - 1], name[i]) != 0)
            name[kept++] = name[i];
    *n = kept;
    if (kept == 0 || kept > MAX_SHARDS)
        return yh_fail(err, YH_CORRUPT, "%s: weight_map names %zu files, must be 1 to %d", path,
                       kept, (int)MAX_SHARDS);
    return YH_OK;
}

static yh_status check_index(const yh_safetensors *s, const json_t *map, const char *path,
                             yh_err *err)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)map, key, v)
    {
        const yh_st_tensor *t = yh_safetensors_find(s, key);
        if (t == NULL || strcmp(yh_path_base(s->shards[t->file].path), json_string_value(v)) != 0)
            return yh_fail(err, YH_CORRUPT, "%s: tensor \"%.120s\" is not in %s", path, key,
                           json_string_value(v));
    }
    return YH_OK;
}

static yh_status open_index(yh_safetensors **out, const char *path, yh_err *err)
{
    json_t *j = NULL;
    const char **name = NULL;
    size_t n = 0;
    char *dir = NULL;
    yh_status rc;
    YH_GOTO(rc, yh_json_load(&j, path, YH_ST_MAX_HEADER, err), out);
    const json_t *map = json_object_get(j, "weight_map");
    if (!json_is_object(map)) {
        rc = yh_fail(err, YH_CORRUPT, "%s: \"weight_map\" is missing", path);
        goto out;
    }
    YH_GOTO(rc, shard_names(map, path, &name, &n, err), out);
    YH_GOTO(rc, create(out, (int)n, path, err), out);
    dir = yh_strndup(path, (size_t)(yh_path_base(path) - path));
    for (size_t i = 0; i < n; i++) {
        char *file = dir == NULL ? NULL : dir[0] ? yh_path_join(dir, name[i]) : yh_strdup(name[i]);
        rc = file == NULL ? yh_fail(err, YH_NOMEM, "%s: no memory", path)
                          : add_file(*out, file, err);
        yh_free(file);
        if (rc != YH_OK)
            goto out;
    }
    YH_GOTO(rc, sort_names(*out, err), out);
    rc = check_index(*out, map, path, err);
out:
    yh_free(dir);
    yh_free(name);
    json_decref(j);
    return rc;
}

static yh_status open_folder(yh_safetensors **out, const char *dir, yh_err *err)
{
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
    for (size_t i = 0; i < 2; i++) {
        char *path = yh_path_join(dir, names[i]);
        if (path == NULL)
            return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
        if (yh_is_file(path)) {
            yh_status rc = yh_safetensors_open(out, path, err);
            yh_free(path);
            return rc;
        }
        yh_free(path);
    }
    return yh_fail(err, YH_NOTFOUND,
                   "%s: there is no model.safetensors and no model.safetensors.index.json in this "
                   "folder (weights in other formats must be converted first)",
                   dir);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

yh_status yh_safetensors_open(yh_safetensors **out, const char *path, yh_err *err)
{
    yh_safetensors *s = NULL;
    yh_status rc;
    *out = NULL;
    if (yh_is_dir(path))
        return open_folder(out, path, err);
    if (ends_with(path, ".index.json")) {
        rc = open_index(&s, path, err);
    } else {
        rc = create(&s, 1, path, err);
        if (rc == YH_OK)
            rc = add_file(s, path, err);
        if (rc == YH_OK)
            rc = sort_names(s, err);
    }
    if (rc == YH_OK)
        *out = s;
    else
        yh_safetensors_close(s);
    return rc;
}

/* ------------------------------------------------------------------ access */

size_t yh_safetensors_count(const yh_safetensors *s)
{
    return s->n;
}

const yh_st_tensor *yh_safetensors_at(const yh_safetensors *s, size_t i)
{
    return i < s->n ? &s->tensors[i] : NULL;
}

const yh_st_tensor *yh_safetensors_find(const yh_safetensors *s, const char *name)
{
    const yh_st_tensor key = {.name = name};
    return s->n == 0 ? NULL : bsearch(&key, s->tensors, s->n, sizeof key, by_name);
}

const void *yh_safetensors_data(const yh_safetensors *s, const yh_st_tensor *t)
{
    return s->shards[t->file].map.data + t->offset;
}

const char *yh_safetensors_file(const yh_safetensors *s, const yh_st_tensor *t)
{
    return s->shards[t->file].path;
}

int yh_safetensors_files(const yh_safetensors *s)
{
    return s->n_shards;
}

const char *yh_safetensors_meta(const yh_safetensors *s, const char *key)
{
    if (s->n_shards == 0)
        return NULL;
    return json_string_value(
        json_object_get(json_object_get(s->shards[0].header, "__metadata__"), key));
}

yh_status yh_safetensors_dtype(const yh_safetensors *s, const yh_st_tensor *t, yh_dtype *out,
                               yh_err *err)
{
    int k = type_of(t->type);
    *out = YH_F32;
    if (k < 0 || types[k].dtype < 0)
        return yh_fail(err, YH_UNSUPPORTED,
                       "%s: tensor \"%.120s\" (byte %llu) has type %s; F32, BF16 and F16 are "
                       "supported",
                       yh_safetensors_file(s, t), t->name, (unsigned long long)t->offset, t->type);
    *out = (yh_dtype)types[k].dtype;
    return YH_OK;
}

yh_status yh_safetensors_need(const yh_safetensors *s, const char *name, yh_dtype type, int ndim,
                              const int64_t *dim, const void **data, yh_err *err)
{
    const yh_st_tensor *t = yh_safetensors_find(s, name);
    yh_dtype have;
    *data = NULL;
    if (t == NULL)
        return yh_fail(err, YH_MISMATCH, "%s: tensor \"%s\" is missing",
                       s->n_shards > 0 ? s->shards[0].path : "", name);
    YH_TRY(yh_safetensors_dtype(s, t, &have, err));
    if (have != type)
        return yh_fail(err, YH_MISMATCH, "%s: tensor \"%s\" has type %s, must be %s",
                       yh_safetensors_file(s, t), name, t->type, yh_dtype_text(type));
    bool same = t->ndim == ndim;
    for (int i = 0; same && i < ndim; i++)
        same = t->dim[i] == dim[i];
    if (!same)
        return yh_fail(err, YH_MISMATCH, "%s: tensor \"%s\" has another shape than it must have",
                       yh_safetensors_file(s, t), name);
    *data = yh_safetensors_data(s, t);
    if ((uintptr_t)*data % yh_dtype_size(type) != 0)
        return yh_fail(err, YH_UNSUPPORTED, "%s: tensor \"%s\" at byte %llu is not aligned",
                       yh_safetensors_file(s, t), name, (unsigned long long)t->offset);
    return YH_OK;
}
