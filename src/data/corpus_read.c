/* Reading documents back: a corpus folder's parts, or one raw file through its reader. */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/lines.h"
#include "input/normalize.h"
#include "input/reader.h"

#include "yh/corpus.h"

struct yh_corpus {
    yh_file_list parts;
    yh_lines *lines; /* of a corpus folder: our own records, strict; else NULL */
    yh_stream *stream;
    const yh_reader *reader;
    yh_reader_state state;
    yh_drafts drafts;
    size_t next_draft;
    uint64_t docs;
    yh_buf id, source, text;
    json_t *record;
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
    yh_lines_close(c->lines);
    json_decref(c->record);
    yh_free(c);
}

yh_status yh_corpus_open(yh_corpus **out, const char *path, yh_err *err)
{
    *out = NULL;
    yh_corpus *c = yh_calloc(1, sizeof *c);
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", path);
    yh_status s;
    if (yh_is_dir(path)) {
        s = yh_lines_open(&c->lines, path, "part", err);
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

static yh_status next_record(yh_corpus *c, yh_doc *doc, bool *more, yh_err *err)
{
    const char *p;
    size_t n;
    uint64_t line;
    YH_TRY(yh_lines_next(c->lines, &p, &n, more, err));
    if (!*more)
        return YH_OK;
    char name[PATH_MAX + 32];
    const char *path = yh_lines_place(c->lines, NULL, &line);
    snprintf(name, sizeof name, "%s line %llu", path, (unsigned long long)line);
    json_decref(c->record);
    c->record = NULL;
    YH_TRY(yh_json_parse(&c->record, p, n, name, err));
    const json_t *t = json_object_get(c->record, "text");
    if (!json_is_string(t))
        return yh_fail(err, YH_CORRUPT, "%s: has no \"text\"", name);
    const char *id = json_string_value(json_object_get(c->record, "id"));
    const char *source = json_string_value(json_object_get(c->record, "source"));
    const json_t *meta = json_object_get(c->record, "meta");
    const char *lang = json_string_value(json_object_get(meta, "lang"));
    doc->text = json_string_value(t);
    doc->len = json_string_length(t);
    doc->id = id != NULL ? id : "";
    doc->source = source != NULL ? source : "";
    doc->lang = lang != NULL ? lang : "";
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
    if (s == YH_OK && piece.cut && c->state.middle) { /* nothing is lost: the text goes on */
        yh_log(YH_LOG_WARN, "%s: %s", c->parts.path[0], c->state.problem);
        c->state.problem[0] = '\0';
    }
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
    *doc = (yh_doc){c->text.data, c->text.len, c->id.data, c->source.data, ""};
    *more = true;
    return YH_OK;
}

yh_status yh_corpus_next(yh_corpus *c, yh_doc *doc, bool *more, yh_err *err)
{
    *more = false;
    return c->lines != NULL ? next_record(c, doc, more, err) : next_raw(c, doc, more, err);
}

bool yh_doc_is_heldout(const char *text, size_t len, unsigned per_mille)
{
    return yh_hash64(text, len, 0x68656c64u) % 1000 < per_mille;
}
