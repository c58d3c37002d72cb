/* Reading documents back: a corpus folder's parts, or one raw file through its reader. */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "input/json_text.h"
#include "input/normalize.h"
#include "input/reader.h"

#include "yh/corpus.h"

struct yh_corpus {
    yh_file_list parts;
    size_t at;
    bool records; /* parts hold our own records: strict */
    yh_stream *stream;
    const yh_reader *reader;
    yh_reader_state state;
    yh_drafts drafts;
    size_t next_draft;
    uint64_t docs;
    yh_buf id, source, text;
    json_t *record;
    yh_piece piece; /* records: lines not yet handed out */
    size_t line_at;
    uint64_t line;
};

void yh_corpus_close(yh_corpus *c)
{
    if (c == NULL)
        return;
    yh_file_list_fini(&c->parts);
    yh_stream_close(c->stream);
    yh_drafts_fini(&c->drafts);
    yh_buf_fini(&c->id);
    yh_buf_fini(&c->source);
    yh_buf_fini(&c->text);
    yh_buf_fini(&c->piece.bytes);
    json_decref(c->record);
    yh_free(c);
}

static yh_status list_parts(yh_corpus *c, const char *dir, yh_err *err)
{
    char path[PATH_MAX];
    for (unsigned i = 0;; i++) {
        if ((size_t)snprintf(path, sizeof path, "%s/part-%05u.jsonl.zst", dir, i) >= sizeof path)
            return yh_fail(err, YH_INVALID, "%s: folder name is too long", dir);
        if (!yh_is_file(path))
            path[strlen(path) - 4] = '\0'; /* written with --compress none */
        if (!yh_is_file(path))
            break;
        YH_TRY(yh_file_list_add(&c->parts, path, err));
    }
    snprintf(path, sizeof path, "%s/report.json", dir);
    if (c->parts.n == 0 && !yh_is_file(path))
        return yh_fail(err, YH_NOTFOUND,
                       "%s: is no corpus folder (no part-00000.jsonl.zst); make one with yh clean",
                       dir);
    if (!yh_is_file(path))
        return yh_fail(err, YH_INVALID,
                       "%s: the corpus is not finished; run the same yh clean again", dir);
    return YH_OK;
}

yh_status yh_corpus_open(yh_corpus **out, const char *path, yh_err *err)
{
    *out = NULL;
    yh_corpus *c = yh_calloc(1, sizeof *c);
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", path);
    yh_status s;
    if (yh_is_dir(path)) {
        c->records = true;
        s = list_parts(c, path, err);
    } else {
        c->reader = yh_reader_of(path, NULL);
        s = yh_file_list_add(&c->parts, path, err);
        if (s == YH_OK && c->reader == NULL)
            s = yh_fail(err, YH_UNSUPPORTED,
                        "%s: is neither a corpus folder nor a .jsonl, .json, .txt, .md or .html "
                        "file (also .gz, .zst)",
                        path);
    }
    if (s == YH_OK) {
        *out = c;
        return YH_OK;
    }
    yh_corpus_close(c);
    return s;
}

/* ------------------------------------------------------------------ our records */

static yh_status next_block(yh_corpus *c, bool *more, yh_err *err)
{
    for (;;) {
        if (c->stream == NULL) {
            *more = c->at < c->parts.n;
            if (!*more)
                return YH_OK;
            YH_TRY(yh_stream_open(&c->stream, c->parts.path[c->at], err));
            c->line = 0;
        }
        const uint8_t *p;
        size_t n, want = YH_JSON_BLOCK, take = 0;
        for (;;) {
            YH_TRY(yh_stream_peek(c->stream, want, &p, &n, err));
            const uint8_t *nl = n > 0 ? memrchr(p, '\n', n) : NULL;
            take = nl != NULL ? (size_t)(nl - p) + 1 : n < want ? n : 0;
            if (take > 0 || n == 0)
                break;
            if (want > 64u * YH_JSON_BLOCK)
                return yh_fail(err, YH_CORRUPT, "%s: line %llu is longer than 64 MiB",
                               c->parts.path[c->at], (unsigned long long)c->line + 1);
            want *= 2;
        }
        if (n == 0) {
            if (yh_stream_broken(c->stream) != NULL)
                return yh_fail(err, YH_CORRUPT, "%s: %s; make the corpus again",
                               c->parts.path[c->at], yh_stream_broken(c->stream));
            yh_stream_close(c->stream);
            c->stream = NULL;
            c->at++;
            continue;
        }
        yh_buf_clear(&c->piece.bytes);
        YH_TRY(yh_buf_add(&c->piece.bytes, p, take, err));
        yh_stream_skip(c->stream, take);
        c->line_at = 0;
        *more = true;
        return YH_OK;
    }
}

