#include "text/bpe_text.h"
#include "text/scan_window.h"

enum { AHEAD = 1 << 14, STOP_MASK = (1 << 20) - 1 };

/* End of the word at `at`. */
static inline size_t next_word(yh_scan kind, yh_window *w, const uint8_t *t, size_t n, size_t at)
{
    if (t[at] >= 0x80 || kind == YH_SCAN_DEEPSEEK)
        return yh_scan_word(kind, t, n, at);
    for (;;) {
        size_t b = at - w->base;
        if (b >= YH_WINDOW_USED) {
            if (n - at < YH_WINDOW)
                return yh_scan_word(kind, t, n, at);
            yh_window_load(w, t, at);
            b = 0;
        }
        int len = yh_window_word(kind, w, t, n, (unsigned)b);
        if (len > 0)
            return at + (size_t)len;
        if (len == YH_WINDOW_NOT || b == 0)
            return yh_scan_word(kind, t, n, at);
        w->base = at - YH_WINDOW; /* move on */
    }
}

static inline __attribute__((always_inline)) yh_status
text_loop(const yh_bpe *b, yh_bpe_work *w, yh_scan kind, const uint8_t *t, size_t n, uint32_t **id,
          size_t *n_ids, size_t *cap, yh_err *err)
{
    yh_window win = {.base = SIZE_MAX - YH_WINDOW * 2};
    size_t m = *n_ids, room = *cap;
    uint32_t *out = *id;
    yh_status s = YH_OK;
    for (size_t at = 0, end, stop = STOP_MASK; at < n; at = end) {
        end = next_word(kind, &win, t, n, at);
        size_t len = end - at, made;
        if (room - m < len + YH_WORD_IDS) { /* a word has at most an id a byte */
            uint32_t *more = yh_grow(out, &room, m + len + AHEAD, sizeof *out);
            if (more == NULL) {
                s = yh_fail(err, YH_NOMEM, "no memory for %zu ids", m + len);
                break;
            }
            out = more;
        }
        uint64_t lo = 0, hi = 0;
        if (len <= YH_WORD_MAX) {
            yh_bpe_load(t + at, len, n - at, &lo, &hi);
            const yh_bpe_slot *e = yh_bpe_seen(w, lo, hi, len);
            if (e != NULL) {
                memcpy(out + m, e->id, sizeof e->id);
                m += e->n;
                continue;
            }
        }
        s = yh_bpe_miss(b, w, t + at, len, lo, hi, out + m, &made, err);
        if (s != YH_OK)
            break;
        m += made;
        if (end > stop) {
            stop = end | STOP_MASK;
            if (yh_stop_requested()) {
                s = yh_fail(err, YH_STOPPED, "stopped");
                break;
            }
        }
    }
    *id = out;
    *n_ids = m;
    *cap = room;
    return s;
}

yh_status yh_bpe_text(const yh_bpe *b, yh_bpe_work *w, yh_scan kind, const uint8_t *t, size_t n,
                      uint32_t **id, size_t *n_ids, size_t *cap, yh_err *err)
{
    YH_TRY(yh_bpe_work_init(w, err));
    switch (kind) { /* each has a loop of its own */
    case YH_SCAN_GPT2:
        return text_loop(b, w, YH_SCAN_GPT2, t, n, id, n_ids, cap, err);
    case YH_SCAN_LLAMA3:
        return text_loop(b, w, YH_SCAN_LLAMA3, t, n, id, n_ids, cap, err);
    case YH_SCAN_QWEN2:
        return text_loop(b, w, YH_SCAN_QWEN2, t, n, id, n_ids, cap, err);
    case YH_SCAN_O200K:
        return text_loop(b, w, YH_SCAN_O200K, t, n, id, n_ids, cap, err);
    case YH_SCAN_TEKKEN:
        return text_loop(b, w, YH_SCAN_TEKKEN, t, n, id, n_ids, cap, err);
    case YH_SCAN_DEEPSEEK:
        return text_loop(b, w, YH_SCAN_DEEPSEEK, t, n, id, n_ids, cap, err);
    case YH_SCAN_REGEX:
        break;
    }
    return yh_fail(err, YH_INTERNAL, "a pattern without a scanner");
}
