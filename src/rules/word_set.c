#include "rules/word_set.h"

#include "base/hash.h"

yh_status yh_word_set_create(yh_word_set *s, json_t *list, yh_err *err)
{
    size_t slots = 16;
    *s = (yh_word_set){.n = json_array_size(list)};
    while (slots < 2 * s->n)
        slots *= 2;
    s->mask = slots - 1;
    s->text = yh_calloc(s->n + 1, sizeof *s->text);
    s->len = yh_calloc(s->n + 1, sizeof *s->len);
    s->slot = yh_calloc(slots, sizeof *s->slot);
    if (s->text == NULL || s->len == NULL || s->slot == NULL) {
        yh_word_set_fini(s);
        return yh_fail(err, YH_NOMEM, "no memory for %zu words", json_array_size(list));
    }
    s->list = json_incref(list);
    for (size_t i = 0; i < s->n; i++) {
        json_t *v = json_array_get(list, i);
        s->text[i] = json_string_value(v);
        s->len[i] = json_string_length(v);
        if (yh_word_set_find(s, s->text[i], s->len[i]) >= 0)
            continue;
        size_t k = yh_hash64(s->text[i], s->len[i], 0) & s->mask;
        while (s->slot[k] != 0)
            k = (k + 1) & s->mask;
        s->slot[k] = (uint32_t)i + 1;
    }
    return YH_OK;
}

void yh_word_set_fini(yh_word_set *s)
{
    yh_free(s->text);
    yh_free(s->len);
    yh_free(s->slot);
    json_decref(s->list);
    *s = (yh_word_set){0};
}

int yh_word_set_find(const yh_word_set *s, const char *p, size_t n)
{
    if (s->slot == NULL)
        return -1;
    for (size_t k = yh_hash64(p, n, 0) & s->mask; s->slot[k] != 0; k = (k + 1) & s->mask) {
        size_t i = s->slot[k] - 1;
        if (s->len[i] == n && memcmp(s->text[i], p, n) == 0)
            return (int)i;
    }
    return -1;
}
