/* A document store and a file of decisions made of the input. First byte odd: the rest is written
 * as it stands (half as X, a quarter as X.idx, the rest as decisions). Even: second byte documents,
 * third byte length of the unpacked block in units of 8, the block, decisions; checksums and index
 * are made to fit, so that what is behind them is reached. What opens must be readable. */
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "dedup/store_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/yh_fuzz_store_XXXXXX";
static char path[3][sizeof dir + 32];

static void clean_up(void)
{
    for (int i = 0; i < 3; i++)
        (void)unlink(path[i]);
    (void)rmdir(dir);
}

static bool put(int file, const void *a, size_t n, const void *b, size_t m)
{
    FILE *f = fopen(path[file], "wb");
    if (f == NULL)
        return false;
    bool ok = (n == 0 || fwrite(a, 1, n, f) == n) && (m == 0 || fwrite(b, 1, m, f) == m);
    return fclose(f) == 0 && ok;
}

static bool put_fitting(const uint8_t *p, size_t n, unsigned docs, size_t raw)
{
    char packed[8192];
    raw = raw > n ? n : raw;
    const uint32_t says = (uint32_t)raw;
    memcpy(packed, &says, 4);
    size_t k = 4 + (size_t)LZ4_compress_default((const char *)p, packed + 4, (int)raw, 4096);
    uint64_t text = 0;
    for (unsigned i = 0; i < docs && (i + 1) * 24 <= raw; i++) {
        uint32_t len;
        memcpy(&len, p + i * 24, 4);
        text += len;
    }
    yh_store_entry e = {.at = 8,
                        .packed = (uint32_t)k,
                        .raw = (uint32_t)raw,
                        .docs = docs,
                        .bytes = text,
                        .check = yh_hash64(packed, k, 0)};
    yh_store_head h = {.blocks = 1, .documents = docs, .bytes = text, .size = 8 + k};
    memcpy(h.magic, YH_STORE_IDX_MAGIC, 8);
    h.check = yh_store_check(&h, &e);
    static uint8_t decided[1 << 16];
    yh_decisions_tail t = {(n - raw) / sizeof(yh_decision), 0};
    size_t bytes = (size_t)t.count * sizeof(yh_decision);
    if (bytes > sizeof decided - 64)
        return false;
    memcpy(decided, YH_DECISIONS_MAGIC, 8);
    memcpy(decided + 8, p + raw, bytes);
    t.check = yh_hash64(decided + 8, bytes, 0);
    memcpy(decided + 8 + bytes, &t, sizeof t);
    return put(0, YH_STORE_MAGIC, 8, packed, k) && put(1, &h, sizeof h, &e, sizeof e) &&
           put(2, decided, 8 + bytes + sizeof t, NULL, 0);
}

static yh_status look(void *user, int worker, const yh_stored *d, size_t n, yh_err *err)
{
    uint64_t *bytes = user;
    (void)worker;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        if (d[i].text[d[i].len] != '\0' || d[i].extra[d[i].extra_len] != '\0')
            __builtin_trap();
        *bytes += d[i].len + strlen(d[i].id) + strlen(d[i].url) + strlen(d[i].lang);
    }
    return YH_OK;
}

static void check(yh_status s, const yh_err *err)
{
    if (s != YH_OK && err->msg[0] == '\0')
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    const char *paths[] = {path[0]};
    if (!ready) {
        if (mkdtemp(dir) == NULL)
            return 0;
        snprintf(path[0], sizeof path[0], "%s/x", dir);
        snprintf(path[1], sizeof path[1], "%s/x.idx", dir);
        snprintf(path[2], sizeof path[2], "%s/decided", dir);
        atexit(clean_up);
        ready = true;
    }
    if (size < 3 || size > 4000)
        return 0;
    size_t half = size / 2, quarter = size / 4;
    bool ok = data[0] % 2 == 1
                  ? put(0, data + 1, half - 1, NULL, 0) && put(1, data + half, quarter, NULL, 0) &&
                        put(2, data + half + quarter, size - half - quarter, NULL, 0)
                  : put_fitting(data + 3, size - 3, data[1], (size_t)data[2] * 8);
    yh_err err = YH_ERR_INIT;
    yh_store *s = NULL;
    uint64_t bytes = 0;
    if (!ok)
        return 0;
    yh_status st = yh_store_open(&s, paths, 1, &err);
    check(st, &err);
    if (st != YH_OK)
        return 0;
    check(yh_store_each(s, NULL, look, &bytes, &err), &err);
    err = (yh_err)YH_ERR_INIT;
    check(yh_store_apply(s, path[2], &err), &err);
    err = (yh_err)YH_ERR_INIT;
    check(yh_store_each(s, NULL, look, &bytes, &err), &err);
    yh_store_close(s);
    return 0;
}
