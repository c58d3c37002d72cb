/* Mix files: what a mix is made of, as JSON. Hostile: sizes and counts have limits, messages name
 * the file, the source and the key. docs/corpus.md is the page for users. */
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "rules/param.h"
#include "yh/corpus.h"

enum { FILE_LIMIT = 16 << 20, MOST_SOURCES = 4096 };
static const double most_bytes = 1e18;

static const yh_param mix_params[] = {
    {"total", YH_PARAM_NUMBER, "0", "bytes of text of the mix; 0: what the weights allow", 0, 1e18},
    {"seed", YH_PARAM_NUMBER, "0", "another choice of documents", 0, 9007199254740992.0},
    {"shard_size", YH_PARAM_NUMBER, "0", "bytes of text in one file; 0: 128 MiB", 0, 1e18},
    {"compress", YH_PARAM_TEXT, "\"zstd\"", "none, zstd or zstd:LEVEL", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static const yh_param source_params[] = {
    {"corpus", YH_PARAM_TEXT, "\"\"", "folder of the corpus, from the mix file's folder", 0, 0},
    {"weight", YH_PARAM_NUMBER, "0", "share of the mix; 0: as much as it has", 0, 1e18},
    {"epochs", YH_PARAM_NUMBER, "1", "how often a document may come, at most", 0, 1e6},
    {"cap", YH_PARAM_NUMBER, "0", "bytes of text, at most; 0: no limit", 0, 1e18},
    {NULL, 0, NULL, NULL, 0, 0},
};

struct yh_mix_file {
    json_t *full; /* the options' texts are borrowed from it */
    yh_mix_source *source;
    size_t n;
    char **path; /* n */
    yh_mix_options options;
};

void yh_mix_file_free(yh_mix_file *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; f->path != NULL && i < f->n; i++)
        yh_free(f->path[i]);
    yh_free(f->path);
    yh_free(f->source);
    json_decref(f->full);
    yh_free(f);
}

const yh_mix_source *yh_mix_file_sources(const yh_mix_file *f, size_t *n)
{
    *n = f->n;
    return f->source;
}

const yh_mix_options *yh_mix_file_options(const yh_mix_file *f)
{
    return &f->options;
}

static uint64_t bytes_of(const json_t *j, const char *name)
{
    double v = yh_param_number(j, name);
    return v > 0 && v <= most_bytes ? (uint64_t)v : 0;
}

static yh_status one_source(yh_mix_file *f, size_t i, const json_t *given, const char *place,
                            yh_err *err)
{
    char where[200];
    json_t *j = NULL;
    yh_status s = YH_OK;
    snprintf(where, sizeof where, "%.150s: source %zu", place, i + 1);
    if (!json_is_object(given))
        return yh_fail(err, YH_CORRUPT, "%s: must be {\"corpus\": FOLDER, ...}", where);
    YH_TRY(yh_params_complete(&j, given, source_params, where, err));
    const char *corpus = yh_param_text(j, "corpus");
    if (corpus[0] == '\0') {
        s = yh_fail(err, YH_CORRUPT, "%s: has no \"corpus\"", where);
    } else { /* as it stands, or from the file's folder */
        char *dir = yh_strndup(place, (size_t)(yh_path_base(place) - place));
        f->path[i] = dir == NULL                          ? NULL
                     : corpus[0] == '/' || dir[0] == '\0' ? yh_strdup(corpus)
                                                          : yh_path_join(dir, corpus);
        yh_free(dir);
        if (f->path[i] == NULL)
            s = yh_fail(err, YH_NOMEM, "%s: no memory", where);
    }
    f->source[i] = (yh_mix_source){.corpus = f->path[i],
                                   .weight = yh_param_number(j, "weight"),
                                   .epochs = yh_param_number(j, "epochs"),
                                   .cap = bytes_of(j, "cap")};
    json_decref(j);
    return s;
}

static yh_status fill(yh_mix_file *f, json_t *given, const char *place, yh_err *err)
{
    json_t *list = json_object_get(given, "sources");
    if (!json_is_object(given))
        return yh_fail(err, YH_CORRUPT, "%s: must be an object", place);
    if (json_array_size(list) == 0 || json_array_size(list) > MOST_SOURCES)
        return yh_fail(err, YH_CORRUPT, "%s: \"sources\" must be a list of 1 to %d sources", place,
                       (int)MOST_SOURCES);
    f->n = json_array_size(list);
    f->source = yh_calloc(f->n, sizeof *f->source);
    f->path = yh_calloc(f->n, sizeof *f->path);
    if (f->source == NULL || f->path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", place);
    for (size_t i = 0; i < f->n; i++)
        YH_TRY(one_source(f, i, json_array_get(list, i), place, err));
    (void)json_object_del(given, "sources");
    YH_TRY(yh_params_complete(&f->full, given, mix_params, place, err));
    f->options = (yh_mix_options){.total = bytes_of(f->full, "total"),
                                  .seed = bytes_of(f->full, "seed"),
                                  .shard_bytes = bytes_of(f->full, "shard_size"),
                                  .compress = yh_param_text(f->full, "compress")};
    return YH_OK;
}

yh_status yh_mix_file_parse(yh_mix_file **out, const char *text, size_t len, const char *place,
                            yh_err *err)
{
    json_t *given = NULL;
    *out = NULL;
    if (len > FILE_LIMIT)
        return yh_fail(err, YH_LIMIT, "%s: is larger than %d bytes", place, (int)FILE_LIMIT);
    YH_TRY(yh_json_parse(&given, text, len, place, err));
    yh_mix_file *f = yh_calloc(1, sizeof *f);
    yh_status s = f != NULL ? fill(f, given, place, err) : yh_fail(err, YH_NOMEM, "no memory");
    json_decref(given);
    if (s == YH_OK)
        *out = f;
    else
        yh_mix_file_free(f);
    return s;
}

yh_status yh_mix_file_load(yh_mix_file **out, const char *path, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_file_read(path, FILE_LIMIT, &b, err);
    if (s == YH_OK)
        s = yh_mix_file_parse(out, b.data != NULL ? b.data : "", b.len, path, err);
    yh_buf_fini(&b);
    return s;
}
