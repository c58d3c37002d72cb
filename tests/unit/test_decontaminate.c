/* decontaminate: n-grams of evaluation sets of every format are found, whatever case, punctuation
 * and spacing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/file.h"
#include "rules/ngram_set.h"
#include "rules/rule.h"
#include "scratch_dir.h"
#include "torture.h"

static void put(const char *name, const char *text)
{
    assert_int_equal(yh_mkdirs(in_dir("sets"), NULL), YH_OK);
    assert_int_equal(yh_file_write(in_dir(name), text, strlen(text), NULL), YH_OK);
}

static yh_status make(yh_rule_step *s, const char *set, const char *more, yh_err *err)
{
    char text[700];
    snprintf(text, sizeof text, "{\"rule\": \"decontaminate\", \"sets\": [\"%s\"]%s}", in_dir(set),
             more);
    json_t *given = json_loads(text, 0, NULL);
    assert_non_null(given);
    yh_status st = yh_rule_step_create(s, yh_rule_find("decontaminate"), given, "test", err);
    json_decref(given);
    return st;
}

/* The text that is left (NULL: removed); evidence is copied to `why`. */
static char *left(const char *set, const char *more, const char *text, char why[500])
{
    yh_rule_step s;
    yh_err err = YH_ERR_INIT;
    yh_draft d = {.text = yh_strdup(text), .len = strlen(text), .removed_by = -1};
    if (make(&s, set, more, &err) != YH_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(s.rule->apply(s.state, &d, 3, &err), YH_OK);
    yh_rule_step_free(&s);
    const char *e = d.removed_by >= 0 ? d.removed_evidence : d.n_edit > 0 ? d.edit[0].evidence : "";
    snprintf(why, 500, "%s", e != NULL ? e : "");
    char *r = d.removed_by == 3 ? NULL : strdup(d.text);
    yh_draft_fini(&d);
    return r;
}

static void expect(const char *set, const char *more, const char *text, const char *expected,
                   const char *evidence)
{
    char why[500];
    char *r = left(set, more, text, why);
    if (expected == NULL)
        assert_null(r);
    else
        assert_string_equal(r, expected);
    assert_string_equal(why, evidence);
    free(r);
}

static const char question[] =
    "Natalia sold clips to 48 of her friends in April, and then she sold "
    "half as many clips in May.";

static void formats(void **state)
{
    (void)state;
    char text[600], why[500], page[600];
    snprintf(page, sizeof page, "Before it.\nQ: %s\nAfter it.", question);
    snprintf(text, sizeof text, "{\"id\": 7}\n{\"q\": [\"short\", {\"deep\": \"%s\"}]}\n",
             question);
    put("sets/math.jsonl", text);
    snprintf(text, sizeof text, "[{\"a\": 1}, {\"q\": \"%s\", \"answer\": \"72\"}]", question);
    put("exam.json", text);
    snprintf(text, sizeof text, "id,question,answer\n1,\"He said \"\"%s\"\"\",72\n", question);
    put("table.csv", text);
    snprintf(text, sizeof text, "one line\n%s\n", question);
    put("plain.txt", text);
    static const struct {
        const char *set, *begins;
    } cases[] = {{"sets", "math:2: "},
                 {"exam.json", "exam:2: "},
                 {"table.csv", "table:2: "},
                 {"plain.txt", "plain:2: "}};
    for (int i = 0; i < 4; i++) {
        assert_null(left(cases[i].set, "", page, why));
        assert_memory_equal(why, cases[i].begins, strlen(cases[i].begins));
        assert_non_null(strstr(why, "Natalia sold clips to 48 of her friends in April"));
        char *clean = left(cases[i].set, "", "Natalia sold clips to 48 of her friends.", why);
        assert_non_null(clean);
        free(clean);
    }
    expect("exam.json", ", \"fields\": [\"answer\", \"q\"], \"action\": \"cut\"", page,
           "Before it.\nAfter it.",
           "exam:2: Natalia sold clips to 48 of her friends in April, and then she");
    char *whole = left("table.csv", ", \"fields\": [\"question\"]", page, why);
    assert_null(whole);
}

static void spelling_does_not_count(void **state)
{
    (void)state;
    put("plain.txt", question);
    expect("plain.txt", ", \"min_hits\": 5",
           "natalia SOLD clips -- to 48 of\nher friends in April "
           "and then she sold half as many",
           NULL, "plain:1: natalia SOLD clips -- to 48 of\nher friends in April and then she");
    const char *few = "natalia SOLD clips -- to 48 of her friends in April and then she";
    expect("plain.txt", ", \"min_hits\": 5", few, few, "");
    expect("plain.txt", "", few, NULL,
           "plain:1: natalia SOLD clips -- to 48 of her friends in April and then she");
}

static void short_and_spaceless_texts(void **state)
{
    (void)state;
    put("short.txt",
        "the capital of the land of Yinghuo is where\ntoo few words\n"
        "\xe8\x90\xa4\xe7\x81\xab\xe8\x99\xab\xe5\x9c\xa8\xe5\xa4\x8f\xe5\xa4\xa9"
        "\xe7\x9a\x84\xe5\xa4\x9c\xe9\x87\x8c\xe5\x8f\x91\xe5\x85\x89\n"
        "Natalia sold clips to 48 of her friends in April, and then she sold half of them\n");
    expect("short.txt", "", "so The capital of the land of Yinghuo, is where it stands", NULL,
           "short:1: The capital of the land of Yinghuo, is where");
    expect("short.txt", "", "too few words", "too few words", "");
    expect("short.txt", ", \"least\": 13", "so The capital of the land of Yinghuo, is where",
           "so The capital of the land of Yinghuo, is where", "");
    /* eleven characters: found from 8 * 20 / 13 = 12 on, so not with these */
    const char *zh = "\xe8\x90\xa4\xe7\x81\xab\xe8\x99\xab\xe5\x9c\xa8\xe5\xa4\x8f\xe5\xa4\xa9"
                     "\xe7\x9a\x84\xe5\xa4\x9c\xe9\x87\x8c\xe5\x8f\x91\xe5\x85\x89\xe3\x80\x82";
    expect("short.txt", "", zh, zh, "");
    expect("short.txt", ", \"chars\": 10", zh, NULL,
           "short:3: \xe8\x90\xa4\xe7\x81\xab\xe8\x99\xab\xe5\x9c\xa8\xe5\xa4\x8f\xe5\xa4\xa9"
           "\xe7\x9a\x84\xe5\xa4\x9c\xe9\x87\x8c\xe5\x8f\x91");
}

static void wrong_sets_are_told(void **state)
{
    (void)state;
    yh_rule_step s;
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("decontaminate"), NULL, "t", &err),
                     YH_CORRUPT);
    assert_non_null(strstr(err.msg, "sets"));
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(make(&s, "missing.jsonl", "", &err), YH_NOTFOUND);
    assert_non_null(strstr(err.msg, "missing.jsonl"));
    put("bad.jsonl", "{\"a\": 1}\n{\"a\": \n");
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(make(&s, "bad.jsonl", "", &err), YH_CORRUPT);
    assert_non_null(strstr(err.msg, "bad.jsonl line 2"));
    put("few.txt", "nothing to speak of\n");
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(make(&s, "few.txt", "", &err), YH_CORRUPT);
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(make(&s, "few.txt", ", \"action\": \"ask\"", &err), YH_CORRUPT);
}

