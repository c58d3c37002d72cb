#include <ctype.h>
#include <strings.h>

#include "input/html_tree.h"
#include "input/utf8_scan.h"

static uint8_t kind_of(GumboTag tag)
{
    /* a table over an enum of a library: the rest is what browsers show as blocks */
    static const GumboTag skip[] = {
        GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_TEMPLATE, GUMBO_TAG_IFRAME,
        GUMBO_TAG_OBJECT, GUMBO_TAG_EMBED, GUMBO_TAG_SELECT,   GUMBO_TAG_TEXTAREA, GUMBO_TAG_BUTTON,
        GUMBO_TAG_INPUT,  GUMBO_TAG_SVG,   GUMBO_TAG_CANVAS,   GUMBO_TAG_AUDIO,    GUMBO_TAG_VIDEO,
        GUMBO_TAG_HEAD,   GUMBO_TAG_MATH,  GUMBO_TAG_DATALIST, GUMBO_TAG_MENU};
    static const GumboTag inlined[] = {
        GUMBO_TAG_A,     GUMBO_TAG_ABBR,   GUMBO_TAG_B,       GUMBO_TAG_BDI,  GUMBO_TAG_BDO,
        GUMBO_TAG_CITE,  GUMBO_TAG_CODE,   GUMBO_TAG_DATA,    GUMBO_TAG_DFN,  GUMBO_TAG_EM,
        GUMBO_TAG_I,     GUMBO_TAG_IMG,    GUMBO_TAG_INS,     GUMBO_TAG_DEL,  GUMBO_TAG_KBD,
        GUMBO_TAG_LABEL, GUMBO_TAG_MARK,   GUMBO_TAG_Q,       GUMBO_TAG_RUBY, GUMBO_TAG_RB,
        GUMBO_TAG_RT,    GUMBO_TAG_RP,     GUMBO_TAG_S,       GUMBO_TAG_SAMP, GUMBO_TAG_SMALL,
        GUMBO_TAG_SPAN,  GUMBO_TAG_STRONG, GUMBO_TAG_SUB,     GUMBO_TAG_SUP,  GUMBO_TAG_TIME,
        GUMBO_TAG_TT,    GUMBO_TAG_U,      GUMBO_TAG_VAR,     GUMBO_TAG_WBR,  GUMBO_TAG_FONT,
        GUMBO_TAG_BIG,   GUMBO_TAG_STRIKE, GUMBO_TAG_ACRONYM, GUMBO_TAG_NOBR, GUMBO_TAG_UNKNOWN,
        GUMBO_TAG_TD,    GUMBO_TAG_TH};
    for (size_t i = 0; i < sizeof skip / sizeof *skip; i++)
        if (skip[i] == tag)
            return YH_H_SKIP;
    for (size_t i = 0; i < sizeof inlined / sizeof *inlined; i++)
        if (inlined[i] == tag)
            return YH_H_INLINE;
    return YH_H_BLOCK;
}

static const char *attribute(const GumboNode *n, const char *name)
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
    const char *aria = attribute(n, "aria-hidden");
    return attribute(n, "hidden") != NULL || has_word(attribute(n, "style"), none) ||
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

/* Counts characters with blanks folded, and commas (also the Chinese ones). */
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
    return s;
}

void yh_html_tree_fini(yh_html_tree *t)
{
    yh_free(t->n);
    memset(t, 0, sizeof *t);
}

/* ------------------------------------------------------------------ what is content */

static const char *const against_strong[] = {
    "-ad-",         "ai2html",    "banner",     "breadcrumb", "combx",     "comment",
    "community",    "cover-wrap", "disqus",     "extra",      "footer",    "gdpr",
    "header",       "legends",    "menu",       "related",    "remark",    "replies",
    "rss",          "shoutbox",   "sidebar",    "skyscraper", "social",    "sponsor",
    "supplemental", "ad-break",   "agegate",    "pagination", "pager",     "popup",
    "yom-remote",   "cookie",     "newsletter", "subscribe",  "share",     "sharing",
    "promo",        "navbar",     "nav-",       "-nav",       "toolbar",   "recommend",
    "advert",       "outbrain",   "taboola",    "most-read",  "mostread",  "trending",
    "signup",       "sign-up",    "read-more",  "readmore",   "also-like", "byline",
    "copyright",    NULL};
