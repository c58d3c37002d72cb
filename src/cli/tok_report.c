#include "cli/tok_report.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/thread.h"

enum { GROUPS = 64, BATCH = 4 << 20 };

/* Languages as far as the script tells them. */
typedef enum language {
    OTHER,
    LATIN,
    CHINESE,
    JAPANESE,
    KOREAN,
    CYRILLIC,
    GREEK,
    ARABIC,
    HEBREW,
    INDIC,
    SOUTHEAST,
    LANGUAGES
} language;
static const char *const language_name[LANGUAGES] = {"no letters",
                                                     "Latin script",
                                                     "Chinese",
                                                     "Japanese",
                                                     "Korean",
                                                     "Cyrillic",
                                                     "Greek",
                                                     "Arabic",
                                                     "Hebrew",
                                                     "Indic scripts",
                                                     "Thai, Lao, Khmer, Burmese"};

typedef struct sums {
    uint64_t tokens, spaced, pieces, unknown; /* spaced: tokens of text that has words */
} sums;

typedef struct group {
    char *name;
    uint64_t docs, bytes, chars, words, given;
    sums *tok;
} group;

/* What is known of each id of a tokenizer. */
enum { WHOLE, PIECE, UNKNOWN };

typedef struct text {
    size_t begin, len;
    int source, lang; /* groups */
    language script;
    uint64_t chars, words;
} text;

struct tok_report {
    const yh_tok *const *toks;
    const char *const *names;
    size_t n;
    uint64_t source_bytes, bytes;
    uint8_t **class;
    group source[GROUPS], lang[GROUPS];
    int sources, langs;
    yh_buf batch;
    text *text;
    size_t texts, text_cap;
    sums *result; /* [text][tokenizer] */
    yh_err *worker_err;
};

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory for the report");
}

/* ---- text ---- */

static uint32_t next_char(const uint8_t *p, size_t n, size_t *at)
{
    uint32_t b = p[(*at)++];
    int more = b < 0xC0 ? 0 : b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
    uint32_t c = more == 0 ? b : b & (0x3Fu >> more);
    for (; more > 0 && *at < n && (p[*at] & 0xC0) == 0x80; more--)
        c = c << 6 | (p[(*at)++] & 0x3F);
    return c;
}

static language script_of(uint32_t c)
{
    static const struct {
        uint32_t lo, hi;
        language is;
    } range[] = {
        {'A', 'Z', LATIN},           {'a', 'z', LATIN},          {0xC0, 0x24F, LATIN},
        {0x370, 0x3FF, GREEK},       {0x400, 0x52F, CYRILLIC},   {0x590, 0x5FF, HEBREW},
        {0x600, 0x77F, ARABIC},      {0x900, 0xDFF, INDIC},      {0xE00, 0xEFF, SOUTHEAST},
        {0x1000, 0x109F, SOUTHEAST}, {0x1100, 0x11FF, KOREAN},   {0x1780, 0x17FF, SOUTHEAST},
        {0x1E00, 0x1EFF, LATIN},     {0x1F00, 0x1FFF, GREEK},    {0x3041, 0x30FF, JAPANESE},
        {0x3400, 0x4DBF, CHINESE},   {0x4E00, 0x9FFF, CHINESE},  {0xAC00, 0xD7A3, KOREAN},
        {0xF900, 0xFAFF, CHINESE},   {0x20000, 0x3FFFF, CHINESE}};
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (c <= range[i].hi)
            return c >= range[i].lo ? range[i].is : OTHER;
    return OTHER;
}

static bool has_words(language l)
{
    return l != CHINESE && l != JAPANESE && l != SOUTHEAST;
}

