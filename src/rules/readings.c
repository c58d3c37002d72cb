#include <stdlib.h>

#include "input/utf8_scan.h"
#include "rules/list.h"
#include "rules/readings.h"

enum { PAGES = 0x100, BASES_MAX = 1024 };

struct yh_readings {
    uint16_t *page[PAGES]; /* of a character: number of its first code + 1 in `code` */
    uint16_t *code; /* (base << 3 | tone) of each reading; a set top bit ends a character's */
    size_t n, cap;
    char base[BASES_MAX][YH_SYLLABLE_MAX];
    int bases;
};

#define LAST 0x8000u

/* Letters with marks that pinyin uses: what letter and which tone. */
static const struct {
    uint16_t c;
    char letter;
    uint8_t tone;
} marked[] = {
    {0x101, 'a', 1}, {0xe1, 'a', 2},  {0x1ce, 'a', 3}, {0xe0, 'a', 4},  {0x113, 'e', 1},
    {0xe9, 'e', 2},  {0x11b, 'e', 3}, {0xe8, 'e', 4},  {0xea, 'e', 0},  {0x12b, 'i', 1},
    {0xed, 'i', 2},  {0x1d0, 'i', 3}, {0xec, 'i', 4},  {0x14d, 'o', 1}, {0xf3, 'o', 2},
    {0x1d2, 'o', 3}, {0xf2, 'o', 4},  {0x16b, 'u', 1}, {0xfa, 'u', 2},  {0x1d4, 'u', 3},
    {0xf9, 'u', 4},  {0x1d6, 'v', 1}, {0x1d8, 'v', 2}, {0x1da, 'v', 3}, {0x1dc, 'v', 4},
    {0xfc, 'v', 0},  {0x144, 'n', 2}, {0x148, 'n', 3}, {0x1f9, 'n', 4}, {0x1e3f, 'm', 2},
    {0x251, 'a', 0}, {0x261, 'g', 0}, {0x103, 'a', 3}, {0x115, 'e', 3}, {0x12d, 'i', 3},
    {0x14f, 'o', 3}, {0x16d, 'u', 3},
};

/* A letter of a syllable; '\0': none. Combining marks come as tone with letter 1. */
static char letter_of(uint32_t c, uint8_t *tone)
{
    *tone = 0;
    if (c >= 0xff21 && c <= 0xff5a)
        c -= 0xfee0;
    if (c >= 'A' && c <= 'Z')
        c += 32;
    if (c >= 'a' && c <= 'z')
        return (char)c;
    if (c == 0x304 || c == 0x301 || c == 0x30c || c == 0x300) {
        *tone = c == 0x304 ? 1 : c == 0x301 ? 2 : c == 0x30c ? 3 : 4;
        return 1;
    }
    if (c == 0x308)
        return 1;
    /* capitals stand before the small letters of the extended blocks, 32 before in Latin-1 */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < sizeof marked / sizeof *marked; i++)
            if (marked[i].c == c) {
                *tone = marked[i].tone;
                return marked[i].letter;
            }
        if (c >= 0xc0 && c < 0xdf)
            c += 32;
        else if (c >= 0x100 && c < 0x180)
            c |= 1;
        else if (c >= 0x1cd && c < 0x1dd)
            c++;
        else
            return '\0';
    }
    return '\0';
}

static size_t read_bopomofo(const uint8_t *p, size_t n)
{
    size_t i = 0, letters = 0;
    while (i < n && letters < 5) {
        uint32_t c = 0;
        size_t k = yh_utf8_at(p + i, n - i, &c);
        bool tone = c == 0x2ca || c == 0x2c7 || c == 0x2cb || c == 0x2d9 || c == 0x2c9;
        if (k < 2 || !(tone || (c >= 0x3105 && c < 0x3130)))
            break;
        letters += !tone;
        i += k;
    }
    return letters > 0 ? i : 0;
}

size_t yh_syllable_read(const char *text, size_t n, yh_syllable *s)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t i = 0, letters = 0;
    memset(s, 0, sizeof *s);
    while (i < n) {
        uint32_t c = 0;
        uint8_t tone = 0;
        size_t k = yh_utf8_at(p + i, n - i, &c);
        char l = k > 0 ? letter_of(c, &tone) : '\0';
        if (l == '\0')
            break;
        if (l != 1 && letters == YH_SYLLABLE_MAX - 1)
            return 0;
        if (l != 1)
            s->base[letters++] = l;
        if (tone != 0) {
            if (s->tone != 0)
                return 0; /* two tones: two syllables */
            s->tone = tone;
            s->marked = true;
        }
        i += k;
        if (l == 'u' && i < n && p[i] == ':') { /* u: for ü */
            s->base[letters - 1] = 'v';
            i++;
        }
    }
    if (letters == 0)
        return read_bopomofo(p, n);
    if (i < n && p[i] >= '1' && p[i] <= '5' && s->tone == 0)
        s->tone = (uint8_t)(p[i++] - '0');
    return i;
}

