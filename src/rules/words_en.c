/* English words: white space divides; then, again and again, one prefix and one suffix are taken
 * off until an exception or nothing is left to take; the rest is an address or is divided at
 * infixes; last, exceptions that the rules tore apart are put together again. */
#include <pthread.h>

#include "rules/word_table.h"
#include "rules/words.h"
#include "rules/words_special.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum {
    QUOTE = 16,  /* a quotation mark or bracket */
    AFFIX = 32,  /* prefix and suffix when alone */
    PREFIX = 64, /* prefix when alone */
    STOP = 128   /* a full stop behind it is a suffix */
};

enum { CLASS_BLOCKS = 640 };
static uint16_t class_index[0x1100];
static uint8_t class_block[CLASS_BLOCKS][256];
static pthread_once_t class_once = PTHREAD_ONCE_INIT;

static const char quotes[] = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧";
static const char punctuation[] = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪";
static const char currency[] = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫"
                               "€₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₽₾₿";
/* separated by blanks; behind a digit they are words of their own. The longest one counts. */
static const char units[] =
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s "
    "km/h kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см "
    "см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ тбكم "
    "كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب";

static int n_block = 1;
static void mark(uint32_t cp, uint8_t bits)
{
    if (class_index[cp >> 8] == 0 && n_block < CLASS_BLOCKS)
        class_index[cp >> 8] = (uint16_t)n_block++;
    class_block[class_index[cp >> 8]][cp & 0xff] |= bits;
}

static void mark_all(const char *chars, uint8_t bits)
{
    int len;
    for (const uint8_t *p = (const uint8_t *)chars; *p != 0; p += len)
        mark(yh_utf8_next(p, &len), bits);
}

static void class_fill(void)
{
    for (size_t i = 0; i < sizeof word_range / sizeof *word_range; i++)
        for (uint32_t cp = word_range[i].lo; cp <= word_range[i].hi; cp++)
            mark(cp, (cp - word_range[i].lo) % 2 == 0 ? word_range[i].even : word_range[i].odd);
    mark_all(quotes, QUOTE | AFFIX | STOP);
    mark_all(punctuation, AFFIX | STOP);
    mark_all("—–", AFFIX);
    mark_all(currency, PREFIX);
    mark_all("§%=", PREFIX);
    mark_all("0123456789%²-+|(?:)", STOP);
}

static inline uint8_t class_of(uint32_t cp)
{
    return class_block[class_index[cp >> 8]][cp & 0xff]; /* block 0 stays empty */
}

/* ------------------------------------------------------------------ looking at characters */

typedef struct text_range {
    const uint8_t *p, *end;
} text_range;

static inline uint32_t at(text_range s, int *len)
{
    return yh_utf8_next(s.p, len);
}

static inline uint32_t last(text_range s, int *len)
{
    const uint8_t *p = s.end - 1;
    while ((*p & 0xc0) == 0x80)
        p--;
    return yh_utf8_next(p, len);
}

static inline bool digit(uint32_t cp)
{
    return cp >= '0' && cp <= '9';
}

static size_t count(const uint8_t *p, size_t n)
{
    size_t c = 0;
    for (size_t i = 0; i < n; i++)
        c += (p[i] & 0xc0) != 0x80;
    return c;
}

static bool begins(text_range s, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(s.end - s.p) >= n && memcmp(s.p, what, n) == 0;
}

static bool ends(text_range s, const char *what, size_t n)
{
    return (size_t)(s.end - s.p) >= n && memcmp(s.end - n, what, n) == 0;
}

/* ------------------------------------------------------------------ affixes */

static size_t find_prefix(text_range s)
{
    int len, next;
    if (s.p == s.end)
        return 0;
    uint32_t cp = at(s, &len);
    if (class_of(cp) & (AFFIX | PREFIX | WT_ICON))
        return (size_t)len;
    text_range rest = {s.p + len, s.end};
    if (cp == '+')
        return rest.p == rest.end || !digit(at(rest, &next)) ? 1 : 0;
    if (cp == '.') {
        const uint8_t *q = rest.p;
        while (q < s.end && *q == '.')
            q++;
        return q > rest.p ? (size_t)(q - s.p) : 0;
    }
    return begins(s, "US$") ? 3 : begins(s, "C$") || begins(s, "A$") ? 2 : 0;
}

