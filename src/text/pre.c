/* Reading "pre_tokenizer" of a tokenizer.json. */
#include "base/json.h"
#include "text/pre.h"
#include "text/tok_json.h"
#include "text/unicode.h"
#include "text/utf8.h"

void yh_pre_fini(yh_pre *p)
{
    for (size_t i = 0; i < p->n; i++)
        yh_pattern_free(p->step[i].pattern);
    p->n = 0;
}

static yh_status add_step(yh_pre *p, yh_pre_step step, const char *name, yh_err *err)
{
    if (p->n == YH_PRE_STEPS)
        return yh_fail(err, YH_LIMIT, "%s: more than %d pre-tokenizer steps", name,
                       (int)YH_PRE_STEPS);
    p->step[p->n++] = step;
    return YH_OK;
}

static yh_status add_pattern(yh_pre *p, const char *pattern, yh_behavior behavior, bool invert,
                             const char *name, yh_err *err)
{
    YH_TRY(add_step(p,
                    (yh_pre_step){.kind = YH_PRE_PATTERN, .behavior = behavior, .invert = invert},
                    name, err));
    return yh_pattern_create(&p->step[p->n - 1].pattern, pattern, false, name, err);
}

static yh_status add_class(yh_pre *p, uint8_t mask, yh_behavior behavior, const char *name,
                           yh_err *err)
{
    return add_step(p, (yh_pre_step){.kind = YH_PRE_CLASS, .behavior = behavior, .mask = mask},
                    name, err);
}

/* One character as the text of a step. */
static yh_status set_char(yh_pre_step *step, const json_t *v, const char *what, const char *name,
                          yh_err *err)
{
    uint32_t cp;
    const char *c = json_string_value(v);
    size_t n = json_string_length(v);
    int len = n > 0 ? yh_utf8_decode((const uint8_t *)c, n, &cp) : 0;
    if (len <= 0 || (size_t)len != n)
        return yh_fail(err, YH_CORRUPT, "%s: %s must be one character", name, what);
    memcpy(step->text, c, n);
    step->length = n;
    return YH_OK;
}

static yh_status read_behavior(const json_t *j, yh_behavior *out, const char *name, yh_err *err)
{
    static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char *b = json_string_value(json_object_get(j, "behavior"));
    for (int i = 0; b != NULL && i < 5; i++)
        if (strcmp(b, names[i]) == 0) {
            *out = (yh_behavior)i;
            return YH_OK;
        }
    return yh_tok_unsupported(name, "pre-tokenizer behavior", b, err);
}

static yh_status read_split(yh_pre *p, const json_t *j, const char *name, yh_err *err)
{
    yh_behavior behavior = YH_ISOLATED;
    YH_TRY(read_behavior(j, &behavior, name, err));
    bool invert = json_is_true(json_object_get(j, "invert"));
    const json_t *pattern = json_object_get(j, "pattern");
    const char *regex = json_string_value(json_object_get(pattern, "Regex"));
    const json_t *literal = json_object_get(pattern, "String");
    if (regex != NULL && regex[0] != '\0')
        return add_pattern(p, regex, behavior, invert, name, err);
    if (json_string_length(literal) == 0)
        return yh_fail(err, YH_CORRUPT, "%s: a Split without a pattern", name);
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_tok_quote(json_string_value(literal), &b, err);
    if (s == YH_OK)
        s = add_pattern(p, b.data, behavior, invert, name, err);
    yh_buf_fini(&b);
    return s;
}

static yh_status read_metaspace(yh_pre *p, const json_t *j, const char *name, yh_err *err)
{
    const char *scheme = json_string_value(json_object_get(j, "prepend_scheme"));
    const json_t *old = json_object_get(j, "add_prefix_space");
    yh_pre_step step = {.kind = YH_PRE_METASPACE, .prepend = YH_PREPEND_ALWAYS};
    YH_TRY(
        set_char(&step, json_object_get(j, "replacement"), "Metaspace's replacement", name, err));
    if (scheme == NULL)
        step.prepend = json_is_false(old) ? YH_PREPEND_NEVER : YH_PREPEND_ALWAYS;
    else if (strcmp(scheme, "first") == 0)
        step.prepend = YH_PREPEND_FIRST;
    else if (strcmp(scheme, "never") == 0)
        step.prepend = YH_PREPEND_NEVER;
    else if (strcmp(scheme, "always") != 0)
        return yh_tok_unsupported(name, "Metaspace prepend_scheme", scheme, err);
    YH_TRY(add_step(p, step, name, err));
    if (json_is_false(json_object_get(j, "split")))
        return YH_OK;
    step.kind = YH_PRE_CHAR;
    step.behavior = YH_MERGED_NEXT;
    return add_step(p, step, name, err);
}

static yh_status read_byte_level(yh_pre *p, const json_t *j, const char *name, yh_err *err)
{
    /* both are as true as Hugging Face's defaults when they are missing */
    if (!json_is_false(json_object_get(j, "add_prefix_space")))
        YH_TRY(add_step(p, (yh_pre_step){.kind = YH_PRE_SPACE, .text = " "}, name, err));
    if (!json_is_false(json_object_get(j, "use_regex")))
        return add_pattern(p, YH_PATTERN_GPT2, YH_ISOLATED, false, name, err);
    return YH_OK;
}

