#include "rules/view.h"

#include "input/utf8_scan.h"
#include "text/utf8.h"

typedef struct view {
    bool has_chars, has_lines, has_splitlines, has_words[YH_WORD_KINDS];
    size_t chars;
    yh_tokens lines, splitlines, words[YH_WORD_KINDS];
    const yh_segmenter *seg; /* that divided words[YH_WORDS_CHINESE] */
} view;

static void view_free(void *p)
{
    view *v = p;
    yh_tokens_fini(&v->lines);
    yh_tokens_fini(&v->splitlines);
    for (int i = 0; i < YH_WORD_KINDS; i++)
        yh_tokens_fini(&v->words[i]);
    yh_free(v);
}

static yh_status view_of(yh_draft *d, view **out, yh_err *err)
{
    if (d->view == NULL) {
        if (d->len >= UINT32_MAX)
            return yh_fail(err, YH_LIMIT, "a document of %zu bytes: divide it into parts first",
                           d->len);
        d->view = yh_calloc(1, sizeof(view));
        if (d->view == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to look at a document");
        d->view_free = view_free;
    }
    *out = d->view;
    return YH_OK;
}

yh_status yh_view_chars(yh_draft *d, size_t *chars, yh_err *err)
{
    view *v = NULL;
    YH_TRY(view_of(d, &v, err));
    if (!v->has_chars)
        v->chars = yh_utf8_count(d->text, d->len);
    v->has_chars = true;
    *chars = v->chars;
    return YH_OK;
}

yh_status yh_view_lines(yh_draft *d, const yh_tokens **lines, yh_err *err)
{
    view *v = NULL;
    YH_TRY(view_of(d, &v, err));
    *lines = &v->lines;
    if (v->has_lines)
        return YH_OK;
    v->lines.n = 0;
    for (size_t at = 0; at <= d->len;) {
        const char *nl = memchr(d->text + at, '\n', d->len - at);
        size_t len = nl != NULL ? (size_t)(nl - d->text) - at : d->len - at;
        YH_TRY(yh_tokens_add(&v->lines, at, len, yh_utf8_count(d->text + at, len), err));
        at += len + 1;
    }
    v->has_lines = true;
    return YH_OK;
}

yh_status yh_view_splitlines(yh_draft *d, const yh_tokens **lines, yh_err *err)
{
    view *v = NULL;
    YH_TRY(view_of(d, &v, err));
    *lines = &v->splitlines;
    if (v->has_splitlines)
        return YH_OK;
    v->splitlines.n = 0;
    size_t begin = 0, chars = 0;
    for (size_t i = 0; i < d->len;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)d->text + i, &len);
        if (!yh_char_line_end(cp)) {
            i += (size_t)len;
            chars++;
            continue;
        }
        YH_TRY(yh_tokens_add(&v->splitlines, begin, i - begin, chars, err));
        i += (size_t)len;
        if (cp == '\r' && i < d->len && d->text[i] == '\n')
            i++;
        begin = i;
        chars = 0;
    }
    if (begin < d->len)
        YH_TRY(yh_tokens_add(&v->splitlines, begin, d->len - begin, chars, err));
    v->has_splitlines = true;
    return YH_OK;
}

/* ------------------------------------------------------------------ words */

static const char *const kinds[YH_WORD_KINDS] = {"auto", "english", "chinese", "space",
                                                 "characters"};

yh_status yh_word_rule_create(yh_word_rule *w, const json_t *params, yh_err *err)
{
    *w = (yh_word_rule){0};
    const char *name = yh_param_text(params, "words");
    int k = 0;
    while (k < YH_WORD_KINDS && strcmp(kinds[k], name) != 0)
        k++;
    if (k == YH_WORD_KINDS)
        return yh_fail(err, YH_CORRUPT,
                       "\"words\" is \"%s\"; there is auto, english, chinese, space, characters",
                       name);
    w->kind = (yh_word_kind)k;
    if (w->kind == YH_WORDS_AUTO || w->kind == YH_WORDS_CHINESE)
        return yh_segmenter_get(&w->seg, yh_param_text(params, "dictionary"), err);
    return YH_OK;
}

void yh_word_rule_fini(yh_word_rule *w)
{
    yh_segmenter_free(w->seg);
    w->seg = NULL;
}

