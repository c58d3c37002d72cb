#include "input/unpack.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct yh_unpack {
    yh_packing kind;
    bool open;   /* the library's state is there */
    bool inside; /* a member or frame has begun and not ended */
    bool any;    /* a whole member or frame was seen */
    z_stream z;
    bz_stream bz;
    lzma_stream xz;
    ZSTD_DStream *zstd;
    LZ4F_dctx *lz4;
    const char *what;
};

static const struct {
    const char *name, *ending, *mark, *early, *damaged, *behind;
    size_t n_mark;
} packings[] = {
    [YH_PACKING_NONE] = {"plain", NULL, NULL, NULL, NULL, NULL, 0},
    [YH_PACKING_GZIP] = {"gzip", ".gz", "\x1f\x8b", "gzip data end too early",
                         "gzip data are damaged", "bytes that are not gzip follow the gzip data",
                         2},
    [YH_PACKING_ZSTD] = {"zstd", ".zst", "\x28\xb5\x2f\xfd", "zstd data end too early",
                         "zstd data are damaged", "bytes that are not zstd follow the zstd data",
                         4},
    [YH_PACKING_XZ] = {"xz", ".xz", "\xfd\x37zXZ", "xz data end too early", "xz data are damaged",
                       "bytes that are not xz follow the xz data", 5},
    [YH_PACKING_BZIP2] = {"bzip2", ".bz2", "BZh", "bzip2 data end too early",
                          "bzip2 data are damaged",
                          "bytes that are not bzip2 follow the bzip2 data", 3},
    [YH_PACKING_LZ4] = {"lz4", ".lz4", "\x04\x22\x4d\x18", "lz4 data end too early",
                        "lz4 data are damaged", "bytes that are not lz4 follow the lz4 data", 4},
    [YH_PACKING_DEFLATE] = {"deflate", NULL, NULL, "deflate data end too early",
                            "deflate data are damaged", "", 0},
    [YH_PACKING_ZLIB] = {"zlib", NULL, NULL, "zlib data end too early", "zlib data are damaged", "",
                         0},
};

