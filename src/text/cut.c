/* A word of letters ends before anything that is no letter, for every scanner: so text may be cut
 * between the two, unless the normalizer could join them or an added token is near. */
#include "text/cut.h"
#include "text/utf8.h"

enum { NEAR = 256 }; /* bytes of an added token */

bool yh_can_cut(const yh_tok *t)
{
    const yh_pre_step *p = &t->pre.step[0];
    bool nfc = t->norm.n == 1 && t->norm.step[0].kind == YH_NORM_NFC;
    return t->kind == YH_MODEL_BPE && t->pre.n == 1 && p->kind == YH_PRE_PATTERN &&
           yh_pattern_kind(p->pattern) != YH_SCAN_REGEX &&
           (p->behavior == YH_ISOLATED || (p->behavior == YH_REMOVED && p->invert)) &&
           (t->norm.n == 0 || (nfc && t->normal.n == 0)) && t->raw.longest <= NEAR &&
           t->normal.longest <= NEAR;
}

/* Whether an added token stands over p, touches it, or may do so when the text goes on. */
static bool token_at(const yh_trie *trie, const uint8_t *t, size_t n, size_t p)
{
    if (trie->n == 0)
        return false;
    size_t from = p > trie->longest ? p - trie->longest : 0;
    for (size_t i = from; i <= p; i++) {
        if (trie->first[t[i]] == 0)
            continue;
        size_t k = i;
        uint32_t c = trie->first[t[k++]];
        for (;;) {
            if (k >= p && (trie->node[c].added >= 0 || k == n))
                return true;
            if (k == n || (c = yh_trie_child(trie, c, t[k])) == 0)
                break;
            k++;
        }
    }
    return false;
}

/* Between two characters: the one before p a letter, the one at p none, nor a mark, nor the
 * apostrophe of a contraction. */
static bool is_cut(const yh_tok *t, const uint8_t *text, size_t n, size_t p)
{
    uint32_t c;
    size_t b = p - 1;
    if (text[p] == '\'' || (text[p] & 0xC0) == 0x80)
        return false;
    while (b > 0 && p - b < 4 && (text[b] & 0xC0) == 0x80)
        b--;
    if (yh_utf8_decode(text + b, p - b, &c) != (int)(p - b) || (yh_uc_class(c) & YH_UC_L) == 0)
        return false;
    if (yh_utf8_decode(text + p, n - p, &c) < 0)
        return false;
    if (c >= 0x3040 && c <= 0x30FF) /* DeepSeek's words of Chinese go on with all of these */
        return false;
    uint8_t k = yh_uc_class(c);
    return (k & (YH_UC_L | YH_UC_M)) == 0 && (k & YH_UC_SAFE) != 0 &&
           !token_at(&t->raw, text, n, p) && !token_at(&t->normal, text, n, p);
}

size_t yh_cut_last(const yh_tok *t, const uint8_t *text, size_t n, size_t low, size_t high)
{
    for (size_t p = high < n ? high : n - 1; n > 0 && p > low; p--)
        if (is_cut(t, text, n, p))
            return p;
    return low;
}
