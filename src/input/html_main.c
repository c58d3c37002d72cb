/* Which part of a page is its main text, and what in it is page furniture. The constants were set
 * on public test pages (bench/extraction_vs_peers.py). */
#include <strings.h>

#include "input/html_names.h"
#include "input/html_tree.h"

static const float PROSE = 60.0f;       /* worth of a block that is certainly prose */
static const float BACK = 0.5f;         /* share of the prose that is not dropped for a name */
static const float CERTAIN_BACK = 0.9f; /* the same of comments, related pages: may be long */
static const float ARTICLE = 300.0f;    /* prose that can be an article beside these */
static const float LEFT = 0.1f;         /* with less left, names do not count at all */
static const float ENOUGH = 0.8f; /* share that Readability's choice must hold of the other's */

static bool is_block(const yh_html_node *n)
{
    return n->element && n->kind == YH_H_BLOCK;
}

static bool is_heading(GumboTag tag)
{
    return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6;
}

static void judge_names(yh_html_node *n)
{
    static const char *const roles[] = {"menu",   "menubar",     "complementary", "navigation",
                                        "alert",  "alertdialog", "dialog",        "contentinfo",
                                        "search", NULL};
    const char *role = yh_html_attribute(n->node, "role");
    const char *prop = yh_html_attribute(n->node, "itemprop");
    unsigned id = yh_html_name_flags(yh_html_attribute(n->node, "id"));
    unsigned cls = yh_html_name_flags(yh_html_attribute(n->node, "class"));
    unsigned both = id | cls;
    GumboTag tag = n->node->v.element.tag;
    n->name_weight = (int8_t)(((both & YH_NAME_FOR) != 0) - ((both & YH_NAME_AGAINST) != 0));
    n->marked = tag == GUMBO_TAG_ARTICLE || tag == GUMBO_TAG_MAIN || (both & YH_NAME_MARKED) != 0 ||
                (prop != NULL && strcasecmp(prop, "articleBody") == 0);
    if (tag == GUMBO_TAG_BODY || tag == GUMBO_TAG_HTML || tag == GUMBO_TAG_A)
        return;
    if (role != NULL)
        for (const char *const *r = roles; *r != NULL; r++)
            n->drop = n->drop || strcasecmp(role, *r) == 0;
    bool bad = (both & YH_NAME_NO_CONTENT) != 0 && (both & YH_NAME_PERHAPS) == 0;
    if (bad && tag != GUMBO_TAG_TABLE && tag != GUMBO_TAG_CODE && tag != GUMBO_TAG_PRE &&
        tag != GUMBO_TAG_ARTICLE && tag != GUMBO_TAG_MAIN && n->kind == YH_H_BLOCK) {
        n->drop = true;
        n->by_tag = (both & YH_NAME_NEVER) != 0;
    }
    if ((both & YH_NAME_ASIDE) != 0 && (n->kind == YH_H_BLOCK || tag == GUMBO_TAG_SPAN) &&
        tag != GUMBO_TAG_ARTICLE)
        n->drop = true;
    n->certain = n->drop && (both & YH_NAME_CERTAIN) != 0;
    if (tag == GUMBO_TAG_NAV || tag == GUMBO_TAG_FOOTER || tag == GUMBO_TAG_ASIDE ||
        tag == GUMBO_TAG_FIGCAPTION)
        n->drop = n->by_tag = true;
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
            p->points = initial_score(p);
        }
        p->points += level == 0   ? points
                     : level == 1 ? points / 2.0f
                                  : points / (3.0f * (float)level);
        i = a;
        a = p->parent;
    }
}

/* What a block's own text (without that of blocks inside it) says for or against it: its length
 * when it reads like prose, minus the length of its links when it is mostly links, little when
 * short. */
static float worth(const yh_html_node *n)
{
    const uint32_t text = n->own, link = n->own_link, ends = n->own_ends;
    if (text == 0)
        return 0.0f;
    GumboTag tag = n->node->v.element.tag;
    float d = (float)link / (float)text, len = (float)text;
    if (is_heading(tag))
        return d > 0.5f ? -10.0f : 5.0f;
    if (d > 0.5f)
        return -(10.0f + 0.5f * (float)link);
    if (text >= 80 && d < 0.33f)
        return ends > 0 ? len : 0.5f * len;
    if (text >= 25 && ends > 0 && d < 0.33f)
        return 0.8f * len;
    return tag == GUMBO_TAG_P || tag == GUMBO_TAG_PRE ? 2.0f : -5.0f;
}

