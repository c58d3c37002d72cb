/* Pair counts are kept exact while merging: each merge touches only the words that hold the pair
 * (an index from pair to words), and a heap with stale entries yields the next pair. */
#include "base/hash.h"
#include "text/bpe.h"
#include "text/bpe_train.h"

enum { MIN_COUNT = 2 };

typedef struct pair {
    uint32_t left, right;
    int64_t count;
    uint32_t *words; /* may hold words that lost the pair since, and a word twice */
    uint32_t n, cap; /* cap 0: words is a view into the first index */
    uint32_t stamp;  /* merge that raised its count last */
} pair;

typedef struct entry {
    int64_t count;
    uint32_t left, right, index;
} entry;

typedef struct trainer {
    yh_train_words *w;
    uint32_t *len; /* symbols left of each word */
    pair *pair;
    uint32_t pairs;
    size_t pair_cap;
    uint32_t *slot; /* hash of (left, right) to pair index + 1 */
    size_t slots;
    uint32_t *first; /* word index of the first pairs */
    entry *heap;
    size_t heap_n, heap_cap;
    uint32_t *raised; /* pairs whose count the current merge raised */
    size_t raised_n, raised_cap;
    yh_buf bytes; /* of all tokens */
    size_t *token;
    uint32_t tokens;
    size_t token_cap;
    uint32_t *text_slot; /* hash of token bytes to id + 1 */
    size_t text_slots;
} trainer;

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM,
                   "no memory to train the tokenizer; train on a part of the corpus");
}