static yh_status read_fixed(yh_pre *p, const json_t *j, const char *name, yh_err *err)
{
    int64_t length;
    YH_TRY(yh_json_int(j, "length", 1, INT32_MAX, true, 5, name, &length, err));
    return add_step(p, (yh_pre_step){.kind = YH_PRE_FIXED, .length = (size_t)length}, name, err);
}

static yh_status read_one(yh_pre *p, const json_t *j, const char *type, const char *name,
                          yh_err *err)
{
    if (strcmp(type, "Split") == 0)
        return read_split(p, j, name, err);
    if (strcmp(type, "Digits") == 0)
        return add_class(p, YH_UC_DIGIT,
                         json_is_true(json_object_get(j, "individual_digits")) ? YH_ISOLATED
                                                                               : YH_CONTIGUOUS,
                         name, err);
    if (strcmp(type, "Metaspace") == 0)
        return read_metaspace(p, j, name, err);
    if (strcmp(type, "WhitespaceSplit") == 0)
        return add_class(p, YH_UC_S, YH_REMOVED, name, err);
    if (strcmp(type, "BertPreTokenizer") == 0) {
        YH_TRY(add_class(p, YH_UC_S, YH_REMOVED, name, err));
        return add_class(p, YH_UC_PUNCT, YH_ISOLATED, name, err);
    }
    if (strcmp(type, "Punctuation") == 0) {
        yh_behavior behavior = YH_ISOLATED;
        if (json_object_get(j, "behavior") != NULL)
            YH_TRY(read_behavior(j, &behavior, name, err));
        return add_class(p, YH_UC_PUNCT, behavior, name, err);
    }
    if (strcmp(type, "Whitespace") == 0) { /* \w+|[^\w\s]+ of Rust's regex */
        YH_TRY(add_class(p, YH_UC_S, YH_REMOVED, name, err));
        return add_class(p, YH_UC_WORD, YH_CONTIGUOUS, name, err);
    }
    if (strcmp(type, "CharDelimiterSplit") == 0) {
        yh_pre_step step = {.kind = YH_PRE_CHAR, .behavior = YH_REMOVED};
        YH_TRY(set_char(&step, json_object_get(j, "delimiter"), "CharDelimiterSplit's delimiter",
                        name, err));
        return add_step(p, step, name, err);
    }
    if (strcmp(type, "FixedLength") == 0)
        return read_fixed(p, j, name, err);
    return yh_tok_unsupported(name, "pre-tokenizer", type, err);
}

static yh_status read_at(yh_pre *p, const json_t *j, int depth, bool *byte_level, const char *name,
                         yh_err *err)
{
    if (j == NULL || json_is_null(j))
        return YH_OK;
    const char *type = yh_tok_type(j);
    const json_t *list = json_object_get(j, "pretokenizers");
    if (strcmp(type, "Sequence") == 0 && json_is_array(list) && depth < 4) {
        for (size_t i = 0; i < json_array_size(list); i++)
            YH_TRY(read_at(p, json_array_get(list, i), depth + 1, byte_level, name, err));
        return YH_OK;
    }
    if (*byte_level)
        return yh_tok_unsupported(name, "pre-tokenizer behind ByteLevel", type, err);
    if (strcmp(type, "ByteLevel") == 0) {
        *byte_level = true;
        return read_byte_level(p, j, name, err);
    }
    return read_one(p, j, type, name, err);
}

/* Patterns that have a scanner together become one. */
static yh_status join_patterns(yh_pre *p, const char *const *pattern, const char *name, yh_err *err)
{
    static const char *const deepseek[] = {YH_PATTERN_DEEPSEEK_DIGITS, YH_PATTERN_DEEPSEEK_CHINESE,
                                           YH_PATTERN_DEEPSEEK_WORDS};
    bool same = p->n == 3;
    for (size_t i = 0; i < 3 && same; i++)
        same = pattern[i] != NULL && strcmp(pattern[i], deepseek[i]) == 0 &&
               p->step[i].behavior == YH_ISOLATED && !p->step[i].invert;
    if (!same)
        return YH_OK;
    yh_pre_fini(p);
    return add_pattern(p, YH_PATTERN_DEEPSEEK, YH_ISOLATED, false, name, err);
}

yh_status yh_pre_read(yh_pre *p, const json_t *j, bool *byte_level, const char *name, yh_err *err)
{
    *byte_level = false;
    YH_TRY(read_at(p, j, 0, byte_level, name, err));
    const json_t *list = json_object_get(j, "pretokenizers");
    const char *pattern[3];
    for (size_t i = 0; i < 3; i++)
        pattern[i] = json_string_value(
            json_object_get(json_object_get(json_array_get(list, i), "pattern"), "Regex"));
    YH_TRY(join_patterns(p, pattern, name, err));
    for (size_t i = 0; i < p->n; i++)
        if (p->step[i].kind == YH_PRE_CLASS && p->step[i].mask == YH_UC_PUNCT)
            yh_uc_init_forms();
    return YH_OK;
}
