/* Pre-tokenizers: cutting text into the words that BPE works in.
 * The patterns of GPT-2, Llama 3, Qwen2, o200k, Tekken and DeepSeek have hand-written scanners;
 * every other pattern goes through PCRE2, and tests hold both ways equal on the known ones. */
#ifndef YH_TEXT_PRETOK_H
#define YH_TEXT_PRETOK_H

#include "base/alloc.h"

#define YH_PATTERN_GPT2                                                                            \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define YH_PATTERN_CL100K_(digits)                                                                 \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits                           \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define YH_PATTERN_LLAMA3 YH_PATTERN_CL100K_("\\p{N}{1,3}")
#define YH_PATTERN_QWEN2  YH_PATTERN_CL100K_("\\p{N}")
/* o200k: words change where small letters are followed by a capital; Mistral's Tekken: the same
 * without contractions, each digit alone */
#define YH_PATTERN_O200K_(suffix, digits)                                                          \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"     \
    "+" suffix "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{"   \
    "Lo}\\p{M}]*" suffix "|" digits                                                                \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define YH_PATTERN_O200K  YH_PATTERN_O200K_("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}")
#define YH_PATTERN_TEKKEN YH_PATTERN_O200K_("", "\\p{N}")
/* DeepSeek V3 cuts by three patterns, one behind the other; words and what lies between them are
 * those of the last of these, which is all three in one. */
#define YH_CJK_                     "\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF"
#define YH_PATTERN_DEEPSEEK_DIGITS  "\\p{N}{1,3}"
#define YH_PATTERN_DEEPSEEK_CHINESE "[" YH_CJK_ "]+"
#define YH_PATTERN_DEEPSEEK_WORDS                                                                  \
    "[!\"#$%&'()*+,\\-./"                                                                          \
    ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"                 \
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
#define YH_PATTERN_DEEPSEEK                                                                        \
    "\\p{N}{1,3}|[" YH_CJK_ "]+|[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"             \
    "|[^\\r\\n\\p{L}\\p{P}\\p{S}\\p{N}" YH_CJK_ "]?(?:(?![" YH_CJK_ "])[\\p{L}\\p{M}])+"           \
    "| ?(?:(?![" YH_CJK_ "])[\\p{P}\\p{S}])+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?![^\\s\\p{N}" YH_CJK_    \
    "])|\\s+|(?:[^\\s\\p{L}\\p{M}\\p{P}\\p{S}\\p{N}" YH_CJK_ "](?!(?![" YH_CJK_                    \
    "])[\\p{L}\\p{M}]))+"

typedef enum yh_scan {
    YH_SCAN_REGEX, /* PCRE2 */
    YH_SCAN_GPT2,
    YH_SCAN_LLAMA3,
    YH_SCAN_QWEN2,
    YH_SCAN_O200K,   /* GPT-4o, gpt-oss */
    YH_SCAN_TEKKEN,  /* Mistral */
    YH_SCAN_DEEPSEEK /* DeepSeek V3 */
} yh_scan;

/* Immutable after creation. Each thread brings its own yh_scan_state. */
typedef struct yh_pattern yh_pattern;
typedef struct yh_scan_state yh_scan_state;

/* The scanner that knows this pattern, or YH_SCAN_REGEX. */
yh_scan yh_pattern_known(const char *pattern);
/* Compiles; force_regex takes PCRE2 for a known pattern too (tests). `name` is for messages. */
yh_status yh_pattern_create(yh_pattern **out, const char *pattern, bool force_regex,
                            const char *name, yh_err *err) YH_MUST_CHECK;
void yh_pattern_free(yh_pattern *p);
yh_scan yh_pattern_kind(const yh_pattern *p);

yh_status yh_scan_state_create(yh_scan_state **out, const yh_pattern *p, yh_err *err) YH_MUST_CHECK;
void yh_scan_state_free(yh_scan_state *s);

/* Finds the first match at or behind `at` in valid UTF-8 t[0..n): [*begin, *end), never empty.
 * Known patterns match everywhere, so *begin == at. *begin == *end == n: no further match. */
yh_status yh_scan_next(const yh_pattern *p, yh_scan_state *s, const uint8_t *t, size_t n, size_t at,
                       size_t *begin, size_t *end, yh_err *err) YH_MUST_CHECK;

/* End of the word at `at` < n; only for kinds other than YH_SCAN_REGEX. */
size_t yh_scan_word(yh_scan kind, const uint8_t *t, size_t n, size_t at);

/* Fills the tables that the scanner of this kind needs; safe from any thread. */
void yh_scan_init(yh_scan kind);

#endif