static void look_at(text *t, const uint8_t *p)
{
    uint64_t count[LANGUAGES] = {0};
    bool in_word = false;
    for (size_t at = 0; at < t->len;) {
        uint32_t c = next_char(p, t->len, &at);
        bool space = c == ' ' || (c >= 9 && c <= 13) || c == 0xA0 || c == 0x3000 || c == 0x2028;
        t->chars++;
        count[script_of(c)]++;
        t->words += !space && !in_word;
        in_word = !space;
    }
    t->script = OTHER;
    /* a character of Chinese says more than a letter */
    count[CHINESE] *= 3;
    uint64_t most = 0;
    for (int l = 1; l < LANGUAGES; l++)
        if (count[l] > most) {
            most = count[l];
            t->script = (language)l;
        }
    if (t->script == CHINESE && count[JAPANESE] * 10 > count[CHINESE])
        t->script = JAPANESE;
    if (!has_words(t->script))
        t->words = 0;
}

/* ---- tokenizers ---- */

static bool is_piece(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t more = p[i] < 0x80 ? 0 : p[i] < 0xC0 ? 9 : p[i] < 0xE0 ? 1 : p[i] < 0xF0 ? 2 : 3;
        if (more > n - i - 1)
            return true;
        for (size_t k = 1; k <= more; k++)
            if ((p[i + k] & 0xC0) != 0x80)
                return true;
        i += more + 1;
    }
    return false;
}

static yh_status classify(const yh_tok *t, uint8_t **class, yh_err *err)
{
    static const char *const unknown[] = {"<unk>", "[UNK]"};
    *class = yh_calloc((size_t)yh_tok_size(t) + 1, 1);
    if (*class == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < yh_tok_size(t); i++) {
        size_t n;
        const char *p = yh_tok_bytes(t, i, &n, NULL);
        (*class)[i] = is_piece((const uint8_t *)p, n) ? PIECE : WHOLE;
        for (size_t k = 0; k < 2; k++)
            if (n == strlen(unknown[k]) && memcmp(p, unknown[k], n) == 0)
                (*class)[i] = UNKNOWN;
    }
    return YH_OK;
}

yh_status tok_report_create(tok_report **out, const yh_tok *const *toks, const char *const *names,
                            size_t n, uint64_t source_bytes, yh_err *err)
{
    *out = NULL;
    tok_report *r = yh_calloc(1, sizeof *r);
    if (r == NULL)
        return no_memory(err);
    r->toks = toks;
    r->names = names;
    r->n = n;
    r->source_bytes = source_bytes;
    yh_buf_init(&r->batch, 0);
    yh_status s = YH_OK;
    r->class = yh_calloc(n + 1, sizeof *r->class);
    if (r->class == NULL)
        s = no_memory(err);
    for (size_t i = 0; i < n && s == YH_OK; i++)
        s = classify(toks[i], &r->class[i], err);
    if (s != YH_OK)
        tok_report_free(r);
    else
        *out = r;
    return s;
}

void tok_report_free(tok_report *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n && r->class != NULL; i++)
        yh_free(r->class[i]);
    yh_free(r->class);
    for (int i = 0; i < GROUPS; i++) {
        yh_free(r->source[i].name);
        yh_free(r->source[i].tok);
        yh_free(r->lang[i].name);
        yh_free(r->lang[i].tok);
    }
    yh_buf_fini(&r->batch);
    yh_free(r->text);
    yh_free(r);
}

/* ---- encoding ---- */

static void encode_texts(void *arg, int64_t begin, int64_t end, int worker)
{
    tok_report *r = arg;
    yh_ids ids = YH_IDS_INIT;
    yh_err *err = &r->worker_err[worker];
    for (int64_t i = begin; i < end && err->code == YH_OK; i++) {
        const text *t = &r->text[i / (int64_t)r->n];
        size_t k = (size_t)(i % (int64_t)r->n);
        sums *s = &r->result[i];
        ids.n = 0;
        if (yh_tok_encode(r->toks[k], r->batch.data + t->begin, t->len, 0, &ids, err) != YH_OK)
            break;
        s->tokens = ids.n;
        for (size_t j = 0; j < ids.n; j++) {
            s->pieces += r->class[k][ids.id[j]] == PIECE;
            s->unknown += r->class[k][ids.id[j]] == UNKNOWN;
        }
    }
    yh_ids_fini(&ids);
}