static inline bool before(const entry *a, const entry *b)
{
    if (a->count != b->count)
        return a->count > b->count;
    return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static yh_status heap_push(trainer *t, uint32_t index, yh_err *err)
{
    entry *h = yh_grow(t->heap, &t->heap_cap, t->heap_n + 1, sizeof *h);
    if (h == NULL)
        return no_memory(err);
    t->heap = h;
    const pair *p = &t->pair[index];
    entry v = {p->count, p->left, p->right, index};
    size_t i = t->heap_n++;
    for (; i > 0 && before(&v, &h[(i - 1) / 2]); i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = v;
    return YH_OK;
}

static entry heap_pop(trainer *t)
{
    entry top = t->heap[0], v = t->heap[--t->heap_n], *h = t->heap;
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < t->heap_n; i = c) {
        if (c + 1 < t->heap_n && before(&h[c + 1], &h[c]))
            c++;
        if (!before(&h[c], &v))
            break;
        h[i] = h[c];
    }
    if (t->heap_n > 0)
        h[i] = v;
    return top;
}

static inline size_t pair_hash(uint32_t left, uint32_t right)
{
    uint64_t k = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (size_t)(k ^ k >> 29);
}

static yh_status grow_slots(trainer *t, yh_err *err)
{
    size_t slots = t->slots == 0 ? 1 << 16 : t->slots * 2;
    uint32_t *slot = yh_calloc(slots, sizeof *slot);
    if (slot == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < t->pairs; i++) {
        size_t k = pair_hash(t->pair[i].left, t->pair[i].right) & (slots - 1);
        while (slot[k] != 0)
            k = (k + 1) & (slots - 1);
        slot[k] = i + 1;
    }
    yh_free(t->slot);
    t->slot = slot;
    t->slots = slots;
    return YH_OK;
}

/* Index of the pair; made when make is true and it is new. UINT32_MAX: none. */
static yh_status pair_find(trainer *t, uint32_t left, uint32_t right, bool make, uint32_t *out,
                           yh_err *err)
{
    size_t k = pair_hash(left, right) & (t->slots - 1);
    for (; t->slot[k] != 0; k = (k + 1) & (t->slots - 1)) {
        const pair *p = &t->pair[t->slot[k] - 1];
        if (p->left == left && p->right == right) {
            *out = t->slot[k] - 1;
            return YH_OK;
        }
    }
    *out = UINT32_MAX;
    if (!make)
        return YH_OK;
    if (t->pairs == UINT32_MAX - 1)
        return yh_fail(err, YH_LIMIT, "too many pairs to train on");
    pair *all = yh_grow(t->pair, &t->pair_cap, (size_t)t->pairs + 1, sizeof *all);
    if (all == NULL)
        return no_memory(err);
    t->pair = all;
    *out = t->pairs;
    t->slot[k] = t->pairs + 1;
    all[t->pairs++] = (pair){.left = left, .right = right, .stamp = UINT32_MAX};
    return t->pairs * 2ull > t->slots ? grow_slots(t, err) : YH_OK;
}

/* Counts the byte pairs of all words and lists the words of each. */
static yh_status first_index(trainer *t, yh_err *err)
{
    const yh_train_words *w = t->w;
    uint32_t *seen = yh_malloc(65536 * sizeof *seen); /* last word that was listed */
    uint64_t *at = yh_calloc(65537, sizeof *at);
    int64_t *count = yh_calloc(65536, sizeof *count);
    yh_status s = seen != NULL && at != NULL && count != NULL ? YH_OK : no_memory(err);
    if (s != YH_OK)
        goto done;
    memset(seen, 0xFF, 65536 * sizeof *seen);
    for (uint32_t i = 0; i < w->n; i++)
        for (uint64_t k = w->start[i]; k + 1 < w->start[i + 1]; k++) {
            uint32_t key = w->sym[k] << 8 | w->sym[k + 1];
            count[key] += w->count[i];
            if (seen[key] != i)
                at[key + 1]++;
            seen[key] = i;
        }
    for (uint32_t k = 0; k < 65536; k++)
        at[k + 1] += at[k];
    t->first = yh_malloc((at[65536] + 1) * sizeof *t->first);
    if (t->first == NULL) {
        s = no_memory(err);
        goto done;
    }
    for (uint32_t k = 0; k < 65536 && s == YH_OK; k++) {
        uint32_t p;
        if (at[k] == at[k + 1])
            continue;
        YH_GOTO(s, pair_find(t, k >> 8, k & 0xFF, true, &p, err), done);
        t->pair[p].count = count[k];
        t->pair[p].words = t->first + at[k];
        t->pair[p].n = (uint32_t)(at[k + 1] - at[k]);
        s = heap_push(t, p, err);
    }
    memset(seen, 0xFF, 65536 * sizeof *seen);
    for (uint32_t i = 0; i < w->n; i++)
        for (uint64_t k = w->start[i]; k + 1 < w->start[i + 1]; k++) {
            uint32_t key = w->sym[k] << 8 | w->sym[k + 1];
            if (seen[key] != i)
                t->first[at[key]++] = i;
            seen[key] = i;
        }
done:
    yh_free(seen);
    yh_free(at);
    yh_free(count);
    return s;
}

static yh_status raise_pair(trainer *t, uint32_t left, uint32_t right, uint32_t word, int64_t by,
                            uint32_t stamp, yh_err *err)
{
    uint32_t i;
    YH_TRY(pair_find(t, left, right, true, &i, err));
    pair *p = &t->pair[i];
    p->count += by;
    if (p->stamp != stamp) {
        p->stamp = stamp;
        uint32_t *r = yh_grow(t->raised, &t->raised_cap, t->raised_n + 1, sizeof *r);
        if (r == NULL)
            return no_memory(err);
        t->raised = r;
        r[t->raised_n++] = i;
    }
    if (p->n > 0 && p->words[p->n - 1] == word)
        return YH_OK;
    if (p->n == p->cap || p->cap == 0) {
        size_t cap = p->cap;
        uint32_t *own = yh_grow(p->cap == 0 ? NULL : p->words, &cap, (size_t)p->n + 1, sizeof *own);
        if (own == NULL || cap > UINT32_MAX) {
            if (own != NULL && p->cap == 0)
                yh_free(own);
            return no_memory(err);
        }
        if (p->cap == 0 && p->n > 0)
            memcpy(own, p->words, p->n * sizeof *own);
        p->words = own;
        p->cap = (uint32_t)cap;
    }
    p->words[p->n++] = word;
    return YH_OK;
}

static yh_status lower_pair(trainer *t, uint32_t left, uint32_t right, int64_t by, yh_err *err)
{
    uint32_t i;
    YH_TRY(pair_find(t, left, right, false, &i, err));
    if (i != UINT32_MAX)
        t->pair[i].count -= by;
    return YH_OK;
}

/* Merges (left, right) in one word and keeps the counts. */
static yh_status merge_word(trainer *t, uint32_t word, uint32_t left, uint32_t right, uint32_t made,
                            uint32_t stamp, yh_err *err)
{
    uint32_t *s = t->w->sym + t->w->start[word];
    uint32_t n = t->len[word], out = 0;
    int64_t c = t->w->count[word];
    for (uint32_t i = 0; i < n;) {
        if (s[i] != left || i + 1 >= n || s[i + 1] != right) {
            s[out++] = s[i++];
            continue;
        }
        if (out > 0) {
            YH_TRY(lower_pair(t, s[out - 1], left, c, err));
            YH_TRY(raise_pair(t, s[out - 1], made, word, c, stamp, err));
        }
        if (i + 2 < n) {
            YH_TRY(lower_pair(t, right, s[i + 2], c, err));
            YH_TRY(raise_pair(t, made, s[i + 2], word, c, stamp, err));
        }
        s[out++] = made;
        i += 2;
    }
    t->len[word] = out;
    return YH_OK;
}

/* ---- tokens by their bytes: a merge may make a text that is there already ---- */

static yh_status grow_texts(trainer *t, yh_err *err)
{
    size_t slots = t->text_slots == 0 ? 4096 : t->text_slots * 2;
    uint32_t *slot = yh_calloc(slots, sizeof *slot);
    if (slot == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < t->tokens; i++) {
        size_t k =
            yh_hash64(t->bytes.data + t->token[i], t->token[i + 1] - t->token[i], 0) & (slots - 1);
        while (slot[k] != 0)
            k = (k + 1) & (slots - 1);
        slot[k] = i + 1;
    }
    yh_free(t->text_slot);
    t->text_slot = slot;
    t->text_slots = slots;
    return YH_OK;
}

/* Id of the bytes behind the last token, which become a token when they are new. */
static yh_status token_of(trainer *t, uint32_t *id, yh_err *err)
{
    size_t b = t->token[t->tokens], n = t->bytes.len - b;
    size_t k = yh_hash64(t->bytes.data + b, n, 0) & (t->text_slots - 1);
    for (; t->text_slot[k] != 0; k = (k + 1) & (t->text_slots - 1)) {
        uint32_t o = t->text_slot[k] - 1;
        if (t->token[o + 1] - t->token[o] == n &&
            memcmp(t->bytes.data + t->token[o], t->bytes.data + b, n) == 0) {
            t->bytes.len = b;
            *id = o;
            return YH_OK;
        }
    }
    size_t *token = yh_grow(t->token, &t->token_cap, (size_t)t->tokens + 2, sizeof *token);
    if (token == NULL)
        return no_memory(err);
    t->token = token;
    t->text_slot[k] = t->tokens + 1;
    *id = t->tokens++;
    token[t->tokens] = t->bytes.len;
    return t->tokens * 2ull > t->text_slots ? grow_texts(t, err) : YH_OK;
}

static yh_status first_tokens(trainer *t, yh_err *err)
{
    size_t *token = yh_grow(t->token, &t->token_cap, 257, sizeof *token);
    if (token == NULL)
        return no_memory(err);
    t->token = token;
    token[0] = 0;
    YH_TRY(grow_texts(t, err));
    for (int i = 0; i < 256; i++) {
        uint32_t id;
        YH_TRY(yh_buf_add(&t->bytes, &yh_byte_order[i], 1, err));
        YH_TRY(token_of(t, &id, err));
    }
    return YH_OK;
}

static yh_status join(trainer *t, uint32_t left, uint32_t right, uint32_t *id, yh_err *err)
{
    size_t ln = t->token[left + 1] - t->token[left], rn = t->token[right + 1] - t->token[right];
    YH_TRY(yh_buf_reserve(&t->bytes, ln + rn, err)); /* before taking pointers into it */
    YH_TRY(yh_buf_add(&t->bytes, t->bytes.data + t->token[left], ln, err));
    YH_TRY(yh_buf_add(&t->bytes, t->bytes.data + t->token[right], rn, err));
    return token_of(t, id, err);
}

static yh_status record(yh_train_merges *m, uint32_t left, uint32_t right, uint32_t id, yh_err *err)
{
    uint32_t *l = yh_grow(m->left, &m->left_cap, (size_t)m->n + 1, sizeof *l);
    if (l != NULL)
        m->left = l;
    uint32_t *r = yh_grow(m->right, &m->right_cap, (size_t)m->n + 1, sizeof *r);
    if (r != NULL)
        m->right = r;
    uint32_t *x = yh_grow(m->result, &m->result_cap, (size_t)m->n + 1, sizeof *x);
    if (x != NULL)
        m->result = x;
    if (l == NULL || r == NULL || x == NULL)
        return no_memory(err);
    l[m->n] = left;
    r[m->n] = right;
    x[m->n++] = id;
    return YH_OK;
}

void yh_train_merges_fini(yh_train_merges *m)
{
    yh_free(m->left);
    yh_free(m->right);
    yh_free(m->result);
    memset(m, 0, sizeof *m);
}

static yh_status merge_all(trainer *t, uint32_t tokens,
                           void (*progress)(void *, uint64_t, uint64_t), void *user,
                           yh_train_merges *out, yh_err *err)
{
    while (t->tokens < tokens && t->heap_n > 0) {
        entry e = heap_pop(t);
        int64_t now = t->pair[e.index].count;
        if (e.count != now) {
            if (now >= MIN_COUNT)
                YH_TRY(heap_push(t, e.index, err));
            continue;
        }
        if (now < MIN_COUNT)
            break;
        uint32_t made, stamp = out->n;
        YH_TRY(join(t, e.left, e.right, &made, err));
        YH_TRY(record(out, e.left, e.right, made, err));
        /* the list is taken away first: raise_pair may move the pairs */
        pair *p = &t->pair[e.index];
        uint32_t *words = p->words, n = p->n, cap = p->cap;
        p->words = NULL;
        p->n = p->cap = 0;
        yh_status s = YH_OK;
        t->raised_n = 0;
        for (uint32_t i = 0; i < n && s == YH_OK; i++)
            s = merge_word(t, words[i], e.left, e.right, made, stamp, err);
        if (cap > 0)
            yh_free(words);
        t->pair[e.index].count = 0;
        for (size_t i = 0; i < t->raised_n && s == YH_OK; i++)
            if (t->pair[t->raised[i]].count >= MIN_COUNT)
                s = heap_push(t, t->raised[i], err);
        if (s != YH_OK)
            return s;
        if (out->n % 64 == 0) {
            if (progress != NULL)
                progress(user, out->n, tokens - 256);
            if (yh_stop_requested())
                return yh_fail(err, YH_STOPPED, "stopped");
        }
    }
    if (progress != NULL)
        progress(user, out->n, out->n);
    return YH_OK;
}

yh_status yh_bpe_train(yh_train_words *w, uint32_t tokens,
                       void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                       yh_train_merges *out, yh_err *err)
{
    trainer t = {.w = w};
    memset(out, 0, sizeof *out);
    yh_buf_init(&t.bytes, 0);
    t.len = yh_malloc(((size_t)w->n + 1) * sizeof *t.len);
    yh_status s = t.len != NULL ? YH_OK : no_memory(err);
    for (uint32_t i = 0; i < w->n && s == YH_OK; i++)
        t.len[i] = (uint32_t)(w->start[i + 1] - w->start[i]);
    if (s == YH_OK)
        s = grow_slots(&t, err);
    if (s == YH_OK)
        s = first_tokens(&t, err);
    if (s == YH_OK)
        s = first_index(&t, err);
    if (s == YH_OK)
        s = merge_all(&t, tokens, progress, user, out, err);
    out->tokens = t.tokens;
    for (uint32_t i = 0; i < t.pairs; i++)
        if (t.pair[i].cap > 0)
            yh_free(t.pair[i].words);
    yh_free(t.len);
    yh_free(t.pair);
    yh_free(t.slot);
    yh_free(t.first);
    yh_free(t.heap);
    yh_free(t.raised);
    yh_buf_fini(&t.bytes);
    yh_free(t.token);
    yh_free(t.text_slot);
    return s;
}
