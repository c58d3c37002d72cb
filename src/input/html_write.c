/* From a page's tree to Markdown. */
#include "input/html_write.h"

enum { LISTS = 16, TABLE_NODES = 20000 };

typedef struct writer {
    const yh_html_tree *t;
    yh_buf *out;
    size_t start;
    int breaks; /* line ends owed before the next text: 1 a line, 2 a blank line */
    bool space; /* a blank is owed */
    int pre;    /* nesting of <pre> */
    int quote;  /* of <blockquote> */
    int lists;  /* of <ul>, <ol> */
    bool ordered[LISTS];
    char mark[24];    /* owed before the next text: "## ", "- ", ... */
    size_t table_end; /* of the data table in hand; 0: none */
    int cells;        /* of its row so far */
    bool first_row;
} writer;

static yh_status put_breaks(writer *w, yh_err *err)
{
    if (w->out->len > w->start && w->breaks > 0) {
        YH_TRY(yh_buf_add(w->out, "\n\n", (size_t)(w->breaks > 2 ? 2 : w->breaks), err));
        w->space = false;
    } else if (w->out->len > w->start && w->space && w->mark[0] == 0) {
        YH_TRY(yh_buf_addc(w->out, ' ', err));
    }
    if (w->breaks > 0 || w->out->len == w->start)
        for (int i = 0; i < w->quote; i++)
            YH_TRY(yh_buf_adds(w->out, "> ", err));
    if (w->mark[0] != 0)
        YH_TRY(yh_buf_adds(w->out, w->mark, err));
    w->mark[0] = 0;
    w->breaks = 0;
    w->space = false;
    return YH_OK;
}

