/* Reading "model" of a tokenizer.json. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "text/tok_impl.h"
#include "text/tok_json.h"
#include "text/utf8.h"

/* The vocabulary's form of a token's text, appended to b; *mapped false: in a byte-level vocabulary
 * one that no text can become. */
static yh_status own_text(const yh_tok *t, const char *token, size_t n, yh_buf *b, bool *mapped,
                          yh_err *err)
{
    *mapped = true;
    return t->byte_level ? yh_byte_text(token, n, b, mapped, err) : yh_buf_add(b, token, n, err);
}

uint32_t yh_tok_token(const yh_tok *t, const char *token, size_t n)
{
    yh_buf b;
    bool mapped = false;
    uint32_t id = YH_NO_ID;
    if (t->model.slots == 0)
        return id;
    yh_buf_init(&b, 0);
    if (own_text(t, token, n, &b, &mapped, NULL) == YH_OK && mapped)
        id = yh_bpe_find(&t->model, b.data, b.len);
    yh_buf_fini(&b);
    return id;
}

static yh_status read_vocab(yh_tok *t, const json_t *vocab, const char *name, yh_err *err)
{
    const char *key;
    size_t key_len;
    json_t *v;
    yh_buf b;
    yh_status s = YH_OK;
    if (!json_is_object(vocab) || json_object_size(vocab) == 0)
        return yh_fail(err, YH_CORRUPT, "%s: model.vocab must be an object with tokens", name);
    uint64_t limit = (uint64_t)json_object_size(vocab) * 4 + 4096;
    yh_buf_init(&b, 0);
    json_object_keylen_foreach((json_t *)(uintptr_t)vocab, key, key_len, v)
    {
        bool mapped;
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id < 0 || (uint64_t)id >= limit) {
            s = yh_fail(
                err, YH_CORRUPT,
                "%s: token \"%.60s\" must have an id from 0 to %llu, as there are %zu tokens", name,
                key, (unsigned long long)limit - 1, json_object_size(vocab));
            break;
        }
        yh_buf_clear(&b);
        YH_GOTO(s, own_text(t, key, key_len, &b, &mapped, err), done);
        YH_GOTO(
            s,
            yh_bpe_set(&t->model, (uint32_t)id, b.len > 0 ? b.data : "", b.len, mapped, name, err),
            done);
    }
done:
    yh_buf_fini(&b);
    return s == YH_OK ? yh_bpe_index(&t->model, name, err) : s;
}

/* Two sides of a merge, "a b" or ["a", "b"]; *left NULL: neither. */
static void merge_sides(const json_t *m, const char **left, size_t *left_n, const char **right,
                        size_t *right_n)
{
    const json_t *two = json_array_get(m, 1);
    *left = json_string_value(m);
    if (*left != NULL) {
        size_t n = json_string_length(m);
        *right = memchr(*left, ' ', n);
        if (*right == NULL || memchr(*right + 1, ' ', n - (size_t)(*right + 1 - *left)) != NULL) {
            *left = NULL;
            return;
        }
        *left_n = (size_t)(*right - *left);
        ++*right;
        *right_n = n - *left_n - 1;
    } else if (json_array_size(m) == 2) {
        *left = json_string_value(json_array_get(m, 0));
        *right = json_string_value(two);
        *left_n = json_string_length(json_array_get(m, 0));
        *right_n = json_string_length(two);
        if (*right == NULL)
            *left = NULL;
    }
}

static yh_status merge_side(const yh_tok *t, const char *text, size_t n, size_t at,
                            const char *name, uint32_t *id, yh_err *err)
{
    *id = yh_tok_token(t, text, n);
    if (*id == YH_NO_ID)
        return yh_fail(err, YH_CORRUPT, "%s: merge %zu names \"%.*s\", which is no token", name, at,
                       (int)(n < 60 ? n : 60), text);
    return YH_OK;
}

