#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "apply_rule.h"
#include "rules/han.h"
#include "rules/readings.h"

static void simple(const yh_han *h, yh_han_from from, const char *text, const char *want)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_han_simplify(h, from, text, strlen(text), &b, NULL), YH_OK);
    assert_string_equal(b.data, want);
    yh_buf_fini(&b);
}

/* The wanted texts are what the program opencc prints; tests/parity/opencc.py compares more. */
static void test_convert(void **state)
{
    yh_han *h;
    (void)state;
    if (yh_han_create(&h, NULL) == YH_UNSUPPORTED) {
        print_message("built without OpenCC's dictionaries, skipped\n");
        skip();
    }
    simple(h, YH_HAN_T2S, "漢字，ABC。老態龍鍾", "汉字，ABC。老态龙钟");
    simple(h, YH_HAN_T2S, "他坐著看名著", "他坐著看名著");
    simple(h, YH_HAN_TW2S, "他坐著看名著", "他坐着看名著");
    simple(h, YH_HAN_HK2S, "虛偽歎息，説話", "虚伪叹息，说话");
    simple(h, YH_HAN_T2S, "乾隆皇帝口乾舌燥", "乾隆皇帝口干舌燥");
    simple(h, YH_HAN_T2S, "", "");
    assert_int_equal(yh_han_simple(h, 0x6f22), 0x6c49);
    assert_int_equal(yh_han_simple(h, 0x4e00), 0x4e00);
    assert_int_equal(yh_han_simple(NULL, 0x6f22), 0x6f22);
    yh_han_count c = {0};
    yh_han_look(h, "漢汉字かなカ한abc", strlen("漢汉字かなカ한abc"), &c);
    assert_int_equal(c.han, 3);
    assert_int_equal(c.kana, 3);
    assert_int_equal(c.hangul, 1);
    assert_int_equal(c.trad, 1);
    assert_int_equal(c.simp, 1);
    yh_buf b;
    yh_buf_init(&b, 0);
    const char *t = " 關於　我們 ｜ Ａbout\t US \xe2\x80\x8b 京 ICP 備";
    assert_int_equal(yh_han_fold(h, t, strlen(t), &b, NULL), YH_OK);
    assert_string_equal(b.data, "关于我们|about us京icp备");
    yh_buf_fini(&b);
    yh_han_free(h);
}

static void test_simplify(void **state)
{
    yh_han *h;
    (void)state;
    if (yh_han_create(&h, NULL) == YH_UNSUPPORTED)
        skip();
    yh_han_free(h);
    yh_draft d =
        apply_rule("simplify", "{\"keep_original\": true}", "這裡說著漢語。\n第二行沒有錯");
    assert_string_equal(d.text, "这里说着汉语。\n第二行没有错");
    assert_string_equal(d.original, "這裡說著漢語。\n第二行沒有錯");
    assert_int_equal(d.edit[0].count, 2);
    assert_string_equal(d.edit[0].evidence, "tw2s");
    yh_draft_fini(&d);
    /* what Hong Kong writes */
    d = apply_rule("simplify", "{}", "衞生署説明温度與鋭利的脱落");
    assert_string_equal(d.edit[0].evidence, "hk2s");
    yh_draft_fini(&d);
    /* Simplified with a quotation, Japanese, and no Chinese */
    const char *stay[] = {"这篇文章说的是汉语的历史，“漢”字见于古书，后来写成简体。",
                          "日本語の漢字は、旧字体の會社と学校があります。", "plain text", ""};
    for (int i = 0; i < 4; i++)
        expect_text("simplify", "{}", stay[i], stay[i]);
    /* a Simplified line in a Traditional text */
    expect_text("simplify", "{}", "這個國家的歷史與語言，還有學術發展\n著名的国家说历史发展\n",
                "这个国家的历史与语言，还有学术发展\n著名的国家说历史发展\n");
}

static size_t syllable(const char *t, const char *base, int tone)
{
    yh_syllable s;
    size_t n = yh_syllable_read(t, strlen(t), &s);
    if (n > 0) {
        assert_string_equal(s.base, base);
        assert_int_equal(s.tone, tone);
    }
    return n;
}

static void test_readings(void **state)
{
    (void)state;
    assert_int_equal(syllable("shí)", "shi", 2), 4);
    assert_int_equal(syllable("lǜ", "lv", 4), 3);
    assert_int_equal(syllable("lu:4", "lv", 4), 4);
    assert_int_equal(syllable("SHI2x", "shi", 2), 4);
    assert_int_equal(syllable("Ān", "an", 1), 3);
    assert_int_equal(syllable("shi\xcc\x81", "shi", 2), 5);
    assert_int_equal(syllable("ㄕˊ", "", 0), 5);
    assert_int_equal(syllable("123", "", 0), 0);
    assert_int_equal(syllable("shíjiān", "", 0), 0);
    yh_readings *r;
    if (yh_readings_load(&r, "readings", NULL) == YH_UNSUPPORTED)
        skip();
    yh_syllable s;
    (void)yh_syllable_read("cháng", 6, &s);
    assert_int_equal(yh_readings_fit(r, 0x957f, &s), YH_READING_EXACT); /* 长 */
    assert_int_equal(yh_readings_fit(r, 0x573a, &s), YH_READING_EXACT); /* 场 */
    assert_int_equal(yh_readings_fit(r, 0x4eba, &s), YH_READING_PLAUSIBLE);
    (void)yh_syllable_read("zhang4", 6, &s);
    assert_int_equal(yh_readings_fit(r, 0x957f, &s), YH_READING_SOUND);
    (void)yh_syllable_read("hello", 5, &s);
    assert_int_equal(yh_readings_fit(r, 0x957f, &s), YH_READING_NO);
    yh_readings_free(r);
}

static void test_pinyin_noise(void **state)
{
    yh_readings *r;
    (void)state;
    if (yh_readings_load(&r, "readings", NULL) == YH_UNSUPPORTED)
        skip();
    yh_readings_free(r);
    expect_text(
        "pinyin_noise", "{}",
        "时(shí)间过得很快(kuài)，我们(men)都觉（jué）得时(shi2)光不等人们(men)。"
        "他时[shí]常说这个（例子），快(kuai)乐的时(ㄕˊ)候是 AI(an) 的。",
        "时间过得很快，我们都觉得时光不等人们。他时常说这个（例子），快乐的时候是 AI(an) 的。");
    /* between the bytes of two characters */
    expect_text("pinyin_noise", "{}",
                "时(shí)间过得很快(kuài)，我们(men)都觉(jué)得时(shí)光不等人们(men)，时(shí)因?"
                "yàn)榇髲S的入局",
                "时间过得很快，我们都觉得时光不等人们，时因為大廠的入局");
    /* few; a glossary; a text for learners; words in brackets */
    const char *stay[] = {
        "银行(háng)里的行(xíng)人很多，我们常常在那里见面，说说话，然后回家吃饭，看书，睡觉。",
        ("时(shí)：时间。\n快(kuài)：迅速。\n乐(lè)：高兴。\n人(rén)：人类。\n天(tiān)：天空。\n"
         "地(dì)：大地。\n日(rì)：太阳。\n月(yuè)：月亮。\n"),
        "我(wǒ)们(men)是(shì)学(xué)生(shēng)，他(tā)们(men)是(shì)老(lǎo)师(shī)。",
        "他说(he)和(she)的(they)用(it)法(to)不(go)同(do)，这(so)是(no)英(up)语(we)的(us)词(am)。"};
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        expect_text("pinyin_noise", "{}", stay[i], stay[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert),
        cmocka_unit_test(test_simplify),
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_pinyin_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
