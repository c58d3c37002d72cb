/* Every allocation of a cleaning run, of explaining, comparing and mixing fails in turn (a part of
 * them, spread over all): what comes is YH_NOMEM, and no memory stays taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/file.h"
#include "data/recipe.h"
#include "scratch_dir.h"
#include "torture.h"
#include "yh/corpus.h"
#include "yh/tok.h"

static void put(const char *name, const char *text)
{
    assert_int_equal(yh_file_write(in_dir(name), text, strlen(text), NULL), YH_OK);
}

static void wipe(const char *name)
{
    char cmd[500];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", in_dir(name));
    assert_int_equal(system(cmd), 0);
}

static yh_status parse(void *arg, yh_err *err)
{
    const char *text = arg;
    yh_recipe *r = NULL;
    YH_TRY(yh_recipe_parse(&r, text, strlen(text), "r.json", err));
    yh_status s = yh_recipe_prepare(r, err);
    yh_recipe_free(r);
    return s;
}

static yh_status clean(void *arg, yh_err *err)
{
    const char *paths[] = {in_dir("raw")};
    yh_clean_options o = {.recipe = arg, .memory = 64 << 20};
    wipe("out");
    return yh_clean_run(paths, 1, in_dir("out"), &o, NULL, err);
}

static yh_status look(void *arg, yh_err *err)
{
    char *json = NULL;
    (void)arg;
    YH_TRY(yh_corpus_explain(in_dir("a"), "one.jsonl:1", &json, err));
    yh_text_free(json);
    yh_diff_options o = {.examples = 2, .memory = 1 << 20};
    YH_TRY(yh_corpus_diff(in_dir("a"), in_dir("b"), &o, &json, err));
    yh_text_free(json);
    yh_mix_source s[] = {{.corpus = in_dir("a"), .weight = 1, .epochs = 2}};
    wipe("mix");
    return yh_corpus_mix(s, 1, in_dir("mix"), NULL, NULL, err);
}

static void make(const char *out, const char *const *set)
{
    const char *paths[] = {in_dir("raw")};
    yh_clean_options o = {.set = set, .n_set = 2};
    yh_err err = YH_ERR_INIT;
    if (yh_clean_run(paths, 1, in_dir(out), &o, NULL, &err) != YH_OK)
        fail_msg("%s", err.msg);
}

static void recipes(void **state)
{
    (void)state;
    char text[] = "{\"extends\":\"default\",\"without\":[\"exact_line\"],\"set\":{\"too_short."
                  "min_chars\":5},\"steps\":[{\"rule\":\"personal_data\",\"after\":\"not_text\"}]}";
    assert_true(torture_step(parse, text, 7) > 100);
}

static void runs(void **state)
{
    (void)state;
    char none[] = "none", minimal[] = "default";
    put("raw/one.jsonl",
        "{\"text\":\"A first document that is long enough to be kept by every rule "
        "there is.\\nA line.\"}\n{\"text\":\"short\"}\nno JSON\n");
    put("raw/two.txt",
        "Another document, of a file of its own, which is long enough for them too.");
    assert_true(torture_step(clean, none, 23) > 300);
    assert_true(torture_step(clean, minimal, 61) > 1000);
}

static void corpora(void **state)
{
    (void)state;
    static const char *const one[] = {"too_short.min_chars=2", "exact_line.copies=3"};
    static const char *const two[] = {"too_short.min_chars=80", "exact_line.copies=1"};
    make("a", one);
    make("b", two);
    assert_true(torture_step(look, NULL, 11) > 200);
}

static int raw_folder(void **state)
{
    return make_dir(state) != 0 || yh_mkdirs(in_dir("raw"), NULL) != YH_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recipes), cmocka_unit_test(runs),
                                       cmocka_unit_test(corpora)};
    return cmocka_run_group_tests(tests, raw_folder, remove_dir);
}