static void add_to(group *g, const text *t, const sums *s, size_t n)
{
    g->docs++;
    g->bytes += t->len;
    g->chars += t->chars;
    g->words += t->words;
    for (size_t k = 0; k < n; k++) {
        g->tok[k].tokens += s[k].tokens;
        g->tok[k].spaced += has_words(t->script) ? s[k].tokens : 0;
        g->tok[k].pieces += s[k].pieces;
        g->tok[k].unknown += s[k].unknown;
    }
}

yh_status tok_report_finish(tok_report *r, yh_pool *pool, yh_err *err)
{
    if (r->texts == 0)
        return YH_OK;
    size_t items = r->texts * r->n;
    int threads = yh_pool_threads(pool);
    r->result = yh_calloc(items, sizeof *r->result);
    r->worker_err = yh_calloc((size_t)threads, sizeof *r->worker_err);
    yh_status s = r->result != NULL && r->worker_err != NULL ? YH_OK : no_memory(err);
    if (s == YH_OK)
        yh_pool_run_dynamic(pool, (int64_t)items, 1, encode_texts, r);
    for (int i = 0; i < threads && s == YH_OK; i++)
        if (r->worker_err[i].code != YH_OK)
            s = yh_fail(err, r->worker_err[i].code, "%s", r->worker_err[i].msg);
    for (size_t i = 0; i < r->texts && s == YH_OK; i++) {
        const text *t = &r->text[i];
        add_to(&r->source[t->source], t, r->result + i * r->n, r->n);
        add_to(&r->lang[t->lang], t, r->result + i * r->n, r->n);
    }
    yh_free(r->result);
    yh_free(r->worker_err);
    r->texts = 0;
    yh_buf_clear(&r->batch);
    return s;
}

/* The group of this name; all that do not fit are in the last one, `others`. */
static yh_status find_group(const tok_report *r, group all[GROUPS], int *n, const char *name,
                            const char *others, int *at, yh_err *err)
{
    for (int i = 0; i < *n; i++)
        if (strcmp(all[i].name, name) == 0) {
            *at = i;
            return YH_OK;
        }
    if (*n == GROUPS) {
        *at = GROUPS - 1;
        return YH_OK;
    }
    group *g = &all[*n];
    g->tok = yh_calloc(r->n + 1, sizeof *g->tok);
    g->name = yh_strdup(*n == GROUPS - 1 ? others : name);
    if (g->tok == NULL || g->name == NULL) {
        yh_free(g->tok);
        yh_free(g->name);
        *g = (group){0};
        return no_memory(err);
    }
    *at = (*n)++;
    return YH_OK;
}

yh_status tok_report_add(tok_report *r, yh_pool *pool, const char *source, const char *lang,
                         const char *p, size_t n, bool *full, yh_err *err)
{
    int at = 0;
    YH_TRY(find_group(r, r->source, &r->sources, source, "other sources", &at, err));
    *full = r->source[at].given >= r->source_bytes;
    if (*full || n == 0)
        return YH_OK;
    /* a long document is measured as far as the share goes, to the end of a line */
    if (n > r->source_bytes - r->source[at].given) {
        size_t most = (size_t)(r->source_bytes - r->source[at].given);
        const char *line = memrchr(p, '\n', most);
        if (line != NULL)
            n = (size_t)(line - p) + 1;
    }
    r->source[at].given += n;
    r->bytes += n;
    text *t = yh_grow(r->text, &r->text_cap, r->texts + 1, sizeof *t);
    if (t == NULL)
        return no_memory(err);
    r->text = t;
    t += r->texts++;
    *t = (text){.begin = r->batch.len, .len = n, .source = at};
    YH_TRY(yh_buf_add(&r->batch, p, n, err));
    look_at(t, (const uint8_t *)p);
    if (lang == NULL || lang[0] == '\0')
        lang = language_name[t->script];
    YH_TRY(find_group(r, r->lang, &r->langs, lang, "other languages", &t->lang, err));
    return r->batch.len >= BATCH && pool != NULL ? tok_report_finish(r, pool, err) : YH_OK;
}