static size_t stop_suffix(text_range s)
{
    const uint8_t *q = s.end - 1;
    while (q > s.p && q[-1] == '.')
        q--;
    if (s.end - q > 1)
        return (size_t)(s.end - q);
    text_range before = {s.p, s.end - 1};
    if (before.p == before.end)
        return 0;
    int len, len2;
    uint32_t cp = last(before, &len);
    uint8_t c = class_of(cp);
    if (c & (STOP | WT_LOWER))
        return 1;
    before.end -= len;
    if (before.p == before.end)
        return 0;
    uint32_t cp2 = last(before, &len2);
    if ((c & WT_UPPER) && (class_of(cp2) & WT_UPPER))
        return 1;
    return cp2 == 0xb0 && strchr("FfCcKk", (int)cp) != NULL && cp < 0x80 ? 1 : 0;
}

/* The longest of the blank-separated strings that ends s behind a digit. */
static size_t behind_digit(text_range s, const char *list)
{
    size_t best = 0;
    while (*list != '\0') {
        size_t n = strcspn(list, " ");
        if (n > best && ends(s, list, n) && (size_t)(s.end - s.p) > n && digit(s.end[-1 - (long)n]))
            best = n;
        list += n + (list[n] == ' ');
    }
    return best;
}

static size_t find_suffix(text_range s)
{
    int len;
    if (s.p == s.end)
        return 0;
    uint32_t cp = last(s, &len);
    if (cp == '.')
        return stop_suffix(s);
    if (cp == 0x2026 && ends(s, "……", 6))
        return 6;
    if (class_of(cp) & (AFFIX | WT_ICON))
        return (size_t)len;
    if (cp == 's' || cp == 'S') {
        if (s.end - s.p >= 2 && s.end[-2] == '\'')
            return 2;
        if (ends((text_range){s.p, s.end - 1}, "’", 3))
            return 4;
    }
    if (cp == '+')
        return s.end - s.p >= 2 && digit(s.end[-2]) ? 1 : 0;
    if (class_of(cp) & PREFIX && cp != 0xa7 && cp != '%' && cp != '=') {
        if (cp == '$')
            return behind_digit(s, "US$ C$ A$ $");
        return s.end - s.p > len && digit(s.end[-1 - len]) ? (size_t)len : 0;
    }
    const uint8_t *q = s.end - 1; /* units are short: is there a digit near the end? */
    for (int i = 0; i < 12 && q >= s.p; i++, q--)
        if (digit(*q))
            return behind_digit(s, units);
    return 0;
}

/* ------------------------------------------------------------------ addresses */

static bool host_char(uint32_t cp)
{
    return (cp < 0x80 && ((cp | 32) - 'a' < 26u || digit(cp))) || (cp >= 0xa1 && cp <= 0xffff);
}

/* An optional port and path to the end. */
static bool address_tail(text_range s)
{
    if (s.p < s.end && *s.p == ':') {
        s.p++;
        int n = 0;
        for (; s.p < s.end && digit(*s.p); s.p++)
            n++;
        if (n < 2 || n > 5)
            return false;
    }
    return s.p == s.end || *s.p == '/' || *s.p == '?' || *s.p == '#';
}

static bool ip_address(text_range s)
{
    int part[4];
    for (int i = 0; i < 4; i++) {
        int n = 0, v = 0;
        bool zero = s.p < s.end && *s.p == '0';
        for (; s.p < s.end && digit(*s.p) && n < 4; s.p++, n++)
            v = v * 10 + (*s.p - '0');
        if (n == 0 || n > 3 || v > 255 || (n == 3 && v < 100))
            return false;
        if ((i == 0 && (zero || v > 223)) || (i == 3 && (zero || v > 254)))
            return false;
        part[i] = v;
        if (i < 3 && (s.p == s.end || *s.p++ != '.'))
            return false;
    }
    if (part[0] == 10 || part[0] == 127 || (part[0] == 169 && part[1] == 254) ||
        (part[0] == 192 && part[1] == 168) || (part[0] == 172 && part[1] >= 16 && part[1] <= 31))
        return false;
    return address_tail(s);
}

