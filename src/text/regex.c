/* Pre-tokenizer patterns through PCRE2. Patterns are written for Oniguruma (Hugging Face's
 * tokenizers); PCRE2 with UTF and UCP agrees with it on the constructs in use, with two additions:
 * ^ and $ are the ends of lines, \s is written out, \p{L}, \p{N} and their like learn the
 * characters that are newer than the installed library, \w and \b go by the characters of
 * Oniguruma's \w, classes inside classes are joined, and (?i:...) means the same in both. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text/pretok.h"
#include "text/unicode.h"

struct yh_pattern {
    yh_scan kind;
    pcre2_code *code;
    bool jit;
    char *name;
};

struct yh_scan_state {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* Adds the newer characters of a category ("L" or "Lu") as class ranges. */
static yh_status add_newer(yh_buf *b, const char *category, size_t len, yh_err *err)
{
    uint32_t lo, hi;
    const char *c;
    for (size_t i = 0; yh_uc_added(i, &lo, &hi, &c); i++)
        if (strncmp(c, category, len) == 0)
            YH_TRY(yh_buf_addf(b, err, "\\x{%X}-\\x{%X}", (unsigned)lo, (unsigned)hi));
    return YH_OK;
}

/* Copies the pattern, \p{X} with its newer characters. *p stands at the backslash. */
static yh_status add_property(yh_buf *b, const char **p, bool in_class, yh_err *err)
{
    const char *name = *p + 3, *end = strchr(name, '}');
    bool negative = (*p)[1] == 'P';
    if (name[-1] != '{' || end == NULL || end - name > 2 || name[0] == '^' ||
        (negative && in_class)) {
        /* names of scripts and the like are left to PCRE2 as they are */
        YH_TRY(yh_buf_add(b, *p, 2, err));
        *p += 2;
        return YH_OK;
    }
    if (!in_class)
        YH_TRY(yh_buf_adds(b, negative ? "[^" : "[", err));
    YH_TRY(yh_buf_addf(b, err, "\\p{%.*s}", (int)(end - name), name));
    YH_TRY(add_newer(b, name, (size_t)(end - name), err));
    if (!in_class)
        YH_TRY(yh_buf_addc(b, ']', err));
    *p = end + 1;
    return YH_OK;
}

/* \s of Oniguruma; PCRE2's also has U+180E */
#define SPACES                                                                                     \
    "\\x{9}-\\x{D}\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}"    \
    "\\x{205F}\\x{3000}"

/* \w of Oniguruma: that of Rust's regex without the two joiners; outside of a class, and for \b,
 * with the superscript digits and fractions of Latin-1. */
static bool is_word(uint32_t cp, bool in_class)
{
    if (cp == 0xB2 || cp == 0xB3 || cp == 0xB9 || (cp >= 0xBC && cp <= 0xBE))
        return !in_class;
    return (yh_uc_class(cp) & YH_UC_WORD) != 0 && cp != 0x200C && cp != 0x200D;
}

/* The ranges of a class: of the characters of words, or of all others. */
static yh_status add_word(yh_buf *b, bool in_class, bool others, yh_err *err)
{
    enum { END = 0x110000 };
    for (uint32_t lo = 0, hi; lo < END; lo = hi) {
        for (hi = lo + 1; hi < END && is_word(hi, in_class) == is_word(lo, in_class);)
            hi++;
        if (is_word(lo, in_class) != others)
            YH_TRY(yh_buf_addf(b, err, "\\x{%X}-\\x{%X}", (unsigned)lo, (unsigned)(hi - 1)));
    }
    return YH_OK;
}

/* \w, \W, \b, \B; c is the letter. The words' characters of \b are a group behind the pattern,
 * where it changes no number of another one: *edges. */
static yh_status add_word_escape(yh_buf *b, char c, bool in_class, bool *edges, yh_err *err)
{
#define IN     "(?=(?&yhword))"
#define OUT    "(?!(?&yhword))"
#define BEHIND "(?<=(?&yhword))"
#define NOT    "(?<!(?&yhword))"
    if (c == 'b' || c == 'B') {
        *edges = true;
        return yh_buf_adds(
            b, c == 'b' ? "(?:" BEHIND OUT "|" NOT IN ")" : "(?:" BEHIND IN "|" NOT OUT ")", err);
    }
    if (!in_class)
        YH_TRY(yh_buf_adds(b, "[", err));
    YH_TRY(add_word(b, in_class, c == 'W', err));
    return in_class ? YH_OK : yh_buf_adds(b, "]", err);
}

/* "(?" and its options: m is "." at line ends, which PCRE2 calls s. */
static yh_status add_group(yh_buf *b, const char **p, const char *pattern, yh_err *err)
{
    size_t n = 2 + strspn(*p + 2, "imx-");
    if ((*p)[n] != ':' && (*p)[n] != ')')
        n = 2; /* no options: (?=, (?<name> and the like */
    for (size_t i = 0; i < n; i++)
        YH_TRY(yh_buf_addc(b, (char)(i > 1 && (*p)[i] == 'm' ? 's' : (*p)[i]), err));
    if (n == 2 && strchr("asJUP", (*p)[2]) != NULL)
        return yh_fail(err, YH_UNSUPPORTED, "(?%.1s in the pattern \"%.200s\"", *p + 2, pattern);
    *p += n;
    return YH_OK;
}

