#include <strings.h>

#include "input/html_tree.h"

static uint8_t kind_of(GumboTag tag)
{
    switch ((int)tag) { /* an enum of a library: the rest is what browsers show as blocks */
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_EMBED:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_INPUT:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_MATH:
    case GUMBO_TAG_DATALIST:
    case GUMBO_TAG_MENU:
        return YH_H_SKIP;
    case GUMBO_TAG_A:
    case GUMBO_TAG_ABBR:
    case GUMBO_TAG_B:
    case GUMBO_TAG_BDI:
    case GUMBO_TAG_BDO:
    case GUMBO_TAG_CITE:
    case GUMBO_TAG_CODE:
    case GUMBO_TAG_DATA:
    case GUMBO_TAG_DFN:
    case GUMBO_TAG_EM:
    case GUMBO_TAG_I:
    case GUMBO_TAG_IMG:
    case GUMBO_TAG_INS:
    case GUMBO_TAG_DEL:
    case GUMBO_TAG_KBD:
    case GUMBO_TAG_LABEL:
    case GUMBO_TAG_MARK:
    case GUMBO_TAG_Q:
    case GUMBO_TAG_RUBY:
    case GUMBO_TAG_RB:
    case GUMBO_TAG_RT:
    case GUMBO_TAG_RP:
    case GUMBO_TAG_S:
    case GUMBO_TAG_SAMP:
    case GUMBO_TAG_SMALL:
    case GUMBO_TAG_SPAN:
    case GUMBO_TAG_STRONG:
    case GUMBO_TAG_SUB:
    case GUMBO_TAG_SUP:
    case GUMBO_TAG_TIME:
    case GUMBO_TAG_TT:
    case GUMBO_TAG_U:
    case GUMBO_TAG_VAR:
    case GUMBO_TAG_WBR:
    case GUMBO_TAG_FONT:
    case GUMBO_TAG_BIG:
    case GUMBO_TAG_STRIKE:
    case GUMBO_TAG_ACRONYM:
    case GUMBO_TAG_NOBR:
    case GUMBO_TAG_UNKNOWN:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
        return YH_H_INLINE;
    default:
        return YH_H_BLOCK;
    }
}

const char *yh_html_attribute(const GumboNode *n, const char *name)
{
    const GumboAttribute *a = gumbo_get_attribute(&n->v.element.attributes, name);
    return a != NULL ? a->value : NULL;
}

static bool has_word(const char *s, const char *const *words)
{
    if (s != NULL)
        for (; *words != NULL; words++)
            if (strcasestr(s, *words) != NULL)
                return true;
    return false;
}

static bool hidden(const GumboNode *n)
{
    static const char *const none[] = {"display:none", "display: none", "visibility:hidden", NULL};
    const char *aria = yh_html_attribute(n, "aria-hidden");
    return yh_html_attribute(n, "hidden") != NULL ||
           has_word(yh_html_attribute(n, "style"), none) ||
           (aria != NULL && strcasecmp(aria, "true") == 0);
}

static yh_status push(yh_html_tree *t, const GumboNode *g, size_t parent, size_t *at, yh_err *err)
{
    yh_html_node *n = yh_grow(t->n, &t->cap, t->count + 1, sizeof *n);
    if (n == NULL || t->count >= UINT32_MAX)
        return yh_fail(err, YH_NOMEM, "no memory for a page of %zu nodes", t->count);
    t->n = n;
    n += t->count;
    memset(n, 0, sizeof *n);
    n->node = g;
    n->parent = (uint32_t)parent;
    n->element = g->type == GUMBO_NODE_ELEMENT || g->type == GUMBO_NODE_TEMPLATE;
    if (n->element) {
        GumboTag tag = g->v.element.tag;
        n->kind = kind_of(tag);
        if (n->kind != YH_H_SKIP && tag != GUMBO_TAG_BODY && tag != GUMBO_TAG_HTML && hidden(g))
            n->kind = YH_H_SKIP;
        if (tag == GUMBO_TAG_TITLE && t->title == NULL && g->v.element.children.length > 0) {
            const GumboNode *c = g->v.element.children.data[0];
            if (c->type == GUMBO_NODE_TEXT)
                t->title = c->v.text.text;
        }
    }
    *at = t->count++;
    return YH_OK;
}

/* Counts characters with blanks folded, commas and ends of sentences (also the Chinese ones). */
static void measure(yh_html_node *n)
{
    const uint8_t *p = (const uint8_t *)n->node->v.text.text;
    bool space = true;
    for (; *p != 0; p++) {
        bool s = *p == ' ' || *p == '\n' || *p == '\t' || *p == '\r' || *p == '\f';
        n->text += (*p & 0xc0) != 0x80 && !(s && space);
        /* a character of a spaceless script says as much as three letters */
        n->text += *p >= 0xe3 && *p < 0xf0 ? 2 : 0;
        n->commas += *p == ',' || (*p == 0xef && p[1] == 0xbc && p[2] == 0x8c) ||
                     (*p == 0xe3 && p[1] == 0x80 && (p[2] == 0x81 || p[2] == 0x82));
        n->ends += *p == '.' || *p == '!' || *p == '?' || *p == ':' ||
                   (*p == 0xe3 && p[1] == 0x80 && p[2] == 0x82) ||
                   (*p == 0xef && p[1] == 0xbc && (p[2] == 0x81 || p[2] == 0x9f));
        space = s;
    }
}

yh_status yh_html_flatten(yh_html_tree *t, const GumboNode *root, yh_err *err)
{
    struct frame {
        const GumboVector *children;
        unsigned next;
        size_t at;
    } *stack = NULL;
    size_t depth = 0, cap = 0, at = 0;
    yh_status s = push(t, root, 0, &at, err);
    const GumboNode *g = root;
    for (;;) {
        if (s != YH_OK)
            break;
        if (g != NULL && t->n[at].element) {
            struct frame *p = yh_grow(stack, &cap, depth + 1, sizeof *p);
            if (p == NULL) {
                s = yh_fail(err, YH_NOMEM, "no memory for a page's tree");
                break;
            }
            stack = p;
            stack[depth++] = (struct frame){&g->v.element.children, 0, at};
        } else if (g != NULL) {
            t->n[at].end = (uint32_t)(at + 1);
            if (g->type == GUMBO_NODE_TEXT || g->type == GUMBO_NODE_CDATA)
                measure(&t->n[at]);
        }
        while (depth > 0 && stack[depth - 1].next >= stack[depth - 1].children->length)
            t->n[stack[--depth].at].end = (uint32_t)t->count;
        if (depth == 0)
            break;
        struct frame *f = &stack[depth - 1];
        g = f->children->data[f->next++];
        s = push(t, g, f->at, &at, err);
    }
    yh_free(stack);
    for (size_t i = t->count; s == YH_OK && i-- > 1;)
        if (!(t->n[i].element && t->n[i].kind == YH_H_SKIP))
            t->n[t->n[i].parent].text += t->n[i].text;
    return s;
}

void yh_html_tree_fini(yh_html_tree *t)
{
    yh_free(t->n);
    memset(t, 0, sizeof *t);
}
