/* The real trials: five pages of Chinese web text, the steps of the recipe web-zh that look at one
 * document, and what a careful person keeps (tests/data/dirty_zh.tsv). Skips without the data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "input/utf8_scan.h"
#include "rules/han.h"
#include "rules/list.h"
#include "rules/readings.h"
#include "rules/rule.h"

enum { STEPS = 32, BIGRAMS = 1 << 16 };
static yh_rule_step step[STEPS];
static int n_steps;
static yh_han *han;
static char folder[512];

static int set_up(void **state)
{
    (void)state;
    const char *data = getenv("YH_DATA");
    snprintf(folder, sizeof folder, "%s/dirty_zh",
             data != NULL ? data : YH_SOURCE_DIR "/../shared/data");
    json_t *j = json_load_file(YH_SOURCE_DIR "/src/data/recipes/web-zh.json", 0, NULL);
    const json_t *list = json_object_get(j, "steps");
    yh_err err = YH_ERR_INIT;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        const yh_rule *r = yh_rule_find(json_string_value(json_object_get(o, "rule")));
        if (r == NULL) /* a stage */
            continue;
        yh_status s = yh_rule_step_create(&step[n_steps], r, o, r->name, &err);
        if (s == YH_UNSUPPORTED) { /* built without tables: nothing to try */
            n_steps = 0;
            break;
        }
        if (s != YH_OK) {
            fprintf(stderr, "%s\n", err.msg);
            return -1;
        }
        n_steps++;
    }
    json_decref(j);
    return j == NULL || yh_han_create(&han, NULL) == YH_NOMEM ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < n_steps; i++)
        yh_rule_step_free(&step[i]);
    yh_han_free(han);
    return 0;
}

/* ------------------------------------------------------------------ comparing */

/* Takes out brackets that hold one syllable, as the trial's readings do. */
static void without_readings(const char *t, size_t n, yh_buf *out)
{
    for (size_t i = 0; i < n;) {
        yh_syllable s;
        size_t k = t[i] == '(' ? yh_syllable_read(t + i + 1, n - i - 1, &s) : 0;
        if (k > 0 && s.marked && i + 1 + k < n && t[i + 1 + k] == ')') {
            i += k + 2;
            continue;
        }
        assert_int_equal(yh_buf_add(out, t + i, 1, NULL), YH_OK);
        i++;
    }
}

/* A line as it is compared: no readings, folded. */
static void canonical(const char *t, size_t n, yh_buf *out)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    without_readings(t, n, &b);
    yh_buf_clear(out);
    assert_int_equal(yh_han_fold(han, b.data != NULL ? b.data : "", b.len, out, NULL), YH_OK);
    yh_buf_fini(&b);
}

static size_t pair_of(uint32_t a, uint32_t b)
{
    return ((a * 0x9e3779b1u) ^ (b * 0x85ebca77u)) % BIGRAMS;
}

/* Marks (out NULL) or counts the pairs of neighbouring characters: *all of them, *found in `have`.
 */
static void pairs(const yh_buf *t, bool *have, bool marking, size_t *all, size_t *found)
{
    uint32_t last = 0;
    for (size_t i = 0, k; i < t->len; i += k) {
        uint32_t c = 0;
        k = yh_utf8_at((const uint8_t *)t->data + i, t->len - i, &c);
        k = k == 0 ? 1 : k;
        if (last != 0 && marking)
            have[pair_of(last, c)] = true;
        if (last != 0 && !marking) {
            ++*all;
            *found += have[pair_of(last, c)];
        }
        last = c;
    }
}

typedef struct page {
    yh_buf in;
    yh_draft out;
    const char *line[512];
    size_t len[512], n;
    bool have[BIGRAMS];
    yh_buf folded; /* of the whole output, lines divided by \n */
} page;
static page p;

static void divide(const yh_buf *b)
{
    p.n = 0;
    for (size_t at = 0; at < b->len && p.n < 512;) {
        const char *nl = memchr(b->data + at, '\n', b->len - at);
        size_t end = nl != NULL ? (size_t)(nl - b->data) : b->len;
        p.line[p.n] = b->data + at;
        p.len[p.n++] = end - at;
        at = end + 1;
    }
}

static void clean(const char *path)
{
    yh_err err = YH_ERR_INIT;
    yh_buf_init(&p.in, 0);
    assert_int_equal(yh_file_read(path, 1 << 20, &p.in, NULL), YH_OK);
    divide(&p.in);
    p.out = (yh_draft){.removed_by = -1, .text = yh_strndup(p.in.data, p.in.len), .len = p.in.len};
    for (int i = 0; i < n_steps; i++) {
        if (step[i].rule->apply(step[i].state, &p.out, i, &err) != YH_OK)
            fail_msg("%s: %s", step[i].rule->name, err.msg);
        if (p.out.removed_by >= 0)
            fail_msg("%s removed %s", step[i].rule->name, path);
    }
    memset(p.have, 0, sizeof p.have);
    yh_buf one;
    yh_buf_init(&one, 0);
    yh_buf_init(&p.folded, 0);
    assert_int_equal(yh_buf_addc(&p.folded, '\n', NULL), YH_OK);
    for (size_t at = 0; at < p.out.len;) {
        const char *nl = memchr(p.out.text + at, '\n', p.out.len - at);
        size_t end = nl != NULL ? (size_t)(nl - p.out.text) : p.out.len;
        canonical(p.out.text + at, end - at, &one);
        pairs(&one, p.have, true, NULL, NULL);
        assert_int_equal(yh_buf_add(&p.folded, one.len > 0 ? one.data : "", one.len, NULL), YH_OK);
        assert_int_equal(yh_buf_addc(&p.folded, '\n', NULL), YH_OK);
        at = end + 1;
    }
    yh_buf_fini(&one);
}

