#include <stdio.h>
#include <utf8proc.h>

#include "input/mojibake_impl.h"
#include "input/utf8_scan.h"

enum { CHARS = 0x2700, PASSES = 4 };

/* ------------------------------------------------------------------ what a sequence would be */

typedef enum verdict {
    NO,      /* leave it */
    SUPPORT, /* only beside a sure one in the same line */
    SURE
} verdict;

typedef struct sequence {
    size_t at, len; /* characters of the line */
    uint32_t c;     /* what it becomes; 0xFFFD when a byte was lost */
    uint8_t lead;
    bool lossy, space; /* a byte was lost; one was a no-break space that became a space */
    verdict v;
} sequence;

typedef struct line {
    uint32_t *c; /* characters */
    size_t n, cap;
    sequence *seq;
    size_t n_seq, cap_seq;
} line;

static uint8_t byte_of(const yh_byte_set *s, uint32_t c)
{
    return c < CHARS ? s->from[c] : 0;
}

static int length_of(uint8_t lead)
{
    return lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Whether a space may be byte i of a sequence, as a no-break space that became one. E2 80 A0 is
 * left out: it is rather a quotation mark of which the last byte got lost. */
static bool may_be_space(const yh_byte_set *s, const uint32_t *c, size_t n, int want, int i)
{
    uint8_t lead = byte_of(s, c[0]);
    if (want == 2)
        return lead == 0xc2 || lead == 0xc3 || lead == 0xc5 || lead == 0xce || lead == 0xd0;
    if (want != 3 || n < 3 || lead > 0xe3)
        return false;
    if (i == 1)
        return lead == 0xe2 && (byte_of(s, c[2]) & 0xc0) == 0x80;
    return c[1] != ' ' && !(lead == 0xe2 && byte_of(s, c[1]) == 0x80);
}

/* Whether byte i of a sequence may have got lost at c[i]: the last one, or the one in the middle of
 * E2 .. .. and F0 9F .. .. (signs, emoji), of which the others still say what it was. */
static bool may_be_gone(const yh_byte_set *s, const uint32_t *c, int want, int i)
{
    uint8_t lead = byte_of(s, c[0]);
    if (c[i] == 0xfffd)
        return i == want - 1 || (want == 3 && lead == 0xe2) ||
               (want == 4 && i == 2 && lead == 0xf0 && byte_of(s, c[1]) == 0x9f);
    return c[i] == '?' && i == want - 1 && lead == 0xe2 && c[0] == 0xe2 && c[1] == 0x20ac;
}

/* Reads one character of UTF-8 in the bytes that the characters at c[0..n) stand for. */
static bool read_sequence(const yh_byte_set *s, const uint32_t *c, size_t n, sequence *q)
{
    uint8_t lead = byte_of(s, c[0]);
    int want = length_of(lead);
    if (want == 0)
        return false;
    uint32_t r = lead & (0xffu >> (want + 1));
    *q = (sequence){.lead = lead};
    for (int i = 1; i < want; i++) {
        uint8_t b = (size_t)i < n ? byte_of(s, c[i]) : 0;
        bool gone = (size_t)i < n && may_be_gone(s, c, want, i);
        if (b == 0 && gone) {
            q->lossy = true; /* the place of a byte that the wrong encoding lacks */
            b = 0x80;
        } else if (b == 0 && (size_t)i < n && c[i] == ' ' && may_be_space(s, c, n, want, i)) {
            q->space = true;
            b = 0xa0;
        }
        if (b < 0x80 || b > 0xbf)
            return false;
        r = r << 6 | (b & 0x3f);
    }
    q->len = (size_t)want;
    q->c = q->lossy ? 0xfffd : r;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    return q->lossy || (r >= least[want] && r <= 0x10ffff);
}

/* CESU-8: two sequences for the halves of a surrogate pair. */
static bool read_pair(const yh_byte_set *s, const uint32_t *c, size_t n, sequence *q)
{
    sequence low;
    if (q->lead != 0xed || q->lossy || q->c < 0xd800 || q->c >= 0xdc00 || n < 6 ||
        !read_sequence(s, c + 3, n - 3, &low) || low.lossy || low.c < 0xdc00 || low.c >= 0xe000)
        return false;
    q->c = 0x10000 + ((q->c - 0xd800) << 10) + (low.c - 0xdc00);
    q->len = 6;
    return true;
}

/* ------------------------------------------------------------------ judging */

static bool is_letter(uint32_t c)
{
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

static bool is_lower(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_LL;
}

static bool is_upper(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_LU;
}

/* Marks that stand behind words in right text: an É before them says nothing. */
static bool follows_words(uint32_t c)
{
    static const uint16_t list[] = {0x2026, 0x2019, 0x201d, 0x201c, 0x2018, 0x2013, 0x2014, 0x2122,
                                    0xae,   0xbb,   0xab,   0xbf,   0xa1,   0xb4,   0xa8,   0xb7,
                                    0xa0,   0xb0,   0xa9,   0x203a, 0x2022, 0xb3,   0xb2,   0xb9};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i] == c)
            return true;
    return false;
}