static yh_status next_record(yh_corpus *c, yh_doc *doc, bool *more, yh_err *err)
{
    while (c->line_at >= c->piece.bytes.len) {
        YH_TRY(next_block(c, more, err));
        if (!*more)
            return YH_OK;
    }
    const char *p = c->piece.bytes.data + c->line_at;
    size_t left = c->piece.bytes.len - c->line_at;
    const char *nl = memchr(p, '\n', left);
    size_t n = nl != NULL ? (size_t)(nl - p) : left;
    c->line_at += n + 1;
    c->line++;
    char name[PATH_MAX + 32];
    snprintf(name, sizeof name, "%s line %llu", c->parts.path[c->at], (unsigned long long)c->line);
    json_decref(c->record);
    c->record = NULL;
    YH_TRY(yh_json_parse(&c->record, p, n, name, err));
    const json_t *t = json_object_get(c->record, "text");
    if (!json_is_string(t))
        return yh_fail(err, YH_CORRUPT, "%s: has no \"text\"", name);
    const char *id = json_string_value(json_object_get(c->record, "id"));
    const char *source = json_string_value(json_object_get(c->record, "source"));
    doc->text = json_string_value(t);
    doc->len = json_string_length(t);
    doc->id = id != NULL ? id : "";
    doc->source = source != NULL ? source : "";
    *more = true;
    return YH_OK;
}

/* ------------------------------------------------------------------ one raw file */

/* yh clean's filter "not_text" says when: more than a tenth of the characters. */
static bool is_binary(const yh_drafts *d)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < d->n; i++)
        bytes += d->d[i].len;
    return d->replaced * 12 > bytes; /* each is three of the bytes, the others one or more */
}

static yh_status next_drafts(yh_corpus *c, bool *more, yh_err *err)
{
    if (c->stream == NULL)
        YH_TRY(yh_stream_open(&c->stream, c->parts.path[0], err));
    yh_drafts_fini(&c->drafts);
    c->next_draft = 0;
    yh_piece piece = {0};
    yh_status s = c->reader->next(c->stream, &c->state, &piece, more, err);
    if (s == YH_OK && *more)
        s = c->reader->documents(&piece, &c->drafts, err);
    bool ends = !*more || c->drafts.n_problems > 0; /* a cut value is the cut file's */
    if (s == YH_OK && ends && yh_stream_broken(c->stream) != NULL)
        s = yh_fail(err, YH_CORRUPT, "%s: %s; yh clean keeps what is good of it", c->parts.path[0],
                    yh_stream_broken(c->stream));
    if (s == YH_OK && c->state.problem[0] != '\0')
        s = yh_fail(err, YH_LIMIT, "%s: %s; yh clean leaves such things out", c->parts.path[0],
                    c->state.problem);
    if (s == YH_OK && c->drafts.n_problems > 0)
        s = yh_fail(err, YH_CORRUPT, "%s: %s %llu: %s; yh clean leaves such records out",
                    c->parts.path[0], c->reader->name,
                    (unsigned long long)c->drafts.problem[0].place, c->drafts.problem[0].what);
    if (s == YH_OK && is_binary(&c->drafts))
        s = yh_fail(err, YH_CORRUPT, "%s: is no text: %llu characters could not be decoded",
                    c->parts.path[0], (unsigned long long)c->drafts.replaced);
    yh_buf_fini(&piece.bytes);
    return s;
}

static yh_status next_raw(yh_corpus *c, yh_doc *doc, bool *more, yh_err *err)
{
    while (c->next_draft >= c->drafts.n) {
        YH_TRY(next_drafts(c, more, err));
        if (!*more)
            return YH_OK;
    }
    const yh_draft *d = &c->drafts.d[c->next_draft++];
    const char *base = yh_path_base(c->parts.path[0]), *type;
    (void)yh_reader_of(base, &type);
    yh_buf_clear(&c->id);
    yh_buf_clear(&c->source);
    yh_buf_clear(&c->text);
    c->docs++;
    YH_TRY(yh_buf_addf(&c->id, err, "%s:%llu", base,
                       (unsigned long long)(d->number != 0 ? d->number : c->docs)));
    YH_TRY(yh_buf_add(&c->source, base, (size_t)(type - base), err));
    YH_TRY(yh_normalize(d->text, d->len, &c->text, err));
    *doc = (yh_doc){c->text.data, c->text.len, c->id.data, c->source.data};
    *more = true;
    return YH_OK;
}

yh_status yh_corpus_next(yh_corpus *c, yh_doc *doc, bool *more, yh_err *err)
{
    *more = false;
    return c->records ? next_record(c, doc, more, err) : next_raw(c, doc, more, err);
}

bool yh_doc_is_heldout(const char *text, size_t len, unsigned per_mille)
{
    return yh_hash64(text, len, 0x68656c64u) % 1000 < per_mille;
}
