#include "base/hash.h"
#include "text/bpe.h"
#include "text/utf8.h"

/* Printable Latin-1 first, then the rest: the order of GPT-2's alphabet and so of its ids. */
#define R8(b) b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6, b + 7
const uint8_t yh_byte_order[256] = {
    33,      R8(34),  R8(42),  R8(50),  R8(58),  R8(66),  R8(74),  R8(82),  R8(90),
    R8(98),  R8(106), R8(114), 122,     123,     124,     125,     126,     161,
    162,     163,     164,     165,     166,     167,     168,     169,     170,
    171,     172,     R8(174), R8(182), R8(190), R8(198), R8(206), R8(214), R8(222),
    R8(230), R8(238), R8(246), 254,     255,     R8(0),   R8(8),   R8(16),  R8(24),
    32,      R8(127), R8(135), R8(143), R8(151), 159,     160,     173};

static bool printable(uint32_t b)
{
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
}

uint32_t yh_byte_char(uint8_t b)
{
    if (printable(b))
        return b;
    return 256u + (b < 33 ? b : b < 161 ? b - 127u + 33u : 67u);
}

static int char_byte(uint32_t c)
{
    if (c < 256)
        return printable(c) ? (int)c : -1;
    c -= 256;
    if (c < 33)
        return (int)c;
    if (c < 67)
        return (int)c - 33 + 127;
    return c == 67 ? 173 : -1;
}

yh_status yh_byte_text(const char *token, size_t n, yh_buf *out, bool *mapped, yh_err *err)
{
    size_t start = out->len;
    const uint8_t *p = (const uint8_t *)token;
    *mapped = true;
    YH_TRY(yh_buf_reserve(out, n, err));
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        int len = yh_utf8_decode(p + i, n - i, &cp);
        int byte = len > 0 ? char_byte(cp) : -1;
        if (byte < 0) {
            out->len = start;
            *mapped = false;
            return yh_buf_add(out, token, n, err);
        }
        out->data[out->len++] = (char)byte;
        i += (size_t)len;
    }
    return yh_buf_add(out, "", 0, err);
}

yh_status yh_byte_token(const char *bytes, size_t n, yh_buf *out, yh_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t text[4];
        int len = yh_utf8_encode(yh_byte_char((uint8_t)bytes[i]), text);
        YH_TRY(yh_buf_add(out, text, (size_t)len, err));
    }
    return YH_OK;
}

void yh_bpe_init(yh_bpe *b)
{
    memset(b, 0, sizeof *b);
    for (int i = 0; i < 256; i++)
        b->byte_id[i] = YH_NO_ID;
}

void yh_bpe_fini(yh_bpe *b)
{
    yh_free(b->blob);
    yh_free(b->begin);
    yh_free(b->len);
    yh_free(b->reachable);
    yh_free(b->slot);
    yh_free(b->left);
    yh_free(b->right);
    yh_free(b->merged);
    yh_free(b->pair);
    yh_free(b->byte_rank);
    yh_bpe_exact_fini(b);
    memset(b, 0, sizeof *b);
}

#define GROW(field, cap, need)                                                                     \
    do {                                                                                           \
        void *grown = yh_grow(b->field, &b->cap, (need), sizeof *b->field);                        \
        if (grown == NULL)                                                                         \
            return yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);               \
        b->field = grown;                                                                          \
    } while (0)

yh_status yh_bpe_set(yh_bpe *b, uint32_t id, const char *bytes, size_t n, bool reachable,
                     const char *name, yh_err *err)
{
    if (id >= YH_MAX_TOKENS)
        return yh_fail(err, YH_LIMIT, "%s: token id %u is past the limit of %u", name, id,
                       YH_MAX_TOKENS - 1);
    if (n > YH_MAX_TOKEN)
        return yh_fail(err, YH_LIMIT, "%s: token %u has %zu bytes, the limit is %u", name, id, n,
                       YH_MAX_TOKEN);
    if (id >= b->size) {
        GROW(begin, begin_cap, (size_t)id + 1);
        GROW(len, len_cap, (size_t)id + 1);
        GROW(reachable, reachable_cap, (size_t)id + 1);
        for (uint32_t i = b->size; i <= id; i++) {
            b->begin[i] = SIZE_MAX;
            b->len[i] = 0;
            b->reachable[i] = false;
        }
        b->size = id + 1;
    }
    if (b->begin[id] != SIZE_MAX)
        return yh_fail(err, YH_CORRUPT, "%s: two tokens have id %u", name, id);
    GROW(blob, blob_cap, b->blob_len + n + 1);
    memcpy(b->blob + b->blob_len, bytes, n);
    b->blob[b->blob_len + n] = '\0';
    b->begin[id] = b->blob_len;
    b->len[id] = (uint32_t)n;
    b->reachable[id] = reachable;
    b->blob_len += n + 1;
    b->count++;
    size_t wide = yh_utf8_valid((const uint8_t *)bytes, n) == n ? n : 3 * n;
    if (wide > b->longest)
        b->longest = wide;
    return YH_OK;
}

