/* Parquet files (github.com/apache/parquet-format), reading: the footer, and columns row by row.
 *
 * Types: BYTE_ARRAY, INT32, INT64, DOUBLE, FLOAT, BOOLEAN, at any depth of lists and structs.
 * Encodings: PLAIN, PLAIN_DICTIONARY and RLE_DICTIONARY, RLE, DELTA_BINARY_PACKED,
 * DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY. Compression: none, snappy, gzip, zstd, lz4 (raw). Data
 * pages of versions 1 and 2. Anything else is named by YH_UNSUPPORTED with the column. */
#ifndef YH_INPUT_PARQUET_H
#define YH_INPUT_PARQUET_H

#include "input/stream.h"

enum {
    YH_PARQUET_FOOTER_MAX = 64 << 20,
    YH_PARQUET_PAGE_MAX = 256 << 20, /* a decompressed page */
    YH_PARQUET_LEAVES = 4096
};

typedef enum yh_parquet_type {
    YH_PQ_BOOLEAN,
    YH_PQ_INT32,
    YH_PQ_INT64,
    YH_PQ_INT96,
    YH_PQ_FLOAT,
    YH_PQ_DOUBLE,
    YH_PQ_BYTES,
    YH_PQ_FIXED
} yh_parquet_type;

typedef struct yh_parquet_leaf {
    char *path; /* "a.b": the names that a user gave, without those of lists' inner levels; owned */
    yh_parquet_type type;
    int depth; /* 1: a column of the table itself */
    int max_def, max_rep;
    bool is_unsigned;
} yh_parquet_leaf;

typedef struct yh_parquet_chunk { /* of one leaf in one row group */
    uint64_t at, size;
    int64_t values;
    int codec;
} yh_parquet_chunk;

typedef struct yh_parquet_file {
    yh_random file;
    yh_parquet_leaf *leaf;
    size_t n_leaves;
    uint64_t *rows;          /* of each row group */
    yh_parquet_chunk *chunk; /* [group * n_leaves + leaf] */
    size_t n_groups;
    uint64_t all_rows; /* as the footer says; that of the groups should be the same */
} yh_parquet_file;

/* r is borrowed. YH_CORRUPT: no footer, or a damaged one. */
yh_status yh_parquet_open(yh_parquet_file *f, const yh_random *r, yh_err *err) YH_MUST_CHECK;
void yh_parquet_close(yh_parquet_file *f);

/* A column of one row group, read row by row. */
typedef struct yh_parquet_column {
    const yh_parquet_file *f;
    const yh_parquet_leaf *leaf;
    uint64_t at, end; /* next page header; end of the chunk */
    int64_t left;     /* values of the chunk that are not in pages taken so far */
    int codec;
    yh_buf packed, page, dict, made; /* page: decompressed; made: values put together */
    struct value {
        const char *p;
        size_t n;
    } * value, *entry; /* of the page; of the dictionary */
    size_t n_values, cap_values, n_entries, cap_entries;
    uint8_t *def, *rep;
    size_t cap_levels, n_levels, level, next; /* next: value that belongs to `level` */
} yh_parquet_column;
yh_status yh_parquet_column_open(yh_parquet_column *c, const yh_parquet_file *f, size_t group,
                                 size_t leaf, yh_err *err) YH_MUST_CHECK;
/* Appends the next row's values to out, one a line (numbers as JSON); *found: there is one that is
 * not null. */
yh_status yh_parquet_row(yh_parquet_column *c, yh_buf *out, bool *found, yh_err *err) YH_MUST_CHECK;
/* Whether values are left. */
bool yh_parquet_more(const yh_parquet_column *c);
void yh_parquet_column_close(yh_parquet_column *c);

/* ---- parquet_levels.c: bit-packed numbers ---- */
/* n values of `width` bits, runs and bit packing mixed, from p[0, size). False: too few. */
bool yh_parquet_hybrid(const uint8_t *p, size_t size, int width, uint32_t *out, size_t n);
/* Delta-packed integers; *used: bytes taken. False: damaged, or other than n values. */
bool yh_parquet_delta(const uint8_t *p, size_t size, int64_t *out, size_t n, size_t *used);

#endif
