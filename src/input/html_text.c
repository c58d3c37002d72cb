#include <setjmp.h>

#include "input/html_text.h"
#include "input/html_write.h"

/* The main text: a subtree, and the siblings that belong to it. */
static yh_status put_main(yh_html_tree *t, yh_buf *out, yh_err *err)
{
    size_t top = yh_html_main(t), parent = t->n[top].parent, *root = NULL, n = 0, cap = 0;
    if (parent == top)
        return yh_html_write(t, &top, 1, false, out, err);
    for (size_t k = parent + 1; k < t->n[parent].end; k = t->n[k].end)
        if (k == top || yh_html_joins(t, top, k)) {
            size_t *grown = yh_grow(root, &cap, n + 1, sizeof *root);
            if (grown == NULL) {
                yh_free(root);
                return yh_fail(err, YH_NOMEM, "no memory for the main text of a page");
            }
            root = grown;
            root[n++] = k;
        }
    yh_status s = yh_html_write(t, root, n, false, out, err);
    yh_free(root);
    return s;
}

/* A tree's memory: taken in blocks and given back at once, which is much of the builder's time. */
typedef struct heap {
    struct heap_block {
        struct heap_block *next;
        size_t used, size;
    } * head;
    jmp_buf full; /* gumbo does not look at what an allocator returns */
} heap;

enum { HEAP_BLOCK = 1 << 18, HEAP_ALIGN = 16 };

static void *tree_alloc(void *user, size_t n)
{
    heap *h = user;
    struct heap_block *b = h->head;
    const size_t at = (sizeof *b + HEAP_ALIGN - 1) / HEAP_ALIGN * HEAP_ALIGN;
    n = (n + HEAP_ALIGN - 1) / HEAP_ALIGN * HEAP_ALIGN;
    if (b == NULL || b->size - b->used < n) {
        size_t size = at + (n > HEAP_BLOCK ? n : HEAP_BLOCK);
        b = yh_malloc(size);
        if (b == NULL)
            longjmp(h->full, 1);
        *b = (struct heap_block){h->head, at, size};
        h->head = b;
    }
    void *p = (char *)b + b->used;
    b->used += n;
    return p;
}

static void tree_free(void *user, void *p)
{
    (void)user;
    (void)p;
}

static void heap_free(heap *h)
{
    for (struct heap_block *b = h->head, *next; b != NULL; b = next) {
        next = b->next;
        yh_free(b);
    }
    h->head = NULL;
}

/* NULL: no memory. */
static const GumboNode *build_tree(heap *h, const char *html, size_t n)
{
    GumboOptions o = kGumboDefaultOptions;
    o.allocator = tree_alloc;
    o.deallocator = tree_free;
    o.userdata = h;
    o.max_errors = 0;
    if (setjmp(h->full) != 0)
        return NULL;
    return gumbo_parse_with_options(&o, html, n)->root;
}

static yh_status from_tree(const char *html, size_t n, yh_html_mode mode, yh_buf *out,
                           yh_buf *title, yh_err *err)
{
    heap memory = {.head = NULL};
    const GumboNode *root = build_tree(&memory, html, n);
    if (root == NULL) {
        heap_free(&memory);
        return yh_fail(err, YH_NOMEM, "no memory for the tree of a page of %zu bytes", n);
    }
    yh_html_tree t = {0};
    const size_t whole = 0;
    yh_status s = yh_html_flatten(&t, root, err);
    if (s == YH_OK && title != NULL && t.title != NULL)
        s = yh_buf_adds(title, t.title, err);
    if (s == YH_OK)
        s = mode == YH_HTML_ALL ? yh_html_write(&t, &whole, 1, true, out, err)
                                : put_main(&t, out, err);
    yh_html_tree_fini(&t);
    heap_free(&memory);
    return s;
}

static yh_status text_of(const char *html, size_t n, yh_html_mode mode, bool noscript, yh_buf *out,
                         yh_buf *title, bool *plain, yh_err *err)
{
    yh_buf small;
    yh_buf_init(&small, 0);
    yh_status s = yh_buf_reserve(&small, n / 2, err);
    if (s == YH_OK)
        s = yh_html_reduce(html, n, noscript, &small, err);
    if (s == YH_OK) {
        *plain = !yh_html_is_tame(small.data, small.len);
        s = *plain ? yh_html_plain(small.data, small.len, out, err)
                   : from_tree(small.data, small.len, mode, out, title, err);
    }
    yh_buf_fini(&small);
    return s;
}

yh_status yh_html_text(const char *html, size_t n, yh_html_mode mode, yh_buf *out, yh_buf *title,
                       bool *plain, yh_err *err)
{
    enum { LITTLE = 300, TIMES = 3 };
    const size_t start = out->len;
    YH_TRY(text_of(html, n, mode, false, out, title, plain, err));
    const size_t len = out->len - start;
    if (*plain || len >= LITTLE ||
        (memmem(html, n, "<noscript", 9) == NULL && memmem(html, n, "<NOSCRIPT", 9) == NULL))
        return YH_OK;
    yh_buf other;
    yh_buf_init(&other, 0);
    yh_status s = text_of(html, n, mode, true, &other, NULL, plain, err);
    if (s == YH_OK && !*plain && other.len >= LITTLE && other.len >= TIMES * len) {
        out->len = start;
        s = yh_buf_add(out, other.data, other.len, err);
    }
    *plain = false;
    yh_buf_fini(&other);
    return s;
}
