#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "apply_rule.h"
#include "base/file.h"
#include "scratch_dir.h"

#define BODY_END                                                                                                                             \
    "这是一篇写得很认真的文章，讲的是怎样在山里种茶，从春天的第一场雨说起，一直说到秋天收茶。\n" \
    "作者在微信公众号上也写过几篇，里面提到了版权和分享的事情，但那都不是这里要说的内容。\n"       \
    "到了夏天，茶树要修剪，也要防虫，这些活都要赶在太阳出来以前做完，所以大家起得都很早。"
#define BODY BODY_END "\n"

static void test_boilerplate(void **state)
{
    (void)state;
    expect_text(
        "boilerplate_lines", "{}",
        "首页 > 新闻 > 正文\n怎样在山里种茶\n发布时间：2020-01-02 08:00  浏览：12\n[返回]\n\n"
        "怎样在山里种茶\n\n" BODY "(责任编辑：某某)\n上一篇：种花\n下一篇：种树\n相关阅读\n"
        "关于我们 | 联系方式 | 版权声明\n"
        "版权所有 某某网 京ICP备12345678号-3\n扫码关注微信公众号\n",
        "怎样在山里种茶\n\n" BODY_END);
}

static void test_between(void **state)
{
    (void)state;
    /* between paragraphs only what is nothing else */
    expect_text("boilerplate_lines", "{}",
                BODY "(资料图)\n" BODY "评论\n作者：他说得对\n" BODY "完",
                BODY BODY "评论\n作者：他说得对\n" BODY "完");
    expect_text("boilerplate_lines", "{}",
                BODY "(欢迎添加作者微信 abc123 交流爆料，扫码入群。)\n" BODY "完", BODY BODY "完");
    expect_text("boilerplate_lines", "{}", BODY, BODY);
    expect_text("boilerplate_lines", "{}", "", "");
    expect_text("boilerplate_lines", "{}", "床前明月光\n疑是地上霜\n举头望明月\n低头思故乡\n",
                "床前明月光\n疑是地上霜\n举头望明月\n低头思故乡\n");
    /* Traditional */
    expect_text("boilerplate_lines", "{}",
                BODY "關於我們| 聯繫方式| 友情鏈接\n鋼企網 版權所有,未經書面授權禁止使用",
                BODY_END);
}

static void test_english(void **state)
{
    (void)state;
    static const char body[] =
        "The tea grows on the hills, and people pick it early in the morning before the sun is "
        "hot. "
        "They carry it down in baskets; the whole village helps, and nobody sleeps late.\n"
        "He wrote on Facebook that he would share the news, and his friends liked it very much "
        "indeed.\n";
    char text[1024];
    snprintf(text, sizeof text,
             "Skip to main content\nHome | About | Contact\nTea on the hills\n%sShare this: "
             "Facebook Twitter\n"
             "Related Articles\nCopyright © 2019 Tea Ltd. All rights reserved.\nPrivacy Policy | "
             "Terms of Use",
             body);
    yh_draft d = apply_rule("boilerplate_lines", "{}", text);
    char want[600];
    snprintf(want, sizeof want, "Tea on the hills\n%.*s", (int)strlen(body) - 1, body);
    assert_string_equal(d.text, want);
    for (size_t i = 0; i < d.n_edit; i++) {
        assert_int_equal(d.edit[i].kind, YH_EDIT_CUT);
        assert_non_null(d.edit[i].evidence);
        assert_true(d.edit[i].score > 0);
    }
    yh_draft_fini(&d);
}

static void test_own_list(void **state)
{
    (void)state;
    char json[600];
    static const char list[] = "[strong]\n山茶爱好者俱乐部\t4\n";
    assert_int_equal(yh_file_write(in_dir("own.txt"), list, sizeof list - 1, NULL), YH_OK);
    snprintf(json, sizeof json, "{\"lists\": [\"%s\"]}", in_dir("own.txt"));
    expect_text("boilerplate_lines", json, BODY "山茶爱好者俱乐部 出品", BODY_END);
    expect_text("boilerplate_lines", "{}", BODY "山茶爱好者俱乐部 出品",
                BODY "山茶爱好者俱乐部 出品");
}

