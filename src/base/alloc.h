/* Memory: the replaceable allocator, checked sizes, arenas, growable buffers. */
#ifndef YH_BASE_ALLOC_H
#define YH_BASE_ALLOC_H

#include <string.h>
#include "yh/runtime.h"

/* All return NULL when memory is short or the size overflows; free with yh_free. */
void *yh_malloc(size_t size);
void *yh_calloc(size_t count, size_t size);
void *yh_realloc(void *p, size_t size);
void *yh_realloc_array(void *p, size_t count, size_t size);
void yh_free(void *p);
char *yh_strdup(const char *s);
char *yh_strndup(const char *s, size_t n);
/* Aligned to 64 bytes, zeroed pages for large sizes (mmap, huge pages advised). Free with
 * yh_big_free and the same size. For arenas of activations, weights, packed panels. */
void *yh_big_alloc(size_t size);
void yh_big_free(void *p, size_t size);

/* Checked size arithmetic: false on overflow. */
static inline bool yh_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool yh_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Grows array `p` (element size `elem`, capacity *cap) to hold at least `need` elements; doubles.
 * Returns the array or NULL (p stays valid). */
void *yh_grow(void *p, size_t *cap, size_t need, size_t elem);

/* ---- arena: objects that die together ---- */
typedef struct yh_arena {
    struct yh_arena_block *head;
} yh_arena;
void yh_arena_init(yh_arena *a);
void yh_arena_fini(yh_arena *a);
void *yh_arena_alloc(yh_arena *a, size_t size); /* 16-byte aligned, zeroed; NULL: no memory */
char *yh_arena_strdup(yh_arena *a, const char *s);

/* ---- buf: growable bytes with a declared ceiling; always NUL-terminated when data != NULL ---- */
typedef struct yh_buf {
    char *data;
    size_t len, cap, max;
} yh_buf;
void yh_buf_init(yh_buf *b, size_t max); /* max 0: no ceiling */
void yh_buf_fini(yh_buf *b);
void yh_buf_clear(yh_buf *b); /* len 0, memory kept */
yh_status yh_buf_reserve(yh_buf *b, size_t extra, yh_err *err) YH_MUST_CHECK;
yh_status yh_buf_add(yh_buf *b, const void *p, size_t n, yh_err *err) YH_MUST_CHECK;
yh_status yh_buf_adds(yh_buf *b, const char *s, yh_err *err) YH_MUST_CHECK;
yh_status yh_buf_addc(yh_buf *b, char c, yh_err *err) YH_MUST_CHECK;
yh_status yh_buf_addf(yh_buf *b, yh_err *err, const char *fmt, ...) YH_MUST_CHECK YH_PRINTF(3, 4);

#endif
