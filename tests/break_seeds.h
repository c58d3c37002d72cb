/* Small good files of every format with DOCS marked documents, to be broken; and bombs. */
#ifndef YH_TESTS_BREAK_SEEDS_H
#define YH_TESTS_BREAK_SEEDS_H

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"

enum { DOCS = 10 };
/* RECORDS: what is not damaged itself must come out. WHOLE: the format hangs together. */
typedef enum { RECORDS, WHOLE } seed_kind;

typedef struct seed {
    char name[32], ending[16];
    seed_kind kind;
    yh_buf bytes;
    size_t from[DOCS], to[DOCS]; /* where the documents lie */
    bool single;                 /* all of it is one document */
    size_t reach;                /* bytes around a flipped one that may be lost with it */
} seed;

static inline int seed_text(int d, char *out, size_t room)
{
    return snprintf(out, room,
                    "Begin of document %d: the quick brown fox jumps over the lazy dog %d times, "
                    "and nobody knows why. End of document %d.",
                    d, d * 7919 + 13, d);
}

static inline void seed_add(seed *s, const char *fmt, ...) YH_PRINTF(2, 3);
static inline void seed_add(seed *s, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    assert_int_equal(yh_buf_add(&s->bytes, text, (size_t)n, NULL), YH_OK);
}

static inline void seed_raw(seed *s, const void *p, size_t n)
{
    assert_int_equal(yh_buf_add(&s->bytes, p, n, NULL), YH_OK);
}

/* ------------------------------------------------------------------ compressed */

static inline size_t pack_zlib(const void *p, size_t n, void *out, size_t room, int bits, int level)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

static inline size_t seed_pack(const char *how, const char *p, size_t n, char *out, size_t room)
{
    if (strcmp(how, "gz") == 0)
        return pack_zlib(p, n, out, room, 31, 6);
    if (strcmp(how, "zst") == 0) {
        ZSTD_CCtx *c = ZSTD_createCCtx();
        (void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
        n = ZSTD_compress2(c, out, room, p, n);
        ZSTD_freeCCtx(c);
        return n;
    }
    if (strcmp(how, "xz") == 0) {
        size_t at = 0;
        assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)p, n,
                                                 (uint8_t *)out, &at, room),
                         LZMA_OK);
        return at;
    }
    if (strcmp(how, "bz2") == 0) {
        unsigned k = (unsigned)room;
        assert_int_equal(
            BZ2_bzBuffToBuffCompress(out, &k, (char *)(uintptr_t)p, (unsigned)n, 9, 0, 0), BZ_OK);
        return k;
    }
    const LZ4F_preferences_t o = {
        .frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    return LZ4F_compressFrame(out, room, p, n, &o);
}

/* ------------------------------------------------------------------ formats */

static inline int seed_warc_record(int d, char *out, size_t room)
{
    char text[200], http[500];
    seed_text(d, text, sizeof text);
    int n = snprintf(http, sizeof http,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>%s</p>"
                     "</body></html>",
                     text);
    return snprintf(out, room,
                    "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/%d\r\n"
                    "WARC-Date: 2024-01-01T00:00:00Z\r\nContent-Type: application/http; "
                    "msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
                    d, n, http);
}

static inline void seed_tar_entry(seed *s, const char *name, const char *p, size_t n)
{
    char h[512] = {0};
    unsigned sum = 0;
    snprintf(h, 100, "%s", name);
    snprintf(h + 100, 8, "%07o", 0644u);
    snprintf(h + 124, 12, "%011o", (unsigned)n);
    h[156] = '0';
    memcpy(h + 257, "ustar", 6);
    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (uint8_t)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    seed_raw(s, h, 512);
    seed_raw(s, p, n);
    memset(h, 0, 512);
    seed_raw(s, h, (512 - n % 512) % 512);
}

typedef struct zip_writer {
    yh_buf *out, dir;
    unsigned entries;
} zip_writer;

static inline void le(char *to, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (char)(v >> (8 * i));
}