static void test_spam(void **state)
{
    (void)state;
    expect_text("spam_lines", "{}",
                "人妻无码中文字幕,麻豆AV网站,久久精品国产亚洲av\n" BODY
                "澳门新葡京娱乐城,百家乐注册送体验金,棋牌游戏官网\n",
                BODY_END);
    expect_text("spam_lines", "{}",
                "手机报价,手机报价大全,手机报价网,手机报价查询,手机报价中心,手机报价表,手机报价单,"
                "手机报价图片,手机报价排行\n" BODY "完",
                BODY "完");
    expect_text("spam_lines", "{}", "公司宣布投资PG电子网站210亿美元收购另一家。",
                "公司宣布投资210亿美元收购另一家。");
    /* people write about these things */
    const char *stay[] = {
        "国产电影在亚洲的市场越来越大，日本和欧美的观众也开始在线观看这些高清影片。",
        "澳门的博彩业是当地经济的支柱，赌场每年带来大量税收，政府对投注和彩票也有严格的规定。",
        "该片被列为三级片，但影评人认为它对成人世界的描写很有深度，并不是为了激情场面而拍的。",
        "The casino opened in 1931; betting was legal, and baccarat was the favourite game.",
        "苹果、香蕉、梨、桃子、葡萄、西瓜、草莓、樱桃、橙子、柠檬"};
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        expect_text("spam_lines", "{}", stay[i], stay[i]);
}

static void test_repeated_half(void **state)
{
    (void)state;
    static char text[20000], twice[60000], near_copy[60000];
    size_t n = 0;
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "第%d天他走到了第%d座桥边，看见桥下的水比昨天又高了%d寸。“好。”他说。\n", i, i * 7 + 3,
            i % 5 + i);
    snprintf(twice, sizeof twice, "第一章 桥\n%s第一章 桥\n%s", text, text);
    yh_draft d = apply_rule("repeated_half", "{}", twice);
    assert_int_equal(d.n_edit, 1);
    assert_memory_equal(d.text, twice, d.len);
    assert_in_range(d.len, strlen(text), strlen(text) + 40);
    assert_non_null(strstr(d.edit[0].evidence, "repeats bytes"));
    yh_draft_fini(&d);
    /* every tenth sentence differs a little, and what follows is new */
    n = (size_t)snprintf(near_copy, sizeof near_copy, "%s", text);
    for (const char *p = text; *p != '\0'; p++) {
        near_copy[n++] = *p;
        if (*p == '\n' && (p - text) % 11 == 0)
            n += (size_t)snprintf(near_copy + n, 64, "插进来的一句话。");
    }
    snprintf(near_copy + n, 200, "最后的一句是新的，前面没有，所以它应当留下来。");
    d = apply_rule("repeated_half", "{\"alike\": 0.8}", near_copy);
    assert_int_equal(d.n_edit, 1);
    assert_non_null(strstr(d.text, "最后的一句是新的"));
    assert_in_range(d.len, strlen(text), strlen(text) + 300);
    yh_draft_fini(&d);
    expect_text("repeated_half", "{}", text, text);
    expect_text("repeated_half", "{}", "好。好。好。好。\n好。好。", "好。好。好。好。\n好。好。");
}

/* 40 sentences by chance, 5 to a paragraph; `wrong`: a letter of every sentence but each third is
 * another one; twice: every paragraph two times; extra: put in behind sentence 20. */
