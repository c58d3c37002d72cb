/* Readings in brackets behind characters, 时(shí)快(kuài), which some sites put in so that copies
 * are found or search engines are misled. They are told from the readings that an author gives by
 * what they are like together: many, in the middle of running text, the same characters again and
 * again. A dictionary gives each reading once, behind a headword; a textbook for beginners gives
 * them to every character. */
#include <stdio.h>

#include "input/utf8_scan.h"
#include "rules/han.h"
#include "rules/readings.h"
#include "rules/rule.h"

typedef struct noise {
    yh_readings *readings;
    size_t min_count;
    double min_share, max_share, min_inside;
} noise;

static const yh_param params[] = {
    {"readings", YH_PARAM_TEXT, "\"readings\"",
     "table of readings: the one built in, or a list of lines \"4E2D TAB zhōng,zhòng\" by path", 0,
     0},
    {"min_count", YH_PARAM_NUMBER, "6", "least number of such readings in a document", 1, 1e9},
    {"min_share", YH_PARAM_NUMBER, "0.02", "least share of the characters that have one", 0, 1},
    {"max_share", YH_PARAM_NUMBER, "0.7",
     "greatest share: above it is a text for learners, left alone", 0, 1},
    {"min_inside", YH_PARAM_NUMBER, "0.5",
     "least share of the readings that stand inside running text, not behind a headword", 0, 1},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    noise *s = state;
    yh_readings_free(s->readings);
    yh_free(s);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    noise *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = s;
    s->min_count = (size_t)yh_param_number(p, "min_count");
    s->min_share = yh_param_number(p, "min_share");
    s->max_share = yh_param_number(p, "max_share");
    s->min_inside = yh_param_number(p, "min_inside");
    return yh_readings_load(&s->readings, yh_param_text(p, "readings"), err);
}

/* Opening brackets of any width, and what closes them. */
static uint32_t closing(uint32_t c)
{
    static const uint16_t pairs[][2] = {{'(', ')'},       {'[', ']'},       {'{', '}'},
                                        {'<', '>'},       {0xff08, 0xff09}, {0xff3b, 0xff3d},
                                        {0xff5b, 0xff5d}, {0x3010, 0x3011}, {0x3014, 0x3015},
                                        {0x3008, 0x3009}, {0xfe59, 0xfe5a}, {0x300c, 0x300d}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] == c)
            return pairs[i][1];
    return 0;
}

static size_t blanks(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && (p[i] == ' ' || p[i] == '\t'))
        i++;
    return i;
}

/* A bracket at p with one syllable in it; its length, 0 when there is none. */
static size_t bracket(const char *p, size_t n, yh_syllable *s)
{
    uint32_t c = 0, end = 0;
    size_t i = yh_utf8_at((const uint8_t *)p, n, &c);
    uint32_t close = i > 0 ? closing(c) : 0;
    if (close == 0)
        return 0;
    i += blanks(p + i, n - i < 4 ? n - i : 4);
    size_t k = yh_syllable_read(p + i, n - i < 32 ? n - i : 32, s);
    if (k == 0)
        return 0;
    i += k;
    i += blanks(p + i, n - i < 4 ? n - i : 4);
    k = i < n ? yh_utf8_at((const uint8_t *)p + i, n - i, &end) : 0;
    if (k == 0 || (end != close && !(c < 0x80 && closing(0xff08) == end && c == '(') &&
                   !(c == 0xff08 && end == ')')))
        return 0;
    return i + k;
}

typedef struct tally {
    size_t han, sure, inside, distinct;
    uint64_t seen[64]; /* of annotated characters, by the low bits: enough to tell few from many */
    char example[3][24];
    int examples;
} tally;

/* Whether to take this bracket for a reading of the character before it. */
static bool is_reading(const noise *s, uint32_t han, const yh_syllable *y, bool *sure)
{
    yh_reading_fit f = yh_readings_fit(s->readings, han, y);
    *sure = f >= YH_READING_SOUND;
    /* not listed for it: only with a tone, so that (an) or (he) as words of their own stay */
    return *sure || (f == YH_READING_PLAUSIBLE && (y->tone != 0 || y->base[0] == '\0'));
}

/* Goes over the text; out NULL: counts only, else writes what stays. */
static yh_status walk(const noise *s, const char *text, size_t n, tally *t, yh_buf *out,
                      uint64_t *cut, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)text;
    uint32_t before = 0, last = 0, han = 0; /* two back, one back, and that when it is Han */
    size_t from = 0;
    for (size_t i = 0; i < n;) {
        yh_syllable y;
        uint32_t c = p[i];
        bool sure = false;
        size_t k = p[i] < 0x80 && han == 0 ? 1 : yh_utf8_at(p + i, n - i, &c);
        size_t b = han != 0 && closing(c) != 0 ? bracket(text + i, n - i, &y) : 0;
        if (b == 0 || !is_reading(s, han, &y, &sure)) {
            before = last;
            last = c;
            han = yh_is_han(c) ? c : 0;
            t->han += han != 0;
            i += k > 0 ? k : 1;
            continue;
        }
        uint32_t after = 0;
        if (i + b < n && yh_utf8_at(p + i + b, n - i - b, &after) == 0)
            after = 0;
        t->sure += sure;
        t->inside += sure && before >= 0x3000 && after >= 0x3000;
        uint64_t bit = 1ull << (han & 63), *word = &t->seen[han >> 6 & 63];
        t->distinct += (*word & bit) == 0;
        *word |= bit;
        if (sure && t->examples < 3 && b < 20)
            snprintf(t->example[t->examples++], sizeof *t->example, "%.*s",
                     (int)(b + (han < 0x10000 ? 3 : 4)), text + i - (han < 0x10000 ? 3 : 4));
        if (out != NULL) {
            YH_TRY(yh_buf_add(out, text + from, i - from, err));
            from = i + b;
            ++*cut;
        }
        i += b;
        before = last;
        last = han;
        han = 0;
    }
    return out != NULL ? yh_buf_add(out, text + from, n - from, err) : YH_OK;
}

static bool is_noise(const noise *s, const tally *t)
{
    if (t->sure < s->min_count || t->han == 0)
        return false;
    double share = (double)t->sure / (double)t->han;
    bool again = t->distinct * 4 < t->sure * 3; /* a glossary gives each reading once */
    return share >= s->min_share && share <= s->max_share && (again || share >= 3 * s->min_share) &&
           (double)t->inside >= s->min_inside * (double)t->sure;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const noise *s = state;
    tally t = {0}, again = {0};
    uint64_t cut = 0;
    YH_TRY(walk(s, d->text, d->len, &t, NULL, &cut, err));
    if (!is_noise(s, &t))
        return YH_OK;
    yh_buf out;
    char evidence[128];
    yh_buf_init(&out, 0);
    snprintf(evidence, sizeof evidence, "%s %s %s: %zu of %zu characters", t.example[0],
             t.example[1], t.example[2], t.sure, t.han);
    yh_status st = walk(s, d->text, d->len, &again, &out, &cut, err);
    if (st == YH_OK)
        st = yh_draft_change(d, step, &out, cut, evidence, err);
    yh_buf_fini(&out);
    return st;
}

const yh_rule yh_rule_pinyin_noise = {
    .name = "pinyin_noise",
    .doc = "takes out readings in brackets that were put behind characters as noise; spares "
           "dictionaries, glossaries and texts for learners",
    .params = params,
    .whole = true,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