/* Adds a name for data that lie at `at` (SIZE_MAX: added now), packed already by `method`. */
static inline void zip_add(zip_writer *z, const char *name, int method, const void *p,
                           size_t packed, size_t plain, uint32_t crc, size_t at)
{
    char h[46] = {0};
    size_t n = strlen(name);
    if (at == SIZE_MAX) {
        at = z->out->len;
        memcpy(h, "PK\3\4", 4);
        le(h + 4, 20, 2);
        le(h + 8, (uint64_t)method, 2);
        le(h + 14, crc, 4);
        le(h + 18, packed, 4);
        le(h + 22, plain, 4);
        le(h + 26, n, 2);
        assert_int_equal(yh_buf_add(z->out, h, 30, NULL), YH_OK);
        assert_int_equal(yh_buf_add(z->out, name, n, NULL), YH_OK);
        assert_int_equal(yh_buf_add(z->out, p, packed, NULL), YH_OK);
        memset(h, 0, sizeof h);
    }
    memcpy(h, "PK\1\2", 4);
    le(h + 4, 20, 2);
    le(h + 6, 20, 2);
    le(h + 10, (uint64_t)method, 2);
    le(h + 16, crc, 4);
    le(h + 20, packed, 4);
    le(h + 24, plain, 4);
    le(h + 28, n, 2);
    le(h + 42, at, 4);
    assert_int_equal(yh_buf_add(&z->dir, h, 46, NULL), YH_OK);
    assert_int_equal(yh_buf_add(&z->dir, name, n, NULL), YH_OK);
    z->entries++;
}

static inline void zip_text(zip_writer *z, const char *name, const char *text, bool deflated)
{
    char out[4096];
    size_t n = strlen(text);
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)text, (uInt)n);
    size_t k = deflated ? pack_zlib(text, n, out, sizeof out, -15, 6) : n;
    zip_add(z, name, deflated ? 8 : 0, deflated ? out : text, k, n, crc, SIZE_MAX);
}

static inline void zip_end(zip_writer *z)
{
    char h[22] = {0};
    size_t at = z->out->len;
    assert_int_equal(yh_buf_add(z->out, z->dir.data, z->dir.len, NULL), YH_OK);
    memcpy(h, "PK\5\6", 4);
    le(h + 8, z->entries, 2);
    le(h + 10, z->entries, 2);
    le(h + 12, z->dir.len, 4);
    le(h + 16, at, 4);
    assert_int_equal(yh_buf_add(z->out, h, 22, NULL), YH_OK);
    yh_buf_fini(&z->dir);
}

static inline void seed_epub(seed *s)
{
    zip_writer z = {.out = &s->bytes};
    char text[400], name[32], opf[4096] = "";
    zip_text(&z, "mimetype", "application/epub+zip", false);
    zip_text(&z, "META-INF/container.xml",
             "<container><rootfiles><rootfile full-path=\"a.opf\"/></rootfiles></container>", true);
    size_t at = (size_t)snprintf(opf, sizeof opf, "<package><manifest>");
    for (int d = 0; d < DOCS; d++)
        at += (size_t)snprintf(opf + at, sizeof opf - at, "<item id=\"c%d\" href=\"c%d.html\"/>", d,
                               d);
    at += (size_t)snprintf(opf + at, sizeof opf - at, "</manifest><spine>");
    for (int d = 0; d < DOCS; d++)
        at += (size_t)snprintf(opf + at, sizeof opf - at, "<itemref idref=\"c%d\"/>", d);
    snprintf(opf + at, sizeof opf - at, "</spine></package>");
    zip_text(&z, "a.opf", opf, true);
    for (int d = 0; d < DOCS; d++) {
        char page[500];
        seed_text(d, text, sizeof text);
        snprintf(page, sizeof page, "<html><body><p>%s</p></body></html>", text);
        snprintf(name, sizeof name, "c%d.html", d);
        zip_text(&z, name, page, d % 2);
    }
    zip_end(&z);
}

/* ------------------------------------------------------------------ the list */

