#include "cli/info_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { JSON_LIMIT = 64 << 20, MAX_TENSOR_ROWS = 100000 };

static yh_status put(json_t *j, const char *key, json_t *value, yh_err *err)
{
    return json_object_set_new(j, key, value) == 0
               ? YH_OK
               : yh_fail(err, YH_NOMEM, "no memory for \"%s\"", key);
}

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* What the thing is: several kinds are told in one line. */
static yh_status kind(json_t *j, const char *what, yh_err *err)
{
    char text[256];
    const char *before = json_string_value(json_object_get(j, "kind"));
    snprintf(text, sizeof text, "%s%s%s", before ? before : "", before ? ", " : "", what);
    return put(j, "kind", json_string(text), err);
}

/* ------------------------------------------------------------------ models and tensors */

typedef struct tensor_sum {
    json_t *rows, *types; /* rows NULL: counted alone */
    uint64_t n, bytes, numbers;
    bool failed;
} tensor_sum;

static bool add_tensor(void *user, const yh_tensor_facts *t)
{
    tensor_sum *s = user;
    uint64_t n = 1;
    json_t *shape = json_array();
    for (int i = 0; i < t->ndim; i++) {
        n *= (uint64_t)t->dim[i];
        s->failed |= json_array_append_new(shape, json_integer(t->dim[i])) != 0;
    }
    s->n++;
    s->bytes += t->size;
    s->numbers += n;
    json_int_t had = json_integer_value(json_object_get(s->types, t->type));
    s->failed |= json_object_set_new(s->types, t->type, json_integer(had + (json_int_t)n)) != 0;
    if (s->rows != NULL && json_array_size(s->rows) < MAX_TENSOR_ROWS)
        s->failed |=
            json_array_append_new(s->rows, json_pack("{s:s,s:s,s:O}", "name", t->name, "type",
                                                     t->type, "shape", shape)) != 0;
    json_decref(shape);
    return !s->failed;
}

static yh_status sum_tensors(const char *path, bool rows, json_t *j, yh_err *err)
{
    tensor_sum s = {.rows = rows ? json_array() : NULL, .types = json_object()};
    yh_status rc = yh_model_tensors(path, add_tensor, &s, err);
    if (rc == YH_OK && s.failed)
        rc = yh_fail(err, YH_NOMEM, "%s: no memory", path);
    json_t *w = rc == YH_OK ? json_pack("{s:I,s:I,s:I,s:O}", "tensors", (json_int_t)s.n, "numbers",
                                        (json_int_t)s.numbers, "bytes", (json_int_t)s.bytes,
                                        "by_type", s.types)
                            : NULL;
    if (rc == YH_OK)
        rc = put(j, "stored", w, err);
    if (rc == YH_OK && s.rows != NULL)
        rc = put(j, "tensors", json_incref(s.rows), err);
    json_decref(s.rows);
    json_decref(s.types);
    return rc;
}

yh_status yh_info_tensors(const char *path, bool verify, json_t *j, yh_err *err)
{
    (void)verify;
    YH_TRY(kind(j, "safetensors", err));
    return sum_tensors(path, true, j, err);
}

yh_status yh_info_model(const char *dir, bool verify, json_t *j, yh_err *err)
{
    yh_model_facts f;
    (void)verify;
    YH_TRY(kind(j, "model", err));
    YH_TRY(yh_model_inspect(dir, &f, err));
    json_t *m = json_pack("{s:s,s:I,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:b}", "family", f.family,
                          "weights", (json_int_t)f.weights, "vocabulary", (int)f.vocab, "width",
                          (int)f.width, "layers", (int)f.layers, "heads", (int)f.heads, "kv_heads",
                          (int)f.kv_heads, "head_dim", (int)f.head_dim, "mlp", (int)f.ffn,
                          "context", (int)f.context, "tied", (int)f.tied);
    YH_TRY(put(j, "model", m, err));
    return sum_tensors(dir, false, j, err);
}

/* ------------------------------------------------------------------ tokenizers and tokens */