/* Scripts whose letters come in rows. */
static int script_of(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } list[] = {{0x370, 0x400},   {0x400, 0x530}, {0x590, 0x600},    {0x600, 0x780},
                {0x900, 0xe00},   {0xe00, 0xe80}, {0x3000, 0xa000},  {0xac00, 0xd7b0},
                {0x1e00, 0x1f00}, {0x300, 0x370}, {0x20000, 0x32000}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (c >= list[i].from && c < list[i].to)
            return (int)i + 1;
    return 0;
}

static bool latin(uint32_t c)
{
    return (c >= 0xc0 && c < 0x180 && c != 0xd7 && c != 0xf7) || (c >= 0x1e00 && c < 0x1f00) ||
           (c >= 0x218 && c < 0x21c) || c == 0x192;
}

/* The character before or behind a sequence, as it will be. */
static uint32_t neighbour(const line *l, size_t k, bool behind)
{
    const sequence *q = &l->seq[k];
    if (behind) {
        size_t i = q->at + q->len;
        if (k + 1 < l->n_seq && l->seq[k + 1].at == i)
            return l->seq[k + 1].c;
        return i < l->n ? l->c[i] : 0;
    }
    if (k > 0 && l->seq[k - 1].at + l->seq[k - 1].len == q->at)
        return l->seq[k - 1].c;
    return q->at > 0 ? l->c[q->at - 1] : 0;
}

/* The case of the letter must be that of its word. */
static bool case_fits(uint32_t r, uint32_t before, uint32_t after)
{
    if (is_lower(r))
        return is_letter(after) ? !is_upper(after) : !is_upper(before) || !is_letter(before);
    return !is_letter(before) || is_upper(before);
}

