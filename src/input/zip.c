#include "input/zip.h"

#include <stdio.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22, END64 = 56, LOCATOR = 20, TAIL = 65536 + END };

static uint32_t le16(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)(b[0] | b[1] << 8);
}

static uint32_t le32(const void *p)
{
    return le16(p) | le16((const uint8_t *)p + 2) << 16;
}

static uint64_t le64(const void *p)
{
    return le32(p) | (uint64_t)le32((const uint8_t *)p + 4) << 32;
}

/* Reads what there is of n bytes at `at`. */
static yh_status read_some(const yh_zip *z, uint64_t at, void *p, size_t n, size_t *got,
                           yh_err *err)
{
    *got = at >= z->file.size ? 0 : z->file.size - at < n ? (size_t)(z->file.size - at) : n;
    return yh_random_read(&z->file, at, p, *got, err);
}

/* Finds the end record; *size, *at: of the central directory. */
static yh_status find_end(yh_zip *z, uint64_t *size, uint64_t *at, bool *found, yh_err *err)
{
    yh_buf b;
    size_t n = z->file.size < TAIL ? (size_t)z->file.size : TAIL, got;
    uint64_t from = z->file.size - n;
    *found = false;
    yh_buf_init(&b, 0);
    yh_status s = yh_buf_reserve(&b, n, err);
    if (s == YH_OK)
        s = read_some(z, from, b.data, n, &got, err);
    for (size_t i = n; s == YH_OK && i >= END && !*found;) {
        i--;
        if (i + END > n || memcmp(b.data + i, "PK\5\6", 4) != 0)
            continue;
        *size = le32(b.data + i + 12);
        *at = le32(b.data + i + 16);
        uint64_t end = from + i;
        if (i >= LOCATOR && memcmp(b.data + i - LOCATOR, "PK\6\7", 4) == 0) {
            char e[END64];
            uint64_t where = le64(b.data + i - LOCATOR + 8);
            s = read_some(z, where, e, END64, &got, err);
            if (s == YH_OK && got == END64 && memcmp(e, "PK\6\6", 4) == 0) {
                *size = le64(e + 40);
                *at = le64(e + 48);
                end = where;
            }
        }
        if (*size <= end && *at <= end - *size) {
            z->base = end - *size - *at;
            *at += z->base;
            *found = true;
        }
    }
    yh_buf_fini(&b);
    return s;
}

/* Whether the directory is whole, so that it can be trusted. */
static bool check_directory(const yh_zip *z)
{
    size_t at = 0;
    while (at < z->dir.len) {
        const char *p = z->dir.data + at;
        size_t left = z->dir.len - at;
        if (left < CENTRAL || memcmp(p, "PK\1\2", 4) != 0)
            return left >= 4 && memcmp(p, "PK\5\5", 4) == 0; /* a signature of the directory */
        size_t n = CENTRAL + (size_t)le16(p + 28) + le16(p + 30) + le16(p + 32);
        if (n > left)
            return false;
        at += n;
    }
    return true;
}

yh_status yh_zip_open(yh_zip *z, const yh_random *r, yh_err *err)
{
    uint64_t size = 0, at = 0;
    bool found;
    memset(z, 0, sizeof *z);
    z->file = *r;
    YH_TRY(find_end(z, &size, &at, &found, err));
    if (found && size > YH_ZIP_DIRECTORY_MAX) {
        snprintf(z->problem, sizeof z->problem,
                 "its directory is longer than %d bytes; entries are looked for instead",
                 YH_ZIP_DIRECTORY_MAX);
        found = false;
    }
    if (found && size > 0) {
        YH_TRY(yh_buf_reserve(&z->dir, (size_t)size, err));
        YH_TRY(yh_random_read(&z->file, at, z->dir.data, (size_t)size, err));
        z->dir.len = (size_t)size;
        found = check_directory(z);
    }
    if (!found) {
        yh_buf_clear(&z->dir);
        if (z->problem[0] == '\0')
            snprintf(z->problem, sizeof z->problem,
                     "the zip archive's directory is missing or damaged; entries are looked for");
    } else {
        z->next = z->file.size; /* nothing behind the directory */
    }
    return YH_OK;
}

void yh_zip_close(yh_zip *z)
{
    yh_buf_fini(&z->dir);
    yh_buf_fini(&z->local);
}

/* Sizes that did not fit into 32 bits, in the extra field 1. */
static void zip64(yh_zip *z, const char *p, size_t n, uint32_t plain, uint32_t packed,
                  uint32_t header)
{
    while (n >= 4) {
        size_t len = le16(p + 2);
        if (len > n - 4)
            return;
        if (le16(p) == 1) {
            const char *q = p + 4, *end = p + 4 + len;
            if (plain == UINT32_MAX)
                q += 8;
            if (packed == UINT32_MAX && end - q >= 8) {
                z->packed = le64(q);
                q += 8;
            }
            if (header == UINT32_MAX && end - q >= 8)
                z->header = le64(q);
            return;
        }
        p += 4 + len;
        n -= 4 + len;
    }
}

static void take_central(yh_zip *z)
{
    const char *p = z->dir.data + z->at;
    size_t name = le16(p + 28), extra = le16(p + 30);
    uint32_t flags = le16(p + 8);
    z->method = (int)le16(p + 10);
    z->crc = le32(p + 16);
    z->packed = le32(p + 20);
    z->header = le32(p + 42);
    z->name = p + CENTRAL;
    z->name_len = name;
    z->sealed = (flags & 1) != 0;
    z->utf8 = (flags & 1 << 11) != 0;
    z->sized = true;
    z->folder = name > 0 && (z->name[name - 1] == '/' || z->name[name - 1] == '\\');
    zip64(z, p + CENTRAL + name, extra, le32(p + 24), le32(p + 20), le32(p + 42));
    z->header += z->base;
    z->at += CENTRAL + name + extra + le16(p + 32);
}