static yh_status all(void *arg, yh_err *err)
{
    yh_rule_step s;
    (void)arg;
    YH_TRY(make(&s, "plain.txt", "", err));
    yh_draft d = {.text = yh_strdup(question), .len = sizeof question - 1, .removed_by = -1};
    yh_status st =
        d.text != NULL ? s.rule->apply(s.state, &d, 0, err) : yh_fail(err, YH_NOMEM, "no memory");
    yh_draft_fini(&d);
    yh_rule_step_free(&s);
    return st;
}

static yh_status set_alone(void *arg, yh_err *err)
{
    const yh_ngram_options o = {13, 20, 8, NULL};
    yh_ngram_set *s;
    YH_TRY(yh_ngram_set_create(&s, &o, err));
    yh_status st = yh_ngram_set_load(s, arg, err);
    yh_ngram_set_free(s);
    return st;
}

static void short_memory_is_survived(void **state)
{
    (void)state;
    static char path[400];
    yh_err err = YH_ERR_INIT;
    put("plain.txt", question);
    assert_int_equal(all(NULL, &err), YH_OK);
    snprintf(path, sizeof path, "%s", in_dir("plain.txt"));
    torture(set_alone, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(spelling_does_not_count),
        cmocka_unit_test(short_and_spaceless_texts),
        cmocka_unit_test(wrong_sets_are_told),
        cmocka_unit_test(short_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
