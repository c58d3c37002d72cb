#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "data/recipe.h"
#include "scratch_dir.h"

static yh_recipe *good(const char *text)
{
    yh_recipe *r = NULL;
    yh_err err = YH_ERR_INIT;
    if (yh_recipe_parse(&r, text, strlen(text), "r.json", &err) != YH_OK)
        fail_msg("%s", err.msg);
    return r;
}

/* The recipe is refused with a message that holds `what`. */
static void bad(const char *text, const char *what)
{
    yh_recipe *r = NULL;
    yh_err err = YH_ERR_INIT;
    assert_int_not_equal(yh_recipe_parse(&r, text, strlen(text), "r.json", &err), YH_OK);
    assert_null(r);
    if (strstr(err.msg, what) == NULL || strstr(err.msg, "r.json") == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.msg, what);
}

static double param(const yh_recipe *r, int step, const char *name)
{
    return yh_param_number(r->step[step].params, name);
}

static void built_in(void **state)
{
    (void)state;
    size_t n = 0;
    for (; yh_recipe_name(n) != NULL; n++) {
        yh_recipe *r = NULL;
        yh_err err = YH_ERR_INIT;
        if (yh_recipe_load(&r, yh_recipe_name(n), NULL, 0, &err) != YH_OK)
            fail_msg("%s: %s", yh_recipe_name(n), err.msg);
        assert_string_equal(json_string_value(json_object_get(r->full, "name")), yh_recipe_name(n));
        assert_true(json_string_length(json_object_get(r->full, "description")) > 10);
        yh_recipe_free(r);
    }
    assert_true(n >= 7);
}

/* mojibake behind the normal form would repair half of what it could. */
static void order(void **state)
{
    (void)state;
    bad("{\"steps\":[{\"rule\":\"mojibake\"}]}", "step 1 (mojibake): \"read\"");
    bad("{\"read\":{\"normalize\":false},\"steps\":[{\"rule\":\"normalize\"},{\"rule\":"
        "\"mojibake\"}]}",
        "step 2 (mojibake): the rule normalize");
    yh_recipe_free(good("{\"read\":{\"normalize\":false},\"steps\":[{\"rule\":\"mojibake\"},"
                        "{\"rule\":\"normalize\"}]}"));
}

static void layout(void **state)
{
    (void)state;
    yh_recipe *r = good("{\"steps\":[{\"rule\":\"not_text\"},{\"rule\":\"gutenberg\"},"
                        "{\"rule\":\"too_short\"},{\"rule\":\"exact_document\"},"
                        "{\"rule\":\"exact_line\"},{\"rule\":\"too_short\",\"min_chars\":7}]}");
    assert_int_equal(r->n, 6);
    assert_int_equal(r->whole, 2);
    assert_int_equal(r->scan_end, 3);
    assert_int_equal(r->stage_end, 5);
    assert_int_equal(param(r, 2, "min_chars"), 60); /* the default is filled in */
    assert_int_equal(param(r, 5, "min_chars"), 7);
    assert_true(r->normalize);
    yh_recipe_free(r);
    r = good("{\"read\":{\"normalize\":false,\"part_chars\":0}}");
    assert_int_equal(r->n, 0);
    assert_false(r->normalize);
    assert_int_equal(r->part_chars, 0);
    yh_recipe_free(r);
}

static void extending(void **state)
{
    (void)state;
    yh_recipe *r = good("{\"extends\":\"default\",\"name\":\"mine\",\"without\":[\"gutenberg\"],"
                        "\"set\":{\"too_short.min_chars\":9,\"too_short#2.min_chars\":8},"
                        "\"steps\":[{\"rule\":\"too_short\",\"before\":\"not_text\"},"
                        "{\"rule\":\"too_short\",\"min_chars\":5}]}");
    static const char *const names[] = {"too_short",  "not_text",  "too_short", "exact_document",
                                        "exact_line", "too_short", "too_short"};
    static const int least[] = {9, 0, 8, 0, 0, 9, 9};
    assert_int_equal(r->n, 7);
    for (int i = 0; i < 7; i++) {
        assert_string_equal(r->step[i].name, names[i]);
        if (least[i] > 0)
            assert_int_equal(param(r, i, "min_chars"), least[i]);
    }
    assert_string_equal(json_string_value(json_object_get(r->full, "name")), "mine");
    yh_recipe_free(r);
}