static json_t *id_and_text(const yh_tok *t, int64_t id)
{
    size_t len;
    if (id < 0)
        return json_null();
    const char *text = yh_tok_bytes(t, (uint32_t)id, &len, NULL);
    char line[160];
    snprintf(line, sizeof line, "%lld %.*s", (long long)id, (int)(len < 120 ? len : 120), text);
    return json_string(line);
}

static json_t *hash_text(uint64_t hash)
{
    char text[32];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    return json_string(text);
}

yh_status yh_info_tokenizer(const char *path, bool verify, json_t *j, yh_err *err)
{
    yh_tok *t = NULL;
    (void)verify;
    YH_TRY(kind(j, "tokenizer", err));
    YH_TRY(yh_tok_load(&t, path, err));
    json_t *m = json_pack(
        "{s:i,s:I,s:o,s:o,s:b,s:o}", "vocabulary", (int)yh_tok_size(t), "longest_token_bytes",
        (json_int_t)yh_tok_longest(t), "end_of_text", id_and_text(t, yh_tok_eos(t)),
        "begin_of_text", id_and_text(t, yh_tok_bos(t)), "chat_template",
        (int)(yh_tok_chat_template(t) != NULL), "hash", hash_text(yh_tok_hash(t)));
    yh_tok_free(t);
    return put(j, "tokenizer", m, err);
}

yh_status yh_info_tokens(const char *dir, bool verify, json_t *j, yh_err *err)
{
    static const char *const names[] = {"training", "heldout"};
    yh_tokens *t = NULL;
    YH_TRY(kind(j, "tokens", err));
    YH_TRY(yh_tokens_open(&t, dir, verify, err));
    json_t *m = json_pack("{s:I,s:o,s:I,s:b}", "vocabulary", (json_int_t)yh_tokens_vocab(t),
                          "vocabulary_hash", hash_text(yh_tokens_vocab_hash(t)), "end_of_text",
                          (json_int_t)yh_tokens_eos(t), "verified", (int)verify);
    yh_status s = YH_OK;
    for (int i = 0; m != NULL && i < 2 && s == YH_OK; i++) {
        yh_split split = i == 0 ? YH_TRAIN : YH_HELDOUT;
        uint64_t n = yh_tokens_total(t, split), bytes = yh_tokens_bytes(t, split);
        s = put(m, names[i],
                json_pack("{s:I,s:I,s:I,s:f}", "documents", (json_int_t)yh_tokens_docs(t, split),
                          "tokens", (json_int_t)n, "bytes_of_text", (json_int_t)bytes,
                          "bytes_per_token", n > 0 ? (double)bytes / (double)n : 0.0),
                err);
    }
    yh_tokens_close(t);
    yh_status put_status = put(j, "tokens", m, err);
    return s != YH_OK ? s : put_status;
}

/* ------------------------------------------------------------------ corpora */

/* Copies what the report says, key by key, where it is there. */
static yh_status copy_keys(const json_t *from, const char *const *keys, json_t *to, yh_err *err)
{
    for (; *keys != NULL; keys++) {
        json_t *v = json_object_get(from, *keys);
        if (v != NULL)
            YH_TRY(put(to, *keys, json_incref(v), err));
    }
    return YH_OK;
}

static yh_status load_in(const char *dir, const char *name, json_t **out, yh_err *err)
{
    char *path = yh_path_join(dir, name);
    *out = NULL;
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    yh_status s = yh_is_file(path) ? yh_json_load(out, path, JSON_LIMIT, err) : YH_OK;
    yh_free(path);
    return s;
}