/* {a,b}: behind it + means once more in Oniguruma, never giving back in PCRE2, and {a}? is
 * optional in Oniguruma. x{1,3}+ is x{1,}. */
static yh_status add_interval(yh_buf *b, const char **p, const char *pattern, yh_err *err)
{
    const char *end = *p + strcspn(*p, "}"), *comma = memchr(*p, ',', (size_t)(end - *p));
    bool one = comma != NULL && comma == *p + 2 && (*p)[1] <= '1' && (*p)[1] >= '0';
    if (*end != '}' || (*p)[1] == ',' || (comma == NULL && end[1] == '?') ||
        (end[1] == '+' && !one))
        return yh_fail(err, YH_UNSUPPORTED,
                       "%.*s in the pattern \"%.200s\": its meaning differs between regular "
                       "expressions; write it out",
                       (int)(*end != '\0' ? end - *p + 1 + (end[1] == '+' || end[1] == '?') : 1),
                       *p, pattern);
    if (end[1] == '+') {
        YH_TRY(yh_buf_addf(b, err, "{%c,}", (*p)[1]));
        *p = end + 2;
        return YH_OK;
    }
    YH_TRY(yh_buf_add(b, *p, (size_t)(end - *p + 1), err));
    *p = end + 1;
    return YH_OK;
}

/* A bracket inside a class: of a class that is joined to the one around it (PCRE2 would read it as
 * itself). *p stands at it. */
static yh_status pass_inner(const char **p, const char *pattern, int *depth, yh_err *err)
{
    const char *q = *p;
    bool opens = *q == '[';
    if ((opens && (strchr("^]:", q[1]) != NULL || q[-1] == '-')) || (!opens && q[1] == '-'))
        return yh_fail(err, YH_UNSUPPORTED, "such a class inside a class in the pattern \"%.200s\"",
                       pattern);
    *depth += opens ? 1 : -1;
    ++*p;
    return YH_OK;
}

static yh_status translate(const char *pattern, yh_buf *b, yh_err *err)
{
    bool in_class = false, edges = false;
    int depth = 0; /* of classes inside the class */
    for (const char *p = pattern; *p != '\0';) {
        if (p[0] == '\\' && (p[1] == 'p' || p[1] == 'P') && p[2] != '\0') {
            YH_TRY(add_property(b, &p, in_class, err));
            continue;
        }
        if (p[0] == '\\' && p[1] != '\0') {
            if (strchr("wW", p[1]) != NULL || (!in_class && strchr("bB", p[1]) != NULL)) {
                YH_TRY(add_word_escape(b, p[1], in_class, &edges, err));
                p += 2;
                continue;
            }
            const char *set = p[1] == 's' || p[1] == 'S'   ? SPACES
                              : p[1] == 'h' || p[1] == 'H' ? "0-9a-fA-F"
                              : p[1] == 'd' || p[1] == 'D' ? "\\p{Nd}"
                                                           : NULL;
            if (set != NULL && (!in_class || p[1] >= 'a')) {
                if (!in_class)
                    YH_TRY(yh_buf_adds(b, p[1] < 'a' ? "[^" : "[", err));
                YH_TRY(yh_buf_adds(b, set, err));
                if (p[1] == 'd' || p[1] == 'D')
                    YH_TRY(add_newer(b, "Nd", 2, err));
                if (!in_class)
                    YH_TRY(yh_buf_addc(b, ']', err));
                p += 2;
                continue;
            }
            if (set != NULL || (in_class && p[1] == 'R'))
                return yh_fail(err, YH_UNSUPPORTED, "\\%c in a class in the pattern \"%.200s\"",
                               p[1], pattern);
            YH_TRY(yh_buf_add(b, p, 2, err));
            p += 2;
            continue;
        }
        if (!in_class && p[0] == '(' && p[1] == '?') {
            YH_TRY(add_group(b, &p, pattern, err));
            continue;
        }
        if (!in_class && p[0] == '{' && (p[1] == ',' || (p[1] >= '0' && p[1] <= '9'))) {
            YH_TRY(add_interval(b, &p, pattern, err));
            continue;
        }
        if (*p == '[' && !in_class) {
            in_class = true;
            YH_TRY(yh_buf_addc(b, *p++, err));
            if (*p == '^')
                YH_TRY(yh_buf_addc(b, *p++, err));
            if (*p == ']')
                YH_TRY(yh_buf_addc(b, *p++, err));
            continue;
        }
        if (in_class && (*p == '[' || (*p == ']' && depth > 0))) {
            YH_TRY(pass_inner(&p, pattern, &depth, err));
            continue;
        }
        if (*p == '&' && in_class && p[1] == '&')
            return yh_fail(err, YH_UNSUPPORTED, "&& in a class in the pattern \"%.200s\"", pattern);
        if (*p == ']')
            in_class = false;
        YH_TRY(yh_buf_addc(b, *p++, err));
    }
    if (edges) {
        YH_TRY(yh_buf_adds(b, "(?(DEFINE)(?<yhword>[", err));
        YH_TRY(add_word(b, false, false, err));
        YH_TRY(yh_buf_adds(b, "]))", err));
    }
    return YH_OK;
}