static void refused(void **state)
{
    (void)state;
    bad("", "not valid JSON");
    bad("[]", "must be an object");
    bad("{\"stepz\":[]}", "there is no key \"stepz\"; there is: name");
    bad("{\"steps\":{}}", "\"steps\" must be a list");
    bad("{\"steps\":[{}]}", "step 1 must be {\"rule\": NAME");
    bad("{\"steps\":[{\"rule\":\"nonsense\"}]}", "step 1: there is no rule \"nonsense\"");
    bad("{\"steps\":[{\"rule\":\"too_short\",\"min\":1}]}",
        "step 1 (too_short): there is no parameter \"min\"; there is: min_chars");
    bad("{\"steps\":[{\"rule\":\"too_short\",\"min_chars\":\"x\"}]}", "must be a number");
    bad("{\"steps\":[{\"rule\":\"too_short\",\"why\":1}]}", "\"why\" must be a string");
    bad("{\"steps\":[{\"rule\":\"too_short\",\"languages\":\"en\"}]}",
        "\"languages\" must be a list of languages");
    bad("{\"steps\":[{\"rule\":\"too_short\",\"languages\":[]}]}", "must be a list of languages");
    bad("{\"steps\":[{\"rule\":\"too_short\",\"languages\":[\"en\"]}]}",
        "no step before it finds them out");
    bad("{\"steps\":[{\"rule\":\"language\"},{\"rule\":\"url\",\"languages\":[\"en\"]}]}",
        "a stage looks at all documents together");
    bad("{\"read\":{\"part_chars\":3}}", "must be 0 or at least 1000");
    bad("{\"read\":{\"format\":\"fax\"}}", "there is no format \"fax\"");
    bad("{\"read\":1}", "\"read\" must be an object");
    bad("{\"name\":1}", "\"name\" must be a string");
    bad("{\"name\":\"a\",\"name\":\"b\"}", "duplicate");
    bad("{\"steps\":[{\"rule\":\"url\"},{\"rule\":\"gutenberg\"}]}",
        "before the first stage (url)");
    bad("{\"steps\":[{\"rule\":\"url\"},{\"rule\":\"too_short\"},{\"rule\":\"minhash\"}]}",
        "step 2 (too_short) stands between stages");
    bad("{\"extends\":\"default\",\"without\":[\"x\"]}", "there is no step \"x\"");
    bad("{\"extends\":\"default\",\"set\":{\"x.y\":1}}", "the recipe has no step \"x\"");
    bad("{\"extends\":\"default\",\"set\":{\"x\":1}}", "must be rule.parameter");
    bad("{\"extends\":\"default\",\"steps\":[{\"rule\":\"url\",\"after\":\"x\"}]}",
        "no step \"x\" to stand after");
    /* the step as it was written, not its place among all */
    bad("{\"extends\":\"default\",\"steps\":[{\"rule\":\"url\"},{\"rule\":\"too_short\",\"min\":1,"
        "\"before\":\"not_text\"}]}",
        "step 2 (too_short): there is no parameter \"min\"");
    bad("{\"extends\":\"default\",\"without\":[\"gutenberg\"],\"steps\":[{\"rule\":\"line_model\"}]"
        "}",
        "step 1 (line_model) looks at whole documents and must stand before the first stage "
        "(exact_document); in a recipe that extends another, \"before\": \"exact_document\"");
    bad("{\"extends\":\"default\",\"set\":{\"too_short.min\":1}}",
        "\"too_short.min\": there is no parameter \"min\"; there is: min_chars");
    bad("{\"extends\":\"default\",\"set\":{\"too_short#2.min_chars\":\"x\"}}",
        "\"too_short#2.min_chars\": \"min_chars\" must be a number");
    bad("{\"extends\":\"./other.json\"}", "may only name a built-in recipe");
    yh_recipe *r = NULL;
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_recipe_load(&r, "nonsense", NULL, 0, &err), YH_NOTFOUND);
    assert_non_null(strstr(err.msg, "default"));
}

