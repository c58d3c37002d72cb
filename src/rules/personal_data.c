#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "rules/personal_data.h"

enum { LOCAL_MAX = 64, DOMAIN_MAX = 253, LABEL_MAX = 63 };

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool word(char c)
{
    return digit(c) || letter(c) || c == '_';
}

static int hex(char c)
{
    int l = c | 0x20;
    return digit(c) ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

typedef struct text {
    const char *p;
    size_t n;
} text;

static char at(const text *t, size_t i) /* 0 outside: also for i = -1 */
{
    return i < t->n ? t->p[i] : '\0';
}

/* ------------------------------------------------------------------ e-mail */

static bool local_char(char c)
{
    return digit(c) || letter(c) || (c != '\0' && strchr("._%+-", c) != NULL);
}

/* The end of a domain name with a dot that begins at i; 0: none. */
static size_t domain_end(const text *t, size_t i)
{
    size_t begin = i, label = i, end = 0;
    for (; i < t->n && i - begin <= DOMAIN_MAX; i++) {
        char c = t->p[i];
        if (c == '.' && i > label && t->p[i - 1] != '-' && i - label <= LABEL_MAX) {
            label = i + 1;
        } else if (!digit(c) && !letter(c) && (c != '-' || i == label)) {
            break;
        }
    }
    size_t stop = i;
    while (stop > begin && (t->p[stop - 1] == '.' || t->p[stop - 1] == '-'))
        stop--;
    for (size_t k = stop; k > begin; k--) { /* the last label: letters, two at least */
        if (t->p[k - 1] == '.') {
            end = stop - k >= 2 ? stop : 0;
            break;
        }
        if (!letter(t->p[k - 1]))
            break;
    }
    return end;
}

static bool email(const text *t, size_t sign, size_t from, yh_personal *out)
{
    size_t b = sign;
    while (b > from && sign - b < LOCAL_MAX && local_char(t->p[b - 1]))
        b--;
    while (b < sign && strchr("._%+-", t->p[b]) != NULL)
        b++;
    size_t end = b < sign && t->p[sign - 1] != '.' ? domain_end(t, sign + 1) : 0;
    if (end == 0 || (b > from && local_char(at(t, b - 1)) && word(at(t, b - 1))))
        return false;
    *out = (yh_personal){b, end - b, YH_PERSONAL_EMAIL};
    return true;
}

/* ------------------------------------------------------------------ numbers */

/* Digits from i on, with single separators of `between` among them; *end behind the last digit. */
static size_t take_digits(const text *t, size_t i, const char *between, size_t most, char *out,
                          size_t *end)
{
    size_t k = 0;
    for (; k <= most; i++) {
        char c = at(t, i);
        if (digit(c)) {
            if (k == most)
                return most + 1;
            out[k++] = c;
            *end = i + 1;
        } else if (c == '\0' || strchr(between, c) == NULL || !digit(at(t, i + 1))) {
            break;
        }
    }
    return k;
}

/* Whether a number that fills [b, e) stands alone: no further digits, letters, decimals or a path
 * around it. */
static bool alone(const text *t, size_t b, size_t e)
{
    char before = at(t, b - 1), after = at(t, e);
    if (word(before) || word(after) || (before != '\0' && strchr("/=&#%$.-", before) != NULL))
        return false;
    if (after != '\0' && strchr("/%=&#", after) != NULL)
        return false;
    return !((after == '.' || after == '-' || after == ',') && digit(at(t, e + 1))) &&
           !(before == ',' && digit(at(t, b - 2)));
}

static int two(const char *d)
{
    return (d[0] - '0') * 10 + d[1] - '0';
}

/* GB 11643-1999: region, date of birth, order, check digit by ISO 7064 MOD 11-2. */
static bool is_cn_id(const char *d, char last)
{
    static const int weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    static const char check[] = "10X98765432",
                      days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char regions[] = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 "
                                  "50 51 52 53 54 61 62 63 64 65 71 81 82 83";
    int year = two(d + 6) * 100 + two(d + 8), month = two(d + 10), day = two(d + 12), sum = 0;
    bool region = false;
    for (const char *r = regions; !region && *r != '\0'; r += r[2] == ' ' ? 3 : 2)
        region = memcmp(r, d, 2) == 0;
    if (!region || year < 1880 || year > 2100 || month < 1 || month > 12 || day < 1 ||
        day > days[month - 1])
        return false;
    for (int i = 0; i < 17; i++)
        sum += weight[i] * (d[i] - '0');
    return check[sum % 11] == (last == 'x' ? 'X' : last);
}

static bool cn_id(const text *t, size_t b, yh_personal *out)
{
    char d[20];
    size_t end = b;
    size_t n = take_digits(t, b, "", 18, d, &end);
    char last = n == 18 ? d[17] : at(t, end);
    if (n == 17 && (last | 0x20) == 'x')
        end++;
    else if (n != 18)
        return false;
    if (!alone(t, b, end) || !is_cn_id(d, last))
        return false;
    *out = (yh_personal){b, end - b, YH_PERSONAL_CN_ID};
    return true;
}

static bool luhn(const char *d, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int v = d[n - 1 - i] - '0';
        v = i % 2 == 1 ? (v * 2 > 9 ? v * 2 - 9 : v * 2) : v;
        sum += v;
    }
    return sum % 10 == 0;
}