/* Fills `weight`: the worth of every block and of all within, dropped parts left out. */
static void sum_weight(yh_html_tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        t->n[i].weight = 0.0f;
    for (size_t i = t->count; i-- > 1;) {
        yh_html_node *n = &t->n[i];
        if (is_block(n))
            n->weight += n->worth;
        if (!(n->element && (n->kind == YH_H_SKIP || n->drop)))
            t->n[n->parent].weight += n->weight;
    }
}

/* The text that each block holds itself, and what it is worth. */
static void own_text(yh_html_tree *t)
{
    for (size_t i = 1; i < t->count; i++) {
        yh_html_node *n = &t->n[i];
        if (n->element && n->kind == YH_H_SKIP) {
            i = n->end - 1;
            continue;
        }
        if (n->element) {
            const yh_html_node *p = &t->n[n->parent];
            n->in_link = p->in_link || n->node->v.element.tag == GUMBO_TAG_A;
            n->block = n->kind == YH_H_BLOCK ? (uint32_t)i : p->block;
            continue;
        }
        yh_html_node *b = &t->n[t->n[n->parent].block];
        b->own += n->text;
        b->own_ends += n->ends;
        b->own_link += t->n[n->parent].in_link ? n->text : 0;
    }
    for (size_t i = 0; i < t->count; i++)
        if (is_block(&t->n[i]))
            t->n[i].worth = worth(&t->n[i]);
}

/* Announces another page: a line that is a link, and a short text. */
static bool is_teaser(const yh_html_tree *t, size_t i)
{
    enum { SHORT = 12, LONG = 1000, NODES = 1000 };
    const yh_html_node *n = &t->n[i];
    bool title = false, rest = false;
    if (!is_block(n) || n->drop || n->text < 2 * SHORT || n->text > LONG || n->end - i > NODES)
        return false;
    for (size_t k = i; k < n->end; k++) {
        const yh_html_node *b = &t->n[k];
        if (!is_block(b) || b->own == 0)
            continue;
        bool link = (float)b->own_link > 0.8f * (float)b->own;
        title = title || (link && b->own >= SHORT);
        rest = rest || (title && !link);
    }
    return title && rest;
}