static bool host(text_range s)
{
    if (ip_address(s))
        return true;
    int labels = 0;
    for (;;) {
        /* the end of the name: letters up to the port, the path or the end */
        text_range t = s;
        int n = 0, len;
        while (t.p < t.end && (class_of(at(t, &len)) & WT_LOWER) && n < 64) {
            t.p += len;
            n++;
        }
        if (labels > 0 && n >= 2 && n <= 63 && address_tail(t))
            return true;
        uint32_t before = 0;
        for (n = 0; s.p < s.end; s.p += len, n++) {
            uint32_t cp = at(s, &len);
            if (!host_char(cp) && (n == 0 || (cp != '-' && cp != '_')))
                break;
            before = cp;
        }
        if (n == 0 || n > 64 || before == '-' || before == '_' || s.p == s.end || *s.p != '.')
            return false;
        s.p++;
        labels++;
    }
}

static bool address(text_range s)
{
    const uint8_t *dot = memchr(s.p, '.', (size_t)(s.end - s.p));
    if (dot == NULL || dot + 1 == s.end)
        return false;
    if (host(s))
        return true;
    text_range rest = s;
    int len, n = 0;
    while (rest.p < rest.end) {
        uint32_t cp = at(rest, &len);
        if (!(yh_uc_class(cp) & (YH_UC_L | YH_UC_N)) &&
            (cp > 127 || strchr("_+-.", (int)cp) == NULL))
            break;
        rest.p += len;
        n++;
    }
    bool scheme = n >= 2 && begins(rest, "://");
    if (scheme) {
        rest.p += 3;
        if (host(rest))
            return true;
    }
    for (const uint8_t *q = s.p + 1; q < s.end; q++)
        if (*q == '@' && host((text_range){q + 1, s.end}))
            return true;
    return false;
}

/* ------------------------------------------------------------------ infixes */

/* Length of the infix at s.p, 0: none. before: class of the character in front, 0 at the start. */
static size_t find_infix(text_range s, uint32_t before)
{
    int len, next_len;
    uint32_t cp = at(s, &len);
    uint8_t c = class_of(cp), prev = before != 0 ? class_of(before) : 0;
    text_range rest = {s.p + len, s.end};
    uint32_t next = rest.p < rest.end ? at(rest, &next_len) : 0;
    uint8_t after = next != 0 ? class_of(next) : 0;
    if (cp == '.' && next == '.')
        return find_prefix(s);
    if (cp == 0x2026 || (c & WT_ICON))
        return (size_t)len;
    if ((cp == '+' || cp == '-' || cp == '*' || cp == '^') && digit(before) &&
        (digit(next) || next == '-'))
        return 1;
    if (cp == '.')
        return (prev & (WT_LOWER | QUOTE)) && (after & (WT_UPPER | QUOTE)) ? 1 : 0;
    if (cp == ',')
        return (prev & WT_ALPHA) && (after & WT_ALPHA) ? 1 : 0;
    if (!(prev & WT_ALPHA) && !digit(before))
        return 0;
    if (cp == ':' || cp == '<' || cp == '>' || cp == '=' || cp == '/')
        return (after & WT_ALPHA) ? 1 : 0;
    static const char *const hyphens[] = {"-", "–", "—", "--", "---", "——", "~"};
    for (size_t i = 0; i < sizeof hyphens / sizeof *hyphens; i++)
        if (begins(s, hyphens[i])) {
            text_range behind = {s.p + strlen(hyphens[i]), s.end};
            if (behind.p < behind.end && (class_of(at(behind, &next_len)) & WT_ALPHA))
                return strlen(hyphens[i]);
        }
    return 0;
}

/* ------------------------------------------------------------------ one stretch without space */