static void languages(void **state)
{
    (void)state;
    static const char text[] = "{\"steps\":[{\"rule\":\"language\"},{\"rule\":\"too_short\","
                               "\"languages\":[\"zh\",\"en\"]}]}";
    yh_recipe *r = NULL;
    assert_int_equal(yh_recipe_parse(&r, text, sizeof text - 1, "test", NULL), YH_OK);
    assert_true(yh_recipe_speaks(&r->step[0], ""));
    assert_true(yh_recipe_speaks(&r->step[1], "en"));
    assert_true(yh_recipe_speaks(&r->step[1], "zh-Hant"));
    assert_false(yh_recipe_speaks(&r->step[1], "eng"));
    assert_false(yh_recipe_speaks(&r->step[1], "z"));
    assert_false(yh_recipe_speaks(&r->step[1], ""));
    assert_non_null(json_object_get(r->step[1].params, "languages")); /* recorded */
    yh_recipe_free(r);
}

static void put(const char *name, const char *text)
{
    assert_int_equal(yh_file_write(in_dir(name), text, strlen(text), NULL), YH_OK);
}

static void files(void **state)
{
    (void)state;
    yh_recipe *r = NULL;
    yh_err err = YH_ERR_INIT;
    put("a.json", "{\"extends\":\"./b.json\",\"set\":{\"too_short.min_chars\":3}}");
    put("b.json", "{\"extends\":\"minimal\",\"name\":\"b\"}");
    put("loop.json", "{\"extends\":\"./loop.json\"}");
    const char *set[] = {"too_short.min_chars=4", "read.part_chars=5000"};
    assert_int_equal(yh_recipe_load(&r, in_dir("a.json"), NULL, 0, &err), YH_OK);
    assert_int_equal(param(r, 1, "min_chars"), 3);
    uint64_t before = yh_recipe_hash(r);
    yh_recipe_free(r);
    assert_int_equal(yh_recipe_load(&r, in_dir("a.json"), set, 2, &err), YH_OK);
    assert_int_equal(param(r, 1, "min_chars"), 4);
    assert_int_equal(r->part_chars, 5000);
    assert_true(yh_recipe_hash(r) != before);
    yh_recipe_free(r);
    set[0] = "too_short.min_chars";
    assert_int_equal(yh_recipe_load(&r, in_dir("a.json"), set, 1, &err), YH_INVALID);
    assert_int_equal(yh_recipe_load(&r, in_dir("loop.json"), NULL, 0, NULL), YH_LIMIT);
}

/* Every parameter that speaks of files is one whose files belong to the run. */
static void named_files(void **state)
{
    (void)state;
    int n, found = 0;
    const yh_rule *const *rules = yh_rules(&n);
    for (int i = 0; i < n; i++)
        for (const yh_param *p = rules[i]->params; p != NULL && p->name != NULL; p++) {
            bool file = strstr(p->doc, " path") != NULL || strncmp(p->doc, "path", 4) == 0 ||
                        strncmp(p->doc, "file", 4) == 0;
            found += file;
            if (file != yh_recipe_names_files(p->name))
                fail_msg("%s.%s: \"%s\"", rules[i]->name, p->name, p->doc);
        }
    assert_true(found >= 8);
}

static void contents(void **state)
{
    (void)state;
    yh_recipe *r = NULL;
    char text[PATH_MAX + 200];
    uint64_t h[5];
    static const char *const list[] = {"one", "one", "two", "two", "two"};
    assert_int_equal(yh_mkdirs(in_dir("set"), NULL), YH_OK);
    put("set/a.jsonl", "{\"text\":\"a\"}\n");
    snprintf(text, sizeof text,
             "{\"steps\":[{\"rule\":\"spam_lines\",\"lists\":[\"%s\",\"web_spam\"]},",
             in_dir("x.list"));
    size_t at = strlen(text);
    snprintf(text + at, sizeof text - at, "{\"rule\":\"decontaminate\",\"sets\":[\"%s\"]}]}",
             in_dir("set"));
    r = good(text);
    for (int i = 0; i < 5; i++) {
        put("x.list", list[i]);
        if (i == 3)
            put("set/b.jsonl", "{\"text\":\"b\"}\n");
        if (i == 4)
            put("set/b.jsonl", "{\"text\":\"c\"}\n");
        assert_int_equal(yh_recipe_files_hash(r, &h[i], NULL), YH_OK);
    }
    assert_true(h[0] == h[1] && h[1] != h[2] && h[2] != h[3] && h[3] != h[4]);
    yh_recipe_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in),  cmocka_unit_test(order),       cmocka_unit_test(layout),
        cmocka_unit_test(extending), cmocka_unit_test(languages),   cmocka_unit_test(refused),
        cmocka_unit_test(files),     cmocka_unit_test(named_files), cmocka_unit_test(contents),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
