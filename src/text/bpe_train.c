/* Merging: a heap yields the most frequent listed pair; a merge visits only the words that hold it
 * and keeps the counts of listed pairs exact. What it changes is first added up by neighbour, so
 * that the pairs themselves are looked up once per merge and neighbour, and the lists of new pairs
 * get their exact length. */
#include "text/bpe_train.h"

#include "text/bpe.h"
#include "text/pair_index.h"

enum { THRESHOLD_STEP = 16 };

typedef struct entry {
    int64_t count;
    uint32_t left, right, index;
} entry;

/* What one merge of (a, b) to c does beside a neighbour: pairs (neighbour, a) become
 * (neighbour, c), or (b, neighbour) become (c, neighbour). */
typedef struct change {
    int64_t count;
    uint32_t n;     /* words, some maybe twice */
    uint32_t last;  /* last word + 1 */
    uint32_t *list; /* where the words go; NULL: the pair is not listed */
} change;

typedef struct seen {
    uint32_t neighbour, word; /* neighbour << 1 | side */
} seen;

typedef struct trainer {
    yh_train_words *w;
    yh_pair_index index;
    int64_t min_count;
    entry *heap;
    size_t heap_n, heap_cap;
    change *change[2]; /* [side][neighbour]; zero between merges */
    change twins;      /* (c, c) of neighbouring merges */
    uint32_t *touched[2];
    uint32_t touched_n[2];
    seen *seen;
    size_t seen_n, seen_cap;
    size_t seen_most;   /* in the memory there is; more in one merge: */
    bool anew;          /* the index is no longer right */
    uint64_t list_most; /* bytes of lists at which they are made anew */
} trainer;
enum { LEFT, RIGHT };

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM,
                   "no memory to train the tokenizer; give it less with --memory, or train on a "
                   "part of the corpus");
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
    const yh_listed_pair *p = &t->index.pair[index];
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

/* ---- one merge ---- */

/* First place at or behind i where (a, b) stands, or n - 1 and more when there is none. */
static inline uint32_t find_pair(const uint32_t *s, uint32_t i, uint32_t n, uint32_t a, uint32_t b)
{
    enum { BLOCK = 16 };
    for (; i + BLOCK < n; i += BLOCK) {
        uint32_t any = 0; /* without a branch: for vector instructions */
        for (uint32_t k = 0; k < BLOCK; k++)
            any |= (uint32_t)(s[i + k] == a) & (uint32_t)(s[i + k + 1] == b);
        if (any)
            break;
    }
    while (i + 1 < n && !(s[i] == a && s[i + 1] == b))
        i++;
    return i;
}

static yh_status note_seen(trainer *t, uint32_t neighbour, uint32_t word, yh_err *err)
{
    if (t->seen_n >= t->seen_most) {
        t->anew = true;
        return YH_OK;
    }
    if (t->seen_n == t->seen_cap) {
        seen *s = yh_grow(t->seen, &t->seen_cap, t->seen_n + 1, sizeof *s);
        if (s == NULL)
            return no_memory(err);
        t->seen = s;
    }
    t->seen[t->seen_n++] = (seen){neighbour, word};
    return YH_OK;
}

static inline yh_status note(trainer *t, int side, uint32_t neighbour, uint32_t word, int64_t count,
                             yh_err *err)
{
    change *c = &t->change[side][neighbour];
    if (c->last == 0)
        t->touched[side][t->touched_n[side]++] = neighbour;
    c->count += count;
    if (c->last == word + 1)
        return YH_OK;
    c->last = word + 1;
    c->n++;
    return note_seen(t, neighbour << 1 | (uint32_t)side, word, err);
}

/* Merges (a, b) in one word and notes the neighbours. */
static yh_status merge_word(trainer *t, uint32_t word, uint32_t a, uint32_t b, uint32_t made,
                            yh_err *err)
{
    yh_train_words_visit(t->w);
    uint32_t *head = t->w->data + word, *s = head + YH_TRAIN_HEAD, n = head[2];
    int64_t count = yh_train_count(head);
    uint32_t i = find_pair(s, 0, n, a, b), out = i;
    if (i + 1 >= n)
        return YH_OK; /* lost the pair since it was listed */
    for (bool joined = false;;) {
        /* (a, b) stands at i; joined: what was written last was made just now */
        if (out > 0 && !joined)
            YH_TRY(note(t, LEFT, s[out - 1], word, count, err));
        s[out++] = made;
        i += 2;
        joined = i + 1 < n && s[i] == a && s[i + 1] == b;
        if (joined) {
            t->twins.count += count;
            t->twins.n++;
            YH_TRY(note_seen(t, UINT32_MAX, word, err));
            continue;
        }
        if (i >= n)
            break;
        YH_TRY(note(t, RIGHT, s[i], word, count, err));
        uint32_t next = find_pair(s, i, n, a, b);
        if (next + 1 >= n)
            next = n;
        memmove(s + out, s + i, (next - i) * sizeof *s);
        out += next - i;
        i = next;
        if (i >= n)
            break;
    }
    for (i = out; i < n; i++)
        s[i] = YH_TRAIN_GAP;
    head[2] = out;
    return YH_OK;
}