static verdict judge_two(const line *l, size_t k)
{
    const sequence *q = &l->seq[k];
    uint32_t r = q->c, second = l->c[q->at + 1], before = neighbour(l, k, false),
             after = neighbour(l, k, true);
    bool in_word = is_letter(before) || is_letter(after);
    if (q->lossy) { /* Ä� in a word, or Ă� at its beginning */
        bool first = q->lead == 0xc3 && !is_letter(before) && is_lower(after);
        return is_lower(before) && is_lower(after) && is_upper(l->c[q->at]) ? SURE
               : first || (is_letter(before) && is_letter(after))           ? SUPPORT
                                                                            : NO;
    }
    if (q->space && q->lead == 0xc2)
        return is_upper(before) ? NO : SUPPORT;
    if (q->space && (q->lead == 0xc5 || q->lead == 0xce)) /* a capital */
        return !is_letter(before) && is_lower(after) ? SUPPORT : NO;
    if (q->space)
        return q->lead == 0xc3 && is_lower(before) && (is_lower(after) || after == ' ') ? SURE
                                                                                        : SUPPORT;
    if (r < 0xa0)
        return NO;
    if (r < 0xc0 || r == 0xd7 || r == 0xf7) { /* C2: signs. £5, © 2019, 20°, a no-break space */
        if (r == 0xa0)
            return is_lower(before) ? SURE : SUPPORT;
        return q->lead == 0xc2 && l->c[q->at] == 0xc2 && !is_upper(before) ? SURE : SUPPORT;
    }
    if (r >= 0x2c6 && r < 0x2de) { /* a spacing accent: in a row of sequences, as in drawn faces */
        bool row = k > 0 && l->seq[k - 1].at + l->seq[k - 1].len == q->at && k + 1 < l->n_seq &&
                   l->seq[k + 1].at == q->at + q->len;
        return row ? SUPPORT : NO;
    }
    bool greek = r >= 0x391 && r < 0x3d0;
    if (!(latin(r) || greek) || q->lead > 0xcf || (q->lead > 0xc5 && !greek))
        return NO;
    if (!in_word) {
        bool alone = second == 0x20ac || (second == 0xa0 && before == ' ' && after == ' ');
        return q->lead == 0xc3 && l->c[q->at] == 0xc3 && alone ? SURE : SUPPORT;
    }
    if (!case_fits(r, before, after))
        return NO;
    if (second >= 0x2500 && second < 0x25a0) /* line art */
        return NO;
    if (q->lead == 0xc3 && second == 0xa5) /* might be another encoding's */
        return SUPPORT;
    if (second == 0xa0)
        return q->lead == 0xc3 && l->c[q->at] == 0xc3 ? SURE : SUPPORT;
    bool odd_case = is_lower(before) && is_upper(l->c[q->at]) && is_lower(r);
    bool ends = second == 0x2019 || second == 0x201d || second == 0x2026 || second == 0x2122;
    if (follows_words(second)) {
        bool c3 = q->lead == 0xc3 && l->c[q->at] == 0xc3;
        if (c3 && is_upper(before) && is_upper(r) && (!ends || second == 0x2122 || is_upper(after)))
            return second == 0x2019 || second == 0x2026 ? SUPPORT : SURE; /* HÃ”TEL */
        if (q->lead != 0xc3 && is_upper(r) && !is_letter(before) && is_lower(after) && !ends)
            return SURE; /* Ä°stanbul */
        if ((is_letter(before) && is_letter(after)) || (odd_case && !ends))
            return SURE;
        return c3 && second < 0xc0 && is_lower(r) && is_letter(before) ? SURE : SUPPORT;
    }
    if (!is_letter(second))
        return is_letter(before) || l->c[q->at] < 0x2200 ? SURE : SUPPORT;
    /* Both could be letters: a capital inside a small word is not, nor a sign before one. */
    bool capital = is_lower(before) && (is_upper(l->c[q->at]) || is_upper(second));
    bool small = is_upper(before) && is_upper(r) && is_lower(second);
    bool two = !is_letter(before) && is_upper(second) && is_upper(l->c[q->at]) && is_lower(r) &&
               is_lower(after);
    bool sign = !is_letter(l->c[q->at]) && (is_lower(before) || is_lower(after));
    return capital || small || two || sign ? SURE : SUPPORT;
}

static verdict judge_more(const line *l, size_t k)
{
    const sequence *q = &l->seq[k];
    uint32_t r = q->c, before = neighbour(l, k, false), after = neighbour(l, k, true);
    if (q->lossy) { /* â€� stands for one of a few marks */
        bool euro =
            q->lead == 0xe2 && q->len == 3 && l->c[q->at + 1] >= 0x80 && l->c[q->at + 1] != 0xfffd;
        return euro ? SURE : SUPPORT;
    }
    if (q->space) /* a sign beside sure ones; letters come in rows */
        return r >= 0x2600 && r < 0x2900 ? SUPPORT : NO;
    if (r >= 0x1f000 && r < 0x1fb00)
        return SURE;
    if ((r >= 0x2010 && r < 0x2050) || r == 0xfffd || r == 0xfeff || r == 0xfe0f ||
        (r >= 0xff01 && r < 0xff60) || (r >= 0xfb00 && r < 0xfb07) || r == 0x3001 || r == 0x3002 ||
        (r >= 0x3008 && r < 0x3012))
        return SURE;
    if (r >= 0x2000 && r < 0x2c00)
        return is_letter(l->c[q->at + 1]) && is_letter(l->c[q->at + 2]) ? SUPPORT : SURE;
    if (r >= 0x1e00 && r < 0x1f00) /* Vietnamese */
        return (is_letter(before) || is_letter(after)) && case_fits(r, before, after) ? SURE : NO;
    return NO; /* alone; rows are judged together */
}