static const char *const maybe[] = {"and",    "article", "body", "column", "content", "main",
                                    "shadow", "story",   "post", "entry",  NULL};
static const char *const for_it[] = {"article", "body",  "content", "entry",    "hentry",
                                     "h-entry", "main",  "page",    "post",     "text",
                                     "blog",    "story", "prose",   "markdown", NULL};
static const char *const against[] = {
    "hid",    "banner",   "combx",    "comment", "com-",       "contact", "footer",
    "gdpr",   "masthead", "media",    "meta",    "outbrain",   "promo",   "related",
    "scroll", "share",    "shoutbox", "sidebar", "skyscraper", "sponsor", "shopping",
    "tags",   "widget",   "caption",  "credit",  NULL};

static void judge_names(yh_html_node *n)
{
    const char *id = attribute(n->node, "id"), *cls = attribute(n->node, "class");
    const char *role = attribute(n->node, "role");
    GumboTag tag = n->node->v.element.tag;
    static const char *const roles[] = {"menu",   "menubar",     "complementary", "navigation",
                                        "alert",  "alertdialog", "dialog",        "contentinfo",
                                        "search", NULL};
    int w = 0;
    w += has_word(id, for_it) || has_word(cls, for_it);
    w -= has_word(id, against) || has_word(cls, against);
    n->name_weight = (int8_t)w;
    if (tag == GUMBO_TAG_BODY || tag == GUMBO_TAG_HTML || tag == GUMBO_TAG_A)
        return;
    if (role != NULL)
        for (const char *const *r = roles; *r != NULL; r++)
            n->drop = n->drop || strcasecmp(role, *r) == 0;
    bool bad = has_word(id, against_strong) || has_word(cls, against_strong);
    bool good = has_word(id, maybe) || has_word(cls, maybe);
    if (bad && !good && tag != GUMBO_TAG_TABLE && tag != GUMBO_TAG_CODE && tag != GUMBO_TAG_PRE &&
        tag != GUMBO_TAG_ARTICLE && tag != GUMBO_TAG_MAIN && n->kind == YH_H_BLOCK)
        n->drop = true;
    if (tag == GUMBO_TAG_NAV || tag == GUMBO_TAG_FOOTER || tag == GUMBO_TAG_ASIDE ||
        tag == GUMBO_TAG_FIGCAPTION)
        n->drop = true;
}

/* Sums text, links, commas and paragraphs upwards (children come behind their parents). */
static void sum_up(yh_html_tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->n[i].element)
            t->n[i].text = t->n[i].link = t->n[i].commas = t->n[i].paragraphs = 0;
    for (size_t i = t->count; i-- > 1;) {
        yh_html_node *n = &t->n[i], *p = &t->n[n->parent];
        if (n->element && (n->kind == YH_H_SKIP || n->drop))
            continue;
        if (n->element) {
            GumboTag tag = n->node->v.element.tag;
            if (tag == GUMBO_TAG_A)
                n->link = n->text;
            n->paragraphs += tag == GUMBO_TAG_P && n->text > 20;
        }
        p->text += n->text;
        p->link += n->link;
        p->commas += n->commas;
        p->paragraphs += n->paragraphs;
    }
}

static float density(const yh_html_node *n)
{
    return n->text == 0 ? 0.0f : (float)n->link / (float)n->text;
}

static bool has_block_child(const yh_html_tree *t, size_t i)
{
    for (size_t k = i + 1; k < t->n[i].end; k = t->n[k].end)
        if (t->n[k].element && t->n[k].kind == YH_H_BLOCK &&
            t->n[k].node->v.element.tag != GUMBO_TAG_BR)
            return true;
    return false;
}

static float initial_score(const yh_html_node *n)
{
    float s = 25.0f * (float)n->name_weight;
    switch ((int)n->node->v.element.tag) {
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_SECTION:
        return s + 5.0f;
    case GUMBO_TAG_ARTICLE:
        return s + 15.0f;
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_BLOCKQUOTE:
        return s + 3.0f;
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_FORM:
        return s - 3.0f;
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_TH:
        return s - 5.0f;
    default:
        return s;
    }
}

