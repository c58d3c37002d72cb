#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rules/rule.h"

/* Runs the rule; the caller compares. */
static void becomes(const char *in, const char *want)
{
    yh_rule_step s;
    yh_drafts l = {0};
    yh_buf b;
    yh_err err = YH_ERR_INIT;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_buf_adds(&b, in, NULL), YH_OK);
    assert_int_equal(yh_drafts_add(&l, &b, 0, true, "UTF-8", NULL), YH_OK);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("personal_data"), NULL, "test", &err),
                     YH_OK);
    assert_int_equal(s.rule->apply(s.state, &l.d[0], 0, &err), YH_OK);
    assert_string_equal(l.d[0].text, want);
    assert_int_equal(l.d[0].n_edit, strcmp(in, want) != 0);
    for (size_t i = 0; i < l.d[0].n_edit; i++) /* no digit of the datum in the evidence */
        assert_true(strlen(l.d[0].edit[i].evidence) < 40);
    yh_rule_step_free(&s);
    yh_drafts_fini(&l);
}

static void stays(const char *in)
{
    becomes(in, in);
}

static void emails(void **state)
{
    (void)state;
    becomes("Write to jane.doe+list@mail.example.co.uk.", "Write to <email>.");
    becomes("邮箱：zhang_san@163.com，谢谢", "邮箱：<email>，谢谢");
    becomes("<a@b.cn>;12345678@qq.com", "<<email>>;<email>");
    becomes("13812345678@139.com", "<email>");
    stays("npm install @scope/name, user@localhost, a@b, x @ y.com");
    stays("@handle and me@.com and me@-x.com1 and 10@2.50");
    stays("git@github:user/repo");
}

static void addresses(void **state)
{
    (void)state;
    becomes("from 203.0.113.77 to 8.8.4.40:53", "from <ip> to <ip>:53");
    becomes("2001:0db8:85a3:0000:0000:8a2e:0370:7334 and 2001:db8::ff00:42:8329", "<ip> and <ip>");
    stays("version 10.15.7.12 and v5.12.14.33 and 版本：12.10.22.31 and firmware 22.10.11.12");
    stays("192.168.1.15, 10.20.30.40, 127.0.0.1, 172.16.99.1");
    stays("1.2.3.4 is a section; 256.10.10.10, 12.13.14, 12.13.14.15.16, 01.22.33.44");
    stays("12:30:45, std::vector, a::b, 2000::, ab:cd:ef:01:23:45");
}

static void phones(void **state)
{
    (void)state;
    becomes("电话13812345678。", "电话<phone>。");
    becomes("138-1234-5678 或 139 1234 5678", "<phone> 或 <phone>");
    becomes("+86 138 1234 5678, +8613812345678, +44 20 7946 0958, +1 (212) 555-0123",
            "<phone>, <phone>, <phone>, <phone>");
    becomes("(212) 555-0123 or 212-555-0123", "<phone> or <phone>");
    becomes("010-62345678，0755-23456789", "<phone>，<phone>");
    stays("12812345678 1381234567 138123456789 0.13812345678 13812345678.5");
    stays("/13812345678.html id=13812345678 A13812345678");
    stays("2 + 3, +1, 1+12345678, +100, 123-456-7890, 2019-01-02, 1990-2000, 800 900 1000");
    stays("13,812,345,678 and $13812345678");
}

static void identity(void **state)
{
    (void)state;
    becomes("身份证号11010519491231002X。", "身份证号<id>。");
    becomes("440524188001010014", "<id>");
    stays("110105194912310021");  /* check digit */
    stays("11010519491331002X");  /* month 13 */
    stays("99010519491231002X");  /* region */
    stays("x11010519491231002X"); /* within a word */
    stays("111101051949123100210");
}

static void cards(void **state)
{
    (void)state;
    becomes("card 4111 1111 1111 1111 and 5500-0000-0000-0004", "card <card> and <card>");
    becomes("6222021234567890128", "<card>");
    becomes("378282246310005", "<card>");
    stays("4111 1111 1111 1112"); /* check digit */
    stays("9111111111111111");    /* prefix */
    stays("1234567812345670");    /* prefix */
    stays("ISBN 9787302511854 1600000000000 0000000000000000");
    stays("4444444444444444 3.4111111111111111");
}

static void options(void **state)
{
    (void)state;
    yh_rule_step s;
    yh_drafts l = {0};
    yh_buf b;
    yh_err err = YH_ERR_INIT;
    json_t *p = json_pack("{s:s,s:s,s:b}", "email", "", "ip", "[IP]", "private_ip", 1);
    yh_buf_init(&b, 0);
    assert_int_equal(yh_buf_adds(&b, "a@b.org 10.1.2.33 fe80::1:22:333, 212-555-0123", NULL),
                     YH_OK);
    assert_int_equal(yh_drafts_add(&l, &b, 0, true, "UTF-8", NULL), YH_OK);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("personal_data"), p, "test", &err),
                     YH_OK);
    assert_int_equal(s.rule->apply(s.state, &l.d[0], 0, &err), YH_OK);
    assert_string_equal(l.d[0].text, "a@b.org [IP] [IP], <phone>");
    assert_string_equal(l.d[0].edit[0].evidence, "ip 2, phone 1");
    assert_int_equal(l.d[0].edit[0].count, 3);
    yh_rule_step_free(&s);
    yh_drafts_fini(&l);
    json_decref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emails),   cmocka_unit_test(addresses), cmocka_unit_test(phones),
        cmocka_unit_test(identity), cmocka_unit_test(cards),     cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
