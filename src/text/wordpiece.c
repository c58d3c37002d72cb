#include "text/wordpiece.h"

yh_status yh_places_add(yh_places *p, uint32_t id, size_t begin, size_t end, yh_err *err)
{
    if (p->n == p->cap) {
        size_t cap = p->cap < 64 ? 64 : 2 * p->cap;
        uint32_t **arrays[] = {&p->id, &p->begin, &p->end};
        for (int i = 0; i < 3; i++) {
            uint32_t *at = yh_realloc_array(*arrays[i], cap, sizeof *at);
            if (at == NULL)
                return yh_fail(err, YH_NOMEM, "no memory for the tokens of a word");
            *arrays[i] = at;
        }
        p->cap = cap;
    }
    p->id[p->n] = id;
    p->begin[p->n] = (uint32_t)begin;
    p->end[p->n++] = (uint32_t)end;
    return YH_OK;
}

void yh_places_fini(yh_places *p)
{
    yh_free(p->id);
    yh_free(p->begin);
    yh_free(p->end);
    *p = (yh_places){0};
}

yh_status yh_wordpiece_init(yh_wordpiece *m, const yh_bpe *v, const char *prefix, uint32_t unk,
                            size_t max_chars, bool whole, yh_err *err)
{
    size_t n = 0;
    *m = (yh_wordpiece){.unk = unk, .max_chars = max_chars, .whole = whole};
    yh_datrie_key *key = yh_malloc(((size_t)v->count + 1) * sizeof *key);
    if (key == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a vocabulary");
    for (uint32_t i = 0; i < v->size; i++)
        if (v->begin[i] != SIZE_MAX && v->len[i] > 0)
            key[n++] = (yh_datrie_key){v->blob + v->begin[i], v->len[i], i};
    yh_status s = yh_datrie_build(&m->trie, key, n, NULL, err);
    yh_free(key);
    m->inner = 0;
    for (const char *p = prefix; s == YH_OK && *p != '\0'; p++)
        if ((m->inner = yh_datrie_child(&m->trie, m->inner, (uint8_t)*p)) == 0) {
            m->inner = YH_DATRIE_NONE;
            break;
        }
    return s;
}

void yh_wordpiece_fini(yh_wordpiece *m)
{
    yh_datrie_fini(&m->trie);
}

yh_status yh_wordpiece_word(const yh_wordpiece *m, yh_places *p, const uint8_t *t, size_t n,
                            yh_err *err)
{
    size_t chars = 0, at = 0;
    p->n = 0;
    if (m->whole) {
        uint32_t id = yh_datrie_get(&m->trie, (const char *)t, n);
        if (id == YH_DATRIE_NONE)
            id = m->unk;
        return id == YH_NO_ID ? YH_OK : yh_places_add(p, id, 0, n, err);
    }
    for (size_t i = 0; i < n && chars <= m->max_chars; i++)
        chars += (t[i] & 0xC0) != 0x80;
    while (at < n && chars <= m->max_chars) {
        uint32_t id, node = at == 0 ? 0 : m->inner;
        size_t len =
            node != YH_DATRIE_NONE ? yh_datrie_longest(&m->trie, node, t + at, n - at, &id) : 0;
        if (len == 0)
            break;
        YH_TRY(yh_places_add(p, id, at, at + len, err));
        at += len;
    }
    if (at == n)
        return YH_OK;
    p->n = 0;
    return yh_places_add(p, m->unk, 0, n, err);
}
