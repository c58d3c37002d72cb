/* A dictionary of words, a line "==", and a text that is divided by it and by the other definitions
 * of words: words come in order, apart from each other, and all that is not white space is in one.
 */
#include "rules/segmenter.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const yh_tokens *l, const char *text, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i <= l->n; i++) {
        size_t begin = i < l->n ? l->t[i].at : n;
        if (begin < at || begin > n)
            __builtin_trap();
        while (at < begin) {
            int len;
            if (!yh_char_space(yh_utf8_next((const uint8_t *)text + at, &len)))
                __builtin_trap();
            at += (size_t)len;
        }
        if (i < l->n)
            at += l->t[i].len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_segmenter *s = NULL;
    yh_buf text;
    yh_tokens l = {0};
    const uint8_t *mark = memmem(data, size, "\n==\n", 4);
    size_t n = mark != NULL ? (size_t)(mark - data) + 1 : 0;
    yh_buf_init(&text, 0);
    const uint8_t *rest = mark != NULL ? mark + 4 : data;
    yh_status st = yh_utf8_repair(rest, (size_t)(data + size - rest), &text, NULL);
    const char *p = text.data != NULL ? text.data : "";
    if (st == YH_OK && yh_words_english(&l, p, 0, text.len, false, NULL) == YH_OK)
        check(&l, p, text.len);
    l.n = 0;
    if (st == YH_OK && yh_words_chars(&l, p, 0, text.len, NULL) == YH_OK)
        check(&l, p, text.len);
    l.n = 0;
    if (st == YH_OK && yh_segmenter_parse(&s, (const char *)data, n, "dict", NULL) == YH_OK &&
        yh_words_chinese(s, &l, p, 0, text.len, false, NULL) == YH_OK)
        check(&l, p, text.len);
    yh_segmenter_free(s);
    yh_tokens_fini(&l);
    yh_buf_fini(&text);
    return 0;
}
