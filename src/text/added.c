/* Finding added tokens in text. */
#include "text/tok_impl.h"

static yh_status new_node(yh_trie *t, uint8_t byte, uint32_t *out, yh_err *err)
{
    yh_trie_node *node = yh_grow(t->node, &t->cap, (size_t)t->n + 1, sizeof *node);
    if (node == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for added tokens");
    t->node = node;
    node[t->n] = (yh_trie_node){0, 0, -1, byte};
    *out = t->n++;
    return YH_OK;
}

uint32_t yh_trie_child(const yh_trie *t, uint32_t at, uint8_t byte)
{
    if (at == 0)
        return t->first[byte];
    uint32_t c = t->node[at].child;
    while (c != 0 && t->node[c].byte != byte)
        c = t->node[c].sibling;
    return c;
}

yh_status yh_trie_add(yh_trie *t, const char *text, size_t n, int32_t added, yh_err *err)
{
    uint32_t at = 0, c;
    if (t->n == 0)
        YH_TRY(new_node(t, 0, &c, err));
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)text[i];
        c = yh_trie_child(t, at, byte);
        if (c == 0) {
            YH_TRY(new_node(t, byte, &c, err));
            if (at == 0) {
                t->first[byte] = c;
            } else {
                t->node[c].sibling = t->node[at].child;
                t->node[at].child = c;
            }
        }
        at = c;
    }
    if (n > t->longest)
        t->longest = n;
    if (at != 0 && t->node[at].added < 0)
        t->node[at].added = added;
    return YH_OK;
}

void yh_trie_finish(yh_trie *t)
{
    t->only = -1;
    for (int b = 0; b < 256; b++)
        if (t->first[b] != 0) {
            if (t->only >= 0) {
                t->only = -1;
                return;
            }
            t->only = b;
        }
}

void yh_trie_fini(yh_trie *t)
{
    yh_free(t->node);
    memset(t, 0, sizeof *t);
}

int32_t yh_trie_find(const yh_trie *t, const uint8_t *text, size_t n, size_t *at, size_t *end)
{
    if (t->n == 0)
        return -1;
    for (size_t i = *at; i < n; i++) {
        if (t->only >= 0) {
            const uint8_t *p = memchr(text + i, t->only, n - i);
            if (p == NULL)
                return -1;
            i = (size_t)(p - text);
        }
        uint32_t c = t->first[text[i]];
        int32_t best = -1;
        for (size_t k = i; c != 0;) {
            k++;
            if (t->node[c].added >= 0) {
                best = t->node[c].added;
                *end = k;
            }
            c = k < n ? yh_trie_child(t, c, text[k]) : 0;
        }
        if (best >= 0) {
            *at = i;
            return best;
        }
    }
    return -1;
}
