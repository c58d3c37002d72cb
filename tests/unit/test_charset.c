#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <iconv.h>
#include <stdlib.h>

#include "input/charset.h"
#include "input/normalize.h"

static const char zh_simp[] =
    "却说唐僧师徒四人，一路西行，饥餐渴饮，夜住晓行，不觉又是早春天气。正行之间，忽见一座高山。";
static const char zh_trad[] =
    "卻說唐僧師徒四人，一路西行，飢餐渴飲，夜住曉行，不覺又是早春天氣。正行之間，忽見一座高山。";

static size_t encode(const char *to, const char *text, char *out, size_t cap)
{
    iconv_t cd = iconv_open(to, "UTF-8");
    assert_true(cd != (iconv_t)-1);
    char *in = (char *)(uintptr_t)text, *o = out;
    size_t left = strlen(text), room = cap;
    assert_int_equal(iconv(cd, &in, &left, &o, &room), 0);
    iconv_close(cd);
    return cap - room;
}

static void expect(const char *encoding, const char *text, const char *name)
{
    char bytes[1024];
    yh_charset info;
    yh_buf out;
    yh_buf_init(&out, 0);
    size_t n = encode(encoding, text, bytes, sizeof bytes);
    assert_int_equal(yh_charset_decode((uint8_t *)bytes, n, NULL, NULL, &out, &info, NULL), YH_OK);
    assert_string_equal(info.name, name);
    assert_string_equal(out.data, text);
    assert_int_equal(info.replaced, 0);
    yh_buf_fini(&out);
}

static void encodings_are_recognised(void **state)
{
    (void)state;
    expect("UTF-8", zh_simp, "UTF-8");
    expect("GB18030", zh_simp, "GB18030");
    expect("GBK", zh_simp, "GB18030");
    expect("BIG5", zh_trad, "BIG5-HKSCS");
    expect("UTF-16LE", "\n中文，没有记号。\n", "UTF-16LE");
    expect("UTF-16LE", "Plain English in two bytes a letter.\n", "UTF-16LE");
    expect("UTF-16BE", "Plain English in two bytes a letter.\n", "UTF-16BE");
    expect("UTF-32LE", "Plain English in four bytes a letter.\n", "UTF-32LE");
}

static void marks_decide_and_vanish(void **state)
{
    (void)state;
    yh_charset info;
    yh_buf out;
    yh_buf_init(&out, 0);
    static const uint8_t le[] = {0xff, 0xfe, 'h', 0, 'i', 0};
    assert_int_equal(yh_charset_decode(le, sizeof le, NULL, NULL, &out, &info, NULL), YH_OK);
    assert_string_equal(out.data, "hi");
    yh_buf_clear(&out);
    static const uint8_t bom8[] = {0xef, 0xbb, 0xbf, 'h', 'i'};
    assert_int_equal(yh_charset_decode(bom8, sizeof bom8, NULL, "gb2312", &out, &info, NULL),
                     YH_OK);
    assert_string_equal(out.data, "hi");
    assert_string_equal(info.name, "UTF-8");
    yh_buf_fini(&out);
}

static void broken_utf8_is_replaced_and_counted(void **state)
{
    (void)state;
    yh_charset info;
    yh_buf out;
    yh_buf_init(&out, 0);
    char text[4096] = "";
    for (int i = 0; i < 20; i++)
        strcat(text, zh_simp);
    strcat(text, "\xff end");
    assert_int_equal(
        yh_charset_decode((uint8_t *)text, strlen(text), NULL, NULL, &out, &info, NULL), YH_OK);
    assert_string_equal(info.name, "UTF-8");
    assert_int_equal(info.replaced, 1);
    assert_non_null(strstr(out.data, "\xef\xbf\xbd end"));
    yh_buf_fini(&out);
}

static void a_declaration_is_a_hint_only(void **state)
{
    (void)state;
    char name[24], label[24], bytes[1024];
    yh_charset_guess((const uint8_t *)zh_simp, strlen(zh_simp), "gb2312", name);
    assert_string_equal(name, "UTF-8"); /* the bytes say otherwise */
    size_t n = encode("GB18030", "好的", bytes, sizeof bytes);
    yh_charset_guess((uint8_t *)bytes, n, "gb2312", name);
    assert_string_equal(name, "GB18030"); /* too short to judge: the hint helps */
    static const char page[] = "<html><meta http-equiv=x content=\"text/html; charset=GBK\">";
    yh_charset_declared((const uint8_t *)page, sizeof page - 1, label);
    assert_string_equal(label, "GBK");
}

static void normal(const char *in, const char *want)
{
    yh_buf out;
    yh_buf_init(&out, 0);
    assert_int_equal(yh_normalize(in, strlen(in), &out, NULL), YH_OK);
    assert_string_equal(out.data, want);
    yh_buf_fini(&out);
}

static void normal_form(void **state)
{
    (void)state;
    normal("", "");
    normal("\n\n  \n", "");
    normal("a\r\nb\rc\n", "a\nb\nc");
    normal("a  \t\nb\xe3\x80\x80\n", "a\nb");
    normal("a\n\n\n\n\n\nb", "a\n\n\nb");
    normal("cafe\xcc\x81", "caf\xc3\xa9");
    normal("x\xe2\x80\x8by\xef\xbb\xbfz\x01\x7f", "xyz");
    normal("a\xc2\xa0"
           "b",
           "a b");
    normal("tab\tstays", "tab\tstays");
    normal("\xe3\x80\x80\xe3\x80\x80\xe5\xa5\xbd", "\xe3\x80\x80\xe3\x80\x80\xe5\xa5\xbd");
    normal("\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80"); /* Hangul jamo compose */
    normal("\xe2\x84\xab", "\xc3\x85");                 /* angstrom sign to A with ring */
    normal("\xef\xac\x81", "\xef\xac\x81");             /* the fi ligature stays: NFC, not NFKC */
    /* joiners stay behind letters that they shape, not behind Latin */
    normal("a\xe2\x80\x8d"
           "b \xe0\xa4\x95\xe2\x80\x8d",
           "ab \xe0\xa4\x95\xe2\x80\x8d");
}

/* Too few bytes for statistics: never the encodings that only those would find. */
static void test_nearly_ascii(void **state)
{
    (void)state;
    char name[24], text[400];
    for (int i = 0; i < 4; i++)
        memcpy(text + 50 * i, "The garden behind the house is open to all of us.\n", 50);
    text[30] = (char)0xe9;
    yh_charset_guess((uint8_t *)text, 200, NULL, name);
    assert_string_equal(name, "CP1252");
    text[30] = (char)0x92;
    yh_charset_guess((uint8_t *)text, 200, NULL, name);
    assert_string_equal(name, "CP1252");
    text[30] = (char)0x81; /* nothing in Windows-1252 */
    yh_charset_guess((uint8_t *)text, 200, NULL, name);
    assert_string_not_equal(name, "CP1252");
    size_t n = encode("JOHAB", "한국어 글은 이렇게 쓰고 읽습니다. 옛날 방식의 글자입니다.", text,
                      sizeof text);
    yh_charset_guess((uint8_t *)text, n, NULL, name);
    assert_string_equal(name, "JOHAB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearly_ascii),
        cmocka_unit_test(encodings_are_recognised),
        cmocka_unit_test(marks_decide_and_vanish),
        cmocka_unit_test(broken_utf8_is_replaced_and_counted),
        cmocka_unit_test(a_declaration_is_a_hint_only),
        cmocka_unit_test(normal_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
