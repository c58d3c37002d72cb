#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "input/html_text.h"
#include "torture.h"

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
    assert_non_null(strstr(t, "# Title of it\n\n" P1 "\n\n" P2));
    assert_non_null(strstr(t, "```\ncode {\n    stays\n}\n```"));
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
    assert_string_equal(t,
                        P1 "\nafter a break\n\n1. eins\n1. zwei\n\n"
                           "| k | v |\n| --- | --- |\n| 1 | 2 |\n\n" P2 " with bold and a link.");
    yh_free(t);
}

static void markdown(void **state)
{
    (void)state;
    static const char page[] =
        "<body><article><h1>One</h1><p>" P1 "</p><h3>Three <em>words</em> here</h3>"
        "<ul><li>a<li>b<ol><li>c</ol><li>d</ul><blockquote><p>" P2 "</p><p>" P1
        "</p></blockquote><p>A call of <code>f(x)</code> does it, says the <i>author</i>, and so."
        "</p><pre><code>int x;\n  y;</code></pre><table><tr><td><p>" P1 "</p><ul><li>in a"
        "</ul></td><td>" P2 "</td></tr></table></article>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_string_equal(t,
                        "# One\n\n" P1 "\n\n### Three words here\n\n- a\n- b\n  1. c\n- d\n\n> " P2
                        "\n\n> " P1 "\n\nA call of `f(x)` does it, says the author, and so.\n\n"
                        "```\nint x;\n  y;\n```\n\n" P1 "\n\n- in a\n\n" P2);
    yh_free(t);
}

static void a_name_does_not_hide_the_article(void **state)
{
    (void)state;
    static const char page[] =
        "<body><div class='page-sidebar-wrapper sidebar'><div><p>" P1 "</p><p>" P2 "</p><p>" P1
        "</p></div></div><div class=comments><p>I like it, really.</p></div></body>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_string_equal(t, P1 "\n\n" P2 "\n\n" P1);
    yh_free(t);
}

static void furniture_inside_goes(void **state)
{
    (void)state;
    static const char page[] =
        "<body><article><p>Posted by Somebody on Monday</p><p>" P1 "</p><p>Advertisement</p>"
        "<p><a href=x>Another story that you must read at once</a></p><p>" P2 "</p>"
        "<p>Read more: the next story</p><figure><img src=x><figcaption>A picture of it, by "
        "somebody.</figcaption></figure><p>" P1 "</p><p>Share now</p></article></body>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_string_equal(t, P1 "\n\n" P2 "\n\n" P1);
    yh_free(t);
}

#define TEASER(n)                                                                                  \
    "<li class=item><h3><a href=" #n ">Another page, number " #n "</a></h3>"                       \
    "<p>Teaser " #n " says in a sentence or two what one would read there, were one to go.</p>"

static void teasers_and_comments_go(void **state)
{
    (void)state;
    static const char page[] =
        "<body><div id=main><div class=lead>What the article says, in a sentence that stands "
        "before "
        "it, set apart from all.</div><div class=text><p>" P1 "</p><p>" P2 "</p>"
        "<h2>A section</h2><p>" P1 "</p><h2>More on this</h2><ul>" TEASER(1) TEASER(2) TEASER(3)
            TEASER(4) "</ul></div></div><div id=comments>"
                      "<p>Comment one: " P1 P2 "</p><p>Comment two: " P1 P2 "</p><p>Comment: " P1 P2
                      "</p>"
                      "<p>Comment: " P1 P2 "</p><p>Comment: " P1 P2 "</p><p>Comment: " P1 P2
                      "</p></div>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_string_equal(t, "What the article says, in a sentence that stands before it, set apart "
                           "from all.\n\n" P1 "\n\n" P2 "\n\n## A section\n\n" P1);
    yh_free(t);
    static const char index[] = /* nothing but teasers: then they are the page */
        "<body><div><ul>" TEASER(1) TEASER(2) TEASER(3) TEASER(4) "</ul></div>";
    t = text_of(index, sizeof index - 1, YH_HTML_MAIN, &plain);
    assert_non_null(strstr(t, "Teaser 1 says"));
    assert_non_null(strstr(t, "Teaser 4 says"));
    yh_free(t);
}

static void text_for_those_without_scripts(void **state)
{
    (void)state;
    static const char page[] = "<body><div><p>Loads soon.</p><noscript><p>" P1 "</p><p>" P2
                               "</p><p>" P1 "</p></noscript></div>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_non_null(strstr(t, P1 "\n\n" P2 "\n\n" P1));
    yh_free(t);
    static const char other[] = "<body><div><p>" P1 "</p><p>" P2 "</p><p>" P1
                                "</p><noscript>Please enable scripts, they are needed.</noscript>";
    t = text_of(other, sizeof other - 1, YH_HTML_MAIN, &plain);
    assert_string_equal(t, P1 "\n\n" P2 "\n\n" P1);
    yh_free(t);
}

static void captions_go(void **state)
{
    (void)state;
    static const char page[] = "<body><div><p>" P1 "</p><p>Figure 3: what one sees.</p><p>" P2
                               "</p><p>Figure 3 shows what one sees.</p><p>" P1 "</p></div>";
    bool plain;
    char *t = text_of(page, sizeof page - 1, YH_HTML_MAIN, &plain);
    assert_string_equal(t, P1 "\n\n" P2 "\n\nFigure 3 shows what one sees.\n\n" P1);
    yh_free(t);
}

static void reduced_pages(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"<p class=a onclick='x>y' id=\"b\">t</p>", "<p class=a id=\"b\">t</p>"},
        {"a<script>if (a</b/.test('</scripty>')) x</script >b", "ab"},
        {"<!-->a<!-- b --><!--->c", "ac"},
        {"1 < 2 && <3 </ p> <!doctype html>", "1 < 2 && <3 </ p> <!doctype html>"},
        {"<STYLE>p{}</Style><svg><path d=M0/></svg>x", "x"},
        {"<textarea><p class=q></textarea><a href=x hidden>y",
         "<textarea><p class=q></textarea><a hidden>y"},
        {"<p class = 'a b' =x=1/>t<br/>", "<p class='a b'>t<br>"},
        {"<script>never ends", ""},
        {"<p class=\"never ends>", "<p class=\"never ends>>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yh_buf b;
        yh_buf_init(&b, 0);
        assert_int_equal(yh_html_reduce(cases[i].in, strlen(cases[i].in), false, &b, NULL), YH_OK);
        assert_int_equal(yh_buf_addc(&b, 0, NULL), YH_OK);
        assert_string_equal(b.data, cases[i].out);
        yh_buf_fini(&b);
    }
}

static yh_status extract(void *arg, yh_err *err)
{
    const char *page = arg;
    yh_buf out;
    bool plain;
    yh_buf_init(&out, 0);
    yh_status s = yh_html_text(page, strlen(page), YH_HTML_MAIN, &out, NULL, &plain, err);
    yh_buf_fini(&out);
    return s;
}

static void every_allocation_fails(void **state)
{
    (void)state;
    char page[] = "<body><article><p>" P1 "</p><ul><li>a<li>b</ul><p>" P2 "</p>";
    assert_true(torture(extract, page) > 3);
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
        cmocka_unit_test(markdown),
        cmocka_unit_test(a_name_does_not_hide_the_article),
        cmocka_unit_test(furniture_inside_goes),
        cmocka_unit_test(teasers_and_comments_go),
        cmocka_unit_test(text_for_those_without_scripts),
        cmocka_unit_test(captions_go),
        cmocka_unit_test(reduced_pages),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(hostile_pages_are_read_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