static yh_status compile(yh_pattern *p, const char *pattern, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 1 << 20);
    yh_status s = translate(pattern, &b, err);
    if (s == YH_OK) {
        int code = 0;
        uint32_t empty = 0;
        PCRE2_SIZE where = 0;
        p->code = pcre2_compile((PCRE2_SPTR)(b.data != NULL ? b.data : ""), b.len,
                                PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_MULTILINE,
                                &code, &where, NULL);
        if (p->code == NULL) {
            char text[160] = "";
            pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
            s = yh_fail(err, YH_UNSUPPORTED, "%s: pattern \"%.160s\": %s", p->name, pattern, text);
        } else if (pcre2_pattern_info(p->code, PCRE2_INFO_MATCHEMPTY, &empty) != 0 || empty != 0) {
            s = yh_fail(err, YH_UNSUPPORTED,
                        "%s: pattern \"%.160s\" can match the empty text, which is not supported",
                        p->name, pattern);
        } else {
            p->jit = pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0;
        }
    }
    yh_buf_fini(&b);
    return s;
}

yh_status yh_pattern_create(yh_pattern **out, const char *pattern, bool force_regex,
                            const char *name, yh_err *err)
{
    *out = NULL;
    yh_uc_init();
    yh_pattern *p = yh_calloc(1, sizeof *p);
    if (p == NULL || (p->name = yh_strdup(name)) == NULL) {
        yh_free(p);
        return yh_fail(err, YH_NOMEM, "no memory for a pattern");
    }
    p->kind = force_regex ? YH_SCAN_REGEX : yh_pattern_known(pattern);
    yh_scan_init(p->kind);
    yh_status s = p->kind == YH_SCAN_REGEX ? compile(p, pattern, err) : YH_OK;
    if (s != YH_OK)
        yh_pattern_free(p);
    else
        *out = p;
    return s;
}

void yh_pattern_free(yh_pattern *p)
{
    if (p == NULL)
        return;
    pcre2_code_free(p->code);
    yh_free(p->name);
    yh_free(p);
}

yh_scan yh_pattern_kind(const yh_pattern *p)
{
    return p->kind;
}

yh_status yh_scan_state_create(yh_scan_state **out, const yh_pattern *p, yh_err *err)
{
    *out = NULL;
    yh_scan_state *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a pattern");
    if (p->kind == YH_SCAN_REGEX) {
        s->data = pcre2_match_data_create_from_pattern(p->code, NULL);
        s->context = pcre2_match_context_create(NULL);
        s->stack = p->jit ? pcre2_jit_stack_create(64 << 10, 256 << 20, NULL) : NULL;
        if (s->data == NULL || s->context == NULL || (p->jit && s->stack == NULL)) {
            yh_scan_state_free(s);
            return yh_fail(err, YH_NOMEM, "no memory for a pattern");
        }
        /* both live on the heap, so that a long run costs memory and never the C stack */
        pcre2_set_match_limit(s->context, UINT32_MAX);
        pcre2_set_depth_limit(s->context, UINT32_MAX);
        pcre2_set_heap_limit(s->context, 1 << 20); /* KiB */
        if (s->stack != NULL)
            pcre2_jit_stack_assign(s->context, NULL, s->stack);
    }
    *out = s;
    return YH_OK;
}

void yh_scan_state_free(yh_scan_state *s)
{
    if (s == NULL)
        return;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    yh_free(s);
}

yh_status yh_scan_next(const yh_pattern *p, yh_scan_state *s, const uint8_t *t, size_t n, size_t at,
                       size_t *begin, size_t *end, yh_err *err)
{
    *begin = *end = n;
    if (at >= n)
        return YH_OK;
    if (p->kind != YH_SCAN_REGEX) {
        *begin = at;
        *end = yh_scan_word(p->kind, t, n, at);
        return YH_OK;
    }
    int rc =
        pcre2_match(p->code, t, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, s->data, s->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return YH_OK;
    if (rc < 0) {
        char text[160] = "";
        pcre2_get_error_message(rc, (PCRE2_UCHAR *)text, sizeof text);
        return yh_fail(err, YH_LIMIT, "%s: pattern at byte %zu: %s", p->name, at, text);
    }
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->data);
    if (v[0] < at || v[1] <= v[0] || v[1] > n)
        return yh_fail(err, YH_UNSUPPORTED, "%s: pattern matches in a way that moves no text on",
                       p->name);
    *begin = v[0];
    *end = v[1];
    return YH_OK;
}
