/* Readings in brackets behind characters, 时(shí)快(kuài), which some sites put in so that copies
 * are found or search engines are misled. They are told from the readings that an author gives by
 * what they are like together: many, in the middle of running text, the same characters again and
 * again. A dictionary gives each reading once, behind a headword; a textbook for beginners gives
 * them to every character. */
#include <stdio.h>

#include "input/mojibake.h"
#include "input/utf8_scan.h"
#include "rules/han.h"
#include "rules/readings.h"
#include "rules/rule.h"

typedef struct noise {
    yh_readings *readings;
    yh_mojibake *gbk;
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
    yh_mojibake_free(s->gbk);
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
    YH_TRY(yh_mojibake_create(&s->gbk, err));
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

/* A reading that was put between the bytes of two characters: 因?yàn)榇髲S for 因為大廠. The
 * question mark stands for the first byte of the second character and the bracket; with the byte
 * before it that byte makes a character which has the reading. Returns the bytes of text[0..n) that
 * it all stands for (text begins with the question mark), 0 when it is no such place; writes what
 * it should be when there is exactly one way, else the question mark alone. */
static size_t reading_and_close(const char *text, size_t n, yh_syllable *y)
{
    size_t k = n > 3 ? yh_syllable_read(text + 1, n - 1 < 32 ? n - 1 : 32, y) : 0;
    return k > 0 && y->marked && k + 1 < n && text[k + 1] == ')' ? k + 2 : 0;
}

/* The one ordinary character with this first byte and reading; 0: none, or several. */
static uint32_t with_reading(const noise *s, uint8_t first, const yh_syllable *y)
{
    uint32_t found = 0;
    for (unsigned q = 0x40; q < 0xff; q++) {
        uint32_t c = yh_gbk_to(s->gbk, (uint32_t)first << 8 | q);
        if (c == 0 || !yh_gbk_common(s->gbk, c) ||
            yh_readings_fit(s->readings, c, y) != YH_READING_EXACT)
            continue;
        if (found != 0)
            return 0;
        found = c;
    }
    return found;
}

/* Tries one byte for the lost one: what the text behind the reading is then. */
static size_t with_byte(const noise *s, uint8_t lost, const char *text, size_t n, yh_buf *out)
{
    uint8_t half = 0;
    yh_syllable y;
    size_t used = yh_gbk_realign(s->gbk, lost, text, n, out, &half);
    if (half == 0 || used == 0)
        return used;
    /* another reading was put behind the character that is half there */
    size_t k = reading_and_close(text + used, n - used, &y);
    uint32_t c = k > 0 ? with_reading(s, half, &y) : 0;
    char b[4];
    if (c == 0 || yh_buf_add(out, b, yh_utf8_put(c, b), NULL) != YH_OK)
        return 0;
    return used + k;
}

static size_t torn(const noise *s, uint32_t han, const char *text, size_t n, yh_buf *out,
                   yh_err *err, yh_status *st)
{
    yh_syllable y;
    size_t behind = reading_and_close(text, n, &y), used = 0, ways = 0;
    uint32_t low = yh_gbk_of(s->gbk, han) & 0xff;
    uint8_t byte = 0;
    *st = YH_OK;
    if (behind == 0)
        return 0;
    yh_buf b;
    yh_buf_init(&b, 0);
    for (unsigned q = 0x81; q < 0xff && low >= 0x81; q++) {
        uint32_t c = yh_gbk_to(s->gbk, low << 8 | q);
        if (c == 0 || yh_readings_fit(s->readings, c, &y) != YH_READING_EXACT)
            continue;
        yh_buf_clear(&b);
        size_t u = with_byte(s, (uint8_t)q, text + behind, n - behind, &b);
        if (u > 0) {
            ways++;
            used = u;
            byte = (uint8_t)q;
        }
    }
    yh_buf_fini(&b);
    if (ways == 1 && with_byte(s, byte, text + behind, n - behind, out) > 0)
        return behind + used;
    *st = yh_buf_addc(out, '?', err);
    return behind;
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
        if (c == '?' && out != NULL && (han != 0 || from == i)) {
            yh_status st;
            size_t before_it = out->len;
            YH_TRY(yh_buf_add(out, text + from, i - from, err));
            size_t u = torn(s, han, text + i, n - i, out, err, &st);
            YH_TRY(st);
            if (u > 0) {
                i = from = i + u;
                size_t tail = out->len;
                while (tail > 0 && ((uint8_t)out->data[--tail] & 0xc0) == 0x80)
                    ;
                (void)yh_utf8_at((const uint8_t *)out->data + tail, out->len - tail, &last);
                han = yh_is_han(last) ? last : 0;
                ++*cut;
                continue;
            }
            out->len = before_it;
        }
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