/* What left and right join to; skip: bytes of the right one that are its prefix. */
static yh_status joined(const yh_tok *t, uint32_t left, uint32_t right, size_t skip, size_t at,
                        const char *name, uint32_t *id, yh_err *err)
{
    const yh_bpe *v = &t->model;
    yh_buf b;
    if (v->len[right] < skip)
        return yh_fail(err, YH_CORRUPT, "%s: merge %zu: the right side has no prefix", name, at);
    yh_buf_init(&b, 0);
    yh_status s = yh_buf_add(&b, v->blob + v->begin[left], v->len[left], err);
    if (s == YH_OK)
        s = yh_buf_add(&b, v->blob + v->begin[right] + skip, v->len[right] - skip, err);
    *id = s == YH_OK ? yh_bpe_find(v, b.data, b.len) : YH_NO_ID;
    yh_buf_fini(&b);
    if (s == YH_OK && *id == YH_NO_ID)
        s = yh_fail(err, YH_CORRUPT,
                    "%s: merge %zu joins tokens %u and %u to a text that is no token", name, at,
                    left, right);
    return s;
}

static yh_status read_merges(yh_tok *t, const json_t *merges, const char *name, yh_err *err)
{
    const char *l, *r = NULL, *prefix = t->units.prefix;
    size_t ln = 0, rn = 0, skip = 0;
    uint32_t left, right, id = 0;
    if (!json_is_array(merges))
        return yh_fail(err, YH_CORRUPT, "%s: model.merges must be a list", name);
    for (const char *p = prefix; p != NULL && *p != '\0'; p++)
        skip += ((uint8_t)*p & 0xC0) != 0x80;
    for (size_t i = 0; i < json_array_size(merges); i++) {
        merge_sides(json_array_get(merges, i), &l, &ln, &r, &rn);
        if (l == NULL)
            return yh_fail(err, YH_CORRUPT, "%s: merge %zu must be two tokens", name, i);
        YH_TRY(merge_side(t, l, ln, i, name, &left, err));
        YH_TRY(merge_side(t, r, rn, i, name, &right, err));
        if (t->kind == YH_MODEL_BPE) {
            YH_TRY(yh_bpe_merge(&t->model, left, right, name, err));
            continue;
        }
        YH_TRY(joined(t, left, right, skip, i, name, &id, err));
        YH_TRY(yh_units_add(&t->units, left, right, (uint32_t)i, id, err));
    }
    return YH_OK;
}

/* *out: id of the model's unknown token, YH_NO_ID when it names none. */
static yh_status read_unk(const yh_tok *t, const json_t *m, uint32_t *out, const char *name,
                          yh_err *err)
{
    const json_t *unk = json_object_get(m, "unk_token");
    *out = YH_NO_ID;
    if (!json_is_string(unk))
        return YH_OK;
    *out = yh_tok_token(t, json_string_value(unk), json_string_length(unk));
    if (*out == YH_NO_ID)
        return yh_fail(err, YH_CORRUPT, "%s: the unknown token \"%.60s\" is not in the vocabulary",
                       name, json_string_value(unk));
    return YH_OK;
}

/* Ids of <0x00>..<0xFF>. */
static void find_bytes(const yh_tok *t, uint32_t byte_id[256])
{
    static const char digit[] = "0123456789ABCDEF";
    for (int i = 0; i < 256; i++) {
        char text[] = {'<', '0', 'x', digit[i >> 4], digit[i & 15], '>', '\0'};
        byte_id[i] = yh_tok_token(t, text, 6);
    }
}

static yh_status set_affix(char **to, const json_t *m, const char *key, const char *name,
                           yh_err *err)
{
    const char *text = json_string_value(json_object_get(m, key));
    if (text == NULL || text[0] == '\0')
        return YH_OK;
    if (strlen(text) > 200)
        return yh_fail(err, YH_LIMIT, "%s: %s is longer than 200 bytes", name, key);
    *to = yh_strdup(text);
    return *to != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory for a model", name);
}

/* In a byte-level vocabulary (CLIP's) a prefix and a suffix are texts of which each byte is itself;
 * and units must not vanish, as a token's length is not that of its text. */
static yh_status check_affixes(const yh_tok *t, const char *name, yh_err *err)
{
    const yh_units *u = &t->units;
    if (!t->byte_level || (u->prefix == NULL && u->suffix == NULL))
        return YH_OK;
    for (int k = 0; k < 2; k++)
        for (const char *c = k == 0 ? u->prefix : u->suffix; c != NULL && *c != '\0'; c++)
            if (*c < '!' || *c > '~')
                return yh_tok_unsupported(name, "prefix or suffix with ByteLevel",
                                          k == 0 ? u->prefix : u->suffix, err);
    if (u->unk == YH_NO_ID)
        return yh_tok_unsupported(name, "model option",
                                  "a prefix or suffix with ByteLevel and no unk_token", err);
    return YH_OK;
}

