/* The pages of a column in one row group, and its values row by row. */
#include <lz4.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "input/parquet.h"
#include "input/snappy.h"
#include "input/thrift.h"

enum {
    HEADER = 1 << 16,    /* a page's header, statistics included */
    VALUES_MAX = 1 << 24 /* values of one page */
};
enum {
    PLAIN = 0,
    PLAIN_DICTIONARY = 2,
    RLE = 3,
    BIT_PACKED = 4,
    DELTA_BINARY = 5,
    DELTA_LENGTH = 6,
    DELTA_BYTES = 7,
    RLE_DICTIONARY = 8
};
enum { DATA = 0, DICTIONARY = 2, DATA_V2 = 3 };

typedef struct page {
    int type, encoding, def_encoding;
    int64_t packed, plain, values, def_bytes, rep_bytes;
    bool compressed, checked;
    uint32_t crc;
} page;

static yh_status bad(const yh_parquet_column *c, yh_err *err, const char *what)
{
    return yh_fail(err, YH_CORRUPT, "column %s: %s", c->leaf->path, what);
}

yh_status yh_parquet_column_open(yh_parquet_column *c, const yh_parquet_file *f, size_t group,
                                 size_t leaf, yh_err *err)
{
    const yh_parquet_chunk *k = &f->chunk[group * f->n_leaves + leaf];
    memset(c, 0, sizeof *c);
    c->f = f;
    c->leaf = &f->leaf[leaf];
    if (k->at > f->file.size || k->size > f->file.size - k->at || k->values < 0)
        return bad(c, err, "lies outside of the file");
    c->at = k->at;
    c->end = k->at + k->size;
    c->left = k->values;
    c->codec = k->codec;
    return YH_OK;
}

void yh_parquet_column_close(yh_parquet_column *c)
{
    yh_buf_fini(&c->packed);
    yh_buf_fini(&c->page);
    yh_buf_fini(&c->dict);
    yh_buf_fini(&c->made);
    yh_free(c->value);
    yh_free(c->entry);
    yh_free(c->def);
    yh_free(c->rep);
    memset(c, 0, sizeof *c);
}

bool yh_parquet_more(const yh_parquet_column *c)
{
    return c->left > 0 || c->level < c->n_levels;
}

/* ------------------------------------------------------------------ page headers */

static void take_data_header(yh_thrift *t, page *p, bool v2)
{
    int id = 0, type;
    while (yh_thrift_field(t, &id, &type)) {
        const bool i32 = type == YH_THRIFT_I32;
        if (v2 && id == 7 && (type == YH_THRIFT_TRUE || type == YH_THRIFT_FALSE))
            p->compressed = type == YH_THRIFT_TRUE;
        else if (i32 && id == 1)
            p->values = yh_thrift_int(t);
        else if (i32 && id == (v2 ? 4 : 2))
            p->encoding = (int)yh_thrift_int(t);
        else if (i32 && !v2 && id == 3)
            p->def_encoding = (int)yh_thrift_int(t);
        else if (i32 && v2 && id == 5)
            p->def_bytes = yh_thrift_int(t);
        else if (i32 && v2 && id == 6)
            p->rep_bytes = yh_thrift_int(t);
        else
            yh_thrift_skip(t, type);
    }
}

/* Reads the header at c->at, which goes behind it. */
static yh_status take_header(yh_parquet_column *c, page *p, yh_err *err)
{
    uint64_t room = c->end - c->at;
    size_t n = room < HEADER ? (size_t)room : HEADER;
    int id = 0, type;
    *p = (page){.type = -1, .compressed = true};
    yh_buf_clear(&c->packed);
    YH_TRY(yh_buf_reserve(&c->packed, n, err));
    YH_TRY(yh_random_read(&c->f->file, c->at, c->packed.data, n, err));
    yh_thrift t = {.p = (const uint8_t *)c->packed.data};
    t.end = t.p + n;
    while (yh_thrift_field(&t, &id, &type)) {
        if (id <= 4 && type == YH_THRIFT_I32) {
            int64_t v = yh_thrift_int(&t);
            if (id == 1)
                p->type = (int)v;
            else if (id == 2)
                p->plain = v;
            else if (id == 3)
                p->packed = v;
            else
                p->crc = (uint32_t)v;
            p->checked = p->checked || id == 4;
        } else if ((id == 5 || id == 7 || id == 8) && type == YH_THRIFT_STRUCT) {
            take_data_header(&t, p, id == 8);
        } else {
            yh_thrift_skip(&t, type);
        }
    }
    if (t.bad || p->type < 0)
        return bad(c, err, "a page's header is damaged");
    c->at += (uint64_t)(t.p - (const uint8_t *)c->packed.data);
    if (p->packed < 0 || (uint64_t)p->packed > c->end - c->at || p->plain < 0 || p->values < 0)
        return bad(c, err, "a page's header is damaged");
    if (p->plain > YH_PARQUET_PAGE_MAX || p->packed > YH_PARQUET_PAGE_MAX || p->values > VALUES_MAX)
        return yh_fail(err, YH_UNSUPPORTED, "column %s: a page of more than %d MiB or %d values",
                       c->leaf->path, YH_PARQUET_PAGE_MAX >> 20, VALUES_MAX);
    return YH_OK;
}