typedef struct work {
    const char *text;
    yh_tokens *out;
    yh_tokens suffix; /* scratch, in the order of taking off */
    bool specials;
} work;

static yh_status add(work *w, const uint8_t *p, const uint8_t *end, yh_err *err)
{
    size_t n = (size_t)(end - p);
    return yh_tokens_add(w->out, (size_t)((const char *)p - w->text), n, count(p, n), err);
}

static const yh_special *special(const work *w, const uint8_t *p, const uint8_t *end)
{
    return w->specials ? yh_special_find((const char *)p, (size_t)(end - p)) : NULL;
}

static yh_status add_special(work *w, const uint8_t *p, const yh_special *s, yh_err *err)
{
    for (int i = 0; i < s->n; p += s->part[i++])
        YH_TRY(add(w, p, p + s->part[i], err));
    return YH_OK;
}

static yh_status divide(work *w, text_range s, yh_err *err)
{
    const uint8_t *begin = s.p, *whole = s.p;
    uint32_t before = 0;
    while (s.p < s.end) {
        size_t n = find_infix(s, before);
        int len;
        if (n == 0) {
            before = at(s, &len);
            s.p += len;
            continue;
        }
        const uint8_t *behind = s.p + n;
        before = last((text_range){s.p, behind}, &len);
        if (s.p != whole) {
            if (s.p > begin)
                YH_TRY(add(w, begin, s.p, err));
            YH_TRY(add(w, s.p, behind, err));
            begin = behind;
        }
        s.p = behind;
    }
    return begin < s.end ? add(w, begin, s.end, err) : YH_OK;
}

static yh_status take_off(work *w, text_range *s, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)w->text;
    for (bool more = true; more && s->p < s->end && special(w, s->p, s->end) == NULL;) {
        size_t pre = find_prefix(*s);
        if (pre > 0 && s->p + pre < s->end && special(w, s->p + pre, s->end) != NULL) {
            YH_TRY(add(w, s->p, s->p + pre, err));
            s->p += pre;
            return YH_OK;
        }
        size_t suf = find_suffix((text_range){s->p + pre, s->end});
        if (suf > 0)
            YH_TRY(yh_tokens_add(&w->suffix, (size_t)(s->end - suf - p), suf,
                                 count(s->end - suf, suf), err));
        if (suf > 0 && s->p < s->end - suf && special(w, s->p, s->end - suf) != NULL) {
            s->end -= suf;
            return YH_OK;
        }
        if (pre > 0)
            YH_TRY(add(w, s->p, s->p + pre, err));
        s->p += pre;
        s->end -= suf;
        more = pre > 0 || suf > 0;
    }
    return YH_OK;
}

static yh_status stretch(work *w, const uint8_t *p, const uint8_t *end, yh_err *err)
{
    const yh_special *x = special(w, p, end);
    if (x != NULL)
        return add_special(w, p, x, err);
    text_range s = {p, end};
    w->suffix.n = 0;
    YH_TRY(take_off(w, &s, err));
    if (s.p < s.end) {
        if ((x = special(w, s.p, s.end)) != NULL)
            YH_TRY(add_special(w, s.p, x, err));
        else if (address(s))
            YH_TRY(add(w, s.p, s.end, err));
        else
            YH_TRY(divide(w, s, err));
    }
    for (size_t i = w->suffix.n; i-- > 0;)
        YH_TRY(yh_tokens_add(w->out, w->suffix.t[i].at, w->suffix.t[i].len, w->suffix.t[i].chars,
                             err));
    return YH_OK;
}