/* Rows of at least two of one script are sure (three, where the wrong reading is Cyrillic too). */
static void judge_rows(line *l)
{
    for (size_t k = 0; k < l->n_seq;) {
        int script = script_of(l->seq[k].c);
        size_t to = k + 1, real = !l->seq[k].lossy && !l->seq[k].space;
        while (to < l->n_seq && l->seq[to].at == l->seq[to - 1].at + l->seq[to - 1].len &&
               (script_of(l->seq[to].c) == script || l->seq[to].lossy))
            real += !l->seq[to].lossy && !l->seq[to].space, to++;
        bool cyrillic = l->c[l->seq[k].at] >= 0x400 && l->c[l->seq[k].at] < 0x500;
        if (script > 0 && real >= (cyrillic ? 3u : 2u) && script_of(0x1e00) != script)
            for (size_t i = k; i < to; i++)
                l->seq[i].v = SURE;
        else if (script > 0 && script_of(0x1e00) != script)
            for (size_t i = k; i < to; i++)
                if (l->seq[i].v == NO && !l->seq[i].space)
                    l->seq[i].v = SUPPORT;
        k = to;
    }
}

/* What neighbours become may be a wrongly read sign in its turn, of three bytes or four: that it is
 * UTF-8 twice over is no chance. */
static void judge_twice(line *l, const yh_byte_set *s)
{
    for (size_t k = 0; k < l->n_seq; k++) {
        uint32_t c[4];
        size_t n = 0;
        while (n < 4 && k + n < l->n_seq && !l->seq[k + n].lossy && !l->seq[k + n].space &&
               (n == 0 || l->seq[k + n].at == l->seq[k + n - 1].at + l->seq[k + n - 1].len)) {
            c[n] = l->seq[k + n].c;
            n++;
        }
        sequence q;
        if (n >= 3 && read_sequence(s, c, n, &q) && !q.lossy && !q.space && q.len >= 3)
            for (size_t i = 0; i < q.len; i++)
                l->seq[k + i].v = SURE;
    }
}

/* Everything beyond ASCII is in sequences: no chance, when there are enough of them and they are
 * not capitals with no-break spaces, line art, or the like. */
static bool fits_whole(const line *l)
{
    bool telling = false;
    if (l->n_seq < 2)
        return false;
    for (size_t k = 0; k < l->n_seq; k++) {
        uint32_t first = l->c[l->seq[k].at], second = l->c[l->seq[k].at + 1];
        if (l->seq[k].lossy || l->seq[k].space || (first >= 0x2500 && second >= 0x2500))
            return false;
        telling = telling || l->seq[k].len > 2 || first >= 0x400 ||
                  (second != 0xa0 && !is_letter(second));
    }
    if (l->n_seq > 2)
        return telling;
    /* two: only when the first becomes half of a sequence again */
    uint32_t r = l->seq[0].c;
    return l->seq[1].at == l->seq[0].at + l->seq[0].len && (r == 0xc2 || r == 0xc3 || r == 0xe2);
}

/* Finds and judges the sequences for one set; returns how many characters they are made of, when
 * there is a sure one. */
