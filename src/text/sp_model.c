/* Reading a SentencePiece .model: a protocol buffer, of which only what decides ids is looked at.
 */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "text/tok_impl.h"
#include "text/utf8.h"

enum { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };
enum { UNIGRAM = 1, BPE };
enum { PIECE_MAX = 4096 };

/* A message, or what is left of it. */
typedef struct message {
    const uint8_t *p;
    size_t n;
    const char *name; /* of the file */
} message;

typedef struct field {
    uint32_t number, wire;
    uint64_t value; /* wire 0, 1, 5 */
    message bytes;  /* wire 2 */
} field;

static yh_status damaged(const message *m, yh_err *err)
{
    return yh_fail(err, YH_CORRUPT, "%s: not a SentencePiece model: the protocol buffer is damaged",
                   m->name);
}

static bool read_varint(message *m, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 70 && m->n > 0; shift += 7) {
        uint8_t b = *m->p++;
        m->n--;
        if (shift < 64)
            *out |= (uint64_t)(b & 0x7F) << shift;
        if (b < 0x80)
            return true;
    }
    return false;
}

static bool read_fixed(message *m, size_t n, uint64_t *out)
{
    *out = 0;
    if (m->n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        *out |= (uint64_t)m->p[i] << (8 * i);
    m->p += n;
    m->n -= n;
    return true;
}

/* The next field of a message that is not empty. */
static yh_status next_field(message *m, field *f, yh_err *err)
{
    uint64_t tag, n;
    if (!read_varint(m, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
        return damaged(m, err);
    f->number = (uint32_t)(tag >> 3);
    f->wire = tag & 7;
    bool ok = f->wire == 0   ? read_varint(m, &f->value)
              : f->wire == 1 ? read_fixed(m, 8, &f->value)
              : f->wire == 5 ? read_fixed(m, 4, &f->value)
                             : f->wire == 2 && read_varint(m, &n) && n <= m->n;
    if (!ok)
        return damaged(m, err);
    if (f->wire == 2) {
        f->bytes = (message){m->p, (size_t)n, m->name};
        m->p += n;
        m->n -= (size_t)n;
    }
    return YH_OK;
}

/* What the model says about itself. */
typedef struct spec {
    uint64_t kind;
    bool byte_fallback, suffix, dummy_prefix, remove_spaces, escape;
    message charsmap, unk_surface, bos, eos;
} spec;

static yh_status read_trainer(message m, spec *s, yh_err *err)
{
    field f;
    while (m.n > 0) {
        YH_TRY(next_field(&m, &f, err));
        if (f.number == 3 && f.wire == 0)
            s->kind = f.value;
        else if (f.number == 24 && f.wire == 0)
            s->suffix = f.value != 0;
        else if (f.number == 35 && f.wire == 0)
            s->byte_fallback = f.value != 0;
        else if (f.number == 44 && f.wire == 2)
            s->unk_surface = f.bytes;
        else if (f.number == 46 && f.wire == 2)
            s->bos = f.bytes;
        else if (f.number == 47 && f.wire == 2)
            s->eos = f.bytes;
    }
    return YH_OK;
}

static yh_status read_normalizer(message m, spec *s, yh_err *err)
{
    field f;
    while (m.n > 0) {
        YH_TRY(next_field(&m, &f, err));
        if (f.number == 2 && f.wire == 2)
            s->charsmap = f.bytes;
        else if (f.number == 3 && f.wire == 0)
            s->dummy_prefix = f.value != 0;
        else if (f.number == 4 && f.wire == 0)
            s->remove_spaces = f.value != 0;
        else if (f.number == 5 && f.wire == 0)
            s->escape = f.value != 0;
    }
    return YH_OK;
}

static yh_status read_denormalizer(message m, yh_err *err)
{
    field f;
    while (m.n > 0) {
        YH_TRY(next_field(&m, &f, err));
        if (f.number == 2 && f.wire == 2 && f.bytes.n > 0)
            return yh_fail(err, YH_UNSUPPORTED, "%s: a denormalizer is not supported", m.name);
    }
    return YH_OK;
}

typedef struct pieces {
    uint8_t *type;
    float *score;
    size_t type_cap, score_cap;
} pieces;

static yh_status read_piece(yh_tok *t, pieces *all, message m, yh_err *err)
{
    field f;
    message text = {NULL, 0, m.name};
    uint64_t type = NORMAL;
    uint32_t bits = 0, id = t->model.size;
    float score;
    while (m.n > 0) {
        YH_TRY(next_field(&m, &f, err));
        if (f.number == 1 && f.wire == 2)
            text = f.bytes;
        else if (f.number == 2 && f.wire == 5)
            bits = (uint32_t)f.value;
        else if (f.number == 3 && f.wire == 0)
            type = f.value;
    }
    memcpy(&score, &bits, sizeof score);
    if (text.n == 0 || type < NORMAL || type > BYTE || !isfinite(score) ||
        yh_utf8_valid(text.p, text.n) != text.n || memchr(text.p, 0, text.n) != NULL)
        return yh_fail(err, YH_CORRUPT, "%s: piece %u is empty or damaged", m.name, id);
    uint8_t *types = yh_grow(all->type, &all->type_cap, (size_t)id + 1, 1);
    if (types != NULL)
        all->type = types;
    float *scores = yh_grow(all->score, &all->score_cap, (size_t)id + 1, sizeof *scores);
    if (scores != NULL)
        all->score = scores;
    if (types == NULL || scores == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", m.name);
    all->type[id] = (uint8_t)type;
    all->score[id] = score;
    return yh_bpe_set(&t->model, id, (const char *)text.p, text.n,
                      type == NORMAL || type == USER_DEFINED, m.name, err);
}

static yh_status read_model(yh_tok *t, pieces *all, spec *s, message m, yh_err *err)
{
    field f;
    while (m.n > 0) {
        YH_TRY(next_field(&m, &f, err));
        if (f.wire != 2)
            continue;
        if (f.number == 1)
            YH_TRY(read_piece(t, all, f.bytes, err));
        else if (f.number == 2)
            YH_TRY(read_trainer(f.bytes, s, err));
        else if (f.number == 3)
            YH_TRY(read_normalizer(f.bytes, s, err));
        else if (f.number == 5)
            YH_TRY(read_denormalizer(f.bytes, err));
    }
    if (t->model.count == 0)
        return yh_fail(err, YH_CORRUPT, "%s: not a SentencePiece model: there are no pieces",
                       m.name);
    return yh_bpe_index(&t->model, m.name, err);
}

/* Ids by type: the unknown piece, bytes; *user: trie of the user-defined symbols. */
static yh_status sort_pieces(const yh_tok *t, const pieces *all, const spec *s, uint32_t *unk,
                             uint32_t byte_id[256], yh_datrie *user, const char *name, yh_err *err)
{
    const yh_bpe *v = &t->model;
    size_t n = 0;
    int bytes = 0;
    yh_datrie_key *key = yh_malloc(((size_t)v->size + 1) * sizeof *key);
    if (key == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    yh_status st = YH_OK;
    *unk = YH_NO_ID;
    for (uint32_t i = 0; i < v->size && st == YH_OK; i++) {
        const char *text = v->blob + v->begin[i];
        if (all->type[i] == UNKNOWN && *unk != YH_NO_ID)
            st = yh_fail(err, YH_CORRUPT, "%s: pieces %u and %u are both the unknown one", name,
                         *unk, i);
        else if (all->type[i] == UNKNOWN)
            *unk = i;
        else if (all->type[i] == USER_DEFINED)
            key[n++] = (yh_datrie_key){text, v->len[i], i};
        if (all->type[i] != BYTE)
            continue;
        char *end;
        unsigned long b = v->len[i] == 6 ? strtoul(text + 1, &end, 16) : 256;
        if (b > 255 || byte_id[b] != YH_NO_ID)
            st = yh_fail(err, YH_CORRUPT, "%s: piece %u is no byte, or one twice", name, i);
        else
            byte_id[b] = i;
        bytes++;
    }
    if (st == YH_OK && (*unk == YH_NO_ID || (s->byte_fallback && bytes != 256)))
        st = yh_fail(err, YH_CORRUPT, "%s: there is no unknown piece, or not all 256 bytes", name);
    if (st == YH_OK && n > 0)
        st = yh_datrie_build(user, key, n, NULL, err);
    yh_free(key);
    return st;
}

/* ---- models ---- */

static yh_status make_unigram(yh_tok *t, const pieces *all, const spec *s, uint32_t unk,
                              const uint32_t byte_id[256], yh_err *err)
{
    yh_unigram *u = &t->unigram;
    const yh_bpe *v = &t->model;
    float least = 3.402823466e+38f;
    t->kind = YH_MODEL_UNIGRAM;
    yh_unigram_init(u, v);
    u->score = yh_malloc((size_t)v->size * sizeof *u->score);
    if (u->score == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the vocabulary");
    for (uint32_t i = 0; i < v->size; i++)
        if (all->type[i] == NORMAL)
            least = all->score[i] < least ? all->score[i] : least;
    for (uint32_t i = 0; i < v->size; i++)
        u->score[i] = all->type[i] == USER_DEFINED
                          ? (double)(float)(0.1 * ((double)v->len[i] - 1)) /* as since 0.2.2 */
                          : (double)all->score[i];
    u->sentencepiece = true;
    u->unk = unk;
    u->unk_score = (double)(least - 10.0f);
    u->fallback = s->byte_fallback;
    memcpy(u->byte_id, byte_id, sizeof u->byte_id);
    return yh_unigram_finish(u, err);
}

/* Id of a text that can be a symbol: a piece, or one character. */
static uint32_t symbol(const yh_tok *t, const char *p, size_t n)
{
    uint32_t cp, id = yh_bpe_find(&t->model, p, n);
    if (id != YH_NO_ID || yh_utf8_decode((const uint8_t *)p, n, &cp) != (int)n)
        return id;
    return yh_units_char(&t->units, cp);
}

typedef struct ranked {
    float score;
    uint32_t id;
} ranked;

static int by_score(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

/* Every way to join two symbols to a piece; the piece's score is the rank, equal ones are equal. */
static yh_status add_pairs(yh_tok *t, const ranked *order, size_t n, const char *name, yh_err *err)
{
    const yh_bpe *v = &t->model;
    uint32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        const char *p = v->blob + v->begin[order[i].id];
        size_t len = v->len[order[i].id];
        if (i > 0 && order[i].score < order[i - 1].score)
            rank++;
        if (len > PIECE_MAX)
            return yh_fail(err, YH_LIMIT, "%s: piece %u has %zu bytes, the limit is %d", name,
                           order[i].id, len, (int)PIECE_MAX);
        for (size_t k = 1; k < len; k++) {
            if (((uint8_t)p[k] & 0xC0) == 0x80)
                continue;
            uint32_t left = symbol(t, p, k);
            uint32_t right = left != YH_NO_ID ? symbol(t, p + k, len - k) : YH_NO_ID;
            if (right != YH_NO_ID)
                YH_TRY(yh_units_add(&t->units, left, right, rank, order[i].id, err));
        }
    }
    return YH_OK;
}

static yh_status make_bpe(yh_tok *t, const pieces *all, const spec *s, uint32_t unk,
                          const uint32_t byte_id[256], const char *name, yh_err *err)
{
    yh_units *u = &t->units;
    const yh_bpe *v = &t->model;
    size_t n = 0, users = 0;
    t->kind = YH_MODEL_UNITS;
    yh_units_init(u, v);
    u->late_unk = true;
    u->unk = unk;
    u->fallback = s->byte_fallback;
    memcpy(u->byte_id, byte_id, sizeof u->byte_id);
    YH_TRY(yh_units_index(u, err));
    ranked *order = yh_malloc(((size_t)v->size + 1) * sizeof *order);
    yh_datrie_key *key = yh_malloc(((size_t)v->size + 1) * sizeof *key);
    yh_status st =
        order != NULL && key != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory for the merges");
    for (uint32_t i = 0; i < v->size && st == YH_OK; i++) {
        if (all->type[i] == NORMAL || all->type[i] == USER_DEFINED)
            order[n++] = (ranked){all->score[i], i};
        if (all->type[i] == USER_DEFINED)
            key[users++] = (yh_datrie_key){v->blob + v->begin[i], v->len[i], i};
        if (all->type[i] == UNUSED)
            st = yh_fail(err, YH_UNSUPPORTED, "%s: unused piece %u in a BPE model", name, i);
    }
    if (st == YH_OK && n > 0)
        qsort(order, n, sizeof *order, by_score);
    if (st == YH_OK)
        st = add_pairs(t, order, n, name, err);
    if (st == YH_OK && users > 0)
        st = yh_datrie_build(&u->frozen, key, users, NULL, err);
    yh_free(order);
    yh_free(key);
    return st == YH_OK ? yh_units_finish(u, err) : st;
}

/* ---- the whole ---- */

static yh_status make_decoder(yh_tok *t, const spec *s, yh_err *err)
{
    yh_decoder *d = &t->decoder;
    yh_decode_step *step = &d->step[d->n++];
    *step = (yh_decode_step){.kind = YH_DECODE_REPLACE, .text_len = 3, .content_len = 1};
    if (s->dummy_prefix || s->remove_spaces)
        step->kind = YH_DECODE_SPACES;
    step->flag = s->remove_spaces;
    step->text = yh_strdup("\xE2\x96\x81");
    step->content = yh_strdup(" ");
    d->fallback = s->byte_fallback;
    d->by_char = true;
    return step->text != NULL && step->content != NULL
               ? YH_OK
               : yh_fail(err, YH_NOMEM, "no memory for a decoder");
}

static yh_status make_normalizer(yh_tok *t, const spec *s, const char *name, yh_err *err)
{
    t->sp->dummy_prefix = s->dummy_prefix;
    t->sp->remove_spaces = s->remove_spaces;
    t->sp->escape = s->escape;
    t->sp->suffix = s->suffix;
    if (s->charsmap.n > 0)
        YH_TRY(
            yh_charsmap_create(&t->sp->map, (const char *)s->charsmap.p, s->charsmap.n, name, err));
    yh_sp_finish(t->sp);
    return YH_OK;
}

static int64_t control_piece(const yh_tok *t, const pieces *all, message want, const char *dflt)
{
    const char *p = want.n > 0 ? (const char *)want.p : dflt;
    size_t n = want.n > 0 ? want.n : strlen(dflt);
    for (uint32_t i = 0; i < t->model.size; i++)
        if (all->type[i] == CONTROL && t->model.len[i] == n &&
            memcmp(t->model.blob + t->model.begin[i], p, n) == 0)
            return i;
    return -1;
}

/* What control symbols and the unknown piece decode to; flags; decoder; hash. */
static yh_status finish(yh_tok *t, const pieces *all, const spec *s, uint32_t unk, const char *name,
                        yh_err *err)
{
    uint32_t size = t->model.size;
    const char **shown = yh_calloc((size_t)size + 1, sizeof *shown);
    t->special = yh_calloc((size_t)size + 1, 1);
    char *surface = s->unk_surface.p != NULL
                        ? yh_strndup((const char *)s->unk_surface.p, s->unk_surface.n)
                        : yh_strdup(" \xE2\x81\x87 ");
    yh_status st = shown != NULL && t->special != NULL && surface != NULL
                       ? make_decoder(t, s, err)
                       : yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    for (uint32_t i = 0; i < size && st == YH_OK; i++)
        if (all->type[i] == CONTROL) {
            shown[i] = "";
            t->special[i] = 3;
        }
    if (st == YH_OK) {
        shown[unk] = surface;
        st = yh_decoder_build(&t->decoder, &t->model, false, shown, name, err);
    }
    yh_free(surface);
    yh_free(shown);
    return st == YH_OK ? yh_tok_hash_all(t, err) : st;
}

static yh_status build(yh_tok *t, pieces *all, message m, yh_err *err)
{
    spec s = {.kind = UNIGRAM, .dummy_prefix = true, .remove_spaces = true, .escape = true};
    uint32_t unk = YH_NO_ID, byte_id[256];
    memset(byte_id, 0xFF, sizeof byte_id);
    t->sp = yh_calloc(1, sizeof *t->sp);
    t->file = yh_strndup((const char *)m.p, m.n);
    t->file_len = m.n;
    if (t->sp == NULL || t->file == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for a tokenizer", m.name);
    YH_TRY(read_model(t, all, &s, m, err));
    YH_TRY(sort_pieces(t, all, &s, &unk, byte_id, &t->sp->user, m.name, err));
    YH_TRY(make_normalizer(t, &s, m.name, err));
    if (s.kind != UNIGRAM && s.kind != BPE)
        return yh_fail(err, YH_UNSUPPORTED,
                       "%s: model type %llu is not supported (BPE and unigram are)", m.name,
                       (unsigned long long)s.kind);
    YH_TRY(s.kind == BPE ? make_bpe(t, all, &s, unk, byte_id, m.name, err)
                         : make_unigram(t, all, &s, unk, byte_id, err));
    t->bos = control_piece(t, all, s.bos, "<s>");
    t->eos = control_piece(t, all, s.eos, "</s>");
    return finish(t, all, &s, unk, m.name, err);
}

yh_status yh_tok_from_sp(yh_tok **out, const char *data, size_t n, const char *name, yh_err *err)
{
    yh_tok *t;
    pieces all = {0};
    *out = NULL;
    yh_uc_init();
    YH_TRY(yh_tok_new(&t, err));
    yh_status s = build(t, &all, (message){(const uint8_t *)data, n, name}, err);
    yh_free(all.type);
    yh_free(all.score);
    if (s != YH_OK)
        yh_tok_free(t);
    else
        *out = t;
    return s;
}