/* A new pair: its younger token was made just now. */
static yh_status gain(trainer *t, uint32_t left, uint32_t right, change *c, yh_err *err)
{
    yh_pair_index *x = &t->index;
    uint32_t k;
    c->list = NULL;
    if (c->count <= x->blind)
        return YH_OK;
    YH_TRY(yh_pair_index_add(x, left, right, &k, err));
    c->list = yh_pair_index_list(x, c->n);
    if (c->list == NULL)
        return no_memory(err);
    x->pair[k].words = c->list;
    x->pair[k].n = c->n;
    x->pair[k].count = c->count;
    return heap_push(t, k, err);
}

static void lose(trainer *t, uint32_t left, uint32_t right, int64_t count)
{
    uint32_t k = yh_pair_index_find(&t->index, left, right);
    if (k != UINT32_MAX)
        t->index.pair[k].count -= count;
}

/* Brings what the words of the merge noted into the index. */
static yh_status apply(trainer *t, uint32_t a, uint32_t b, uint32_t made, yh_err *err)
{
    for (uint32_t i = 0; i < t->touched_n[LEFT]; i++) {
        uint32_t x = t->touched[LEFT][i];
        lose(t, x, a, t->change[LEFT][x].count);
        YH_TRY(gain(t, x, made, &t->change[LEFT][x], err));
    }
    for (uint32_t i = 0; i < t->touched_n[RIGHT]; i++) {
        uint32_t y = t->touched[RIGHT][i];
        lose(t, b, y, t->change[RIGHT][y].count);
        YH_TRY(gain(t, made, y, &t->change[RIGHT][y], err));
    }
    if (t->twins.n > 0) {
        lose(t, b, a, t->twins.count);
        YH_TRY(gain(t, made, made, &t->twins, err));
    }
    for (size_t i = 0; i < t->seen_n; i++) {
        const seen *s = &t->seen[i];
        change *c = s->neighbour == UINT32_MAX ? &t->twins
                                               : &t->change[s->neighbour & 1][s->neighbour >> 1];
        if (c->list != NULL)
            *c->list++ = s->word;
    }
    return YH_OK;
}

static yh_status merge_pair(trainer *t, const entry *e, uint32_t made, yh_err *err)
{
    enum { AHEAD = 12 };
    const yh_listed_pair *p = &t->index.pair[e->index];
    const uint32_t *words = p->words, n = p->n;
    const uint32_t *data = t->w->data;
    yh_status s = YH_OK;
    t->twins = (change){0};
    t->seen_n = t->touched_n[LEFT] = t->touched_n[RIGHT] = 0;
    for (uint32_t i = 0; i < n && s == YH_OK; i++) {
        if (i + AHEAD < n && t->w->memory == 0)
            __builtin_prefetch(data + words[i + AHEAD], 1);
        s = merge_word(t, words[i], e->left, e->right, made, err);
    }
    if (s == YH_OK && !t->anew)
        s = apply(t, e->left, e->right, made, err);
    for (int side = LEFT; side <= RIGHT; side++)
        for (uint32_t i = 0; i < t->touched_n[side]; i++)
            t->change[side][t->touched[side][i]] = (change){0};
    t->index.pair[e->index].count = 0;
    t->index.pair[e->index].n = 0;
    return s;
}

static yh_status record(yh_train_merges *m, uint32_t left, uint32_t right, yh_err *err)
{
    uint32_t *l = yh_grow(m->left, &m->left_cap, (size_t)m->n + 1, sizeof *l);
    if (l != NULL)
        m->left = l;
    uint32_t *r = yh_grow(m->right, &m->right_cap, (size_t)m->n + 1, sizeof *r);
    if (r != NULL)
        m->right = r;
    if (l == NULL || r == NULL)
        return no_memory(err);
    l[m->n] = left;
    r[m->n++] = right;
    return YH_OK;
}

void yh_train_merges_fini(yh_train_merges *m)
{
    yh_free(m->left);
    yh_free(m->right);
    memset(m, 0, sizeof *m);
}

/* Lists the pairs anew; the most frequent ones that are left occur at most `most` times. Where the
 * lists do not fit into memory, only those of more frequent pairs are made; those of the pairs that
 * occur most often of all whatever the memory. */