static void chance_text(yh_buf *b, bool wrong, bool twice, const char *extra)
{
    for (uint32_t p = 0; p < 8; p++)
        for (int copy = 0; copy <= (int)twice; copy++)
            for (uint32_t s = 5 * p; s < 5 * p + 5; s++) {
                for (uint32_t i = 0; i < 14 + s % 9; i++) {
                    uint32_t c = (s + 1) * 2654435761u ^ (i + 1) * 2246822519u;
                    c = 0x4e00 + ((c ^ c >> 15) * 2654435761u >> 8) % 8000;
                    if (wrong && s % 3 != 0 && i == 7)
                        c ^= 1;
                    const char utf8[] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                                         (char)(0x80 | (c & 63))};
                    assert_int_equal(yh_buf_add(b, utf8, 3, NULL), YH_OK);
                }
                assert_int_equal(yh_buf_adds(b, "。", NULL), YH_OK);
                if (s == 20 && extra != NULL)
                    assert_int_equal(yh_buf_adds(b, extra, NULL), YH_OK);
                if (s == 5 * p + 4)
                    assert_int_equal(yh_buf_adds(b, "\n", NULL), YH_OK);
            }
}

static void expect_once(const yh_buf *twice, const char *expected)
{
    yh_draft d = apply_rule("repeated_half", "{}", twice->data);
    assert_string_equal(d.text, expected);
    yh_draft_fini(&d);
}

static void test_repeated_otherwise(void **state)
{
    (void)state;
    static const char *const other =
        "这一段在第一份里没有，它讲的是另外一件事情，所以删去第二份的时候，一个细心的人会把它留下来"
        "，"
        "哪怕它夹在两段重复的文字中间，因为别处再也找不到它了，删了就是丢了。";
    static const char *const notice = "天才一秒记住本站地址，最新章节请到本站阅读。";
    yh_buf once, b;
    yh_buf_init(&once, 0);
    yh_buf_init(&b, 0);
    chance_text(&once, false, false, NULL);
    char *kept = malloc(once.len + 4 * strlen(other));
    sprintf(kept, "%.*s", (int)once.len - 1, once.data);
    /* three copies, two of them with wrong letters in most sentences */
    chance_text(&b, false, false, NULL);
    chance_text(&b, true, false, NULL);
    chance_text(&b, true, false, notice);
    expect_once(&b, kept);
    /* every paragraph twice */
    yh_buf_clear(&b);
    chance_text(&b, false, true, NULL);
    expect_once(&b, kept);
    /* what only the second copy has stays */
    yh_buf_clear(&b);
    chance_text(&b, false, false, NULL);
    chance_text(&b, true, false, other);
    sprintf(kept, "%s%s", once.data, other);
    expect_once(&b, kept);
    /* rows with other numbers are other rows, though one stands twice */
    yh_buf_clear(&b);
    for (int i = 0; i < 40; i++) {
        char row[160];
        snprintf(row, sizeof row, "第%d场比赛主队以%d比%d战胜客队，全场观众约%d万人，天气晴。\n",
                 i % 39, i % 7, i % 5, i % 39 + 2);
        assert_int_equal(
            yh_buf_adds(&b,
                        i < 39 ? row : "第0场比赛主队以0比0战胜客队，全场观众约2万人，天气晴。\n",
                        NULL),
            YH_OK);
    }
    expect_once(&b, b.data);
    free(kept);
    yh_buf_fini(&once);
    yh_buf_fini(&b);
}

/* Time must not grow with the square of the length. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const rules[] = {"pinyin_noise", "boilerplate_lines", "spam_lines",
                                        "repeated_half", "simplify"};
    static const char *const pieces[] = {"a",     "\n",  "好。", "(",       "时(shí",
                                         "首页|", "av,", "。\n", "版权所有"};
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        size_t len = strlen(pieces[k]), n = 1000000 / len;
        char *text = malloc(n * len + 1);
        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
            memcpy(text + i * len, pieces[k], len);
        text[n * len] = '\0';
        for (size_t r = 0; r < 5; r++) {
            if (yh_rule_find(rules[r]) == NULL)
                continue;
            double start = yh_now();
            yh_draft d = apply_rule(rules[r], "{}", text);
            assert_true(yh_now() - start < 20);
            yh_draft_fini(&d);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boilerplate),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_english),
        cmocka_unit_test(test_own_list),
        cmocka_unit_test(test_spam),
        cmocka_unit_test(test_repeated_half),
        cmocka_unit_test(test_repeated_otherwise),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
