/* Encoding against the reference: random merges over a few letters, in any order, and a text. The
 * one loop, the cache and the encoding without merging must give what scanner and merging give word
 * by word. Byte 0: pattern and kind of vocabulary; then a count of merges, two bytes each; the rest
 * is the text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "text/bpe_text.h"
#include "text/unicode.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MERGES = 64, TOKEN = 64 };

static yh_status vocabulary(yh_bpe *b, const uint8_t *p, size_t merges, yh_err *err)
{
    uint32_t left[MERGES], right[MERGES];
    size_t n = 0;
    for (uint32_t i = 0; i < 256; i++) {
        char c = (char)i;
        YH_TRY(yh_bpe_set(b, i, &c, 1, true, "fuzz", err));
    }
    YH_TRY(yh_bpe_index(b, "fuzz", err));
    for (size_t k = 0; k < merges; k++) {
        /* one byte names a byte or a token that is there already */
        uint32_t x = p[2 * k], y = p[2 * k + 1];
        x = x >= 128 && b->size > 256 ? 256 + (x - 128) % (b->size - 256) : x;
        y = y >= 128 && b->size > 256 ? 256 + (y - 128) % (b->size - 256) : y;
        char text[2 * TOKEN];
        size_t len = (size_t)b->len[x] + b->len[y];
        if (len > TOKEN)
            continue;
        memcpy(text, b->blob + b->begin[x], b->len[x]);
        memcpy(text + b->len[x], b->blob + b->begin[y], b->len[y]);
        if (yh_bpe_find(b, text, len) == YH_NO_ID) {
            YH_TRY(yh_bpe_set(b, b->size, text, len, true, "fuzz", err));
            YH_TRY(yh_bpe_index(b, "fuzz", err));
        }
        left[n] = x;
        right[n++] = y;
    }
    /* backwards: merges of what later ones make */
    for (size_t k = 0; k < n; k++) {
        size_t i = b->ignore_merges && merges % 2 ? n - 1 - k : k;
        YH_TRY(yh_bpe_merge(b, left[i], right[i], "fuzz", err));
    }
    return yh_bpe_finish(b, "fuzz", err);
}

static void check(const yh_bpe *b, yh_scan kind, const uint8_t *t, size_t n)
{
    yh_bpe_work fast = {0}, plain = {0};
    uint32_t *id = NULL;
    size_t ids = 0, cap = 0, seen = 0;
    yh_err err = YH_ERR_INIT;
    if (yh_bpe_text(b, &fast, kind, t, n, &id, &ids, &cap, &err) != YH_OK)
        abort();
    for (size_t at = 0, end; at < n; at = end) {
        const uint32_t *want;
        size_t m;
        end = yh_scan_word(kind, t, n, at);
        if (end <= at || end > n ||
            yh_bpe_word_merging(b, &plain, t + at, end - at, &want, &m, &err) != YH_OK ||
            seen + m > ids || memcmp(id + seen, want, m * sizeof *want) != 0)
            abort();
        seen += m;
    }
    if (seen != ids)
        abort();
    yh_free(id);
    yh_bpe_work_fini(&fast);
    yh_bpe_work_fini(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const yh_scan kinds[] = {YH_SCAN_GPT2, YH_SCAN_LLAMA3, YH_SCAN_QWEN2, YH_SCAN_O200K,
                                    YH_SCAN_TEKKEN};
    if (size < 2 || size > 1 << 14)
        return 0;
    size_t merges = data[1] % (MERGES + 1);
    if (2 + 2 * merges > size)
        return 0;
    yh_bpe b;
    yh_buf text;
    yh_err err = YH_ERR_INIT;
    yh_scan_init(YH_SCAN_O200K);
    yh_bpe_init(&b);
    yh_buf_init(&text, 0);
    b.ignore_merges = (data[0] & 8) != 0;
    if (vocabulary(&b, data + 2, merges, &err) == YH_OK &&
        yh_utf8_repair(data + 2 + 2 * merges, size - 2 - 2 * merges, &text, &err) == YH_OK &&
        text.len > 0)
        check(&b, kinds[(data[0] & 7) % 5], (const uint8_t *)text.data, text.len);
    yh_buf_fini(&text);
    yh_bpe_fini(&b);
    return 0;
}