yh_word_kind yh_view_kind(const yh_draft *d, const yh_word_rule *w)
{
    if (w->kind != YH_WORDS_AUTO)
        return w->kind;
    if (d->lang[0] != '\0')
        return strncmp(d->lang, "zh", 2) == 0 || strncmp(d->lang, "yue", 3) == 0 ? YH_WORDS_CHINESE
                                                                                 : YH_WORDS_ENGLISH;
    size_t han = 0, letters = 0, end = d->len < 65536 ? d->len : 65536;
    for (size_t i = 0; i < end;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)d->text + i, &len);
        if (yh_char_han(cp))
            han++;
        else if ((cp | 32) - 'a' < 26u || cp >= 0xc0)
            letters++;
        i += (size_t)len;
    }
    return 2 * han > letters / 2 && han > 0 ? YH_WORDS_CHINESE : YH_WORDS_ENGLISH;
}

static yh_status tokenize(const yh_word_rule *w, yh_word_kind kind, yh_tokens *out,
                          const char *text, size_t from, size_t to, bool spaces, yh_err *err)
{
    switch (kind) {
    case YH_WORDS_CHINESE:
        return yh_words_chinese(w->seg, out, text, from, to, spaces, err);
    case YH_WORDS_SPACE:
        return yh_words_space(out, text, from, to, err);
    case YH_WORDS_CHARS:
        return yh_words_chars(out, text, from, to, err);
    case YH_WORDS_AUTO:
    case YH_WORDS_ENGLISH:
    case YH_WORD_KINDS:
        break;
    }
    return yh_words_english(out, text, from, to, spaces, err);
}

yh_status yh_words_of(const yh_word_rule *w, yh_word_kind kind, yh_tokens *out, const char *text,
                      size_t from, size_t to, yh_err *err)
{
    return tokenize(w, kind, out, text, from, to, false, err);
}

yh_status yh_view_words(yh_draft *d, const yh_word_rule *w, const yh_tokens **words, yh_err *err)
{
    view *v = NULL;
    YH_TRY(view_of(d, &v, err));
    yh_word_kind kind = yh_view_kind(d, w);
    *words = &v->words[kind];
    if (v->has_words[kind] && (kind != YH_WORDS_CHINESE || v->seg == w->seg))
        return YH_OK;
    v->words[kind].n = 0;
    YH_TRY(tokenize(w, kind, &v->words[kind], d->text, 0, d->len, false, err));
    if (kind == YH_WORDS_CHINESE)
        v->seg = w->seg;
    v->has_words[kind] = true;
    return YH_OK;
}

/* ------------------------------------------------------------------ sentences */

static bool punctuation(const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)p + i, &len);
        if (!yh_char_punctuation(cp))
            return false;
        i += (size_t)len;
    }
    return true;
}

/* Words of white space or of single characters do not keep their ends apart: by characters. */
static size_t plain_sentences(const char *text, size_t from, size_t to)
{
    size_t n = 0;
    bool open = false, seen = false;
    for (size_t i = from; i < to;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)text + i, &len);
        i += (size_t)len;
        bool end = yh_char_sentence_end(cp);
        if (!end && (yh_char_space(cp) || yh_char_punctuation(cp)))
            continue;
        if (!open || (seen && !end)) {
            n++;
            open = true;
            seen = false;
        }
        seen = seen || end;
    }
    return n;
}

yh_status yh_view_sentences(const yh_word_rule *w, yh_word_kind kind, const char *text, size_t from,
                            size_t to, size_t *n, yh_err *err)
{
    *n = 0;
    if (kind == YH_WORDS_SPACE || kind == YH_WORDS_CHARS) {
        *n = plain_sentences(text, from, to);
        return YH_OK;
    }
    yh_tokens l = {0};
    yh_status s = tokenize(w, kind, &l, text, from, to, true, err);
    bool seen = false;
    for (size_t i = 0; i < l.n && s == YH_OK; i++) {
        const yh_token *t = &l.t[i];
        bool end = false;
        if (t->chars == 1) {
            int len;
            end = yh_char_sentence_end(yh_utf8_next((const uint8_t *)text + t->at, &len));
        }
        if (i == 0)
            *n = 1;
        if (seen && !end && (t->chars == 0 || !punctuation(text + t->at, t->len))) {
            ++*n;
            seen = false;
        } else if (end) {
            seen = true;
        }
    }
    yh_tokens_fini(&l);
    return s;
}