static yh_status put_text(writer *w, const char *p, yh_err *err)
{
    while (*p != '\0') {
        size_t k = strcspn(p, " \t\r\n\f");
        if (k > 0) {
            YH_TRY(put_breaks(w, err));
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

static bool is_cell(GumboTag tag)
{
    return tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH;
}

/* Whether a table holds data (short cells side by side, at least two of two rows) rather than the
 * layout of a page. */
static bool is_data_table(const yh_html_tree *t, size_t table)
{
    int rows = 0, cells = 0, most = 0;
    for (size_t i = table + 1; i < t->n[table].end; i++) {
        if (i - table > TABLE_NODES)
            return false;
        if (!t->n[i].element)
            continue;
        GumboTag tag = t->n[i].node->v.element.tag;
        if (tag == GUMBO_TAG_TR) {
            rows++;
            cells = 0;
        } else if (is_cell(tag)) {
            most = ++cells > most ? cells : most;
            if (t->n[i].text > 400)
                return false;
        } else if (t->n[i].kind == YH_H_BLOCK && tag != GUMBO_TAG_TBODY && tag != GUMBO_TAG_THEAD &&
                   tag != GUMBO_TAG_TFOOT && tag != GUMBO_TAG_P && tag != GUMBO_TAG_BR &&
                   tag != GUMBO_TAG_COL && tag != GUMBO_TAG_COLGROUP && tag != GUMBO_TAG_CAPTION) {
            return false; /* blocks, lists, another table: layout */
        }
    }
    return rows >= 2 && most >= 2;
}

static yh_status open_cell(writer *w, size_t k, yh_err *err)
{
    if (k < w->table_end) {
        YH_TRY(put_breaks(w, err));
        YH_TRY(yh_buf_adds(w->out, w->cells++ == 0 ? "| " : " | ", err));
        w->space = false;
    } else if (w->breaks == 0 && w->out->len > w->start) {
        YH_TRY(yh_buf_adds(w->out, " |", err));
        w->space = true;
    }
    return YH_OK;
}

static yh_status close_row(writer *w, yh_err *err)
{
    if (w->cells == 0)
        return YH_OK;
    YH_TRY(yh_buf_adds(w->out, " |", err));
    if (w->first_row) {
        YH_TRY(yh_buf_adds(w->out, "\n|", err));
        for (int i = 0; i < w->cells; i++)
            YH_TRY(yh_buf_adds(w->out, " --- |", err));
    }
    w->first_row = false;
    w->space = false;
    return YH_OK;
}

static void open_item(writer *w)
{
    int depth = w->lists < 1 ? 1 : w->lists > LISTS ? LISTS : w->lists;
    int indent = 2 * (depth - 1);
    indent = indent > 16 ? 16 : indent;
    memset(w->mark, ' ', (size_t)indent);
    memcpy(w->mark + indent, w->ordered[depth - 1] ? "1. " : "- ", w->ordered[depth - 1] ? 4 : 3);
}

/* What an element puts before its content. */
static yh_status open_element(writer *w, size_t k, yh_err *err)
{
    const yh_html_node *n = &w->t->n[k];
    GumboTag tag = n->node->v.element.tag;
    bool data = k < w->table_end;
    if (n->kind == YH_H_BLOCK && !(data && tag != GUMBO_TAG_TR))
        owe(w, breaks_of(tag));
    if (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6 && n->text > 0) {
        memset(w->mark, '#', 6);
        memcpy(w->mark + (tag - GUMBO_TAG_H1) + 1, " ", 2);
    } else if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) {
        if (w->lists < LISTS)
            w->ordered[w->lists] = tag == GUMBO_TAG_OL;
        if (w->lists++ > 0)
            w->breaks = w->breaks > 1 ? 1 : w->breaks;
    } else if (tag == GUMBO_TAG_LI && n->text > 0) {
        open_item(w);
    } else if (tag == GUMBO_TAG_BLOCKQUOTE) {
        w->quote += w->quote < 8;
    } else if (tag == GUMBO_TAG_PRE) {
        if (w->pre++ == 0 && n->text > 0) {
            YH_TRY(put_breaks(w, err));
            YH_TRY(yh_buf_adds(w->out, "```\n", err));
        }
    } else if (tag == GUMBO_TAG_CODE && w->pre == 0 && n->text > 0) {
        YH_TRY(put_breaks(w, err));
        YH_TRY(yh_buf_addc(w->out, '`', err));
    } else if (tag == GUMBO_TAG_TABLE && !data && is_data_table(w->t, k)) {
        w->table_end = n->end;
        w->first_row = true;
    } else if (tag == GUMBO_TAG_TR) {
        w->cells = 0;
    } else if (is_cell(tag)) {
        YH_TRY(open_cell(w, k, err));
    }
    return YH_OK;
}

static yh_status close_element(writer *w, size_t a, yh_err *err)
{
    const yh_html_node *n = &w->t->n[a];
    GumboTag tag = n->node->v.element.tag;
    if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL)
        w->lists -= w->lists > 0;
    else if (tag == GUMBO_TAG_BLOCKQUOTE)
        w->quote -= w->quote > 0;
    else if (tag == GUMBO_TAG_CODE && w->pre == 0 && n->text > 0)
        YH_TRY(yh_buf_addc(w->out, '`', err));
    else if (tag == GUMBO_TAG_TR && a < w->table_end)
        YH_TRY(close_row(w, err));
    else if (tag == GUMBO_TAG_PRE && --w->pre == 0 && n->text > 0)
        YH_TRY(yh_buf_adds(w->out, w->out->data[w->out->len - 1] == '\n' ? "```" : "\n```", err));
    bool inside = a < w->table_end && tag != GUMBO_TAG_TR && tag != GUMBO_TAG_TABLE;
    if (n->kind == YH_H_BLOCK && tag != GUMBO_TAG_BR && !inside)
        owe(w,
            tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL ? (w->lists > 0 ? 1 : 2) : breaks_of(tag));
    if (a + 1 == w->table_end || w->table_end == n->end)
        w->table_end = tag == GUMBO_TAG_TABLE ? 0 : w->table_end;
    return YH_OK;
}

static yh_status put_subtree(writer *w, size_t i, bool all, yh_err *err)
{
    const yh_html_tree *t = w->t;
    for (size_t k = i; k < t->n[i].end;) {
        const yh_html_node *n = &t->n[k];
        size_t behind = k + 1;
        if (n->element && (n->kind == YH_H_SKIP || (n->drop && !all && k != i))) {
            if (n->kind != YH_H_SKIP || n->node->v.element.tag == GUMBO_TAG_TEXTAREA)
                owe(w, k < w->table_end ? 0 : 1);
            behind = n->end;
            for (size_t a = n->parent; behind == t->n[a].end; a = t->n[a].parent) {
                YH_TRY(close_element(w, a, err)); /* its last child was left out */
                if (a == i || a == t->n[a].parent)
                    break;
            }
            k = behind;
            continue;
        }
        if (n->element)
            YH_TRY(open_element(w, k, err));
        else if (n->node->type == GUMBO_NODE_TEXT || n->node->type == GUMBO_NODE_CDATA ||
                 n->node->type == GUMBO_NODE_WHITESPACE)
            YH_TRY(put_text(w, n->node->v.text.text, err));
        /* elements that end here, from the inside out */
        for (size_t a = k; t->n[a].end == behind; a = t->n[a].parent) {
            if (t->n[a].element)
                YH_TRY(close_element(w, a, err));
            if (a == i || a == t->n[a].parent)
                break;
        }
        k = behind;
    }
    return YH_OK;
}

yh_status yh_html_write(const yh_html_tree *t, const size_t *root, size_t n, bool all, yh_buf *out,
                        yh_err *err)
{
    writer w = {.t = t, .out = out, .start = out->len};
    for (size_t i = 0; i < n; i++) {
        owe(&w, 2);
        YH_TRY(put_subtree(&w, root[i], all, err));
        w.lists = w.quote = w.pre = 0;
        w.table_end = 0;
    }
    return YH_OK;
}