static bool known_card(const char *d, size_t n)
{
    int p4 = two(d) * 100 + two(d + 2), p2 = p4 / 100;
    if (p2 == 62) /* UnionPay */
        return n >= 16 && n <= 19;
    if (p2 == 34 || p2 == 37) /* American Express */
        return n == 15;
    return n == 16 &&
           (d[0] == '4' || (p2 >= 51 && p2 <= 55) || (p4 >= 2221 && p4 <= 2720) || p4 == 6011 ||
            p2 == 65 || (p4 >= 6440 && p4 <= 6499) || (p4 >= 3528 && p4 <= 3589));
}

static bool card(const text *t, size_t b, yh_personal *out)
{
    char d[24];
    size_t end = b, n = take_digits(t, b, " -", 19, d, &end);
    if (n < 15 || n > 19 || !alone(t, b, end) || !known_card(d, n) || !luhn(d, n))
        return false;
    for (size_t i = 1; i < n && d[i] == d[0]; i++)
        if (i + 1 == n)
            return false;
    *out = (yh_personal){b, end - b, YH_PERSONAL_CARD};
    return true;
}

/* ------------------------------------------------------------------ telephone */

/* The groups of digits from b on ("138-1234-5678": 3 4 4), with one kind of separator. */
static size_t groups(const text *t, size_t b, size_t size[8], size_t *end)
{
    size_t n = 0, i = b;
    char sep = '\0';
    for (;;) {
        size_t k = i;
        while (digit(at(t, k)))
            k++;
        if (k == i || n == 8)
            return 0;
        size[n++] = k - i;
        *end = k;
        char c = at(t, k);
        if ((c != '-' && c != ' ' && c != '.') || (sep != '\0' && c != sep) || !digit(at(t, k + 1)))
            return n;
        sep = c;
        i = k + 1;
    }
}

static bool is(const size_t *g, size_t n, size_t a, size_t b, size_t c)
{
    return n == (c > 0   ? 3u
                 : b > 0 ? 2u
                         : 1u) &&
           g[0] == a && (b == 0 || g[1] == b) && (c == 0 || g[2] == c);
}

