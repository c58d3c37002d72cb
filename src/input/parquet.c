/* The footer: schema, row groups, where columns lie. */
#include "input/parquet.h"

#include <stdio.h>

#include "input/thrift.h"

enum { DEPTH = 32, GROUPS = 1 << 20 };

void yh_parquet_close(yh_parquet_file *f)
{
    for (size_t i = 0; i < f->n_leaves; i++)
        yh_free(f->leaf[i].path);
    yh_free(f->leaf);
    yh_free(f->rows);
    yh_free(f->chunk);
    memset(f, 0, sizeof *f);
}

/* ------------------------------------------------------------------ schema */

typedef struct element {
    int type, repetition, converted;
    int64_t children;
    const char *name;
    size_t n_name;
} element;

static element take_element(yh_thrift *t)
{
    element e = {.type = -1, .converted = -1, .name = ""};
    int id = 0, type;
    while (yh_thrift_field(t, &id, &type)) {
        if (id == 1 && type == YH_THRIFT_I32)
            e.type = (int)yh_thrift_int(t);
        else if (id == 3 && type == YH_THRIFT_I32)
            e.repetition = (int)yh_thrift_int(t);
        else if (id == 4 && type == YH_THRIFT_BINARY)
            e.name = yh_thrift_binary(t, &e.n_name);
        else if (id == 5 && type == YH_THRIFT_I32)
            e.children = yh_thrift_int(t);
        else if (id == 6 && type == YH_THRIFT_I32)
            e.converted = (int)yh_thrift_int(t);
        else
            yh_thrift_skip(t, type);
    }
    return e;
}

static bool is(const element *e, const char *name)
{
    return e->n_name == strlen(name) && memcmp(e->name, name, e->n_name) == 0;
}

typedef struct nesting {
    int64_t left; /* children to come */
    int def, rep;
    size_t path; /* length of the path that leads here */
    bool list;   /* the level below a list's name: not part of the path */
} nesting;