static yh_status unpack(yh_parquet_column *c, const uint8_t *in, size_t n, yh_buf *out, size_t size,
                        yh_err *err)
{
    static const char *const names[] = {"none",   "snappy",    "gzip", "LZO",
                                        "brotli", "LZ4 (old)", "zstd", "lz4"};
    const char *what = NULL;
    size_t made = 0;
    YH_TRY(yh_buf_reserve(out, size, err));
    uint8_t *to = (uint8_t *)out->data + out->len;
    switch (c->codec) {
    case 0:
        if (n != size)
            return bad(c, err, "a page has a wrong length");
        memcpy(to, in, n);
        made = n;
        break;
    case 1:
        made = yh_snappy(in, n, to, size) ? size : SIZE_MAX;
        break;
    case 2: {
        size_t before = out->len;
        YH_TRY(yh_unpack_all(yh_packing_of(in, n) == YH_PACKING_GZIP ? YH_PACKING_GZIP
                                                                     : YH_PACKING_ZLIB,
                             in, n, size + 1, out, &what, err));
        made = what == NULL ? out->len - before : SIZE_MAX;
        out->len = before;
        break;
    }
    case 6:
        made = ZSTD_decompress(to, size, in, n);
        break;
    case 7: {
        int k = LZ4_decompress_safe((const char *)in, (char *)to, (int)n, (int)size);
        made = k < 0 ? SIZE_MAX : (size_t)k;
        break;
    }
    default:
        return yh_fail(err, YH_UNSUPPORTED, "column %s: compression by %s is not supported",
                       c->leaf->path, c->codec >= 0 && c->codec < 8 ? names[c->codec] : "?");
    }
    if (made != size)
        return bad(c, err, "a page's compressed data are damaged");
    out->len += size;
    return YH_OK;
}

/* The page's bytes, decompressed, to out. Levels of version 2 stand in front and are not packed. */
static yh_status take_bytes(yh_parquet_column *c, const page *p, yh_buf *out, yh_err *err)
{
    size_t n = (size_t)p->packed, size = (size_t)p->plain, levels = 0;
    yh_buf_clear(&c->packed);
    yh_buf_clear(out);
    YH_TRY(yh_buf_reserve(out, 0, err)); /* no null pointer, also for a page without bytes */
    YH_TRY(yh_buf_reserve(&c->packed, n, err));
    YH_TRY(yh_random_read(&c->f->file, c->at, c->packed.data, n, err));
    c->at += n;
    const uint8_t *in = (const uint8_t *)c->packed.data;
    if (p->checked && crc32(0, in, (uInt)n) != p->crc)
        return bad(c, err, "a page's checksum does not fit");
    if (p->type == DATA_V2) {
        if (p->def_bytes < 0 || p->rep_bytes < 0 || p->def_bytes > p->packed ||
            p->rep_bytes > p->packed - p->def_bytes || p->def_bytes + p->rep_bytes > p->plain)
            return bad(c, err, "a page's header is damaged");
        levels = (size_t)(p->def_bytes + p->rep_bytes);
        YH_TRY(yh_buf_add(out, in, levels, err));
    }
    if (p->type == DATA_V2 && !p->compressed) {
        if (n != size)
            return bad(c, err, "a page has a wrong length");
        return yh_buf_add(out, in + levels, n - levels, err);
    }
    if (n == levels && size == levels)
        return YH_OK;
    return unpack(c, in + levels, n - levels, out, size - levels, err);
}

/* ------------------------------------------------------------------ values */

