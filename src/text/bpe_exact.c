/* BPE without merging. A list of tokens is what BPE makes of a word exactly when BPE leaves every
 * two neighbours as they are; so tokens are taken from left to right, the longest first, as long as
 * the new neighbours agree, and taken back where no token fits. The text up to a position has one
 * encoding, so a position that failed is never tried again: linear time. (H. van Antwerpen and A.
 * Neubeck, "So many tokens, so little time", GitHub, 2024; Berglund and van der Merwe,
 * "Formalizing BPE tokenization", 2023.)
 *
 * This needs merges that join only what earlier merges made, so that merging in order of rank is
 * merging in order of time. Training makes such merges. Merges that were derived from a list of
 * tokens have others too, as every way to cut a token in two is one. Nearly all of them are never
 * met: whenever both sides are in a row, something else joins across the border before both are
 * there. The few others are called strange; a word in which one is met is left to merging. */
#include "text/bpe.h"

typedef enum verdict { CROSSED, AGREED, STRANGE } verdict;

/* Whether BPE leaves x y alone: undoes their merges from the latest on and asks at each stage
 * whether a merge across the border would have come first, before `limit`. Of two equal merges that
 * overlap the left one is done. live: NULL, or the merges that count. */
static inline verdict agree(const yh_bpe *b, uint32_t x, uint32_t y, uint32_t limit,
                            const uint8_t *live)
{
    const yh_bpe_token *l = &b->token[x], *r = &b->token[y];
    for (;;) {
        if (l->as_left >> yh_bpe_mark(y) & r->as_right >> yh_bpe_mark(x) & 1) {
            uint32_t rank = yh_bpe_rank(b, x, y);
            if (rank != UINT32_MAX && rank + 1 < limit && (live == NULL || live[rank]))
                return b->strange != NULL && b->strange[rank] ? STRANGE : CROSSED;
        }
        if (l->rank > r->rank) {
            limit = l->rank;
            x = l->right;
            l = &b->token[x];
        } else if (r->rank > 0) {
            limit = r->rank + 1;
            y = r->left;
            r = &b->token[y];
        } else {
            return AGREED;
        }
    }
}

/* Which merge makes each token: the first that is not forestalled. live[r]: merge r joins what
 * earlier merges made. False: a merge has an empty side. */
static bool find_makers(yh_bpe *b, uint8_t *live)
{
    for (uint32_t i = 0; i < b->size; i++)
        b->token[i] = (yh_bpe_token){YH_NO_ID, YH_NO_ID, YH_NO_ID, YH_NO_ID, 0, 0};
    for (int i = 0; i < 256; i++)
        b->token[b->byte_id[i]].rank = 0;
    for (uint32_t r = 0; r < b->merges; r++) {
        b->token[b->left[r]].as_left |= (uint64_t)1 << yh_bpe_mark(b->right[r]);
        b->token[b->right[r]].as_right |= (uint64_t)1 << yh_bpe_mark(b->left[r]);
    }
    for (uint32_t r = 0; r < b->merges; r++) {
        uint32_t x = b->left[r], y = b->right[r];
        yh_bpe_token *made = &b->token[b->merged[r]];
        if (b->len[x] == 0 || b->len[y] == 0)
            return false;
        live[r] = b->token[x].rank != YH_NO_ID && b->token[y].rank != YH_NO_ID &&
                  yh_bpe_rank(b, x, y) == r;
        if (live[r] && made->rank == YH_NO_ID && agree(b, x, y, r + 1, live) == AGREED) {
            made->rank = r + 1;
            made->left = x;
            made->right = y;
        }
    }
    return true;
}

/* A merge of what earlier and later merges make: whether it is ever met. */
static bool is_strange(const yh_bpe *b, uint32_t r, const uint8_t *live)
{
    uint32_t x = b->left[r], y = b->right[r], rx = b->token[x].rank, ry = b->token[y].rank;
    if (live[r] || rx == YH_NO_ID || ry == YH_NO_ID || yh_bpe_rank(b, x, y) != r)
        return false;
    return (rx > ry ? agree(b, b->token[x].right, y, rx, live)
                    : agree(b, x, b->token[y].left, ry + 1, live)) == AGREED;
}

/* Finds the strange merges and the tokens on whose way one is met. */
static yh_status find_strange(yh_bpe *b, const uint8_t *live, const char *name, yh_err *err)
{
    uint32_t n = 0;
    uint8_t *strange = yh_calloc((size_t)b->merges + 1, 1);
    b->tainted = yh_calloc((size_t)b->size + 1, 1);
    if (strange == NULL || b->tainted == NULL) {
        yh_free(strange);
        return yh_fail(err, YH_NOMEM, "%s: no memory for the merges", name);
    }
    for (uint32_t r = 0; r < b->merges; r++)
        n += strange[r] = is_strange(b, r, live);
    if (n == 0) {
        yh_free(strange);
        return YH_OK;
    }
    b->strange = strange;
    for (uint32_t r = 0; r < b->merges; r++) {
        uint32_t made = b->merged[r];
        if (b->token[made].rank == r + 1)
            b->tainted[made] = b->tainted[b->left[r]] || b->tainted[b->right[r]] ||
                               agree(b, b->left[r], b->right[r], r + 1, NULL) != AGREED;
    }
    return YH_OK;
}

