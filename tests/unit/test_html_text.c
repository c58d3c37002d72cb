#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "input/html_text.h"

#define P1                                                                                         \
    "The first paragraph of the article, which has some commas, and says enough to count for "     \
    "the score of its parent."
#define P2                                                                                         \
    "A second paragraph follows it, because one alone would make a poor article, as everybody "    \
    "knows very well."

static char *text_of(const char *html, size_t n, yh_html_mode mode, bool *plain)
{
    yh_buf out;
    yh_buf_init(&out, 0);
    assert_int_equal(yh_html_text(html, n, mode, &out, NULL, plain, NULL), YH_OK);
    assert_int_equal(yh_buf_reserve(&out, 0, NULL), YH_OK);
    out.data[out.len] = '\0';
    return out.data;
}

static void main_text_without_navigation(void **state)
{
    (void)state;
    static const char page[] =
        "<html><head><title>T</title><style>p{}</style></head><body>"
        "<header id=header><a href=/>Home</a> <a href=/a>About</a></header>"
        "<nav><ul><li><a href=1>One</a><li><a href=2>Two</a></ul></nav>"
        "<div class=content><h1>Title of it</h1><p>" P1 "</p><p>" P2 "</p>"
        "<ul class=related><li><a href=x>Other article that you may like</a></ul>"
        "<pre>code {\n    stays\n}</pre></div>"
        "<div class=sidebar><p>Buy this thing now, it is the best thing, really, of all.</p></div>"
        "<footer>Copyright</footer><script>var x = 1;</script></body></html>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_false(plain);
    assert_non_null(strstr(t, "Title of it\n\n" P1 "\n\n" P2));
    assert_non_null(strstr(t, "code {\n    stays\n}"));
    assert_null(strstr(t, "Home"));
    assert_null(strstr(t, "One"));
    assert_null(strstr(t, "Other article"));
    assert_null(strstr(t, "Buy"));
    assert_null(strstr(t, "Copyright"));
    assert_null(strstr(t, "var x"));
    yh_free(t);
    t = text_of(page, sizeof page - 1, YH_HTML_ALL, &plain);
    assert_non_null(strstr(t, "Home"));
    assert_null(strstr(t, "var x"));
    yh_free(t);
}

static void lines_and_rows(void **state)
{
    (void)state;
    static const char page[] = "<body><div><p>" P1 "<br>after a break</p><ol><li>eins<li>zwei</ol>"
                               "<table><tr><th>k<th>v<tr><td>1<td>2</table><p>" P2
                               " with <b>bold</b> and <a href=x>a link</a>.</div>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_string_equal(t, P1 "\nafter a break\n\neins\nzwei\n\nk | v\n1 | 2\n\n" P2
                              " with bold and a link.");
    yh_free(t);
}

/* n copies of unit, then tail */
static char *repeat(const char *unit, size_t n, const char *tail, size_t *len)
{
    size_t k = strlen(unit);
    char *p = malloc(n * k + strlen(tail) + 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * k, unit, k);
    strcpy(p + n * k, tail);
    *len = n * k + strlen(tail);
    return p;
}

static void hostile_pages_are_read_plainly(void **state)
{
    (void)state;
    static const char *const units[] = {"<div>", "<b>", "<x></y>", "<p><b id=1></p>",
                                        "<table><tr><td>"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n;
        bool plain;
        char *page = repeat(units[i], 200000, "the text &amp; its end", &n);
        char *t = text_of(page, n, YH_HTML_MAIN, &plain);
        assert_true(plain);
        assert_non_null(strstr(t, "the text & its end"));
        yh_free(t);
        free(page);
    }
    size_t n;
    char *page = repeat("<p>text<li>more<br>", 20000, "", &n);
    assert_true(yh_html_is_tame(page, n)); /* unclosed, yet flat */
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(main_text_without_navigation),
        cmocka_unit_test(lines_and_rows),
        cmocka_unit_test(hostile_pages_are_read_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