yh_status yh_info_corpus(const char *dir, bool verify, json_t *j, yh_err *err)
{
    static const char *const keys[] = {"documents", "text", "lines_removed", NULL};
    yh_file_list l = {0};
    json_t *report = NULL;
    uint64_t parts = 0, bytes = 0;
    (void)verify;
    YH_TRY(kind(j, "corpus", err));
    yh_status s = yh_file_list_add(&l, dir, err);
    for (size_t i = 0; i < l.n; i++)
        if (strncmp(yh_path_base(l.path[i]), "part-", 5) == 0) {
            parts++;
            bytes += l.size[i];
        }
    yh_file_list_fini(&l);
    if (s == YH_OK)
        s = load_in(dir, "report.json", &report, err);
    json_t *m = json_pack("{s:I,s:I,s:b}", "parts", (json_int_t)parts, "bytes_packed",
                          (json_int_t)bytes, "finished", (int)(report != NULL));
    if (s == YH_OK && m != NULL)
        s = copy_keys(report, keys, m, err);
    json_decref(report);
    yh_status put_status = put(j, "corpus", m, err);
    return s != YH_OK ? s : put_status;
}

/* ------------------------------------------------------------------ training */

/* The last line that has `key`; new reference or NULL. Broken lines are passed over: a killed run
 * may leave one. */
static json_t *last_line(const yh_map *map, const char *key)
{
    size_t end = map->size;
    for (int tries = 0; end > 0 && tries < 10000; tries++) {
        size_t begin = end;
        while (begin > 0 && map->data[begin - 1] != '\n')
            begin--;
        json_t *j = NULL;
        if (end > begin && yh_json_parse(&j, (const char *)map->data + begin, end - begin,
                                         "metrics.jsonl", NULL) == YH_OK) {
            if (json_object_get(j, key) != NULL)
                return j;
            json_decref(j);
        }
        end = begin > 0 ? begin - 1 : 0;
    }
    return NULL;
}

yh_status yh_info_run(const char *dir, bool verify, json_t *j, yh_err *err)
{
    static const char *const step[] = {"step",    "tokens",   "loss", "tokens_per_second",
                                       "seconds", "fraction", NULL};
    static const char *const eval[] = {"step", "heldout_loss", "bits_per_byte", NULL};
    yh_map map;
    (void)verify;
    YH_TRY(kind(j, "training run", err));
    char *path = yh_path_join(dir, "metrics.jsonl");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    yh_status s = yh_map_open(&map, path, err);
    yh_free(path);
    YH_TRY(s);
    json_t *last = last_line(&map, "lr"), *best = last_line(&map, "bits_per_byte");
    json_t *a = json_object(), *b = json_object();
    s = copy_keys(last, step, a, err);
    if (s == YH_OK)
        s = copy_keys(best, eval, b, err);
    yh_map_close(&map);
    json_decref(last);
    json_decref(best);
    yh_status s1 = put(j, "last_step", a, err), s2 = put(j, "last_look_at_heldout", b, err);
    return s != YH_OK ? s : s1 != YH_OK ? s1 : s2;
}

yh_status yh_info_checkpoint(const char *dir, bool verify, json_t *j, yh_err *err)
{
    static const char *const keys[] = {"step",      "tokens", "elapsed",  "best_bits_per_byte",
                                       "best_step", "loss",   "finished", "why",
                                       NULL};
    json_t *state = NULL, *m = json_object();
    (void)verify;
    YH_TRY(kind(j, "training checkpoint", err));
    yh_status s = load_in(dir, "trainer_state.json", &state, err);
    if (s == YH_OK)
        s = copy_keys(state, keys, m, err);
    json_decref(state);
    yh_status put_status = put(j, "checkpoint", m, err);
    return s != YH_OK ? s : put_status;
}

/* ------------------------------------------------------------------ anything else */

yh_status yh_info_other(const char *path, json_t *j, yh_err *err)
{
    yh_file_list l = {0};
    uint64_t bytes = 0;
    yh_status s = yh_file_list_add(&l, path, err);
    for (size_t i = 0; i < l.n; i++)
        bytes += l.size[i];
    uint64_t n = l.n;
    yh_file_list_fini(&l);
    YH_TRY(s);
    YH_TRY(kind(j,
                yh_is_dir(path) ? "folder of no kind that yh makes"
                                : "file of no kind that yh "
                                  "makes",
                err));
    YH_TRY(put(j, "files", number(n), err));
    return put(j, "bytes", number(bytes), err);
}