/* Looks from z->next on for a local header. */
static yh_status find_local(yh_zip *z, bool *more, yh_err *err)
{
    enum { WINDOW = 1 << 16, NAME = 4096 };
    size_t window = 256, got; /* small at first: headers may stand close together */
    *more = false;
    for (;;) {
        yh_buf_clear(&z->local);
        YH_TRY(yh_buf_reserve(&z->local, window, err));
        YH_TRY(read_some(z, z->next, z->local.data, window, &got, err));
        z->looked += got;
        if (got < LOCAL)
            return YH_OK;
        const char *m = memmem(z->local.data, got, "PK\3\4", 4);
        if (m != NULL) {
            z->next += (uint64_t)(m - z->local.data);
            break;
        }
        z->next += got - 3;
        if (got < window)
            return YH_OK;
        window = window < WINDOW ? window * 4 : WINDOW;
    }
    YH_TRY(yh_buf_reserve(&z->local, LOCAL + NAME, err));
    YH_TRY(read_some(z, z->next, z->local.data, LOCAL, &got, err));
    if (got < LOCAL)
        return YH_OK;
    const char *p = z->local.data;
    size_t name = le16(p + 26), kept = name < NAME ? name : NAME;
    uint32_t flags = le16(p + 6);
    if (z->file.size - z->next - LOCAL < name)
        return YH_OK;
    YH_TRY(read_some(z, z->next + LOCAL, z->local.data + LOCAL, kept, &got, err));
    z->looked += LOCAL + kept;
    *more = true;
    z->header = z->next;
    z->next += 4;
    z->method = (int)le16(p + 8);
    z->crc = le32(p + 14);
    z->packed = le32(p + 18);
    z->name = p + LOCAL;
    z->name_len = kept;
    z->sealed = (flags & 1) != 0;
    z->utf8 = (flags & 1 << 11) != 0;
    z->sized = (flags & 1 << 3) == 0; /* else they stand behind the data */
    z->folder = name > 0 && name == kept && z->name[name - 1] == '/';
    return YH_OK;
}

yh_status yh_zip_next(yh_zip *z, bool *more, yh_err *err)
{
    if (z->dir.len == 0)
        return find_local(z, more, err);
    *more = z->at + CENTRAL <= z->dir.len && memcmp(z->dir.data + z->at, "PK\1\2", 4) == 0;
    if (*more)
        take_central(z);
    return YH_OK;
}

yh_status yh_zip_find(yh_zip *z, const char *name, size_t n, bool *found, yh_err *err)
{
    bool more = true;
    *found = false;
    z->at = 0;
    if (z->dir.len == 0)
        z->next = 0;
    while (more && !*found) {
        YH_TRY(yh_zip_next(z, &more, err));
        *found = more && z->name_len == n && memcmp(z->name, name, n) == 0;
    }
    return YH_OK;
}

yh_status yh_zip_entry(yh_zip *z, const char *name, yh_stream **out, yh_err *err)
{
    char head[LOCAL];
    size_t got;
    *out = NULL;
    z->problem[0] = '\0';
    yh_packing kind = YH_PACKING_NONE;
    if (z->sealed) {
        snprintf(z->problem, sizeof z->problem, "is encrypted");
        return YH_OK;
    }
    switch (z->method) {
    case 0:
        break;
    case 8:
        kind = YH_PACKING_DEFLATE;
        break;
    case 12:
        kind = YH_PACKING_BZIP2;
        break;
    case 93:
        kind = YH_PACKING_ZSTD;
        break;
    case 95:
        kind = YH_PACKING_XZ;
        break;
    default:
        snprintf(z->problem, sizeof z->problem, "is compressed by a method (%d) that is not known",
                 z->method);
        return YH_OK;
    }
    YH_TRY(read_some(z, z->header, head, LOCAL, &got, err));
    if (got < LOCAL || memcmp(head, "PK\3\4", 4) != 0) {
        snprintf(z->problem, sizeof z->problem, "is not where the archive's directory says");
        return YH_OK;
    }
    uint64_t at = z->header + LOCAL + le16(head + 26) + le16(head + 28);
    uint64_t room = at < z->file.size ? z->file.size - at : 0;
    uint64_t n = z->sized ? z->packed : room;
    if (!z->sized && kind == YH_PACKING_NONE) {
        snprintf(z->problem, sizeof z->problem, "its length is not known without a directory");
        return YH_OK;
    }
    if (n > room) {
        snprintf(z->problem, sizeof z->problem, "the archive ends within it");
        n = room;
    }
    YH_TRY(
        yh_stream_range(out, &z->file, at < z->file.size ? at : z->file.size, n, kind, name, err));
    if (z->sized && n == z->packed)
        yh_stream_expect(*out, z->crc);
    if (z->dir.len == 0 && z->sized && n == z->packed) { /* a length that is right ends so */
        YH_TRY(read_some(z, at + n, head, 2, &got, err));
        if (got < 2 || memcmp(head, "PK", 2) == 0)
            z->next = at + n;
    }
    return YH_OK;
}

void yh_zip_leave(yh_zip *z, const yh_stream *s)
{
    if (z->dir.len == 0 && !z->sized)
        z->next = z->header + LOCAL + yh_stream_raw_used(s);
}