/* 13812345678, 138-1234-5678, 010-12345678, 0755-12345678, 212-555-0123. */
static bool local_phone(const text *t, size_t b, yh_personal *out)
{
    size_t g[8], end = b, n = groups(t, b, g, &end);
    const char *p = t->p + b;
    bool mobile = (is(g, n, 11, 0, 0) || is(g, n, 3, 4, 4)) && p[0] == '1' && p[1] >= '3';
    bool line = n == 2 && p[0] == '0' && p[1] != '0' && p[g[0]] == '-' && p[g[0] + 1] >= '2' &&
                ((g[0] == 3 && g[1] == 8) || (g[0] == 4 && (g[1] == 7 || g[1] == 8)));
    bool north = is(g, n, 3, 3, 4) && p[0] >= '2' && p[4] >= '2' && p[3] != ' ';
    char before = at(t, b - 1), after = at(t, end);
    if (before == '(' && at(t, b + 3) == ')' && digit(at(t, b + 5))) /* (212) 555-0123 */
        return false;
    if ((!mobile && !line && !north) || !alone(t, b, end) ||
        (after == ' ' && digit(at(t, end + 1)) && n > 1) ||
        (before == ' ' && digit(at(t, b - 2)) && n > 1))
        return false;
    *out = (yh_personal){b, end - b, YH_PERSONAL_PHONE};
    return true;
}

/* (212) 555-0123 */
static bool bracket_phone(const text *t, size_t b, yh_personal *out)
{
    size_t i = b + 1, k = 0;
    const char *p = t->p;
    for (; k < 3 && digit(at(t, i + k)); k++)
        ;
    if (k != 3 || at(t, i + 3) != ')' || p[i] < '2' || word(at(t, b - 1)))
        return false;
    i += 4 + (at(t, i + 4) == ' ');
    size_t g[8], end = i, n = groups(t, i, g, &end);
    if (!is(g, n, 3, 4, 0) || p[i] < '2' || p[i + 3] != '-' || word(at(t, end)))
        return false;
    *out = (yh_personal){b, end - b, YH_PERSONAL_PHONE};
    return true;
}

/* +44 20 7946 0958, +8613812345678: ITU-T E.164, at most 15 digits. */
static bool world_phone(const text *t, size_t b, yh_personal *out)
{
    size_t digits = 0, i = b + 1, end = b, open = 0, separators = 0;
    char before = at(t, b - 1);
    if (word(before) || before == ')' || before == '+' || at(t, i) == '0' || !digit(at(t, i)))
        return false;
    for (;; i++) {
        char c = at(t, i);
        if (digit(c)) {
            digits++;
            end = i + 1;
        } else if (c == '(' && open == 0 && digit(at(t, i + 1))) {
            open++;
        } else if (c == ')' && open == 1) {
            open++;
        } else if ((c == ' ' || c == '-' || c == '.') &&
                   (digit(at(t, i + 1)) || (at(t, i + 1) == '(' && open == 0))) {
            separators++;
        } else {
            break;
        }
        if (digits > 15)
            return false;
    }
    if (digits < 8 || (digits < 10 && separators == 0) || open == 1 || word(at(t, end)))
        return false;
    *out = (yh_personal){b, end - b, YH_PERSONAL_PHONE};
    return true;
}

/* ------------------------------------------------------------------ addresses of the network */

/* Whether the words before b say that a version follows. */
static bool version_before(const text *t, size_t b)
{
    static const char *const words[] = {"version", "ver",  "v",      "release", "firmware", "build",
                                        "版本",    "固件", "版本号", "section", "chapter",  NULL};
    size_t e = b;
    while (e > 0 && strchr(" :=.\t", t->p[e - 1]) != NULL)
        e--;
    if (e >= 3 && memcmp(t->p + e - 3, "\xef\xbc\x9a", 3) == 0) /* a full-width colon */
        e -= 3;
    for (int i = 0; words[i] != NULL; i++) {
        size_t n = strlen(words[i]);
        if (e >= n && strncasecmp(t->p + e - n, words[i], n) == 0 &&
            ((uint8_t)words[i][0] >= 0x80 || !word(at(t, e - n - 1))))
            return true;
    }
    return false;
}