static yh_status add_leaf(yh_parquet_file *f, size_t *cap, const element *e, const nesting *n,
                          int depth, const yh_buf *path, yh_err *err)
{
    if (f->n_leaves >= YH_PARQUET_LEAVES)
        return yh_fail(err, YH_UNSUPPORTED, "more than %d columns", YH_PARQUET_LEAVES);
    yh_parquet_leaf *l = yh_grow(f->leaf, cap, f->n_leaves + 1, sizeof *l);
    if (l == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a schema");
    f->leaf = l;
    l += f->n_leaves;
    *l = (yh_parquet_leaf){.path = yh_strndup(path->data, path->len),
                           .type = (yh_parquet_type)e->type,
                           .depth = depth,
                           .max_def = n->def,
                           .max_rep = n->rep,
                           .is_unsigned = e->converted >= 11 && e->converted <= 14};
    f->n_leaves++;
    return l->path != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory for a schema");
}

/* The elements come in depth-first order, each with the number of its children. */
static yh_status take_schema(yh_parquet_file *f, yh_thrift *t, yh_err *err)
{
    nesting level[DEPTH];
    int depth = 0, type;
    size_t n = yh_thrift_list(t, &type), cap = 0;
    yh_buf path;
    yh_buf_init(&path, 0);
    yh_status s = YH_OK;
    if (type != YH_THRIFT_STRUCT)
        t->bad = true;
    for (size_t i = 0; i < n && !t->bad && s == YH_OK; i++) {
        element e = take_element(t);
        if (i == 0) { /* the table */
            level[0] = (nesting){.left = e.children};
            depth = 1;
            continue;
        }
        while (depth > 0 && level[depth - 1].left <= 0)
            depth--;
        if (depth == 0 || e.children < 0 || (e.children == 0 && (e.type < 0 || e.type > 7))) {
            t->bad = true;
            break;
        }
        nesting *up = &level[depth - 1];
        up->left--;
        path.len = up->path;
        bool hide = depth > 1 && (up->list || is(&e, "list") || is(&e, "array") || is(&e, "bag") ||
                                  is(&e, "element") || is(&e, "item"));
        if (!hide && path.len > 0)
            s = yh_buf_addc(&path, '.', err);
        if (!hide && s == YH_OK)
            s = yh_buf_add(&path, e.name, e.n_name, err);
        nesting here = {.left = e.children,
                        .def = up->def + (e.repetition != 0),
                        .rep = up->rep + (e.repetition == 2),
                        .path = path.len};
        if (s == YH_OK && e.children == 0)
            s = add_leaf(f, &cap, &e, &here, depth, &path, err);
        else if (depth == DEPTH)
            t->bad = true;
        else
            level[depth++] = here;
    }
    yh_buf_fini(&path);
    return s;
}

/* ------------------------------------------------------------------ row groups */

static void take_column_meta(yh_thrift *t, yh_parquet_chunk *c)
{
    int id = 0, type;
    int64_t data = 0, dict = 0;
    while (yh_thrift_field(t, &id, &type)) {
        bool number = type == YH_THRIFT_I32 || type == YH_THRIFT_I64;
        if (id == 4 && number)
            c->codec = (int)yh_thrift_int(t);
        else if (id == 5 && number)
            c->values = yh_thrift_int(t);
        else if (id == 7 && number)
            c->size = (uint64_t)yh_thrift_int(t);
        else if (id == 9 && number)
            data = yh_thrift_int(t);
        else if (id == 11 && number)
            dict = yh_thrift_int(t);
        else
            yh_thrift_skip(t, type);
    }
    c->at = (uint64_t)(dict > 0 && dict < data ? dict : data);
}

static void take_chunk(yh_thrift *t, yh_parquet_chunk *c)
{
    int id = 0, type;
    while (yh_thrift_field(t, &id, &type)) {
        if (id == 3 && type == YH_THRIFT_STRUCT)
            take_column_meta(t, c);
        else
            yh_thrift_skip(t, type);
    }
}

static yh_status take_group(yh_parquet_file *f, yh_thrift *t, size_t g, yh_err *err)
{
    int id = 0, type;
    while (yh_thrift_field(t, &id, &type)) {
        if (id == 1 && type == YH_THRIFT_LIST) {
            size_t n = yh_thrift_list(t, &type);
            if (n != f->n_leaves)
                return yh_fail(err, YH_CORRUPT, "row group %zu has %zu columns instead of %zu", g,
                               n, f->n_leaves);
            for (size_t i = 0; i < n && !t->bad; i++)
                take_chunk(t, &f->chunk[g * f->n_leaves + i]);
        } else if (id == 3 && type == YH_THRIFT_I64) {
            f->rows[g] = (uint64_t)yh_thrift_int(t);
        } else {
            yh_thrift_skip(t, type);
        }
    }
    return YH_OK;
}

static yh_status take_groups(yh_parquet_file *f, yh_thrift *t, yh_err *err)
{
    int type;
    size_t n = yh_thrift_list(t, &type), chunks;
    if (n > GROUPS || !yh_mul_size(n, f->n_leaves, &chunks) ||
        chunks > (size_t)(t->end - t->p)) { /* each takes a byte at least */
        t->bad = true;
        return YH_OK;
    }
    f->rows = yh_calloc(n + 1, sizeof *f->rows);
    f->chunk = yh_calloc(chunks + 1, sizeof *f->chunk);
    if (f->rows == NULL || f->chunk == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu row groups", n);
    f->n_groups = n;
    for (size_t g = 0; g < n && !t->bad; g++)
        YH_TRY(take_group(f, t, g, err));
    return YH_OK;
}

static yh_status take_footer(yh_parquet_file *f, const uint8_t *p, size_t n, yh_err *err)
{
    yh_thrift t = {.p = p, .end = p + n};
    int id = 0, type;
    yh_status s = YH_OK;
    while (s == YH_OK && yh_thrift_field(&t, &id, &type)) {
        if (id == 2 && type == YH_THRIFT_LIST && f->n_leaves == 0)
            s = take_schema(f, &t, err);
        else if (id == 4 && type == YH_THRIFT_LIST && f->n_leaves > 0 && f->rows == NULL)
            s = take_groups(f, &t, err);
        else if (id == 3 && type == YH_THRIFT_I64)
            f->all_rows = (uint64_t)yh_thrift_int(&t);
        else
            yh_thrift_skip(&t, type);
    }
    if (s == YH_OK && (t.bad || f->n_leaves == 0))
        return yh_fail(err, YH_CORRUPT, "the Parquet file's footer is damaged");
    return s;
}

yh_status yh_parquet_open(yh_parquet_file *f, const yh_random *r, yh_err *err)
{
    uint8_t tail[8];
    yh_buf foot;
    memset(f, 0, sizeof *f);
    f->file = *r;
    if (r->size < 12)
        return yh_fail(err, YH_CORRUPT, "is too short for a Parquet file");
    YH_TRY(yh_random_read(r, r->size - 8, tail, 8, err));
    if (memcmp(tail + 4, "PARE", 4) == 0)
        return yh_fail(err, YH_UNSUPPORTED, "encrypted Parquet files are not supported");
    if (memcmp(tail + 4, "PAR1", 4) != 0)
        return yh_fail(err, YH_CORRUPT,
                       "the Parquet file's end is missing, which says where everything is");
    uint64_t n =
        tail[0] | (uint64_t)tail[1] << 8 | (uint64_t)tail[2] << 16 | (uint64_t)tail[3] << 24;
    if (n > r->size - 12 || n > YH_PARQUET_FOOTER_MAX)
        return yh_fail(err, YH_CORRUPT, "the Parquet file's footer is damaged (its length)");
    yh_buf_init(&foot, 0);
    yh_status s = yh_buf_reserve(&foot, (size_t)n, err);
    if (s == YH_OK)
        s = yh_random_read(r, r->size - 8 - n, foot.data, (size_t)n, err);
    if (s == YH_OK)
        s = take_footer(f, (const uint8_t *)foot.data, (size_t)n, err);
    yh_buf_fini(&foot);
    if (s != YH_OK)
        yh_parquet_close(f);
    return s;
}