static void score_paragraph(yh_html_tree *t, size_t i)
{
    const yh_html_node *n = &t->n[i];
    if (n->text < 25)
        return;
    size_t hundreds = n->text / 100;
    float points = 1.0f + (float)n->commas + (float)(hundreds < 3 ? hundreds : 3);
    size_t a = n->parent;
    for (int level = 0; level < 5 && a != i; level++) {
        yh_html_node *p = &t->n[a];
        if (!p->scored) {
            p->scored = true;
            p->score = initial_score(p);
        }
        p->score += level == 0   ? points
                    : level == 1 ? points / 2.0f
                                 : points / (3.0f * (float)level);
        i = a;
        a = p->parent;
    }
}

/* Lists and boxes within the main text that are mostly links: "related", share buttons, tags. */
static void drop_link_boxes(yh_html_tree *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        yh_html_node *n = &t->n[i];
        if (!n->element || n->kind != YH_H_BLOCK || n->drop || n->text == 0)
            continue;
        GumboTag tag = n->node->v.element.tag;
        bool list = tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL || tag == GUMBO_TAG_DL;
        bool box = list || tag == GUMBO_TAG_DIV || tag == GUMBO_TAG_SECTION ||
                   tag == GUMBO_TAG_TABLE || tag == GUMBO_TAG_FORM || tag == GUMBO_TAG_HEADER;
        if (!box)
            continue;
        float d = density(n);
        float limit = n->name_weight > 0 ? 0.6f : n->name_weight < 0 ? 0.33f : 0.5f;
        bool aside = n->name_weight < 0 && n->paragraphs == 0 && n->text < 200;
        if (n->commas < 10 && (d > limit || aside))
            n->drop = true;
    }
}

size_t yh_html_main(yh_html_tree *t)
{
    size_t body = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->n[i].element) {
            if (t->n[i].node->v.element.tag == GUMBO_TAG_BODY && body == 0)
                body = i;
            judge_names(&t->n[i]);
        }
    sum_up(t);
    if (t->n[body].text < 200) { /* the names misled: all but the plain cases back */
        for (size_t i = 0; i < t->count; i++)
            t->n[i].drop = false;
        sum_up(t);
    }
    for (size_t i = body; i < t->count; i++) {
        const yh_html_node *n = &t->n[i];
        if (!n->element || n->kind == YH_H_SKIP || n->drop) {
            i = n->end - 1;
            continue;
        }
        GumboTag tag = n->node->v.element.tag;
        bool leaf = tag == GUMBO_TAG_P || tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_TD ||
                    tag == GUMBO_TAG_H2 || tag == GUMBO_TAG_H3 ||
                    ((tag == GUMBO_TAG_DIV || tag == GUMBO_TAG_SECTION || tag == GUMBO_TAG_LI ||
                      tag == GUMBO_TAG_DD || tag == GUMBO_TAG_BLOCKQUOTE) &&
                     !has_block_child(t, i));
        if (leaf)
            score_paragraph(t, i);
    }
    size_t top = body;
    float best = 0.0f;
    for (size_t i = body; i < t->count; i++) {
        yh_html_node *n = &t->n[i];
        if (!n->scored)
            continue;
        n->score *= 1.0f - density(n);
        if (n->score > best) {
            best = n->score;
            top = i;
        }
    }
    /* a page of many small texts: take what holds them all when the best is a small share of it */
    while (top != body && t->n[top].text * 4 < t->n[body].text &&
           density(&t->n[t->n[top].parent]) < 0.5f)
        top = t->n[top].parent;
    /* an only child: its parent holds the same */
    while (top != body && t->n[t->n[top].parent].text == t->n[top].text)
        top = t->n[top].parent;
    drop_link_boxes(t, top + 1, t->n[top].end);
    return top;
}

bool yh_html_joins(const yh_html_tree *t, size_t top, size_t i)
{
    const yh_html_node *n = &t->n[i], *b = &t->n[top];
    if (!n->element || n->kind != YH_H_BLOCK || n->drop)
        return false;
    float limit = b->score * 0.2f > 10.0f ? b->score * 0.2f : 10.0f;
    if (n->scored && n->score >= limit)
        return true;
    if (n->node->v.element.tag == GUMBO_TAG_P)
        return (n->text > 80 && density(n) < 0.25f) ||
               (n->text > 0 && n->link == 0 && n->commas > 0);
    return false;
}