yh_packing yh_packing_of(const uint8_t *p, size_t n)
{
    for (int k = YH_PACKING_GZIP; k <= YH_PACKING_LZ4; k++)
        if (n >= packings[k].n_mark && memcmp(p, packings[k].mark, packings[k].n_mark) == 0 &&
            (k != YH_PACKING_BZIP2 ||
             (n > 4 && p[3] >= '1' && p[3] <= '9' && (p[4] == 0x31 || p[4] == 0x17))))
            return (yh_packing)k;
    /* a zstd file may begin with a skippable frame */
    if (n >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
        return YH_PACKING_ZSTD;
    return YH_PACKING_NONE;
}

yh_packing yh_packing_named(const char *name, size_t *base)
{
    size_t n = strlen(name);
    *base = n;
    for (int k = YH_PACKING_GZIP; k <= YH_PACKING_LZ4; k++) {
        size_t e = strlen(packings[k].ending);
        if (n > e && strcasecmp(name + n - e, packings[k].ending) == 0) {
            *base = n - e;
            return (yh_packing)k;
        }
    }
    return YH_PACKING_NONE;
}

bool yh_packing_restarts(yh_packing k, const uint8_t *p)
{
    switch (k) {
    case YH_PACKING_GZIP: /* deflate, known flags, the usual XFL and OS */
        return p[0] == 0x1f && p[1] == 0x8b && p[2] == 8 && (p[3] & 0xe0) == 0 &&
               (p[8] == 0 || p[8] == 2 || p[8] == 4) && (p[9] <= 13 || p[9] == 255);
    case YH_PACKING_BZIP2:
        return memcmp(p, "BZh", 3) == 0 && memcmp(p + 4, "1AY&SY", 6) == 0;
    case YH_PACKING_XZ:
    case YH_PACKING_ZSTD:
    case YH_PACKING_LZ4:
        return memcmp(p, packings[k].mark, packings[k].n_mark) == 0;
    case YH_PACKING_NONE:
    case YH_PACKING_DEFLATE:
    case YH_PACKING_ZLIB:
    default:
        return false;
    }
}

const char *yh_packing_name(yh_packing k)
{
    return packings[k].name;
}

void yh_unpack_close(yh_unpack *u)
{
    if (u == NULL)
        return;
    if (u->open && (u->kind == YH_PACKING_GZIP || u->kind >= YH_PACKING_DEFLATE))
        inflateEnd(&u->z);
    if (u->open && u->kind == YH_PACKING_BZIP2)
        BZ2_bzDecompressEnd(&u->bz);
    if (u->open && u->kind == YH_PACKING_XZ)
        lzma_end(&u->xz);
    ZSTD_freeDStream(u->zstd);
    LZ4F_freeDecompressionContext(u->lz4);
    yh_free(u);
}

yh_status yh_unpack_open(yh_unpack **out, yh_packing k, yh_err *err)
{
    yh_unpack *u = *out = yh_calloc(1, sizeof *u);
    bool ok = u != NULL;
    if (ok) {
        u->kind = k;
        if (k == YH_PACKING_ZSTD)
            ok = (u->zstd = ZSTD_createDStream()) != NULL;
        else if (k == YH_PACKING_LZ4)
            ok = !LZ4F_isError(LZ4F_createDecompressionContext(&u->lz4, LZ4F_VERSION));
        else if (k == YH_PACKING_XZ)
            ok = u->open =
                lzma_stream_decoder(&u->xz, YH_UNPACK_WINDOW, LZMA_CONCATENATED) == LZMA_OK;
        else if (k == YH_PACKING_BZIP2)
            ok = u->open = BZ2_bzDecompressInit(&u->bz, 0, 0) == BZ_OK;
        else
            ok = u->open = inflateInit2(&u->z, k == YH_PACKING_GZIP      ? 15 + 16
                                               : k == YH_PACKING_DEFLATE ? -15
                                                                         : 15) == Z_OK;
    }
    if (ok)
        return YH_OK;
    yh_unpack_close(u);
    *out = NULL;
    return yh_fail(err, YH_NOMEM, "no memory to decompress %s data", packings[k].name);
}

/* What one call of a library said. */
typedef enum { STEP_OK, STEP_MEMBER, STEP_BAD, STEP_WINDOW, STEP_NOMEM } step_is;

static step_is step_zlib(yh_unpack *u, const uint8_t *in, size_t n, size_t *used, uint8_t *out,
                         size_t room, size_t *made)
{
    u->z.next_in = (Bytef *)(uintptr_t)in;
    u->z.avail_in = n > UINT_MAX ? UINT_MAX : (uInt)n;
    u->z.next_out = out;
    u->z.avail_out = room > UINT_MAX ? UINT_MAX : (uInt)room;
    uInt in0 = u->z.avail_in, out0 = u->z.avail_out;
    int rc = inflate(&u->z, Z_NO_FLUSH);
    *used = in0 - u->z.avail_in;
    *made = out0 - u->z.avail_out;
    if (rc == Z_STREAM_END)
        return inflateReset(&u->z) == Z_OK ? STEP_MEMBER : STEP_BAD;
    return rc == Z_OK || rc == Z_BUF_ERROR ? STEP_OK : rc == Z_MEM_ERROR ? STEP_NOMEM : STEP_BAD;
}

static step_is step_bzip2(yh_unpack *u, const uint8_t *in, size_t n, size_t *used, uint8_t *out,
                          size_t room, size_t *made)
{
    u->bz.next_in = (char *)(uintptr_t)in;
    u->bz.avail_in = n > UINT_MAX ? UINT_MAX : (unsigned)n;
    u->bz.next_out = (char *)out;
    u->bz.avail_out = room > UINT_MAX ? UINT_MAX : (unsigned)room;
    unsigned in0 = u->bz.avail_in, out0 = u->bz.avail_out;
    int rc = BZ2_bzDecompress(&u->bz);
    *used = in0 - u->bz.avail_in;
    *made = out0 - u->bz.avail_out;
    if (rc == BZ_STREAM_END) {
        BZ2_bzDecompressEnd(&u->bz);
        u->open = false;
        memset(&u->bz, 0, sizeof u->bz);
        if (BZ2_bzDecompressInit(&u->bz, 0, 0) != BZ_OK)
            return STEP_NOMEM;
        u->open = true;
        return STEP_MEMBER;
    }
    return rc == BZ_OK ? STEP_OK : rc == BZ_MEM_ERROR ? STEP_NOMEM : STEP_BAD;
}

static step_is step_xz(yh_unpack *u, const uint8_t *in, size_t n, size_t *used, bool last,
                       uint8_t *out, size_t room, size_t *made)
{
    u->xz.next_in = in;
    u->xz.avail_in = n;
    u->xz.next_out = out;
    u->xz.avail_out = room;
    lzma_ret rc = lzma_code(&u->xz, last ? LZMA_FINISH : LZMA_RUN);
    *used = n - u->xz.avail_in;
    *made = room - u->xz.avail_out;
    if (rc == LZMA_STREAM_END)
        return STEP_MEMBER;
    if (rc == LZMA_OK || rc == LZMA_BUF_ERROR)
        return STEP_OK;
    return rc == LZMA_MEM_ERROR ? STEP_NOMEM : rc == LZMA_MEMLIMIT_ERROR ? STEP_WINDOW : STEP_BAD;
}

static step_is step_zstd(yh_unpack *u, const uint8_t *in, size_t n, size_t *used, uint8_t *out,
                         size_t room, size_t *made)
{
    ZSTD_inBuffer i = {in, n, 0};
    ZSTD_outBuffer o = {out, room, 0};
    size_t rc = ZSTD_decompressStream(u->zstd, &o, &i);
    *used = i.pos;
    *made = o.pos;
    if (!ZSTD_isError(rc))
        return rc == 0 ? STEP_MEMBER : STEP_OK;
    switch ((int)ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        return STEP_NOMEM;
    case ZSTD_error_frameParameter_windowTooLarge:
        return STEP_WINDOW;
    default:
        return STEP_BAD;
    }
}

static step_is step_lz4(yh_unpack *u, const uint8_t *in, size_t n, size_t *used, uint8_t *out,
                        size_t room, size_t *made)
{
    *used = n;
    *made = room;
    size_t rc = LZ4F_decompress(u->lz4, out, made, in, used, NULL);
    if (LZ4F_isError(rc)) {
        *used = *made = 0;
        return STEP_BAD;
    }
    return rc == 0 ? STEP_MEMBER : STEP_OK;
}

static yh_unpack_is broken(yh_unpack *u, const char *what)
{
    u->what = what;
    return YH_UNPACK_BROKEN;
}

yh_status yh_unpack_step(yh_unpack *u, const uint8_t *in, size_t n_in, size_t *in_at, bool last,
                         uint8_t *out, size_t n_out, size_t *out_at, yh_unpack_is *is, yh_err *err)
{
    const uint8_t *p = in + *in_at;
    size_t n = n_in - *in_at, room = n_out - *out_at, used = 0, made = 0;
    step_is r;
    *is = YH_UNPACK_GOES_ON;
    if (n > 0 && !u->inside && u->any && u->kind != YH_PACKING_XZ &&
        u->kind != YH_PACKING_ZSTD) { /* behind a member */
        if (u->kind == YH_PACKING_GZIP || u->kind == YH_PACKING_BZIP2) {
            while (n > 0 && *p == 0) { /* blocks of tapes are filled up with zeros */
                p++;
                n--;
                ++*in_at;
            }
        }
        if (n > 0 && *p != (uint8_t)packings[u->kind].mark[0] &&
            !(u->kind == YH_PACKING_LZ4 && (*p & 0xf0) == 0x50)) {
            *is = broken(u, packings[u->kind].behind);
            return YH_OK;
        }
    }
    if (n == 0 && last && !u->inside && (u->any || u->kind != YH_PACKING_XZ)) {
        *is = YH_UNPACK_ENDED;
        return YH_OK;
    }
    if (n > 0)
        u->inside = true;
    switch (u->kind) {
    case YH_PACKING_ZSTD:
        r = step_zstd(u, p, n, &used, out + *out_at, room, &made);
        break;
    case YH_PACKING_LZ4:
        r = step_lz4(u, p, n, &used, out + *out_at, room, &made);
        break;
    case YH_PACKING_XZ:
        r = step_xz(u, p, n, &used, last, out + *out_at, room, &made);
        break;
    case YH_PACKING_BZIP2:
        r = step_bzip2(u, p, n, &used, out + *out_at, room, &made);
        break;
    case YH_PACKING_NONE:
    case YH_PACKING_GZIP:
    case YH_PACKING_DEFLATE:
    case YH_PACKING_ZLIB:
    default:
        r = step_zlib(u, p, n, &used, out + *out_at, room, &made);
        break;
    }
    *in_at += used;
    *out_at += made;
    if (r == STEP_MEMBER) {
        u->any = true;
        u->inside = false;
        if (u->kind == YH_PACKING_XZ || u->kind >= YH_PACKING_DEFLATE)
            *is = YH_UNPACK_ENDED;
    } else if (r == STEP_NOMEM) {
        return yh_fail(err, YH_NOMEM, "no memory to decompress %s data", packings[u->kind].name);
    } else if (r == STEP_WINDOW) {
        *is = broken(u, u->kind == YH_PACKING_XZ
                            ? "xz data that need more than 256 MiB of memory to decompress"
                            : "zstd data with a window of more than 128 MiB");
    } else if (r == STEP_BAD) {
        *is = broken(u, packings[u->kind].damaged);
    } else if (last && used == 0 && made == 0 && (n == 0 || room > 0)) {
        *is = broken(u, packings[u->kind].early);
    }
    return YH_OK;
}

bool yh_unpack_inside(const yh_unpack *u)
{
    return u->inside;
}

const char *yh_unpack_what(const yh_unpack *u)
{
    return u->what;
}

yh_status yh_unpack_all(yh_packing k, const void *in, size_t n, size_t max, yh_buf *out,
                        const char **what, yh_err *err)
{
    enum { ROOM = 1 << 16 };
    yh_unpack *u;
    yh_unpack_is is = YH_UNPACK_GOES_ON;
    size_t at = 0, before = out->len;
    *what = NULL;
    YH_TRY(yh_unpack_open(&u, k, err));
    yh_status s = YH_OK;
    while (s == YH_OK && is == YH_UNPACK_GOES_ON) {
        if (out->len - before >= max) {
            *what = "grows beyond the limit when it is decompressed";
            break;
        }
        size_t room = max - (out->len - before) < ROOM ? max - (out->len - before) : ROOM, to = 0;
        s = yh_buf_reserve(out, room, err);
        if (s != YH_OK)
            break;
        s = yh_unpack_step(u, in, n, &at, true, (uint8_t *)out->data + out->len, room, &to, &is,
                           err);
        out->len += to;
        out->data[out->len] = '\0';
    }
    if (is == YH_UNPACK_BROKEN)
        *what = u->what; /* static text */
    yh_unpack_close(u);
    return s;
}
