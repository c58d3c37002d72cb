/* safetensors (github.com/huggingface/safetensors): 8 bytes little-endian header length, a JSON
 * header {name: {dtype, shape, data_offsets}}, then the data. Reading maps the file and checks
 * everything before the first tensor is used: header size, names, types, shapes, offsets against
 * the real file length, no overlap, no hole, nothing behind the last tensor.
 *
 * A reader is immutable after opening: any number of threads may use it. */
#ifndef YH_FORMATS_SAFETENSORS_H
#define YH_FORMATS_SAFETENSORS_H

#include "base/file.h"
#include "kernels/kernels.h"

enum { YH_ST_MAX_DIMS = 8, YH_ST_MAX_HEADER = 100 * 1000 * 1000 /* as the reference reader */ };

typedef struct yh_st_tensor {
    const char *name; /* borrowed from the reader */
    const char *type; /* as written in the file: "F32", "BF16", "I64" ...; constant */
    int ndim;
    int64_t dim[YH_ST_MAX_DIMS];
    uint64_t offset; /* in the file */
    uint64_t size;   /* bytes */
    int file;        /* index of the shard */
} yh_st_tensor;

typedef struct yh_safetensors yh_safetensors;

/* path: a .safetensors file, a model.safetensors.index.json, or a folder that holds
 * model.safetensors or model.safetensors.index.json. Every shard that the index names is opened and
 * checked against it. */
yh_status yh_safetensors_open(yh_safetensors **out, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_safetensors_close(yh_safetensors *s);
/* Checks one file image in memory; `name` stands for the file in messages. data must outlive it. */
yh_status yh_safetensors_parse(yh_safetensors **out, const void *data, size_t size,
                               const char *name, yh_err *err) YH_MUST_CHECK;

size_t yh_safetensors_count(const yh_safetensors *s);
const yh_st_tensor *yh_safetensors_at(const yh_safetensors *s, size_t i); /* sorted by name */
const yh_st_tensor *yh_safetensors_find(const yh_safetensors *s, const char *name); /* NULL: none */
const void *yh_safetensors_data(const yh_safetensors *s, const yh_st_tensor *t);
const char *yh_safetensors_file(const yh_safetensors *s, const yh_st_tensor *t); /* path */
/* Entry of "__metadata__" of the (first) file; NULL: none. Borrowed. */
const char *yh_safetensors_meta(const yh_safetensors *s, const char *key);
int yh_safetensors_files(const yh_safetensors *s);

/* The type as a yh_dtype when it is one that weights may have (F32, BF16, F16), or I32 or U8;
 * YH_UNSUPPORTED names file and tensor otherwise. */
yh_status yh_safetensors_dtype(const yh_safetensors *s, const yh_st_tensor *t, yh_dtype *out,
                               yh_err *err) YH_MUST_CHECK;
/* Like _find, and checks type and shape; used for checkpoints, whose layout is known exactly. */
yh_status yh_safetensors_need(const yh_safetensors *s, const char *name, yh_dtype type, int ndim,
                              const int64_t *dim, const void **data, yh_err *err) YH_MUST_CHECK;

/* ---- writing: declare every tensor, then stream the data in the order of declaration ----
 * The file appears under its name at _commit only. */
typedef struct yh_st_writer yh_st_writer;
yh_status yh_st_writer_create(yh_st_writer **out, const char *path, yh_err *err) YH_MUST_CHECK;
yh_status yh_st_writer_meta(yh_st_writer *w, const char *key, const char *value,
                            yh_err *err) YH_MUST_CHECK; /* "format": "pt" is there already */
yh_status yh_st_writer_declare(yh_st_writer *w, const char *name, yh_dtype type, int ndim,
                               const int64_t *dim, yh_err *err) YH_MUST_CHECK;
/* The first call writes the header; pieces may have any size. */
yh_status yh_st_writer_data(yh_st_writer *w, const void *p, size_t n, yh_err *err) YH_MUST_CHECK;
/* YH_INTERNAL when more or less data came than was declared. Frees nothing. */
yh_status yh_st_writer_commit(yh_st_writer *w, yh_err *err) YH_MUST_CHECK;
/* The same without syncing (yh_writer_commit_unsynced). */
yh_status yh_st_writer_commit_unsynced(yh_st_writer *w, yh_err *err) YH_MUST_CHECK;
void yh_st_writer_free(yh_st_writer *w); /* without _commit: the temporary file is removed */

#endif