static yh_status read_bpe(yh_tok *t, const json_t *m, const char *name, yh_err *err)
{
    yh_units *u = &t->units;
    if (json_number_value(json_object_get(m, "dropout")) > 0)
        return yh_tok_unsupported(name, "model option", "dropout", err);
    YH_TRY(read_vocab(t, json_object_get(m, "vocab"), name, err));
    yh_units_init(u, &t->model);
    YH_TRY(set_affix(&u->prefix, m, "continuing_subword_prefix", name, err));
    YH_TRY(set_affix(&u->suffix, m, "end_of_word_suffix", name, err));
    bool all = t->byte_level;
    for (int i = 0; i < 256 && all; i++)
        all = t->model.byte_id[i] != YH_NO_ID;
    t->kind = all && u->prefix == NULL && u->suffix == NULL ? YH_MODEL_BPE : YH_MODEL_UNITS;
    t->model.ignore_merges = u->ignore_merges = json_is_true(json_object_get(m, "ignore_merges"));
    if (t->kind == YH_MODEL_BPE) {
        YH_TRY(read_merges(t, json_object_get(m, "merges"), name, err));
        return yh_bpe_finish(&t->model, name, err);
    }
    u->bytes = t->byte_level;
    YH_TRY(read_unk(t, m, &u->unk, name, err));
    YH_TRY(check_affixes(t, name, err));
    u->fuse_unk = json_is_true(json_object_get(m, "fuse_unk"));
    u->fallback = json_is_true(json_object_get(m, "byte_fallback"));
    if (t->byte_level && u->fallback)
        return yh_tok_unsupported(name, "model option",
                                  "byte_fallback with ByteLevel and a vocabulary without all bytes",
                                  err);
    if (u->fallback)
        find_bytes(t, u->byte_id);
    YH_TRY(yh_units_index(u, err));
    YH_TRY(read_merges(t, json_object_get(m, "merges"), name, err));
    return yh_units_finish(u, err);
}

/* The score as tokenizers has it in memory. Its JSON parser (serde_json) divides the digits, as one
 * integer, by a power of ten: often a unit in the last place beside the nearest double, and that
 * decides between paths of equal sums. The digits are taken for the shortest ones that mean the
 * number, which is what every program writes. */
static double parsed_score(double exact)
{
    char text[32];
    int digits = 15;
    do
        snprintf(text, sizeof text, "%.*e", digits - 1, fabs(exact));
    while (digits++ < 17 && strtod(text, NULL) != fabs(exact));
    uint64_t whole = 0;
    const char *p = text;
    int scale = 0;
    for (bool fraction = false; *p != 'e' && *p != '\0'; p++) {
        if (*p >= '0' && *p <= '9') {
            whole = 10 * whole + (uint64_t)(*p - '0');
            scale -= fraction;
        } else {
            fraction = true;
        }
    }
    scale += *p == 'e' ? atoi(p + 1) : 0;
    for (; whole != 0 && whole % 10 == 0; scale++)
        whole /= 10;
    /* powers of ten up to 22 are exact, and others do not occur in scores */
    double power = 1;
    for (int i = abs(scale); i > 0 && i <= 22; i--)
        power *= 10;
    if (abs(scale) > 22 || whole == 0)
        return exact;
    return copysign(scale < 0 ? (double)whole / power : (double)whole * power, exact);
}

static yh_status read_pieces(yh_tok *t, const json_t *vocab, const char *name, yh_err *err)
{
    size_t n = json_array_size(vocab);
    yh_unigram *u = &t->unigram;
    if (n == 0 || n > YH_MAX_TOKENS)
        return yh_fail(err, YH_CORRUPT, "%s: model.vocab must be a list of tokens and scores",
                       name);
    u->score = yh_malloc(n * sizeof *u->score);
    if (u->score == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(vocab, i), *text = json_array_get(one, 0);
        const json_t *score = json_array_get(one, 1);
        if (!json_is_string(text) || !json_is_number(score))
            return yh_fail(err, YH_CORRUPT, "%s: token %zu must be a text and a score", name, i);
        u->score[i] = parsed_score(json_number_value(score));
        YH_TRY(yh_bpe_set(&t->model, (uint32_t)i, json_string_value(text), json_string_length(text),
                          true, name, err));
    }
    return YH_OK;
}