static yh_status stretches(work *w, size_t from, size_t to, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)w->text + from, *end = (const uint8_t *)w->text + to;
    bool first = true;
    while (p < end) {
        const uint8_t *q = p;
        int len;
        uint32_t cp = yh_utf8_next(p, &len);
        bool space = yh_char_space(cp), letters = true;
        while (q < end) {
            cp = yh_utf8_next(q, &len);
            if (yh_char_space(cp) != space)
                break;
            letters = letters && (cp | 32) - 'a' < 26u;
            q += len;
        }
        if (!space && letters && (q - p > 10 || !w->specials || special(w, p, q) == NULL))
            YH_TRY(yh_tokens_add(w->out, (size_t)((const char *)p - w->text), (size_t)(q - p),
                                 (size_t)(q - p), err));
        else if (!space)
            YH_TRY(stretch(w, p, q, err));
        else if (p + (*p == ' ' && !first) < q) /* one blank behind a word is no token */
            YH_TRY(yh_tokens_add(w->out, (size_t)((const char *)p - w->text), (size_t)(q - p), 0,
                                 err));
        first = false;
        p = q;
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ exceptions torn apart */

enum { TORN_MAX = 512, TORN_SLOTS = 1024, TORN_PARTS = 12 };

/* An exception that the rules alone divide into `part`, the way it stands in a longer stretch. */
static struct torn {
    const yh_special *whole;
    uint8_t n, part[TORN_PARTS];
    int16_t next; /* with the same first part; -1: none */
} torn[TORN_MAX];
static int n_torn;
static struct {
    const char *first;
    uint8_t len;
    int16_t head;
} torn_slot[TORN_SLOTS];
static bool torn_begin[256]; /* first bytes of first parts */
static pthread_once_t torn_once = PTHREAD_ONCE_INIT;

static size_t torn_find(const char *p, size_t n)
{
    size_t h = 5381;
    for (size_t i = 0; i < n; i++)
        h = h * 33 + (uint8_t)p[i];
    for (h %= TORN_SLOTS; torn_slot[h].first != NULL; h = (h + 1) % TORN_SLOTS)
        if (torn_slot[h].len == n && memcmp(torn_slot[h].first, p, n) == 0)
            break;
    return h;
}

static bool has_affix(text_range s)
{
    if (find_prefix(s) > 0 || find_suffix(s) > 0)
        return true;
    uint32_t before = 0;
    for (int len; s.p < s.end; s.p += len) {
        if (find_infix(s, before) > 0)
            return true;
        before = at(s, &len);
    }
    return false;
}

static void torn_add(const yh_special *x)
{
    yh_tokens l = {0};
    work w = {.text = x->text, .out = &l};
    yh_status s = stretches(&w, 0, x->len, NULL);
    if (s == YH_OK && l.n <= TORN_PARTS && n_torn < TORN_MAX) {
        struct torn *t = &torn[n_torn];
        *t = (struct torn){.whole = x, .n = (uint8_t)l.n, .next = -1};
        for (size_t i = 0; i < l.n; i++)
            t->part[i] = (uint8_t)l.t[i].len;
        size_t slot = torn_find(x->text, t->part[0]);
        if (torn_slot[slot].first != NULL)
            t->next = torn_slot[slot].head;
        torn_slot[slot].first = x->text;
        torn_slot[slot].len = t->part[0];
        torn_slot[slot].head = (int16_t)n_torn++;
        torn_begin[(uint8_t)x->text[0]] = true;
    }
    yh_tokens_fini(&l);
    yh_tokens_fini(&w.suffix);
}

static void torn_fill(void)
{
    for (size_t i = 0; i < yh_special_count(); i++) {
        const yh_special *x = yh_special_at(i);
        const uint8_t *p = (const uint8_t *)x->text;
        if (x->n > 0 && has_affix((text_range){p, p + x->len}))
            torn_add(x);
    }
}

/* A found exception: tokens [at, at+n). */
typedef struct found {
    size_t at;
    const struct torn *t;
    bool dead;
} found;

static bool torn_match(const work *w, size_t i, const struct torn *t)
{
    const char *x = t->whole->text;
    if (i + t->n > w->out->n)
        return false;
    for (int k = 0; k < t->n; x += t->part[k++]) {
        const yh_token *o = &w->out->t[i + (size_t)k];
        if (o->len != t->part[k] || memcmp(w->text + o->at, x, o->len) != 0)
            return false;
    }
    return true;
}

/* Longer ones and then earlier ones go first; what overlaps with those goes. Overlaps reach no
 * further than TORN_PARTS tokens, so a window is enough. */
static void torn_choose(found *f, size_t n)
{
    for (int len = TORN_PARTS; len > 0; len--)
        for (size_t i = 0; i < n; i++) {
            if (f[i].t->n != len)
                continue;
            size_t from = f[i].at, to = from + (size_t)len - 1;
            for (size_t d = 0; d < 2; d++) /* longer ones, or as long but before it */
                for (size_t k = i; d == 0 ? k-- > 0 : ++k < n;) {
                    size_t a = f[k].at, b = a + f[k].t->n - 1;
                    if (d == 0 ? a + TORN_PARTS < from : a > to)
                        break;
                    bool first = f[k].t->n > len || (f[k].t->n == len && a < from);
                    if (first && ((from >= a && from <= b) || (to >= a && to <= b)))
                        f[i].dead = true;
                }
        }
}

static yh_status torn_apply(work *w, size_t start, const found *f, size_t n, yh_err *err)
{
    yh_tokens fresh = {0};
    yh_status s = YH_OK;
    size_t k = 0;
    for (size_t i = start; i < w->out->n && s == YH_OK;) {
        while (k < n && (f[k].dead || f[k].at < i))
            k++;
        const yh_token *o = &w->out->t[i];
        const yh_token *e = k < n && f[k].at == i ? &w->out->t[i + f[k].t->n - 1] : NULL;
        if (e == NULL || e->at + e->len - o->at != f[k].t->whole->len) {
            size_t m = e == NULL ? 1 : f[k].t->n;
            for (; m > 0 && s == YH_OK; m--, o++, i++)
                s = yh_tokens_add(&fresh, o->at, o->len, o->chars, err);
            continue;
        }
        work v = {.text = w->text, .out = &fresh};
        s = add_special(&v, (const uint8_t *)w->text + o->at, f[k].t->whole, err);
        i += f[k].t->n;
    }
    w->out->n = start;
    for (size_t i = 0; i < fresh.n && s == YH_OK; i++)
        s = yh_tokens_add(w->out, fresh.t[i].at, fresh.t[i].len, fresh.t[i].chars, err);
    yh_tokens_fini(&fresh);
    return s;
}

static yh_status mend(work *w, size_t start, yh_err *err)
{
    found *f = NULL;
    size_t n = 0, cap = 0;
    yh_status s = YH_OK;
    for (size_t i = start; i < w->out->n && s == YH_OK; i++) {
        const yh_token *o = &w->out->t[i];
        if (o->len > YH_SPECIAL_MAX || !torn_begin[(uint8_t)w->text[o->at]])
            continue;
        size_t slot = torn_find(w->text + o->at, o->len);
        if (torn_slot[slot].first == NULL)
            continue;
        for (int k = torn_slot[slot].head; k >= 0 && s == YH_OK; k = torn[k].next) {
            if (!torn_match(w, i, &torn[k]))
                continue;
            found *more = yh_grow(f, &cap, n + 1, sizeof *f);
            if (more == NULL)
                s = yh_fail(err, YH_NOMEM, "no memory for words");
            else
                (f = more)[n++] = (found){i, &torn[k], false};
        }
    }
    if (n > 0 && s == YH_OK) {
        torn_choose(f, n);
        s = torn_apply(w, start, f, n, err);
    }
    yh_free(f);
    return s;
}

yh_status yh_words_english(yh_tokens *out, const char *text, size_t from, size_t to, bool spaces,
                           yh_err *err)
{
    yh_uc_init();
    yh_special_init();
    (void)pthread_once(&class_once, class_fill);
    (void)pthread_once(&torn_once, torn_fill);
    size_t start = out->n;
    work w = {.text = text, .out = out, .specials = true};
    yh_status s = stretches(&w, from, to, err);
    if (s == YH_OK)
        s = mend(&w, start, err);
    yh_tokens_fini(&w.suffix);
    size_t n = start;
    for (size_t i = start; i < out->n && !spaces; i++)
        if (out->t[i].chars > 0)
            out->t[n++] = out->t[i];
    if (!spaces)
        out->n = n;
    return s;
}
