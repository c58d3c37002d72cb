/* Reading a .tiktoken file: lines of a token in base64 and its rank. It becomes the byte-level BPE
 * of a tokenizer.json, whose merges are all ways to join two tokens to a third, in order of that
 * one's rank. */
#include "base/file.h"
#include "base/json.h"
#include "text/base64.h"
#include "text/tok_impl.h"

enum { LINE_MAX = 4096 };

#define O200K_WORD                                                                                 \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"    \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"    \
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define O200K                                                                                      \
    O200K_WORD "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CL100K                                                                                     \
    "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}"                            \
    "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++\\z|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"

typedef struct special {
    const char *text;
    uint32_t id;
} special;

/* Those that are told by their number of ranks. */
static const struct known {
    uint32_t ranks;
    const char *pattern;
    special special[8];
} known[] = {
    {50256, YH_PATTERN_GPT2, {{"<|endoftext|>", 50256}}},
    {50280, YH_PATTERN_GPT2, {{"<|endoftext|>", 50256}}}, /* p50k: a hole at 50256 */
    {100256,
     CL100K,
     {{"<|endoftext|>", 100257},
      {"<|fim_prefix|>", 100258},
      {"<|fim_middle|>", 100259},
      {"<|fim_suffix|>", 100260},
      {"<|endofprompt|>", 100276}}},
    {199998, O200K, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
    {128000,
     YH_PATTERN_LLAMA3,
     {{"<|begin_of_text|>", 128000},
      {"<|end_of_text|>", 128001},
      {"<|start_header_id|>", 128006},
      {"<|end_header_id|>", 128007},
      {"<|eot_id|>", 128009}}},
    {151643,
     YH_PATTERN_QWEN2,
     {{"<|endoftext|>", 151643}, {"<|im_start|>", 151644}, {"<|im_end|>", 151645}}},
};

/* The next line: its token, appended to out, and rank. */
static yh_status read_line(const char **p, const char *end, size_t number, yh_buf *out,
                           uint32_t *rank, const char *name, yh_err *err)
{
    const char *eol = memchr(*p, '\n', (size_t)(end - *p));
    const char *stop = eol != NULL ? eol : end, *gap = memchr(*p, ' ', (size_t)(stop - *p));
    uint64_t value = 0;
    const char *d = gap != NULL ? gap + 1 : stop;
    bool ok =
        gap != NULL && d < stop && yh_base64_decode(*p, (size_t)(gap - *p), out, NULL) == YH_OK;
    for (; ok && d < stop && *d != '\r'; d++) {
        ok = *d >= '0' && *d <= '9' && value < YH_MAX_TOKENS;
        value = value * 10 + (uint64_t)(*d - '0');
    }
    if (!ok || out->len == 0 || value >= YH_MAX_TOKENS)
        return yh_fail(err, YH_CORRUPT, "%s: line %zu is not a token in base64 and its rank", name,
                       number);
    *rank = (uint32_t)value;
    *p = eol != NULL ? eol + 1 : end;
    return YH_OK;
}

bool yh_tok_is_tiktoken(const char *data, size_t n)
{
    const char *p = data;
    uint32_t rank;
    yh_buf b;
    if (n == 0 || memchr(data, ' ', n < LINE_MAX ? n : LINE_MAX) == NULL)
        return false;
    yh_buf_init(&b, 0);
    bool is = read_line(&p, data + n, 1, &b, &rank, "", NULL) == YH_OK;
    yh_buf_fini(&b);
    return is;
}

static yh_status read_ranks(yh_bpe *v, const char *data, size_t n, const char *name, yh_err *err)
{
    yh_buf b;
    yh_status s = YH_OK;
    const char *p = data;
    uint32_t rank;
    yh_buf_init(&b, 0);
    for (size_t line = 1; p < data + n && s == YH_OK; line++) {
        yh_buf_clear(&b);
        s = read_line(&p, data + n, line, &b, &rank, name, err);
        /* what a rank costs is memory and time for all below it */
        if (s == YH_OK && rank >= n)
            s = yh_fail(err, YH_CORRUPT, "%s: line %zu: rank %u in a file of %zu bytes", name, line,
                        rank, n);
        if (s == YH_OK)
            s = yh_bpe_set(v, rank, b.data, b.len, true, name, err);
    }
    yh_buf_fini(&b);
    return s == YH_OK ? yh_bpe_index(v, name, err) : s;
}

typedef struct pairs {
    uint32_t *left, *right;
    size_t n, left_cap, right_cap;
} pairs;

/* All merges, by rank of the result, then of the left and the right side. */
static yh_status find_pairs(const yh_bpe *v, pairs *m, const char *name, yh_err *err)
{
    for (uint32_t id = 0; id < v->size; id++) {
        size_t first = m->n, len = v->begin[id] != SIZE_MAX ? v->len[id] : 0;
        const char *p = len > 0 ? v->blob + v->begin[id] : "";
        if (len > LINE_MAX)
            return yh_fail(err, YH_LIMIT, "%s: token %u has %zu bytes, the limit is %d", name, id,
                           len, (int)LINE_MAX);
        for (size_t k = 1; k < len; k++) {
            uint32_t l = yh_bpe_find(v, p, k);
            uint32_t r = l != YH_NO_ID ? yh_bpe_find(v, p + k, len - k) : YH_NO_ID;
            if (r == YH_NO_ID)
                continue;
            uint32_t *left = yh_grow(m->left, &m->left_cap, m->n + 1, sizeof *left);
            if (left != NULL)
                m->left = left;
            uint32_t *right = yh_grow(m->right, &m->right_cap, m->n + 1, sizeof *right);
            if (right != NULL)
                m->right = right;
            if (left == NULL || right == NULL)
                return yh_fail(err, YH_NOMEM, "%s: no memory for the merges", name);
            size_t at = m->n++;
            for (; at > first && (left[at - 1] > l || (left[at - 1] == l && right[at - 1] > r));
                 at--) {
                left[at] = left[at - 1];
                right[at] = right[at - 1];
            }
            left[at] = l;
            right[at] = r;
        }
    }
    return YH_OK;
}

static yh_status to_json(json_t **json, const yh_bpe *v, const pairs *m, const char *pattern,
                         const char *name, yh_err *err)
{
    const char **token = yh_calloc((size_t)v->size + 1, sizeof *token);
    size_t *len = yh_calloc((size_t)v->size + 1, sizeof *len);
    yh_status s = token != NULL && len != NULL
                      ? YH_OK
                      : yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    for (uint32_t i = 0; i < v->size && s == YH_OK; i++) {
        token[i] = v->begin[i] != SIZE_MAX ? v->blob + v->begin[i] : NULL;
        len[i] = v->len[i];
    }
    if (s == YH_OK && m->n >= YH_MAX_MERGES)
        s = yh_fail(err, YH_LIMIT, "%s: more than %u merges", name, YH_MAX_MERGES);
    if (s == YH_OK)
        s = yh_tok_make_json(json, token, len, v->size, m->left, m->right, (uint32_t)m->n, pattern,
                             NULL, 0, err);
    yh_free(token);
    yh_free(len);
    return s;
}

/* What tiktoken has otherwise: no normal form, whole words first, its special tokens. */
static yh_status amend_json(json_t *j, const struct known *k, const char *name, yh_err *err)
{
    bool ok = json_object_set_new(j, "normalizer", json_null()) == 0 &&
              json_object_set_new(json_object_get(j, "model"), "ignore_merges", json_true()) == 0;
    for (size_t i = 0; k != NULL && ok && i < 8 && k->special[i].text != NULL; i++)
        ok = json_array_append_new(json_object_get(j, "added_tokens"),
                                   json_pack("{s:I,s:s,s:b,s:b,s:b,s:b,s:b}", "id",
                                             (json_int_t)k->special[i].id, "content",
                                             k->special[i].text, "single_word", 0, "lstrip", 0,
                                             "rstrip", 0, "normalized", 0, "special", 1)) == 0;
    return ok ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory for a tokenizer", name);
}

/* The pattern as tokenizer.json means it: {a,b}+ never gives back in tiktoken, and repeats in
 * Oniguruma. At the end of an alternative nothing can be given back, and the + goes. */
static yh_status for_json(const char *pattern, yh_buf *out, const char *name, yh_err *err)
{
    int depth = 0, class = 0;
    bool braces = false; /* the last thing was {a,b} */
    for (const char *p = pattern; *p != '\0'; p++) {
        bool drop = *p == '+' && braces && class == 0;
        if (drop && (depth > 0 || (p[1] != '|' && p[1] != '\0')))
            return yh_fail(err, YH_UNSUPPORTED,
                           "%s: pattern, place %zu: {a,b}+ inside an alternative is not supported; "
                           "write (?>...{a,b})",
                           name, (size_t)(p - pattern));
        braces = false;
        if (drop)
            continue;
        if (*p == '\\' && p[1] != '\0') {
            size_t len = strchr("pPx", p[1]) != NULL && p[2] == '{' ? strcspn(p, "}") : 1;
            len -= p[len] == '\0';
            YH_TRY(yh_buf_add(out, p, len + 1, err));
            p += len;
            continue;
        }
        class += (*p == '[') - (*p == ']' && class > 0);
        depth += class == 0 ? (*p == '(') - (*p == ')') : 0;
        braces = *p == '}';
        YH_TRY(yh_buf_addc(out, *p, err));
    }
    return yh_buf_adds(out, "", err);
}

yh_status yh_tok_from_tiktoken(yh_tok **out, const char *data, size_t n, const char *pattern,
                               const char *name, yh_err *err)
{
    yh_bpe v;
    pairs m = {0};
    json_t *json = NULL;
    const struct known *k = NULL;
    yh_buf meant;
    *out = NULL;
    yh_buf_init(&meant, 0);
    yh_bpe_init(&v);
    yh_status s = read_ranks(&v, data, n, name, err);
    for (size_t i = 0; s == YH_OK && i < sizeof known / sizeof *known; i++)
        if (known[i].ranks == v.count)
            k = &known[i];
    if (s == YH_OK && k == NULL && pattern == NULL)
        s = yh_fail(
            err, YH_UNSUPPORTED,
            "%s: %u ranks: none of the known encodings (r50k, p50k, cl100k, o200k, Llama 3, "
            "Qwen); give its pattern",
            name, v.count);
    if (s == YH_OK)
        s = find_pairs(&v, &m, name, err);
    if (s == YH_OK)
        s = for_json(pattern != NULL ? pattern : k->pattern, &meant, name, err);
    if (s == YH_OK)
        s = to_json(&json, &v, &m, meant.data, name, err);
    if (s == YH_OK)
        s = amend_json(json, k, name, err);
    if (s == YH_OK)
        s = yh_tok_from_json(out, json, NULL, name, err);
    json_decref(json);
    yh_buf_fini(&meant);
    yh_bpe_fini(&v);
    yh_free(m.left);
    yh_free(m.right);
    return s;
}
