/* Documents with words of a list of the user's: C4's list of bad words is not shipped. */
#include <utf8proc.h>

#include "rules/list.h"
#include "rules/patterns.h"
#include "rules/rule.h"
#include "rules/words.h"
#include "text/utf8.h"

typedef struct badwords {
    yh_patterns *p;
    bool anywhere, by_script;
} badwords;

static const yh_param params[] = {
    {"file", YH_PARAM_TEXT, "\"\"", "path of a list, one word or phrase a line, in lower case", 0,
     0},
    {"list", YH_PARAM_LIST, "[]", "more words", 0, 0},
    {"allow", YH_PARAM_LIST, "[\"sm\",\"グロ\",\"女の子\",\"性\"]",
     "words of the list that are harmless as parts of others", 0, 0},
    {"match", YH_PARAM_TEXT, "\"auto\"",
     "word: between characters that are no letters or digits; anywhere; auto: anywhere for words "
     "of Chinese, Japanese, Thai",
     0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    badwords *b = state;
    yh_patterns_free(b->p);
    yh_free(b);
}

static bool allowed(const json_t *p, const char *word)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(p, "allow"), i, v)
    {
        if (strcmp(json_string_value(v), word) == 0)
            return true;
    }
    return false;
}

static yh_status compile(badwords *b, const json_t *p, const yh_list *file, yh_err *err)
{
    const json_t *more = json_object_get(p, "list");
    size_t n = 0, most = file->n + json_array_size(more);
    const char **word = yh_calloc(most + 1, sizeof *word);
    if (word == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu words", most);
    for (size_t i = 0; i < most; i++) {
        const char *w = i < file->n ? file->entry[i].text
                                    : json_string_value(json_array_get(more, i - file->n));
        if (!allowed(p, w))
            word[n++] = w;
    }
    yh_status s = n > 0 ? yh_patterns_create(&b->p, word, NULL, n, 0, err)
                        : yh_fail(err, YH_CORRUPT, "c4_badwords: no words: give a file or a list");
    yh_free(word);
    return s;
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    badwords *b = yh_calloc(1, sizeof *b);
    if (b == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = b;
    const char *match = yh_param_text(p, "match"), *path = yh_param_text(p, "file");
    b->anywhere = strcmp(match, "anywhere") == 0;
    b->by_script = strcmp(match, "auto") == 0;
    if (!b->anywhere && !b->by_script && strcmp(match, "word") != 0)
        return yh_fail(err, YH_CORRUPT,
                       "c4_badwords: \"match\" is \"%s\"; there is auto, word, anywhere", match);
    yh_list file;
    yh_list_init(&file);
    yh_status s = path[0] != '\0' ? yh_list_load(&file, path, err) : YH_OK;
    if (s == YH_OK)
        s = compile(b, p, &file, err);
    yh_list_fini(&file);
    return s;
}

static bool word_char(uint32_t cp)
{
    return cp == '_' || (cp - '0' < 10u) || (cp | 32) - 'a' < 26u ||
           (cp >= 0x80 && (yh_char_letter(cp) || yh_char_digit(cp)));
}

typedef struct search {
    const badwords *b;
    const char *text;
    size_t n;
    yh_match found;
    bool any;
} search;

static bool spaceless(const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)p + i, &len);
        if (yh_char_cjk(cp) || (cp >= 0xe00 && cp <= 0xe7f))
            return true;
        i += (size_t)len;
    }
    return false;
}

static bool look(void *ctx, const yh_match *m)
{
    search *s = ctx;
    const char *p = s->text + m->at;
    bool apart = !s->b->anywhere && !(s->b->by_script && spaceless(p, m->len));
    if (apart && m->at > 0) {
        size_t at = m->at - 1;
        while (((uint8_t)s->text[at] & 0xc0) == 0x80)
            at--;
        int len;
        if (word_char(yh_utf8_next((const uint8_t *)s->text + at, &len)))
            return true;
    }
    if (apart && m->at + m->len < s->n) {
        int len;
        if (word_char(yh_utf8_next((const uint8_t *)p + m->len, &len)))
            return true;
    }
    s->found = *m;
    s->any = true;
    return false;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    yh_buf lower;
    yh_buf_init(&lower, 0);
    yh_status s = yh_buf_reserve(&lower, d->len, err);
    for (size_t i = 0; i < d->len && s == YH_OK;) {
        int len;
        uint8_t out[4];
        uint32_t cp = yh_utf8_next((const uint8_t *)d->text + i, &len);
        cp = cp < 0x80 ? (cp - 'A' < 26u ? cp + 32 : cp) : (uint32_t)utf8proc_tolower((int32_t)cp);
        s = yh_buf_add(&lower, out, (size_t)yh_utf8_encode(cp, out), err);
        i += (size_t)len;
    }
    search x = {.b = state, .text = lower.data, .n = lower.len};
    char evidence[96];
    if (s == YH_OK && lower.len > 0)
        yh_patterns_scan(x.b->p, lower.data, lower.len, look, &x);
    if (x.any) {
        size_t n = x.found.len < sizeof evidence - 1 ? x.found.len : sizeof evidence - 1;
        while (n < x.found.len && n > 0 && ((uint8_t)lower.data[x.found.at + n] & 0xc0) == 0x80)
            n--;
        memcpy(evidence, lower.data + x.found.at, n);
        evidence[n] = '\0';
        s = yh_draft_remove(d, step, 1, evidence, err);
    }
    yh_buf_fini(&lower);
    return s;
}

const yh_rule yh_rule_c4_badwords = {
    .name = "c4_badwords",
    .doc = "removes documents with a word of a list that you give",
    .source = "Raffel et al., Exploring the Limits of Transfer Learning (T5), 2020, section 2.2",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