static const char *const seed_names[] = {
    "jsonl",  "json",    "csv",    "tsv",     "warc",    "warc_gz",       "warc_zst",
    "txt_gz", "txt_zst", "txt_xz", "txt_bz2", "txt_lz4", "zip",           "tar",
    "tar_gz", "epub",    "text",   "html",    "parquet", "parquet_plain", "arc"};
enum { N_SEEDS = sizeof seed_names / sizeof *seed_names };

/* One document in the format of the seed. */
static inline void seed_document(seed *s, const char *kind, zip_writer *z, int d)
{
    char text[200], record[1024], packed[2048], name[32];
    seed_text(d, text, sizeof text);
    snprintf(name, sizeof name, "e%d.txt", d);
    if (strcmp(kind, "jsonl") == 0)
        seed_add(s, "{\"id\":%d,\"text\":\"%s\"}\n", d, text);
    else if (strcmp(kind, "json") == 0)
        seed_add(s, "%s{\"id\":%d,\"text\":\"%s\"}", d > 0 ? ", " : "[", d, text);
    else if (strcmp(kind, "csv") == 0)
        seed_add(s, "%d,\"%s\",http://a.example\n", d, text);
    else if (strcmp(kind, "tsv") == 0)
        seed_add(s, "%d\t%s\thttp://a.example\n", d, text);
    else if (strncmp(kind, "warc", 4) == 0) {
        int n = seed_warc_record(d, record, sizeof record);
        if (kind[4] == '\0')
            seed_raw(s, record, (size_t)n);
        else
            seed_raw(s, packed, seed_pack(kind + 5, record, (size_t)n, packed, sizeof packed));
    } else if (strncmp(kind, "txt_", 4) == 0) {
        int n = snprintf(record, sizeof record, "%s\n\n", text);
        seed_raw(s, packed, seed_pack(kind + 4, record, (size_t)n, packed, sizeof packed));
    } else if (strcmp(kind, "zip") == 0) {
        zip_text(z, name, text, d % 2);
    } else if (strncmp(kind, "tar", 3) == 0) {
        seed_tar_entry(s, name, text, strlen(text));
    } else if (strcmp(kind, "arc") == 0) {
        seed_add(s,
                 "http://a.example/%d 1.2.3.4 20240101000000 text/html %zu\nHTTP/1.0 200 OK\n"
                 "Content-Type: text/html\n\n<html><p>%s</p></html>\n",
                 d, strlen(text) + 61, text);
    } else if (strcmp(kind, "html") == 0) {
        seed_add(s, "<p>%s</p>\n", text);
    } else {
        seed_add(s, "%s\n\n", text);
    }
}