static size_t power_above(size_t n)
{
    size_t p = 16;
    while (p < n)
        p *= 2;
    return p;
}

yh_status yh_bpe_index(yh_bpe *b, const char *name, yh_err *err)
{
    yh_free(b->slot);
    b->slots = power_above((size_t)b->count * 2 + 1);
    b->slot = yh_malloc(b->slots * sizeof *b->slot);
    if (b->slot == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    memset(b->slot, 0xFF, b->slots * sizeof *b->slot);
    for (uint32_t id = 0; id < b->size; id++) {
        if (b->begin[id] == SIZE_MAX || !b->reachable[id])
            continue;
        const char *t = b->blob + b->begin[id];
        size_t i = yh_hash64(t, b->len[id], 0) & (b->slots - 1);
        for (; b->slot[i] != YH_NO_ID; i = (i + 1) & (b->slots - 1)) {
            uint32_t o = b->slot[i];
            if (b->len[o] == b->len[id] && memcmp(b->blob + b->begin[o], t, b->len[id]) == 0)
                return yh_fail(err, YH_CORRUPT, "%s: tokens %u and %u are the same text", name, o,
                               id);
        }
        b->slot[i] = id;
        if (b->len[id] == 1)
            b->byte_id[(uint8_t)t[0]] = id;
    }
    return YH_OK;
}

uint32_t yh_bpe_find(const yh_bpe *b, const char *bytes, size_t n)
{
    size_t i = yh_hash64(bytes, n, 0) & (b->slots - 1);
    for (; b->slot[i] != YH_NO_ID; i = (i + 1) & (b->slots - 1)) {
        uint32_t o = b->slot[i];
        if (b->len[o] == n && memcmp(b->blob + b->begin[o], bytes, n) == 0)
            return o;
    }
    return YH_NO_ID;
}

yh_status yh_bpe_merge(yh_bpe *b, uint32_t left, uint32_t right, const char *name, yh_err *err)
{
    if (b->merges >= YH_MAX_MERGES)
        return yh_fail(err, YH_LIMIT, "%s: more than %u merges", name, YH_MAX_MERGES);
    size_t n = (size_t)b->len[left] + b->len[right];
    char small[256], *joined = n <= sizeof small ? small : yh_malloc(n);
    if (joined == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the merges", name);
    memcpy(joined, b->blob + b->begin[left], b->len[left]);
    memcpy(joined + b->len[left], b->blob + b->begin[right], b->len[right]);
    uint32_t id = yh_bpe_find(b, joined, n);
    if (joined != small)
        yh_free(joined);
    if (id == YH_NO_ID)
        return yh_fail(err, YH_CORRUPT,
                       "%s: merge %u joins tokens %u and %u to a text that is no token", name,
                       b->merges, left, right);
    GROW(left, left_cap, (size_t)b->merges + 1);
    GROW(right, right_cap, (size_t)b->merges + 1);
    GROW(merged, merged_cap, (size_t)b->merges + 1);
    b->left[b->merges] = left;
    b->right[b->merges] = right;
    b->merged[b->merges] = id;
    b->merges++;
    return YH_OK;
}

yh_status yh_bpe_finish(yh_bpe *b, const char *name, yh_err *err)
{
    for (int i = 0; i < 256; i++)
        if (b->byte_id[i] == YH_NO_ID)
            return yh_fail(err, YH_UNSUPPORTED,
                           "%s: the vocabulary has no token for byte 0x%02X; byte-level BPE with "
                           "all 256 bytes is supported",
                           name, i);
    b->pairs = power_above((size_t)b->merges + b->merges / 3 + 1);
    b->pair = yh_malloc(b->pairs * sizeof *b->pair);
    b->byte_rank = yh_malloc(65536 * sizeof *b->byte_rank);
    if (b->pair == NULL || b->byte_rank == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the merges", name);
    memset(b->pair, 0xFF, b->pairs * sizeof *b->pair);
    memset(b->byte_rank, 0xFF, 65536 * sizeof *b->byte_rank);
    b->narrow = b->size <= YH_BPE_NARROW;
    b->pair_shift = 40;
    for (size_t p = b->pairs; p > 1; p /= 2)
        b->pair_shift--;
    for (uint32_t r = 0; r < b->merges; r++) {
        uint64_t tag = yh_bpe_tag(b, b->left[r], b->right[r]);
        size_t i = (size_t)(tag >> b->pair_shift);
        while (b->pair[i] != UINT64_MAX) {
            uint32_t old = (uint32_t)b->pair[i] & 0xFFFFFF;
            if (b->left[old] == b->left[r] && b->right[old] == b->right[r])
                break; /* the last of equal merges counts */
            i = (i + 1) & (b->pairs - 1);
        }
        b->pair[i] = tag << 24 | r;
        if (b->len[b->left[r]] == 1 && b->len[b->right[r]] == 1)
            b->byte_rank[(size_t)(uint8_t)b->blob[b->begin[b->left[r]]] << 8 |
                         (uint8_t)b->blob[b->begin[b->right[r]]]] = r;
    }
    return yh_bpe_exact_build(b, name, err);
}