static yh_status find(line *l, const yh_byte_set *s, size_t *covered, yh_err *err)
{
    size_t over = 0,
           failed = 0; /* characters beyond ASCII outside sequences; first bytes of them */
    l->n_seq = 0;
    *covered = 0;
    for (size_t i = 0; i < l->n;) {
        sequence q;
        bool is = l->c[i] >= 0x80 && read_sequence(s, l->c + i, l->n - i, &q);
        if (is && !read_pair(s, l->c + i, l->n - i, &q) && q.c >= 0xd800 && q.c < 0xe000)
            is = false;
        if (!is) {
            over += l->c[i] >= 0x80;
            failed += length_of(byte_of(s, l->c[i])) > 0;
            i++;
            continue;
        }
        sequence *list = yh_grow(l->seq, &l->cap_seq, l->n_seq + 1, sizeof *list);
        if (list == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to repair a line");
        l->seq = list;
        q.at = i;
        list[l->n_seq++] = q;
        i += q.len;
    }
    size_t sure = 0;
    for (size_t k = 0; k < l->n_seq; k++)
        l->seq[k].v = l->seq[k].len == 2 ? judge_two(l, k) : judge_more(l, k);
    judge_rows(l);
    judge_twice(l, s);
    bool whole = over == 0 && fits_whole(l);
    for (size_t k = 0; k < l->n_seq; k++) {
        l->seq[k].v = whole ? SURE : l->seq[k].v;
        sure += l->seq[k].v == SURE;
        failed += l->seq[k].v == NO && l->seq[k].space;
    }
    if (failed > sure) /* more that does not fit than that does */
        sure = 0;
    for (size_t k = 0; k < l->n_seq && sure > 0; k++)
        *covered += l->seq[k].v == SURE ? 2 * l->seq[k].len : l->seq[k].v == SUPPORT ? 1 : 0;
    return YH_OK;
}

/* ------------------------------------------------------------------ repairing */

/* Of an "à" that swallowed a space: whether that space was there, as in "à la", or the letter is
 * the beginning of a Portuguese word: às, àquele, àquela, àquilo. */
static bool space_follows(const line *l, size_t at)
{
    static const char *const words[] = {"s", "quele", "quela", "quilo", "queles", "quelas"};
    char word[8] = {0};
    size_t n = 0;
    while (n < sizeof word - 1 && at + n < l->n && is_letter(l->c[at + n])) {
        word[n] = l->c[at + n] < 0x80 ? (char)l->c[at + n] : '?';
        n++;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return i == 0 && at + 1 < l->n && l->c[at + 1] != ' '; /* à s'approcher */
    return at >= l->n || l->c[at] != ' ';
}

/* Replaces the sequences in place. */
static void replace(line *l, yh_mojibake_info *info)
{
    size_t to = 0, from = 0;
    for (size_t k = 0; k < l->n_seq; k++) {
        const sequence *q = &l->seq[k];
        if (q->v == NO)
            continue;
        while (from < q->at)
            l->c[to++] = l->c[from++];
        l->c[to++] = q->c;
        if (q->space && q->lead == 0xc3 && space_follows(l, q->at + q->len))
            l->c[to++] = ' ';
        from += q->len;
        info->repaired++;
        info->lost += q->lossy;
    }
    while (from < l->n)
        l->c[to++] = l->c[from++];
    l->n = to;
}

/* Bytes 0x80..0x9F of Windows-1252 that were read as Latin-1's control characters. */
static void replace_controls(const yh_mojibake *m, line *l, bool repaired, yh_mojibake_info *info)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->c[i] >= 0x80 && l->c[i] < 0xa0 && m->set[0].to[l->c[i] - 0x80] != l->c[i] &&
            l->c[i] != 0x85) {
            l->c[i] = m->set[0].to[l->c[i] - 0x80];
            info->repaired++;
        } else if (l->c[i] == 0x85 && i > 0 && (repaired || is_letter(l->c[i - 1]))) {
            l->c[i] = 0x2026;
            info->repaired++;
        }
}

static bool suspicious(const yh_mojibake *m, const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text;
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        size_t k = yh_utf8_at(p + i, n - i, &c);
        if (c < CHARS && (m->lead[c] != 0 || (c >= 0x80 && c < 0xa0)))
            return true;
        i += k > 0 ? k : 1;
    }
    return false;
}

static yh_status read_line(line *l, const char *text, size_t n, yh_err *err)
{
    uint32_t *c = yh_grow(l->c, &l->cap, n + 1, sizeof *c);
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to repair a line of %zu bytes", n);
    l->c = c;
    l->n = 0;
    for (size_t i = 0; i < n;) {
        uint32_t x = 0xfffd;
        size_t k = yh_utf8_at((const uint8_t *)text + i, n - i, &x);
        l->c[l->n++] = x;
        i += k > 0 ? k : 1;
    }
    return YH_OK;
}