static bool alike(const GumboNode *a, const GumboNode *b)
{
    const char *x = yh_html_attribute(a, "class"), *y = yh_html_attribute(b, "class");
    if (a->v.element.tag != b->v.element.tag)
        return false;
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* Three and more of a kind, one behind the other, that announce other pages. */
static void drop_teasers(yh_html_tree *t, size_t body)
{
    enum { RUN = 3 };
    for (size_t i = body; i < t->count; i++) {
        const yh_html_node *n = &t->n[i];
        if (!n->element)
            continue;
        if (n->drop || n->kind == YH_H_SKIP) {
            i = n->end - 1;
            continue;
        }
        size_t run = 0, first = 0;
        for (size_t k = i + 1;; k = t->n[k].end) {
            bool end = k >= n->end;
            if (!end && (!t->n[k].element || t->n[k].kind == YH_H_SKIP))
                continue;
            bool teaser = !end && is_teaser(t, k);
            if (teaser && run > 0 && alike(t->n[first].node, t->n[k].node)) {
                run++;
                continue;
            }
            for (size_t d = first; run >= RUN && d < k && d < n->end; d = t->n[d].end)
                t->n[d].drop = t->n[d].drop || t->n[d].element;
            if (end)
                break;
            run = teaser;
            first = k;
        }
    }
}

/* A name may hide what the page is about: what holds most of the prose comes back. */
static void bring_back(yh_html_tree *t, size_t body)
{
    float total = 0.0f;
    for (size_t i = body; i < t->count; i++)
        if (is_block(&t->n[i]) && t->n[i].worth > 0.0f)
            total += t->n[i].worth;
    for (size_t i = body; i < t->count; i++) {
        yh_html_node *n = &t->n[i];
        float inside = 0.0f;
        if (!n->element || !n->drop)
            continue;
        for (size_t k = i; k < n->end; k++)
            if (is_block(&t->n[k]) && (k == i || !t->n[k].drop))
                inside += t->n[k].worth;
        if (inside > (n->certain ? CERTAIN_BACK : BACK) * total)
            n->drop = false;
        else
            i = n->end - 1;
    }
}

/* The share of what reads like prose that is not dropped; *prose: how much that is. */
static float left_of(const yh_html_tree *t, size_t body, float *prose)
{
    float all = 0.0f, left = 0.0f;
    size_t gone = 0; /* end of the dropped part in hand */
    for (size_t i = body; i < t->count; i++) {
        const yh_html_node *n = &t->n[i];
        if (n->element && n->drop && n->end > gone)
            gone = n->end;
        if (!is_block(n))
            continue;
        float w = n->worth;
        all += w > 0.0f ? w : 0.0f;
        left += w > 0.0f && i >= gone ? w : 0.0f;
    }
    *prose = left;
    return all > 0.0f ? left / all : 1.0f;
}

/* Names that leave nothing are not believed; but comments may well be ten times the article. */
static void doubt_names(yh_html_tree *t, size_t body)
{
    float left;
    for (int certain = 0; certain < 2 && left_of(t, body, &left) < LEFT; certain++) {
        if (certain == 1 && left > ARTICLE)
            return;
        for (size_t i = body; i < t->count; i++)
            t->n[i].drop = t->n[i].drop && (t->n[i].by_tag || (!certain && t->n[i].certain));
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
        limit = tag == GUMBO_TAG_TABLE ? 0.8f : limit;
        bool aside = n->name_weight < 0 && n->paragraphs == 0 && n->text < 200;
        bool form = tag == GUMBO_TAG_FORM && n->paragraphs == 0 && n->text < 300;
        if (n->commas < 10 && (d > limit || aside || form))
            n->drop = true;
    }
}

/* Readability's choice: the node with the most points. */
static size_t readable_top(yh_html_tree *t, size_t body)
{
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
        n->points *= 1.0f - density(n);
        if (n->points > best) {
            best = n->points;
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
    return top;
}

/* The node whose prose outweighs its links the most; of equals the innermost. */
static size_t heaviest(const yh_html_tree *t, size_t body)
{
    size_t top = body;
    float best = -1e30f;
    for (size_t i = body; i < t->count; i++) {
        const yh_html_node *n = &t->n[i];
        if (n->element && n->drop) {
            i = n->end - 1;
        } else if (is_block(n) && n->weight * (n->marked ? 1.2f : 1.0f) >= best) {
            best = n->weight * (n->marked ? 1.2f : 1.0f);
            top = i;
        }
    }
    return top;
}

/* Weight of what would be written for `top`: itself and the siblings that join it. */
static float weight_with_siblings(const yh_html_tree *t, size_t top)
{
    size_t parent = t->n[top].parent;
    float sum = 0.0f;
    if (parent == top)
        return t->n[top].weight;
    for (size_t k = parent + 1; k < t->n[parent].end; k = t->n[k].end)
        if (k == top || yh_html_joins(t, top, k))
            sum += t->n[k].weight;
    return sum;
}

/* ------------------------------------------------------------------ furniture inside */

/* Text of a block's own words, blanks folded, cut at `size`. */
static void own_words(const yh_html_tree *t, size_t i, char *out, size_t size)
{
    size_t k = 0;
    for (size_t c = i + 1; c < t->n[i].end && k + 1 < size; c++) {
        if (t->n[c].element) {
            if (t->n[c].kind != YH_H_INLINE)
                c = t->n[c].end - 1;
            continue;
        }
        for (const char *p = t->n[c].node->v.text.text; *p != 0 && k + 1 < size; p++) {
            char ch = *p == '\n' || *p == '\t' || *p == '\r' ? ' ' : *p;
            if (ch != ' ' || (k > 0 && out[k - 1] != ' '))
                out[k++] = ch;
        }
    }
    out[k] = 0;
}

static bool holds_blocks(const yh_html_tree *t, size_t i)
{
    for (size_t k = i + 1; k < t->n[i].end; k++)
        if (is_block(&t->n[k]) && t->n[k].own > 0)
            return true;
    return false;
}

/* Behind the last block that reads like prose; 0: there is none. */
static size_t end_of_prose(const yh_html_tree *t, size_t top)
{
    size_t last = 0;
    for (size_t i = top; i < t->n[top].end; i++) {
        const yh_html_node *n = &t->n[i];
        if (n->element && (n->drop || n->kind == YH_H_SKIP))
            i = n->end - 1;
        else if (is_block(n) && n->worth >= PROSE)
            last = i + 1;
    }
    return last;
}

/* Drops innermost blocks: short ones that are links, that begin as furniture does, or that come
 * behind the last paragraph. */
static void prune(yh_html_tree *t, size_t top)
{
    enum { LINK_MOST = 200, OPENER_MOST = 250, TAIL_MOST = 80, TAIL_P_MOST = 10 };
    size_t end = end_of_prose(t, top);
    char words[64];
    for (size_t i = top + 1; end > 0 && i < t->n[top].end; i++) {
        yh_html_node *n = &t->n[i];
        if (n->element && (n->drop || n->kind == YH_H_SKIP)) {
            i = n->end - 1;
            continue;
        }
        if (!is_block(n) || n->own == 0 || n->own >= OPENER_MOST || holds_blocks(t, i))
            continue;
        GumboTag tag = n->node->v.element.tag;
        if (tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_TR || tag == GUMBO_TAG_TABLE)
            continue;
        bool item = tag == GUMBO_TAG_LI || tag == GUMBO_TAG_DD || tag == GUMBO_TAG_DT;
        bool link = (float)n->own_link > 0.8f * (float)n->own;
        own_words(t, i, words, sizeof words);
        n->drop = (link && n->own < LINK_MOST && !item) ||
                  yh_html_opens_furniture(words, n->worth >= PROSE) ||
                  (i >= end && !item && n->own < (tag == GUMBO_TAG_P ? TAIL_P_MOST : TAIL_MOST) &&
                   n->own_ends == 0);
    }
}

/* The article's own box around `top`, when it adds more prose than links: a lead, further sections.
 * Of what it adds, prose alone stays. */
static size_t climb(yh_html_tree *t, size_t top, size_t body)
{
    const size_t old = top;
    float w = weight_with_siblings(t, top);
    for (size_t a = t->n[top].parent; a > body; a = t->n[a].parent)
        if (t->n[a].marked && t->n[a].weight > w) {
            w = t->n[a].weight;
            top = a;
        }
    float behind = 0.0f;
    for (size_t i = t->n[old].end; top != old && i < t->n[top].end; i++)
        behind += is_block(&t->n[i]) && t->n[i].worth >= PROSE ? t->n[i].worth : 0.0f;
    const float least = behind < 0.12f * w ? 1e30f : PROSE;
    for (size_t i = top + 1; top != old && i < t->n[top].end; i++) {
        yh_html_node *n = &t->n[i];
        if (i == old || (n->element && n->drop))
            i = n->end - 1;
        else if (is_block(n) && n->own > 0 && n->worth < (i < old ? PROSE : least) &&
                 !holds_blocks(t, i))
            n->drop = true;
    }
    return top;
}

/* Headings of which all that they stood for was dropped. */
static void drop_empty_sections(yh_html_tree *t, size_t top)
{
    size_t heading = 0; /* with nothing behind it so far; 0: none */
    bool gone = false;  /* but what was dropped */
    for (size_t i = top + 1; i < t->n[top].end; i++) {
        const yh_html_node *n = &t->n[i];
        if (n->element && (n->drop || n->kind == YH_H_SKIP)) {
            gone = gone || (n->drop && n->text > 0);
            i = n->end - 1;
            continue;
        }
        if (!is_block(n) || n->own == 0)
            continue;
        bool next = is_heading(n->node->v.element.tag);
        if (next && heading != 0 && gone &&
            n->node->v.element.tag <= t->n[heading].node->v.element.tag)
            t->n[heading].drop = true;
        heading = next ? i : 0;
        gone = false;
    }
    if (heading != 0 && gone)
        t->n[heading].drop = true;
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
    own_text(t);
    drop_teasers(t, body);
    bring_back(t, body);
    doubt_names(t, body);
    sum_up(t);
    sum_weight(t);
    size_t top = readable_top(t, body), other = heaviest(t, body);
    if (weight_with_siblings(t, top) < ENOUGH * t->n[other].weight)
        top = other;
    top = climb(t, top, body);
    drop_link_boxes(t, top + 1, t->n[top].end);
    prune(t, top);
    const size_t parent = t->n[top].parent;
    for (size_t k = parent + 1; parent != top && k < t->n[parent].end; k = t->n[k].end)
        if (k != top && yh_html_joins(t, top, k)) {
            drop_link_boxes(t, k, t->n[k].end);
            prune(t, k);
        }
    drop_empty_sections(t, top);
    return top;
}

bool yh_html_joins(const yh_html_tree *t, size_t top, size_t i)
{
    const yh_html_node *n = &t->n[i], *b = &t->n[top];
    if (!n->element || n->kind != YH_H_BLOCK || n->drop)
        return false;
    float limit = b->points * 0.2f > 10.0f ? b->points * 0.2f : 10.0f;
    if (n->scored && n->points >= limit)
        return true;
    if (n->node->v.element.tag == GUMBO_TAG_P)
        return (n->text > 80 && density(n) < 0.25f) ||
               (n->text > 0 && n->link == 0 && n->commas > 0);
    return i < top && n->weight >= PROSE && density(n) < 0.1f; /* a lead */
}