static bool is_private(const int *q)
{
    return q[0] == 0 || q[0] == 10 || q[0] == 127 || q[0] >= 224 || (q[0] == 192 && q[1] == 168) ||
           (q[0] == 172 && q[1] >= 16 && q[1] < 32) || (q[0] == 169 && q[1] == 254);
}

static bool ipv4(const text *t, size_t b, bool private_ip, yh_personal *out)
{
    int q[4];
    size_t i = b, small = 0;
    for (int k = 0; k < 4; k++) {
        size_t from = i;
        int v = 0;
        while (digit(at(t, i)) && i - from < 4)
            v = v * 10 + at(t, i++) - '0';
        if (i == from || i - from > 3 || v > 255 || (i - from > 1 && t->p[from] == '0'))
            return false;
        q[k] = v;
        small += v < 10;
        if (k < 3 && at(t, i++) != '.')
            return false;
    }
    char before = at(t, b - 1), after = at(t, i);
    if (word(before) || before == '.' || before == '-' || word(after) || after == '-' ||
        (after == '.' && word(at(t, i + 1))) || small == 4 || version_before(t, b) ||
        (is_private(q) && !private_ip))
        return false;
    *out = (yh_personal){b, i - b, YH_PERSONAL_IP};
    return true;
}

/* Eight groups, or fewer around one "::". */
static bool ipv6(const text *t, size_t b, bool private_ip, yh_personal *out)
{
    size_t i = b, n = 0, gap = 0;
    if (word(at(t, b - 1)) || at(t, b - 1) == ':')
        return false;
    for (;;) {
        size_t from = i;
        while (hex(at(t, i)) >= 0 && i - from < 5)
            i++;
        if (i - from > 4 || (i == from && gap == 0))
            return false;
        n += i > from;
        if (at(t, i) != ':' || n == 8)
            break;
        if (at(t, i + 1) == ':') {
            if (gap++ > 0)
                return false;
            i += 2;
            if (hex(at(t, i)) < 0)
                break;
        } else if (hex(at(t, i + 1)) >= 0) {
            i++;
        } else {
            break;
        }
    }
    int first = hex(t->p[b]), second = hex(at(t, b + 1));
    bool global = (first == 2 || first == 3) && hex(at(t, b + 3)) >= 0 && at(t, b + 4) == ':';
    bool local = first == 15 && second >= 12;
    if ((gap == 0 && n != 8) || n < 3 || (!global && !(local && private_ip)) || word(at(t, i)))
        return false;
    *out = (yh_personal){b, i - b, YH_PERSONAL_IP};
    return true;
}

/* ------------------------------------------------------------------ */

static bool number(const text *t, size_t i, bool private_ip, yh_personal *out)
{
    return cn_id(t, i, out) || card(t, i, out) || ipv4(t, i, private_ip, out) ||
           ipv6(t, i, private_ip, out) || local_phone(t, i, out);
}

bool yh_personal_next(const char *p, size_t n, size_t from, bool private_ip, yh_personal *out)
{
    const text t = {p, n};
    for (size_t i = from; i < n; i++) {
        char c = p[i];
        if (c == '@'   ? email(&t, i, from, out)
            : c == '+' ? world_phone(&t, i, out)
            : c == '(' ? bracket_phone(&t, i, out)
                       : false)
            return true;
        if (digit(c)) {
            bool begins = i == 0 || !word(p[i - 1]);
            if (begins && number(&t, i, private_ip, out)) {
                /* digits may be the name of an e-mail address */
                size_t k = out->at + out->len;
                if (at(&t, k) != '@')
                    return true;
            }
            while (i + 1 < n && digit(p[i + 1])) /* the rest of this number */
                i++;
        } else if (private_ip && (c | 0x20) == 'f' && hex(at(&t, i + 1)) >= 12 &&
                   ipv6(&t, i, true, out)) {
            return true;
        }
    }
    return false;
}