static yh_status repair_line(const yh_mojibake *m, line *l, yh_mojibake_info *info, int *passes,
                             int *which, yh_err *err)
{
    *passes = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        size_t best = 0, covered;
        int set = -1;
        for (int k = 0; k < YH_MOJIBAKE_SETS; k++) {
            YH_TRY(find(l, &m->set[k], &covered, err));
            if (covered > best) {
                best = covered;
                set = k;
            }
        }
        if (set < 0)
            break;
        YH_TRY(find(l, &m->set[set], &covered, err));
        replace(l, info);
        *which = set;
        ++*passes;
    }
    replace_controls(m, l, *passes > 0, info);
    return YH_OK;
}

static void note(yh_mojibake_info *info, const yh_mojibake *m, int passes, int which,
                 const char *before, size_t n, const yh_buf *out, size_t at)
{
    static const char *const times[] = {"", "", ", twice", ", three times", ", four times"};
    if (passes > 0)
        snprintf(info->from, sizeof info->from, "UTF-8 as %s%s", m->set[which].name, times[passes]);
    else
        snprintf(info->from, sizeof info->from, "CP1252 as Latin-1");
    size_t i = 0, k = n < 24 ? n : 24, after = out->len - at;
    while (i < k && i < after && before[i] == out->data[at + i])
        i++;
    i = i > 8 ? i - 8 : 0; /* some of what is before the first difference */
    while (i > 0 && ((uint8_t)before[i] & 0xc0) == 0x80)
        i--;
    k = n - i < 24 ? n : i + 24;
    size_t j = after - i < 24 ? after : i + 24;
    while (k > i && k < n && ((uint8_t)before[k] & 0xc0) == 0x80)
        k--;
    while (j > i && j < after && ((uint8_t)out->data[at + j] & 0xc0) == 0x80)
        j--;
    snprintf(info->example, sizeof info->example, "%.*s > %.*s", (int)(k - i), before + i,
             (int)(j > i ? j - i : 0), out->data + at + i);
}

static yh_status repair_bytes(const yh_mojibake *m, line *l, const char *text, size_t n,
                              yh_buf *out, yh_mojibake_info *info, yh_err *err)
{
    uint64_t before = info->repaired;
    int passes = 0, which = 0;
    size_t at = out->len;
    YH_TRY(read_line(l, text, n, err));
    YH_TRY(repair_line(m, l, info, &passes, &which, err));
    if (info->repaired == before)
        return yh_buf_add(out, text, n, err);
    for (size_t i = 0; i < l->n; i++) {
        char b[4];
        YH_TRY(yh_buf_add(out, b, yh_utf8_put(l->c[i], b), err));
    }
    if (before == 0)
        note(info, m, passes, which, text, n, out, at);
    return YH_OK;
}

yh_status yh_mojibake_repair(const yh_mojibake *m, const char *text, size_t n, yh_buf *out,
                             yh_mojibake_info *info, yh_err *err)
{
    line l = {0};
    yh_status s = yh_buf_reserve(out, n + 1, err);
    memset(info, 0, sizeof *info);
    for (size_t at = 0; at < n && s == YH_OK;) {
        const char *nl = memchr(text + at, '\n', n - at);
        size_t len = nl != NULL ? (size_t)(nl - text) + 1 - at : n - at, start = out->len;
        uint64_t before = info->repaired;
        bool odd = suspicious(m, text + at, len);
        if (odd)
            s = yh_mojibake_latin(m, text + at, len, out, info, err);
        if (s == YH_OK && odd && info->repaired == before)
            s = repair_bytes(m, &l, text + at, len, out, info, err);
        else if (s == YH_OK && !odd)
            s = yh_buf_add(out, text + at, len, err);
        if (s == YH_OK)
            s = yh_mojibake_gbk(m, out, start, info, err);
        at += len;
    }
    yh_free(l.c);
    yh_free(l.seq);
    return s;
}
