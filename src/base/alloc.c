#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/json.h"

static yh_allocator custom;
static bool has_custom;

void yh_allocator_set(const yh_allocator *a)
{
    has_custom = a != NULL;
    if (a != NULL)
        custom = *a;
    yh__json_route();
}

void *yh_realloc(void *p, size_t size)
{
    if (has_custom)
        return custom.realloc(custom.user, p, size);
    if (size == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, size);
}

void *yh_malloc(size_t size)
{
    return yh_realloc(NULL, size == 0 ? 1 : size);
}

void *yh_calloc(size_t count, size_t size)
{
    size_t n;
    if (!yh_mul_size(count, size, &n))
        return NULL;
    if (!has_custom)
        return calloc(n == 0 ? 1 : n, 1);
    void *p = yh_malloc(n);
    if (p != NULL)
        memset(p, 0, n);
    return p;
}

void *yh_realloc_array(void *p, size_t count, size_t size)
{
    size_t n;
    if (!yh_mul_size(count, size, &n))
        return NULL;
    return yh_realloc(p, n == 0 ? 1 : n);
}

void yh_free(void *p)
{
    if (p != NULL)
        (void)yh_realloc(p, 0);
}

char *yh_strndup(const char *s, size_t n)
{
    char *p = n == SIZE_MAX ? NULL : yh_malloc(n + 1);
    if (p != NULL) {
        memcpy(p, s, n);
        p[n] = '\0';
    }
    return p;
}

char *yh_strdup(const char *s)
{
    return yh_strndup(s, strlen(s));
}

/* Big blocks go through the custom allocator too when there is one, so that tests can fail them. */
void *yh_big_alloc(size_t size)
{
    if (size == 0)
        size = 1;
    if (has_custom) {
        void *gate = custom.realloc(custom.user, NULL, 1);
        if (gate == NULL)
            return NULL;
        (void)custom.realloc(custom.user, gate, 0);
    }
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (size >= (size_t)4 << 20)
        (void)madvise(p, size, MADV_HUGEPAGE);
    return p;
}

void yh_big_free(void *p, size_t size)
{
    if (p != NULL)
        (void)munmap(p, size == 0 ? 1 : size);
}

void *yh_grow(void *p, size_t *cap, size_t need, size_t elem)
{
    size_t n = *cap;
    if (need <= n && p != NULL)
        return p;
    if (n < 16)
        n = 16;
    while (n < need) {
        if (n > SIZE_MAX / 2)
            return NULL;
        n *= 2;
    }
    void *q = yh_realloc_array(p, n, elem);
    if (q != NULL)
        *cap = n;
    return q;
}

/* ------------------------------------------------------------------ arena */

struct yh_arena_block {
    struct yh_arena_block *next;
    size_t used, size;
};

enum { ARENA_BLOCK = 64 * 1024, ARENA_ALIGN = 16 };

void yh_arena_init(yh_arena *a)
{
    a->head = NULL;
}

void yh_arena_fini(yh_arena *a)
{
    while (a->head != NULL) {
        struct yh_arena_block *next = a->head->next;
        yh_free(a->head);
        a->head = next;
    }
}

void *yh_arena_alloc(yh_arena *a, size_t size)
{
    const size_t header =
        (sizeof(struct yh_arena_block) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (size > SIZE_MAX - header - ARENA_ALIGN)
        return NULL;
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct yh_arena_block *b = a->head;
    if (b == NULL || b->size - b->used < size) {
        size_t want = size + header > ARENA_BLOCK ? size + header : ARENA_BLOCK;
        b = yh_calloc(1, want);
        if (b == NULL)
            return NULL;
        b->next = a->head;
        b->used = header;
        b->size = want;
        a->head = b;
    }
    void *p = (char *)b + b->used;
    b->used += size;
    return p;
}

char *yh_arena_strdup(yh_arena *a, const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = yh_arena_alloc(a, n);
    if (p != NULL)
        memcpy(p, s, n);
    return p;
}

/* ------------------------------------------------------------------ buf */

void yh_buf_init(yh_buf *b, size_t max)
{
    *b = (yh_buf){NULL, 0, 0, max};
}

void yh_buf_fini(yh_buf *b)
{
    yh_free(b->data);
    *b = (yh_buf){NULL, 0, 0, b->max};
}

void yh_buf_clear(yh_buf *b)
{
    b->len = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

yh_status yh_buf_reserve(yh_buf *b, size_t extra, yh_err *err)
{
    size_t need;
    if (!yh_add_size(b->len, extra, &need) || !yh_add_size(need, 1, &need))
        return yh_fail(err, YH_NOMEM, "buffer size overflows");
    if (b->max != 0 && need - 1 > b->max)
        return yh_fail(err, YH_LIMIT, "more than %zu bytes", b->max);
    char *p = yh_grow(b->data, &b->cap, need, 1);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a buffer of %zu bytes", need);
    b->data = p;
    return YH_OK;
}

yh_status yh_buf_add(yh_buf *b, const void *p, size_t n, yh_err *err)
{
    YH_TRY(yh_buf_reserve(b, n, err));
    if (n > 0)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = '\0';
    return YH_OK;
}

yh_status yh_buf_adds(yh_buf *b, const char *s, yh_err *err)
{
    return yh_buf_add(b, s, strlen(s), err);
}

yh_status yh_buf_addc(yh_buf *b, char c, yh_err *err)
{
    return yh_buf_add(b, &c, 1, err);
}

yh_status yh_buf_addf(yh_buf *b, yh_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return yh_fail(err, YH_INTERNAL, "cannot format");
    YH_TRY(yh_buf_reserve(b, (size_t)n, err));
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return YH_OK;
}