static yh_status list_pairs(trainer *t, int64_t most, yh_pool *pool, yh_err *err)
{
    int64_t large = 0; /* a threshold whose lists are too large */
    t->anew = false;
    for (;;) {
        int64_t threshold = large > 0 ? large + (most - large + 1) / 2 : most / THRESHOLD_STEP;
        bool done;
        if (threshold < t->min_count)
            threshold = t->min_count;
        YH_TRY(yh_pair_index_build(&t->index, t->w, threshold, threshold < most ? t->w->memory : 0,
                                   pool, &done, err));
        if (!done) {
            large = threshold;
            continue;
        }
        t->heap_n = 0;
        for (uint32_t i = 0; i < t->index.n; i++)
            YH_TRY(heap_push(t, i, err));
        t->list_most = t->w->memory == 0 ? UINT64_MAX : t->index.list_bytes + t->w->memory / 8;
        if (t->heap_n > 0 || threshold == t->min_count)
            return YH_OK;
        most = threshold - 1;
    }
}

/* Whether left and right spell the text. Waiting tokens have a byte each at least. */
static bool spells(const yh_train_merges *m, uint32_t left, uint32_t right, const yh_buf *text)
{
    enum { DEEP = 1024 };
    uint32_t wait[DEEP + 2] = {right, left};
    size_t waiting = 2, at = 0;
    while (waiting > 0) {
        if (waiting > text->len - at || waiting > DEEP)
            return false;
        uint32_t id = wait[--waiting];
        if (id >= 256) {
            wait[waiting++] = m->right[id - 256];
            wait[waiting++] = m->left[id - 256];
        } else if (yh_byte_order[id] != (uint8_t)text->data[at++]) {
            return false;
        }
    }
    return at == text->len;
}

static bool is_reserved(const yh_train_words *w, const yh_train_merges *m, const entry *e)
{
    for (uint32_t i = 0; i < w->reserved_n; i++)
        if (spells(m, e->left, e->right, &w->reserved[i]))
            return true;
    return false;
}

static yh_status merge_all(trainer *t, uint32_t tokens, yh_pool *pool,
                           void (*progress)(void *, uint64_t, uint64_t), void *user,
                           yh_train_merges *out, yh_err *err)
{
    int64_t most;
    YH_TRY(yh_pair_first_most(t->w, &most, err));
    YH_TRY(list_pairs(t, most, pool, err));
    while (out->n + 256ull < tokens) {
        if (t->anew || t->index.list_bytes > t->list_most) {
            YH_TRY(list_pairs(t, most, pool, err));
        } else if (t->heap_n == 0) {
            if (t->index.blind < t->min_count)
                break;
            YH_TRY(list_pairs(t, t->index.blind, pool, err));
            if (t->heap_n == 0)
                break;
        }
        entry e = heap_pop(t);
        int64_t now = t->index.pair[e.index].count;
        if (now <= t->index.blind)
            continue; /* maybe less frequent than a pair that is not listed: later */
        if (e.count != now) {
            YH_TRY(heap_push(t, e.index, err));
            continue;
        }
        most = now;
        if (is_reserved(t->w, out, &e))
            continue;
        YH_TRY(record(out, e.left, e.right, err));
        YH_TRY(merge_pair(t, &e, 255 + out->n, err));
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

static yh_status make_changes(trainer *t, uint32_t tokens, yh_err *err)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        t->change[side] = yh_calloc(tokens, sizeof(change));
        t->touched[side] = yh_malloc((size_t)tokens * sizeof(uint32_t));
        if (t->change[side] == NULL || t->touched[side] == NULL)
            return no_memory(err);
    }
    return YH_OK;
}

yh_status yh_bpe_train(yh_train_words *w, uint32_t tokens, int64_t min_count, yh_pool *pool,
                       void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                       yh_train_merges *out, yh_err *err)
{
    trainer t = {.w = w, .min_count = min_count < 1 ? 1 : min_count, .seen_most = SIZE_MAX};
    if (w->memory != 0)
        t.seen_most = (size_t)(w->memory / 16 / sizeof *t.seen);
    memset(out, 0, sizeof *out);
    if (w->len >= UINT32_MAX)
        return yh_fail(err, YH_LIMIT, "the different words have more than 4 billion bytes in all");
    yh_status s = make_changes(&t, tokens > 256 ? tokens : 256, err);
    if (s == YH_OK)
        s = merge_all(&t, tokens, pool, progress, user, out, err);
    yh_pair_index_fini(&t.index);
    for (int side = LEFT; side <= RIGHT; side++) {
        yh_free(t.change[side]);
        yh_free(t.touched[side]);
    }
    yh_free(t.heap);
    yh_free(t.seen);
    return s;
}