static size_t count(const char *in, const char *what)
{
    size_t n = 0;
    for (const char *q = in; (q = strstr(q, what)) != NULL; q += strlen(what))
        n++;
    return n;
}

/* How often a line of the page stands in the output as a whole line. */
static size_t whole_lines(const yh_buf *line)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_buf_addf(&b, NULL, "\n%s", line->data), YH_OK);
    size_t n = 0;
    for (const char *q = p.folded.data; (q = strstr(q, b.data)) != NULL; q++)
        n += q[b.len] == '\n';
    yh_buf_fini(&b);
    return n;
}

static void check(const char *file, size_t first, size_t last, const char *verdict, size_t kept_to)
{
    yh_buf one;
    yh_buf_init(&one, 0);
    for (size_t i = first; i <= last; i++) {
        canonical(p.line[i - 1], p.len[i - 1], &one);
        if (one.len < 2)
            continue;
        size_t all = 0, found = 0;
        pairs(&one, p.have, false, &all, &found);
        size_t whole = whole_lines(&one);
        /* where a question mark stands for lost bytes, the page itself is damaged, and repaired */
        size_t share = memchr(p.line[i - 1], '?', p.len[i - 1]) != NULL ? 25 : 85;
        if (strcmp(verdict, "keep") == 0 && found * 100 < all * share)
            fail_msg("%s line %zu is lost: %.200s", file, i, one.data);
        if (strcmp(verdict, "keep") == 0 && kept_to > 0 && one.len > 30 && whole > 1)
            fail_msg("%s line %zu is there %zu times: %.200s", file, i, whole, one.data);
        if (strcmp(verdict, "drop") == 0 && kept_to == 0 && one.len > 4 && whole > 0)
            fail_msg("%s line %zu is still there: %.200s", file, i, one.data);
    }
    yh_buf_fini(&one);
}

/* Things that must be nowhere in what is left. */
static void check_rest(const char *file)
{
    static const char *const never[] = {"av网站",   "无码",     "麻豆",     "icp备",
                                        "版权所有", "友情链接", "扫码关注", "公众号转载",
                                        "pg电子",   "责任自负", "/p>",      "/strong>"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(p.folded.data, never[i]) != NULL)
            fail_msg("%s still has %s", file, never[i]);
    yh_syllable s;
    for (size_t i = 1; i < p.out.len; i++) {
        const char *q = p.out.text + i;
        size_t k = *q == '(' ? yh_syllable_read(q + 1, p.out.len - i - 1, &s) : 0;
        if (k > 0 && s.marked && q[k + 1] == ')')
            fail_msg("%s still has %.12s", file, q - 3);
        /* half of one: what a shifted byte left */
        k = *q == '?' ? yh_syllable_read(q + 1, p.out.len - i - 1, &s) : 0;
        if (k > 0 && s.marked && q[k + 1] == ')')
            fail_msg("%s still has %.40s", file, q - 3);
    }
    yh_han_count c = {0};
    yh_han_look(han, p.out.text, p.out.len, &c);
    if (c.trad > 0)
        fail_msg("%s still has %zu Traditional characters", file, c.trad);
}

static void test_pages(void **state)
{
    (void)state;
    if (!yh_is_dir(folder) || n_steps == 0 || han == NULL) {
        print_message("no %s, or built without tables of characters: skipped\n", folder);
        skip();
    }
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_file_read(YH_SOURCE_DIR "/tests/data/dirty_zh.tsv", 1 << 20, &b, NULL),
                     YH_OK);
    char now[64] = "";
    for (char *line = strtok(b.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char file[64], sum[80], verdict[16];
        size_t first, last;
        if (line[0] == '#' ||
            sscanf(line, "%63s %79s %zu %zu %15s", file, sum, &first, &last, verdict) != 5)
            continue;
        if (strcmp(file, now) != 0) {
            if (now[0] != '\0') {
                check_rest(now);
                yh_draft_fini(&p.out);
                yh_buf_fini(&p.in);
                yh_buf_fini(&p.folded);
            }
            char path[640];
            snprintf(path, sizeof path, "%s/%s", folder, file);
            snprintf(now, sizeof now, "%s", file);
            clean(path);
        }
        /* what is dropped because it is there twice is checked by what is kept being there once */
        bool again = strstr(line, "again") != NULL;
        check(file, first, last, verdict, strcmp(verdict, "drop") == 0 ? again : 1);
    }
    check_rest(now);
    assert_int_equal(count(now, "004"), 1); /* the table was read to its end */
    yh_draft_fini(&p.out);
    yh_buf_fini(&p.in);
    yh_buf_fini(&p.folded);
    yh_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