static inline void seed_make(seed *s, int which)
{
    const char *kind = seed_names[which];
    zip_writer z = {.out = &s->bytes};
    memset(s, 0, sizeof *s);
    snprintf(s->name, sizeof s->name, "%s", kind);
    snprintf(s->ending, sizeof s->ending, "%s", strcmp(kind, "text") == 0 ? "txt" : kind);
    for (char *c = s->ending; *c != '\0'; c++)
        if (*c == '_')
            *c = strncmp(kind, "parquet", 7) == 0 ? '\0' : '.';
    if (strcmp(kind, "parquet_plain") == 0)
        snprintf(s->ending, sizeof s->ending, "parquet");
    static const char *const whole[] = {"text",    "html",          "epub",
                                        "parquet", "parquet_plain", "tar_gz"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(kind, whole[i]) == 0)
            s->kind = WHOLE;
    s->single = strcmp(kind, "text") == 0 || strcmp(kind, "html") == 0 ||
                strcmp(kind, "epub") == 0 || strncmp(kind, "txt_", 4) == 0;
    s->reach = strncmp(kind, "tar", 3) == 0 ? 512 : 0;
    if (strncmp(kind, "parquet", 7) == 0) {
        char path[512];
        snprintf(path, sizeof path, "%s/fuzz/corpus/parquet/%s", YH_SOURCE_DIR,
                 kind[7] != '\0' ? "docs_plain" : "docs_crc");
        assert_int_equal(yh_file_read(path, 0, &s->bytes, NULL), YH_OK);
        return;
    }
    if (strcmp(kind, "epub") == 0) {
        seed_epub(s);
        return;
    }
    if (strcmp(kind, "csv") == 0)
        seed_add(s, "id,text,url\n");
    if (strcmp(kind, "tsv") == 0)
        seed_add(s, "id\ttext\turl\n");
    if (strcmp(kind, "arc") == 0)
        seed_add(s, "filedesc://a.arc 0.0.0.0 20240101000000 text/plain 76\n1 0 Alexa Internet\n"
                    "URL IP-address Archive-date Content-type Archive-length\n\n");
    for (int d = 0; d < DOCS; d++) {
        s->from[d] = s->bytes.len;
        seed_document(s, kind, &z, d);
        s->to[d] = s->bytes.len;
    }
    if (strcmp(kind, "zip") == 0)
        zip_end(&z);
    if (strcmp(kind, "json") == 0)
        seed_add(s, "]\n");
    if (strncmp(kind, "tar", 3) == 0) {
        char zeros[1024] = {0};
        seed_raw(s, zeros, sizeof zeros);
    }
    if (strcmp(kind, "tar_gz") == 0) {
        char *out = malloc(1 << 16);
        assert_non_null(out);
        size_t n = seed_pack("gz", s->bytes.data, s->bytes.len, out, 1 << 16);
        yh_buf_clear(&s->bytes);
        seed_raw(s, out, n);
        free(out);
    }
}

static inline void seed_free(seed *s)
{
    yh_buf_fini(&s->bytes);
}

/* ------------------------------------------------------------------ bombs */

static inline void bomb_gzip(yh_buf *out, int members)
{
    size_t n = 64 << 20, room = 1 << 20;
    char *plain = malloc(n), *packed = malloc(room);
    assert_true(plain != NULL && packed != NULL);
    memset(plain, 'a', n);
    size_t k = pack_zlib(plain, n, packed, room, 31, 9);
    for (int i = 0; i < members; i++)
        assert_int_equal(yh_buf_add(out, packed, k, NULL), YH_OK);
    free(plain);
    free(packed);
}

static inline void bomb_zip(yh_buf *out, int names)
{
    size_t n = 32 << 20, room = 1 << 20, at;
    char *plain = malloc(n), *packed = malloc(room), text[200], name[32];
    assert_true(plain != NULL && packed != NULL);
    memset(plain, 'a', n);
    for (size_t i = 99; i < n; i += 100)
        plain[i] = '\n';
    size_t k = pack_zlib(plain, n, packed, room, -15, 9);
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)plain, (uInt)n);
    zip_writer z = {.out = out};
    seed_text(0, text, sizeof text);
    zip_text(&z, "a.txt", text, true);
    at = out->len;
    zip_add(&z, "b.txt", 8, packed, k, n, crc, SIZE_MAX);
    seed_text(1, text, sizeof text);
    zip_text(&z, "c.txt", text, true);
    for (int i = 0; i < names; i++) {
        snprintf(name, sizeof name, "d%d.txt", i);
        zip_add(&z, name, 8, packed, k, n, crc, at);
    }
    zip_end(&z);
    free(plain);
    free(packed);
}

static inline void bomb_nested(yh_buf *out)
{
    yh_buf inner;
    yh_buf_init(&inner, 0);
    assert_int_equal(yh_buf_adds(&inner, "the innermost", NULL), YH_OK);
    for (int i = 0; i < 6; i++) {
        zip_writer z = {.out = out};
        yh_buf_clear(out);
        zip_add(&z, i == 0 ? "a.txt" : "a.zip", 0, inner.data, inner.len, inner.len,
                (uint32_t)crc32(0, (const Bytef *)inner.data, (uInt)inner.len), SIZE_MAX);
        zip_end(&z);
        yh_buf_clear(&inner);
        assert_int_equal(yh_buf_add(&inner, out->data, out->len, NULL), YH_OK);
    }
    yh_buf_fini(&inner);
}

#endif
