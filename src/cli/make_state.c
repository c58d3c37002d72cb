#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "cli/make.h"

double make_num(const json_t *obj, const char *key)
{
    return json_number_value(json_object_get(obj, key));
}

const char *make_text(const json_t *obj, const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));
    return s != NULL ? s : "";
}

/* Names, sizes and times of the raw files: enough to see that the input is the same. */
static yh_status input_fingerprint(const make_job *j, char out[24], yh_err *err)
{
    const yh_args *a = j->args;
    yh_file_list l = {0};
    yh_status s = YH_OK;
    uint64_t h = 0;
    for (int i = 0; i < yh_arg_count(a) && s == YH_OK; i++)
        s = yh_file_list_add(&l, yh_arg_at(a, i), err);
    for (size_t i = 0; i < l.n && s == YH_OK; i++) {
        struct stat st;
        if (yh_path_is_within(l.path[i], j->out))
            continue; /* yh make texts -o texts/model */
        int64_t mtime = stat(l.path[i], &st) == 0 ? (int64_t)st.st_mtime : 0;
        h = yh_hash64(l.path[i], strlen(l.path[i]), h);
        h = yh_hash64(&l.size[i], sizeof l.size[i], h);
        h = yh_hash64(&mtime, sizeof mtime, h);
    }
    yh_file_list_fini(&l);
    snprintf(out, 24, "%016llx", (unsigned long long)h);
    return s;
}

static json_t *options_of(const make_job *j, const char *input)
{
    return json_pack("{s:s, s:f, s:i, s:I, s:I}", "input", input, "minutes", j->minutes, "depth",
                     j->depth, "vocab", (json_int_t)j->vocab, "seed", (json_int_t)j->seed);
}

yh_status make_state_open(make_job *j, yh_err *err)
{
    char input[24];
    YH_TRY(input_fingerprint(j, input, err));
    json_t *options = options_of(j, input);
    if (options == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the state of yh make");
    if (yh_is_file(j->state_path)) {
        yh_status s = yh_json_load(&j->state, j->state_path, (size_t)64 << 20, err);
        const json_t *old = s == YH_OK ? json_object_get(j->state, "options") : NULL;
        if (s == YH_OK && !json_equal(old, options)) {
            const char *what = "the options";
            if (strcmp(make_text(old, "input"), input) != 0)
                what = "the input files";
            s = yh_fail(err, YH_MISMATCH,
                        "%s: %s differ from those it was begun with; give the same ones, another "
                        "-o, or --fresh to begin anew",
                        j->out, what);
        }
        json_decref(options);
        return s;
    }
    j->state = json_pack("{s:i, s:o, s:{}}", "version", 1, "options", options, "stages");
    if (j->state == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the state of yh make");
    return make_state_save(j, err);
}

yh_status make_state_save(make_job *j, yh_err *err)
{
    return yh_json_save(j->state, j->state_path, true, err);
}

json_t *make_state_done(const make_job *j, const char *stage)
{
    return json_object_get(json_object_get(j->state, "stages"), stage);
}

yh_status make_state_finish(make_job *j, const char *stage, json_t *facts, yh_err *err)
{
    if (facts == NULL ||
        json_object_set_new(json_object_get(j->state, "stages"), stage, facts) != 0)
        return yh_fail(err, YH_NOMEM, "no memory for the state of yh make");
    return make_state_save(j, err);
}

yh_status make_fresh(make_job *j, yh_err *err)
{
    /* only what yh make itself leaves there; the state goes first, so that a half-done removal is
     * not taken for a half-done run */
    static const char *const own[] = {"work/make.json", "work/corpus", "work/tokenizer",
                                      "work/tokens",    "checkpoint",  "metrics.jsonl",
                                      "report.json",    "report.html"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        char *path = yh_path_join(j->out, own[i]);
        if (path == NULL)
            return yh_fail(err, YH_NOMEM, "no memory");
        yh_status s = yh_remove_tree(path, err);
        yh_free(path);
        YH_TRY(s);
    }
    return YH_OK;
}