static yh_status build_trie(yh_bpe *b, const char *name, yh_err *err)
{
    yh_datrie_key *key = yh_malloc(((size_t)b->size + 1) * sizeof *key);
    uint32_t *prefix = yh_malloc(((size_t)b->size + 1) * sizeof *prefix);
    size_t n = 0;
    yh_err e = YH_ERR_INIT;
    yh_status s = YH_OK;
    if (key == NULL || prefix == NULL) {
        s = yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    } else {
        for (uint32_t i = 0; i < b->size; i++) {
            if (b->token[i].rank != YH_NO_ID)
                key[n++] = (yh_datrie_key){b->blob + b->begin[i], b->len[i], i};
            else if (b->ignore_merges && b->begin[i] != SIZE_MAX && b->reachable[i])
                key[n++] = (yh_datrie_key){b->blob + b->begin[i], b->len[i], i | YH_DATRIE_BY};
        }
        s = yh_datrie_build(&b->trie, key, n, prefix, &e);
        if (s == YH_NOMEM)
            s = yh_fail(err, s, "%s: %s", name, e.msg);
        for (uint32_t i = 0; s == YH_OK && i < b->size; i++)
            if (b->token[i].rank != YH_NO_ID)
                b->token[i].prefix = prefix[i];
    }
    yh_free(key);
    yh_free(prefix);
    return s;
}

void yh_bpe_exact_fini(yh_bpe *b)
{
    yh_free(b->token);
    yh_free(b->strange);
    yh_free(b->tainted);
    b->token = NULL;
    b->strange = b->tainted = NULL;
    yh_datrie_fini(&b->trie);
}

yh_status yh_bpe_exact_build(yh_bpe *b, const char *name, yh_err *err)
{
    yh_bpe_exact_fini(b);
    uint8_t *live = yh_calloc((size_t)b->merges + 1, 1);
    b->token = yh_malloc(((size_t)b->size + 1) * sizeof *b->token);
    if (b->token == NULL || live == NULL) {
        yh_free(live);
        return yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    }
    yh_status s = find_makers(b, live) ? find_strange(b, live, name, err) : YH_LIMIT;
    yh_free(live);
    if (s == YH_OK)
        s = build_trie(b, name, err);
    if (s == YH_LIMIT) { /* then merging, merge by merge */
        yh_bpe_exact_fini(b);
        return YH_OK;
    }
    return s;
}

/* The longest token at the start of t[0..n), n > 0: there is one for every byte. *len: its length.
 * whole: NULL, or set when all of t is a token, which is then the result. */
static inline uint32_t longest(const yh_datrie *trie, const uint8_t *t, size_t n, size_t *len,
                               bool *whole)
{
    const yh_datrie_node *node = trie->node;
    uint32_t at = node[0].link >> 9, found = YH_NO_ID, v = YH_DATRIE_NONE;
    size_t i = 0;
    for (; i < n; i++) {
        const yh_datrie_node *to = &node[at ^ t[i]];
        uint32_t link = to->link;
        if ((link & 0x1FF) != (t[i] | 0x100u))
            break;
        at = link >> 9;
        v = to->value;
        if ((v & YH_DATRIE_BY) == 0) {
            found = v;
            *len = i + 1;
        }
    }
    if (whole != NULL && (*whole = i == n && v != YH_DATRIE_NONE))
        return v & ~YH_DATRIE_BY;
    return found;
}

size_t yh_bpe_exact(const yh_bpe *b, const uint8_t *t, size_t n, uint32_t *id, uint64_t *dead)
{
    uint64_t few = 0;
    size_t at = 0, m = 0, len = 0;
    bool whole;
    uint32_t next = longest(&b->trie, t, n, &len, &whole);
    if (whole && (b->ignore_merges || b->strange == NULL)) {
        id[0] = next;
        return 1;
    }
    if (dead == NULL)
        dead = &few;
    for (;;) {
        size_t end = at + len;
        verdict v = (dead[end / 64] >> (end & 63) & 1) != 0 ? CROSSED
                    : m == 0                                ? AGREED
                             : agree(b, id[m - 1], next, UINT32_MAX, NULL);
        if (v == STRANGE || (b->strange != NULL && v == AGREED && b->tainted[next]))
            return 0;
        if (v == AGREED) {
            id[m++] = next;
            if (end == n)
                return m;
            at = end;
            next = longest(&b->trie, t + at, n - at, &len, NULL);
            continue;
        }
        next = b->token[next].prefix;
        while (next == YH_NO_ID) {
            if (m == 0)
                return 0;
            dead[at / 64] |= (uint64_t)1 << (at & 63);
            next = id[--m];
            at -= b->len[next];
            next = b->token[next].prefix;
        }
        len = b->len[next];
    }
}