uint64_t tok_report_bytes(const tok_report *r)
{
    return r->bytes;
}

/* ---- telling ---- */

static double ratio(uint64_t a, uint64_t b)
{
    return b > 0 ? (double)a / (double)b : 0;
}

static void print_group(const tok_report *r, const group *g, int width)
{
    char size[32];
    printf("%s (%s)\n", g->name, yh_fmt_bytes((double)g->bytes, size));
    for (size_t k = 0; k < r->n; k++) {
        const sums *s = &g->tok[k];
        printf("  %-*s %11.3f %11.3f ", width, r->names[k], ratio(g->bytes, s->tokens),
               ratio(s->tokens, g->chars));
        if (g->words > 0)
            printf("%11.3f", ratio(s->spaced, g->words));
        else
            printf("%11s", "-");
        printf(" %8.2f%% %8.2f%%\n", 100 * ratio(s->pieces, s->tokens),
               100 * ratio(s->unknown, s->tokens));
    }
}

void tok_report_print(const tok_report *r)
{
    int width = 12;
    for (size_t k = 0; k < r->n; k++)
        if ((int)strlen(r->names[k]) > width)
            width = (int)strlen(r->names[k]);
    printf("  %-*s %11s %11s %11s %9s %9s\n", width, "", "bytes/token", "tokens/char",
           "tokens/word", "parts", "unknown");
    for (int i = 0; i < r->sources; i++)
        if (r->source[i].bytes > 0)
            print_group(r, &r->source[i], width);
    if (r->langs < 2 && r->sources < 2)
        return;
    printf("by language\n");
    for (int i = 0; i < r->langs; i++)
        if (r->lang[i].bytes > 0)
            print_group(r, &r->lang[i], width);
}

static json_t *group_json(const tok_report *r, const group *g)
{
    json_t *toks = json_array();
    for (size_t k = 0; k < r->n && toks != NULL; k++) {
        const sums *s = &g->tok[k];
        json_t *j = json_pack("{s:s,s:i,s:I,s:f,s:f,s:f,s:f}", "tokenizer", r->names[k], "vocab",
                              (int)yh_tok_size(r->toks[k]), "tokens", (json_int_t)s->tokens,
                              "bytes_per_token", ratio(g->bytes, s->tokens), "tokens_per_char",
                              ratio(s->tokens, g->chars), "part_share", ratio(s->pieces, s->tokens),
                              "unknown_share", ratio(s->unknown, s->tokens));
        if (j != NULL && g->words > 0)
            (void)json_object_set_new(j, "tokens_per_word", json_real(ratio(s->spaced, g->words)));
        (void)json_array_append_new(toks, j);
    }
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:o}", "name", g->name, "documents", (json_int_t)g->docs,
                     "bytes", (json_int_t)g->bytes, "chars", (json_int_t)g->chars, "words",
                     (json_int_t)g->words, "tokenizers", toks);
}

json_t *tok_report_json(const tok_report *r)
{
    json_t *sources = json_array(), *langs = json_array();
    for (int i = 0; i < r->sources; i++)
        if (r->source[i].bytes > 0)
            (void)json_array_append_new(sources, group_json(r, &r->source[i]));
    for (int i = 0; i < r->langs; i++)
        if (r->lang[i].bytes > 0)
            (void)json_array_append_new(langs, group_json(r, &r->lang[i]));
    return json_pack("{s:o,s:o}", "sources", sources, "languages", langs);
}
