#include "input/utf8_scan.h"
#include "rules/line_scan.h"

void yh_lines_init(yh_lines *l)
{
    memset(l, 0, sizeof *l);
    yh_buf_init(&l->folded, 0);
}

void yh_lines_fini(yh_lines *l)
{
    yh_free(l->line);
    yh_buf_fini(&l->folded);
    memset(l, 0, sizeof *l);
}

static bool is_stop(uint32_t c)
{
    return c == 0x3002 || c == '!' || c == '?' || c == 0x2026 || c == 0xff61;
}

static bool is_pause(uint32_t c)
{
    return c == ',' || c == 0x3001 || c == ';' || c == ':';
}

static bool is_bar(uint32_t c)
{
    return c == '|' || c == '>' || c == 0xbb || c == 0xb7 || c == 0x203a || c == '/' ||
           c == 0x4e28 || c == 0x2502 || c == 0x30fb;
}

static bool is_word(uint32_t c)
{
    return (c < 0x80 && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))) || yh_is_han(c) ||
           yh_is_kana(c) || (c >= 0xac00 && c < 0xd7a4) || (c >= 0xc0 && c < 0x2000 && c != 0xd7);
}

static void count(yh_line_info *i, const char *text, size_t n)
{
    uint32_t first = 0, last = 0, c = 0;
    for (size_t k = 0, m; k < n; k += m) {
        m = yh_utf8_at((const uint8_t *)text + k, n - k, &c);
        if (m == 0) {
            m = 1;
            continue;
        }
        first = i->chars == 0 ? c : first;
        last = c;
        i->chars++;
        i->words += is_word(c);
        i->han += yh_is_han(c);
        /* a full stop only before the end of a word: not in numbers and addresses */
        i->stops += is_stop(c) || (c == '.' && (k + 1 == n || text[k + 1] == ' '));
        i->pauses += is_pause(c);
        i->bars += is_bar(c);
    }
    i->blank = i->chars == 0;
    i->heading = first == '#';
    i->in_brackets =
        i->chars > 2 && ((first == '(' && last == ')') || (first == '[' && last == ']') ||
                         (first == 0x3010 && last == 0x3011));
    /* Fifteen Chinese characters or twelve words are a sentence; menus have no punctuation. */
    bool enough = i->han >= 15 || i->words - i->han >= 50;
    i->prose = enough && i->stops + i->pauses > 0 && (i->stops > 0 || i->words >= 40) &&
               i->bars * 8 < i->words && i->words > 12 * i->bars;
}

yh_status yh_lines_scan(yh_lines *l, const yh_han *h, const char *text, size_t n, yh_err *err)
{
    l->n = 0;
    yh_buf_clear(&l->folded);
    for (size_t at = 0; at < n;) {
        const char *nl = memchr(text + at, '\n', n - at);
        yh_line_info i = {.at = at, .zone = YH_ZONE_BODY, .fold = l->folded.len};
        i.len = nl != NULL ? (size_t)(nl - text) - at : n - at;
        YH_TRY(yh_han_fold(h, text + at, i.len, &l->folded, err));
        i.fold_len = l->folded.len - i.fold;
        if (i.fold_len > 0)
            count(&i, l->folded.data + i.fold, i.fold_len);
        else
            i.blank = true;
        yh_line_info *list = yh_grow(l->line, &l->cap, l->n + 1, sizeof *list);
        if (list == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu lines", l->n + 1);
        l->line = list;
        list[l->n++] = i;
        at += i.len + 1;
    }
    return YH_OK;
}

void yh_lines_zones(yh_lines *l, const bool *hit)
{
    enum { FEW = 3 };
    size_t first = l->n, last = l->n, visible = 0;
    for (size_t i = 0; i < l->n; i++) {
        l->line[i].zone = YH_ZONE_BODY;
        visible += !l->line[i].blank;
        if (l->line[i].prose && (hit == NULL || !hit[i])) {
            first = first == l->n ? i : first;
            last = i;
        }
    }
    bool prose = first < l->n;
    size_t few = visible < 4 ? 1 : FEW;
    size_t seen = 0;
    for (size_t i = 0; i < (prose ? first : l->n) && (prose || seen < few); i++) {
        l->line[i].zone = YH_ZONE_HEAD;
        seen += !l->line[i].blank;
    }
    seen = 0;
    for (size_t i = l->n; i-- > (prose ? last + 1 : 0) && (prose || seen < few);) {
        if (l->line[i].zone == YH_ZONE_HEAD)
            break;
        l->line[i].zone = YH_ZONE_TAIL;
        seen += !l->line[i].blank;
    }
}

void yh_lines_span(const yh_lines *l, size_t text_len, size_t from, size_t to, size_t *at,
                   size_t *len)
{
    bool gap = from == 0 || l->line[from - 1].blank;
    while (gap && to < l->n && l->line[to].blank)
        to++;
    *at = l->line[from].at;
    size_t end = to < l->n ? l->line[to].at : text_len;
    *len = end - *at;
}