static yh_status read_unigram(yh_tok *t, const json_t *m, const char *name, yh_err *err)
{
    yh_unigram *u = &t->unigram;
    yh_bpe *v = &t->model;
    double least = 0;
    int64_t unk;
    t->kind = YH_MODEL_UNIGRAM;
    yh_unigram_init(u, v);
    YH_TRY(read_pieces(t, json_object_get(m, "vocab"), name, err));
    for (uint32_t i = 0; i < v->size; i++)
        least = i == 0 || u->score[i] < least ? u->score[i] : least;
    if (!json_is_null(json_object_get(m, "unk_id"))) {
        YH_TRY(yh_json_int(m, "unk_id", 0, (int64_t)v->size - 1, true, -1, name, &unk, err));
        u->unk = unk >= 0 ? (uint32_t)unk : YH_NO_ID;
    }
    u->unk_score = least - 10;
    YH_TRY(yh_unigram_finish(u, err));
    for (uint32_t i = 0; i < v->size; i++) /* of equal texts the last is found */
        v->reachable[i] =
            v->len[i] > 0 && yh_datrie_get(&u->trie, v->blob + v->begin[i], v->len[i]) == i;
    YH_TRY(yh_bpe_index(v, name, err));
    u->fallback = json_is_true(json_object_get(m, "byte_fallback"));
    if (u->fallback)
        find_bytes(t, u->byte_id);
    return YH_OK;
}

static yh_status read_wordpiece(yh_tok *t, const json_t *m, bool whole, const char *name,
                                yh_err *err)
{
    uint32_t unk;
    int64_t most;
    const char *prefix;
    t->kind = YH_MODEL_WORDPIECE;
    YH_TRY(read_vocab(t, json_object_get(m, "vocab"), name, err));
    YH_TRY(read_unk(t, m, &unk, name, err));
    if (unk == YH_NO_ID)
        return yh_fail(err, YH_CORRUPT, "%s: the model has no \"unk_token\"", name);
    YH_TRY(yh_json_int(m, "max_input_chars_per_word", 0, INT64_MAX, true, 100, name, &most, err));
    YH_TRY(yh_json_str(m, "continuing_subword_prefix", true, name, &prefix, err));
    return yh_wordpiece_init(&t->wordpiece, &t->model, prefix != NULL ? prefix : "##", unk,
                             (size_t)most, whole, err);
}

/* Files of older versions have no "type" in the model: told by what is there, as tokenizers does.
 */
static const char *model_type(const json_t *m)
{
    const char *type = yh_tok_type(m);
    if (type[0] != '\0')
        return type;
    if (json_object_get(m, "merges") != NULL)
        return "BPE";
    if (json_object_get(m, "continuing_subword_prefix") != NULL)
        return "WordPiece";
    if (json_is_array(json_object_get(m, "vocab")))
        return "Unigram";
    return type;
}

yh_status yh_tok_read_model(yh_tok *t, const json_t *m, const char *name, yh_err *err)
{
    if (!json_is_object(m))
        return yh_fail(err, YH_CORRUPT, "%s: there is no \"model\"; is this a tokenizer.json?",
                       name);
    const char *type = model_type(m);
    if (strcmp(type, "BPE") == 0)
        return read_bpe(t, m, name, err);
    if (t->byte_level)
        return yh_fail(err, YH_UNSUPPORTED, "%s: a %.40s model behind a ByteLevel pre-tokenizer",
                       name, type);
    if (strcmp(type, "Unigram") == 0)
        return read_unigram(t, m, name, err);
    if (strcmp(type, "WordPiece") == 0 || strcmp(type, "WordLevel") == 0)
        return read_wordpiece(t, m, strcmp(type, "WordLevel") == 0, name, err);
    return yh_tok_unsupported(name, "model", type, err);
}
