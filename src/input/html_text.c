#include <setjmp.h>

#include "input/html_text.h"
#include "input/html_tree.h"

typedef struct writer {
    yh_buf *out;
    size_t start;
    int breaks; /* line ends owed before the next text: 1 a line, 2 a blank line */
    bool space; /* a blank is owed */
    int pre;    /* nesting of <pre> */
} writer;

static yh_status put_text(writer *w, const char *p, yh_err *err)
{
    while (*p != '\0') {
        size_t k = strcspn(p, " \t\r\n\f");
        if (k > 0) {
            if (w->out->len > w->start && w->breaks > 0)
                YH_TRY(yh_buf_add(w->out, "\n\n", (size_t)(w->breaks > 2 ? 2 : w->breaks), err));
            else if (w->out->len > w->start && w->space)
                YH_TRY(yh_buf_addc(w->out, ' ', err));
            w->breaks = 0;
            w->space = false;
            YH_TRY(yh_buf_add(w->out, p, k, err));
            p += k;
        }
        size_t b = strspn(p, " \t\r\n\f");
        if (b > 0 && w->pre > 0 && w->breaks == 0)
            YH_TRY(yh_buf_add(w->out, p, b, err));
        else if (b > 0)
            w->space = true;
        p += b;
    }
    return YH_OK;
}

static int breaks_of(GumboTag tag)
{
    switch ((int)tag) {
    case GUMBO_TAG_BR:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_OPTION:
    case GUMBO_TAG_DIV:
        return 1;
    default:
        return 2;
    }
}

static void owe(writer *w, int breaks)
{
    if (w->breaks < breaks)
        w->breaks = breaks;
}

/* Writes the subtree at i, without what was dropped. all: drop marks are ignored. */
static yh_status put_subtree(writer *w, const yh_html_tree *t, size_t i, bool all, yh_err *err)
{
    size_t end = t->n[i].end;
    for (size_t k = i; k < end;) {
        const yh_html_node *n = &t->n[k];
        if (n->element) {
            GumboTag tag = n->node->v.element.tag;
            if (n->kind == YH_H_SKIP || (n->drop && !all && k != i)) {
                k = n->end;
                if (n->kind != YH_H_SKIP || tag == GUMBO_TAG_TEXTAREA)
                    owe(w, 1);
                continue;
            }
            if (n->kind == YH_H_BLOCK)
                owe(w, breaks_of(tag));
            if ((tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) && w->breaks == 0 &&
                w->out->len > w->start) {
                YH_TRY(yh_buf_adds(w->out, " |", err));
                w->space = true;
            }
            w->pre += tag == GUMBO_TAG_PRE;
        } else if (n->node->type == GUMBO_NODE_TEXT || n->node->type == GUMBO_NODE_CDATA) {
            YH_TRY(put_text(w, n->node->v.text.text, err));
        } else if (n->node->type == GUMBO_NODE_WHITESPACE) {
            YH_TRY(put_text(w, n->node->v.text.text, err));
        }
        /* blocks that end here, from the inside out */
        for (size_t a = k; t->n[a].end == k + 1; a = t->n[a].parent) {
            if (t->n[a].element) {
                GumboTag tag = t->n[a].node->v.element.tag;
                if (t->n[a].kind == YH_H_BLOCK && tag != GUMBO_TAG_BR)
                    owe(w, breaks_of(tag));
                w->pre -= tag == GUMBO_TAG_PRE;
            }
            if (a == i || a == t->n[a].parent)
                break;
        }
        k++;
    }
    return YH_OK;
}

static yh_status put_main(writer *w, yh_html_tree *t, yh_err *err)
{
    size_t top = yh_html_main(t), parent = t->n[top].parent;
    if (parent == top)
        return put_subtree(w, t, top, false, err);
    for (size_t k = parent + 1; k < t->n[parent].end; k = t->n[k].end)
        if (k == top || yh_html_joins(t, top, k)) {
            owe(w, 2);
            YH_TRY(put_subtree(w, t, k, false, err));
        }
    return YH_OK;
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
    writer w = {out, out->len, 0, false, 0};
    yh_status s = yh_html_flatten(&t, root, err);
    if (s == YH_OK && title != NULL && t.title != NULL)
        s = yh_buf_adds(title, t.title, err);
    if (s == YH_OK)
        s = mode == YH_HTML_ALL ? put_subtree(&w, &t, 0, true, err) : put_main(&w, &t, err);
    yh_html_tree_fini(&t);
    heap_free(&memory);
    return s;
}

yh_status yh_html_text(const char *html, size_t n, yh_html_mode mode, yh_buf *out, yh_buf *title,
                       bool *plain, yh_err *err)
{
    yh_buf small;
    yh_buf_init(&small, 0);
    yh_status s = yh_buf_reserve(&small, n / 2, err);
    if (s == YH_OK)
        s = yh_html_reduce(html, n, &small, err);
    if (s == YH_OK) {
        *plain = !yh_html_is_tame(small.data, small.len);
        s = *plain ? yh_html_plain(small.data, small.len, out, err)
                   : from_tree(small.data, small.len, mode, out, title, err);
    }
    yh_buf_fini(&small);
    return s;
}