static yh_status room_for(struct value **v, size_t *cap, size_t n, yh_err *err)
{
    struct value *p = yh_grow(*v, cap, n + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu values", n);
    *v = p;
    return YH_OK;
}

static size_t width_of(yh_parquet_type t)
{
    return t == YH_PQ_INT32 || t == YH_PQ_FLOAT ? 4 : t == YH_PQ_INT64 || t == YH_PQ_DOUBLE ? 8 : 0;
}

/* Plain values: lengths in front of strings, numbers as they are. */
static yh_status plain(yh_parquet_column *c, const char *p, size_t size, struct value *v, size_t n,
                       yh_err *err)
{
    size_t at = 0, width = width_of(c->leaf->type);
    for (size_t i = 0; i < n; i++) {
        if (c->leaf->type == YH_PQ_BOOLEAN) { /* bits; kept as a byte each */
            if (i / 8 >= size)
                return bad(c, err, "a page ends within its values");
            v[i] = (struct value){(uint8_t)p[i / 8] >> (i % 8) & 1 ? "\1" : "\0", 1};
            continue;
        }
        size_t len = width;
        if (c->leaf->type == YH_PQ_BYTES) {
            if (size - at < 4)
                return bad(c, err, "a page ends within its values");
            const uint8_t *b = (const uint8_t *)p + at;
            len = b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
            at += 4;
        }
        if (len > size - at)
            return bad(c, err, "a page ends within its values");
        v[i] = (struct value){p + at, len};
        at += len;
    }
    return YH_OK;
}

static yh_status from_dictionary(yh_parquet_column *c, const char *p, size_t size, size_t n,
                                 yh_err *err)
{
    uint32_t *index;
    if (n == 0)
        return YH_OK;
    if (size == 0)
        return bad(c, err, "a page ends within its values");
    index = yh_realloc_array(NULL, n, sizeof *index);
    if (index == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu values", n);
    bool ok = yh_parquet_hybrid((const uint8_t *)p + 1, size - 1, (uint8_t)p[0], index, n);
    for (size_t i = 0; i < n && ok; i++) {
        ok = index[i] < c->n_entries;
        if (ok)
            c->value[i] = c->entry[index[i]];
    }
    yh_free(index);
    return ok ? YH_OK : bad(c, err, "a page's references into its dictionary are damaged");
}

/* Delta-packed numbers become plain ones in c->made. */
static yh_status delta_numbers(yh_parquet_column *c, const char *p, size_t size, size_t n,
                               yh_err *err)
{
    size_t used, width = width_of(c->leaf->type);
    int64_t *v = yh_realloc_array(NULL, n + 1, sizeof *v);
    if (v == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu values", n);
    yh_buf_clear(&c->made);
    bool ok = width != 0 && yh_parquet_delta((const uint8_t *)p, size, v, n, &used);
    yh_status s = ok ? yh_buf_reserve(&c->made, n * 8, err)
                     : bad(c, err, "a page's packed numbers are damaged");
    for (size_t i = 0; i < n && s == YH_OK; i++) {
        memcpy(c->made.data + i * width, &v[i], width); /* little-endian machines */
        c->value[i] = (struct value){c->made.data + i * width, width};
    }
    yh_free(v);
    return s;
}

/* Strings whose lengths stand in front of all of them; with `prefix`, each begins as the one
 * before. */
static yh_status delta_strings(yh_parquet_column *c, const char *p, size_t size, size_t n,
                               bool prefix, yh_err *err)
{
    size_t used = 0, at = 0;
    int64_t *len = yh_realloc_array(NULL, 2 * n + 2, sizeof *len), *shared = len + n + 1;
    if (len == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu values", n);
    yh_status s = YH_OK;
    bool ok = !prefix || yh_parquet_delta((const uint8_t *)p, size, shared, n, &used);
    at = ok ? used : 0;
    ok = ok && yh_parquet_delta((const uint8_t *)p + at, size - at, len, n, &used);
    at += used;
    uint64_t total = 0;
    for (size_t i = 0; i < n && ok; i++) {
        ok = len[i] >= 0 && (uint64_t)len[i] <= size &&
             (!prefix || (shared[i] >= 0 && shared[i] <= YH_PARQUET_PAGE_MAX));
        if (ok)
            total += (uint64_t)len[i] + (prefix ? (uint64_t)shared[i] : 0);
        ok = ok && total <= YH_PARQUET_PAGE_MAX;
    }
    yh_buf_clear(&c->made);
    if (ok && prefix)
        s = yh_buf_reserve(&c->made, (size_t)total, err);
    for (size_t i = 0; i < n && ok && s == YH_OK; i++) {
        size_t k = (size_t)len[i], head = prefix ? (size_t)shared[i] : 0;
        ok = k <= size - at && head <= (i > 0 ? c->value[i - 1].n : 0);
        if (!ok)
            break;
        c->value[i] = (struct value){p + at, k};
        if (prefix) { /* reserved at once: nothing moves */
            char *to = c->made.data + c->made.len;
            if (head > 0)
                memcpy(to, c->value[i - 1].p, head);
            memcpy(to + head, p + at, k);
            c->made.len += head + k;
            c->value[i] = (struct value){to, head + k};
        }
        at += k;
    }
    yh_free(len);
    if (s == YH_OK && !ok)
        s = bad(c, err, "a page's lengths are damaged");
    return s;
}

static yh_status rle_booleans(yh_parquet_column *c, const char *p, size_t size, size_t n,
                              yh_err *err)
{
    uint32_t *v = yh_realloc_array(NULL, n + 1, sizeof *v);
    if (v == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu values", n);
    bool ok = size >= 4 && yh_parquet_hybrid((const uint8_t *)p + 4, size - 4, 1, v, n);
    for (size_t i = 0; i < n && ok; i++)
        c->value[i] = (struct value){v[i] ? "\1" : "\0", 1};
    yh_free(v);
    return ok ? YH_OK : bad(c, err, "a page's values are damaged");
}

static yh_status take_values(yh_parquet_column *c, int encoding, const char *p, size_t size,
                             size_t n, yh_err *err)
{
    YH_TRY(room_for(&c->value, &c->cap_values, n, err));
    c->n_values = n;
    bool bytes = c->leaf->type == YH_PQ_BYTES;
    if (encoding == PLAIN)
        return plain(c, p, size, c->value, n, err);
    if (encoding == PLAIN_DICTIONARY || encoding == RLE_DICTIONARY)
        return from_dictionary(c, p, size, n, err);
    if (encoding == DELTA_BINARY && !bytes)
        return delta_numbers(c, p, size, n, err);
    if ((encoding == DELTA_LENGTH || encoding == DELTA_BYTES) && bytes)
        return delta_strings(c, p, size, n, encoding == DELTA_BYTES, err);
    if (encoding == RLE && c->leaf->type == YH_PQ_BOOLEAN)
        return rle_booleans(c, p, size, n, err);
    return yh_fail(err, YH_UNSUPPORTED, "column %s: encoding %d is not supported", c->leaf->path,
                   encoding);
}

/* ------------------------------------------------------------------ levels */

/* n levels of at most `max`, as bytes. */
static yh_status take_levels(yh_parquet_column *c, const char *p, size_t size, int max,
                             uint8_t *out, size_t n, yh_err *err)
{
    int width = 0;
    while (max >> width != 0)
        width++;
    uint32_t *v = yh_realloc_array(NULL, n + 1, sizeof *v);
    if (v == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu levels", n);
    bool ok = max < 256 && yh_parquet_hybrid((const uint8_t *)p, size, width, v, n);
    for (size_t i = 0; i < n && ok; i++) {
        ok = v[i] <= (uint32_t)max;
        out[i] = (uint8_t)v[i];
    }
    yh_free(v);
    return ok ? YH_OK : bad(c, err, "a page's levels are damaged");
}

/* Levels of version 1: each kind behind its length. *at goes behind. */
static yh_status levels_v1(yh_parquet_column *c, size_t *at, int max, uint8_t *out, size_t n,
                           yh_err *err)
{
    const uint8_t *b = (const uint8_t *)c->page.data + *at;
    if (max == 0) {
        memset(out, 0, n);
        return YH_OK;
    }
    if (c->page.len - *at < 4)
        return bad(c, err, "a page ends within its levels");
    size_t len = b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
    if (len > c->page.len - *at - 4)
        return bad(c, err, "a page ends within its levels");
    YH_TRY(take_levels(c, (const char *)b + 4, len, max, out, n, err));
    *at += 4 + len;
    return YH_OK;
}

static yh_status take_data(yh_parquet_column *c, const page *p, yh_err *err)
{
    size_t n = (size_t)p->values, at = 0, present = 0;
    YH_TRY(take_bytes(c, p, &c->page, err));
    if (n > c->cap_levels) {
        uint8_t *d = yh_realloc(c->def, n), *r;
        if (d != NULL)
            c->def = d;
        r = d != NULL ? yh_realloc(c->rep, n) : NULL;
        if (r == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu values", n);
        c->rep = r;
        c->cap_levels = n;
    }
    if (n == 0)
        return YH_OK;
    if (p->type == DATA_V2) {
        size_t rep = (size_t)p->rep_bytes, def = (size_t)p->def_bytes;
        memset(c->rep, 0, n);
        memset(c->def, 0, n);
        if (c->leaf->max_rep > 0)
            YH_TRY(take_levels(c, c->page.data, rep, c->leaf->max_rep, c->rep, n, err));
        if (c->leaf->max_def > 0)
            YH_TRY(take_levels(c, c->page.data + rep, def, c->leaf->max_def, c->def, n, err));
        at = rep + def;
    } else {
        if (p->def_encoding == BIT_PACKED && c->leaf->max_def > 0)
            return yh_fail(err, YH_UNSUPPORTED, "column %s: bit-packed levels are not supported",
                           c->leaf->path);
        YH_TRY(levels_v1(c, &at, c->leaf->max_rep, c->rep, n, err));
        YH_TRY(levels_v1(c, &at, c->leaf->max_def, c->def, n, err));
    }
    for (size_t i = 0; i < n; i++)
        present += c->def[i] == c->leaf->max_def;
    YH_TRY(take_values(c, p->encoding, c->page.data + at, c->page.len - at, present, err));
    c->n_levels = n;
    c->level = c->next = 0;
    return YH_OK;
}

static yh_status take_dictionary(yh_parquet_column *c, const page *p, yh_err *err)
{
    if (p->encoding != PLAIN && p->encoding != PLAIN_DICTIONARY)
        return yh_fail(err, YH_UNSUPPORTED, "column %s: a dictionary in encoding %d", c->leaf->path,
                       p->encoding);
    YH_TRY(take_bytes(c, p, &c->dict, err));
    YH_TRY(room_for(&c->entry, &c->cap_entries, (size_t)p->values, err));
    c->n_entries = (size_t)p->values;
    return plain(c, c->dict.data, c->dict.len, c->entry, c->n_entries, err);
}

/* Goes on to a page with values; c->level == c->n_levels afterwards: there is none. */
static yh_status next_page(yh_parquet_column *c, yh_err *err)
{
    while (c->level == c->n_levels && c->left > 0 && c->at < c->end) {
        page p;
        YH_TRY(take_header(c, &p, err));
        if (p.type == DICTIONARY) {
            YH_TRY(take_dictionary(c, &p, err));
        } else if (p.type == DATA || p.type == DATA_V2) {
            YH_TRY(take_data(c, &p, err));
            c->left -= p.values;
        } else {
            c->at += (uint64_t)p.packed; /* an index */
        }
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ rows */

static yh_status add_value(yh_parquet_column *c, const struct value *v, yh_buf *out, yh_err *err)
{
    int32_t i = 0;
    int64_t l = 0;
    float f = 0;
    double d = 0;
    switch (c->leaf->type) {
    case YH_PQ_BYTES:
        return yh_buf_add(out, v->p, v->n, err);
    case YH_PQ_BOOLEAN:
        return yh_buf_adds(out, v->p[0] ? "true" : "false", err);
    case YH_PQ_INT32:
        memcpy(&i, v->p, 4);
        return c->leaf->is_unsigned ? yh_buf_addf(out, err, "%u", (unsigned)i)
                                    : yh_buf_addf(out, err, "%d", (int)i);
    case YH_PQ_INT64:
        memcpy(&l, v->p, 8);
        return c->leaf->is_unsigned ? yh_buf_addf(out, err, "%llu", (unsigned long long)l)
                                    : yh_buf_addf(out, err, "%lld", (long long)l);
    case YH_PQ_FLOAT:
        memcpy(&f, v->p, 4);
        return f - f == 0 ? yh_buf_addf(out, err, "%.9g", (double)f)
                          : yh_buf_adds(out, "null", err);
    case YH_PQ_DOUBLE:
        memcpy(&d, v->p, 8);
        return d - d == 0 ? yh_buf_addf(out, err, "%.17g", d) : yh_buf_adds(out, "null", err);
    case YH_PQ_INT96:
    case YH_PQ_FIXED:
    default:
        return yh_fail(err, YH_UNSUPPORTED, "column %s: its type is not supported", c->leaf->path);
    }
}

yh_status yh_parquet_row(yh_parquet_column *c, yh_buf *out, bool *found, yh_err *err)
{
    *found = false;
    for (bool first = true;; first = false) {
        if (c->level == c->n_levels)
            YH_TRY(next_page(c, err));
        if (c->level == c->n_levels)
            return first ? bad(c, err, "has fewer rows than the table") : YH_OK;
        if (!first && c->rep[c->level] == 0)
            return YH_OK;
        if (c->def[c->level++] != c->leaf->max_def)
            continue;
        if (*found)
            YH_TRY(yh_buf_addc(out, '\n', err));
        *found = true;
        YH_TRY(add_value(c, &c->value[c->next++], out, err));
    }
}