static int base_find(const yh_readings *r, const char *base)
{
    for (int i = 0; i < r->bases; i++)
        if (strcmp(r->base[i], base) == 0)
            return i;
    return -1;
}

static yh_status add_readings(yh_readings *r, uint32_t c, const char *list, yh_err *err)
{
    size_t first = r->n;
    while (*list != '\0') {
        yh_syllable s;
        size_t len = strcspn(list, ",");
        if (yh_syllable_read(list, len, &s) == len && s.base[0] != '\0') {
            int b = base_find(r, s.base);
            if (b < 0 && r->bases < BASES_MAX) {
                b = r->bases++;
                memcpy(r->base[b], s.base, sizeof s.base);
            }
            uint16_t *code = yh_grow(r->code, &r->cap, r->n + 1, sizeof *code);
            if (code == NULL)
                return yh_fail(err, YH_NOMEM, "no memory for a table of readings");
            r->code = code;
            if (b >= 0 && r->n < 0xfff0)
                code[r->n++] = (uint16_t)(b << 3 | s.tone);
        }
        list += len + (list[len] != '\0');
    }
    if (r->n == first)
        return YH_OK;
    r->code[r->n - 1] |= LAST;
    uint16_t **p = &r->page[c >> 8];
    if (*p == NULL && (*p = yh_calloc(256, sizeof **p)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a table of readings");
    (*p)[c & 0xff] = (uint16_t)(first + 1);
    return YH_OK;
}

yh_status yh_readings_load(yh_readings **out, const char *name, yh_err *err)
{
    yh_list l;
    yh_list_init(&l);
    *out = yh_calloc(1, sizeof **out);
    if (*out == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a table of readings");
    bool own = strcmp(name, "readings") == 0;
    yh_status s = yh_list_load(&l, name, own ? NULL : err);
    if (s == YH_NOTFOUND && own)
        s = yh_fail(err, YH_UNSUPPORTED,
                    "this yh was built without a table of readings: install the package "
                    "golang-github-mozillazg-go-pinyin-dev and build it again, or give the path of "
                    "a list of lines \"4E2D TAB zhōng,zhòng\"");
    for (size_t i = 0; i < l.n && s == YH_OK; i++) {
        char *end;
        unsigned long c = strtoul(l.entry[i].text, &end, 16);
        if (*end != '\0' || c > 0xffff)
            s = yh_fail(err, YH_CORRUPT, "%s: \"%s\" is no code point below 10000 in hexadecimal",
                        name, l.entry[i].text);
        else
            s = add_readings(*out, (uint32_t)c, l.entry[i].value, err);
    }
    yh_list_fini(&l);
    if (s != YH_OK) {
        yh_readings_free(*out);
        *out = NULL;
    }
    return s;
}

void yh_readings_free(yh_readings *r)
{
    if (r == NULL)
        return;
    for (int i = 0; i < PAGES; i++)
        yh_free(r->page[i]);
    yh_free(r->code);
    yh_free(r);
}

yh_reading_fit yh_readings_fit(const yh_readings *r, uint32_t c, const yh_syllable *s)
{
    if (s->base[0] == '\0')
        return YH_READING_PLAUSIBLE;
    int b = base_find(r, s->base);
    if (b < 0)
        return YH_READING_NO;
    const uint16_t *page = c < 0x10000 ? r->page[c >> 8] : NULL;
    size_t i = page != NULL ? page[c & 0xff] : 0;
    yh_reading_fit best = YH_READING_PLAUSIBLE;
    for (bool more = i > 0; more; i++) {
        uint16_t code = r->code[i - 1];
        more = (code & LAST) == 0;
        if ((code & ~LAST) >> 3 != (unsigned)b)
            continue;
        unsigned tone = code & 7;
        if (s->tone == 0 || s->tone == tone || (s->tone == 5 && tone == 0))
            return YH_READING_EXACT;
        best = YH_READING_SOUND;
    }
    return best;
}
