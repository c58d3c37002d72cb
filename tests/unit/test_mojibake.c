#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "apply_rule.h"
#include "base/file.h"
#include "input/mojibake.h"

/* Repaired, or left alone; ftfy's own cases are in tests/parity/mojibake.py. */
static const char *const cases[][2] = {
    {"cafÃ© and â€œquotesâ€\xc2\x9d", "café and “quotes”"},
    {"donâ€™t, itâ\xc2\x80\xc2\x99s", "don’t, it’s"},
    {"nÃƒÂ© Osterberg", "né Osterberg"},
    {"g√¢teaux r√©gime", "gâteaux régime"},
    {"LiĂ¨ge, HĂ´pital", "Liège, Hôpital"},
    {"РџСЂРёРІРµС‚, РјРёСЂ", "Привет, мир"},
    {"ðŸ˜€ hi", "😀 hi"},
    {"æ—¥æœ¬èªž", "日本語"},
    {"one\xc2\x96two\xc2\x85", "one–two…"},
    {"涓\xee\x85\x9f枃娴嬭瘯", "中文测试"},
    {"锟斤拷", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"ÖÐÎÄ²âÊÔ£¬ºÃ", "中文测试，好"},
    /* GBK with a byte lost */
    {"才能做?；梅秸腥擞袟l原則是", "才能做。幻方招人有條原則是"},
    {"才能做?;梅秸腥擞袟l原則是", "才能做。幻方招人有條原則是"},
    {"大家?！?/p>", "大家。”"},
    {"大家?!?/strong>", "大家。”"},
    {"有機會?,F有", "有機會。現有"},
    /* a no-break space that became a space */
    {"It was namedÂ â€žscarsÂ´ stonesâ€ś after", "It was named\xc2\xa0„scars´ stones“ after"},
    {"atenÃ§Ã£o Ã s crianÃ§as", "atenção às crianças"},
    {"troisiÃ¨me, Ã s'Ã©loigner", "troisième, à s'éloigner"},
    {"Å iaip ÄÆdomu, kaip ÄÆsivaizduoji. VisÅ³ pirma",
     "Šiaip įdomu, kaip įsivaizduoji. Visų pirma"},
    {"à¸ à¸²à¸©à¸²à¹„à¸—à¸¢", "ภาษาไทย"},
    /* a byte lost at a word's beginning, or inside a sign, beside sure ones */
    {"Asia, Ă\xef\xbf\xbd"
     "frica, AmĂ©rica",
     "Asia, \xef\xbf\xbd"
     "frica, América"},
    {"atÃ© logo ðŸ˜€ðŸ\xef\xbf\xbd°", "até logo 😀\xef\xbf\xbd"},
    {"Ã¢â€\xef\xbf\xbdâ€™(Ã¢Å’Â£Ã‹â€ºÃ¢Å’Â£)", "\xef\xbf\xbd(⌣˛⌣)"},
    {"Ã¢Å’Â£", "⌣"},
    /* right as they are */
    {"Ă\xef\xbf\xbd"
     "frica, Ă\xef\xbf\xbd",
     NULL},
    {"â\xef\xbf\xbd’ ðŸ\xef\xbf\xbd°", NULL},
    {"Å er en by, og Â er en bokstav", NULL},
    {"VOCÊ… ZZAJÉ’s NESTLÉ® SELKÄ\xc2\xa0"
     "EDELLÄ",
     NULL},
    {"4288×… “×” É¿ 2012—∞ √π", NULL},
    {"Brontë…” L’épisode naïve Åland Ærø", NULL},
    {"Привет, мир! ВІКІ Россия", NULL},
    {"却说唐僧师徒四人，一路西行？！饥餐渴饮。", NULL},
    {"漢字文化與歷史，還有學術?！", NULL},
    {"日本語のテキスト、한국어 텍스트", NULL},
    {"MÄ£ÄM ÌÑÌ Q £ÄGÌ ├┤a┼┐a┼┐a", NULL},
    {"你说什么?!他问，真的吗?,A股跌了?;我不信，什么??真的???好，真正的瘋狂??????", NULL},
    {"plain ASCII text, 100%", NULL},
    {"", NULL},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_text("mojibake", "{}", cases[i][0], cases[i][1] != NULL ? cases[i][1] : cases[i][0]);
}

static void test_evidence(void **state)
{
    (void)state;
    yh_draft d = apply_rule("mojibake", "{}", "all right\nthe cafÃ© is open\nvoilÃ\xc2\xa0!\n");
    assert_string_equal(d.text, "all right\nthe café is open\nvoilà!\n");
    assert_int_equal(d.edit[0].count, 2);
    assert_non_null(strstr(d.edit[0].evidence, "UTF-8 as CP1252"));
    assert_non_null(strstr(d.edit[0].evidence, "café"));
    yh_draft_fini(&d);
}

/* Long lines of anything must not take time that grows with their square. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const pieces[] = {"Ã",     "Ã©", "â€", "í\xc2\xa0", "涓枃",
                                         "?；梅", "Ö",  "ðŸ", "?！"};
    yh_mojibake *m;
    assert_int_equal(yh_mojibake_create(&m, NULL), YH_OK);
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        size_t len = strlen(pieces[k]), n = 400000 / len;
        char *text = malloc(n * len + 1);
        yh_buf out;
        yh_mojibake_info info;
        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
            memcpy(text + i * len, pieces[k], len);
        double start = yh_now();
        yh_buf_init(&out, 0);
        assert_int_equal(yh_mojibake_repair(m, text, n * len, &out, &info, NULL), YH_OK);
        assert_true(yh_now() - start < 20);
        yh_buf_fini(&out);
        free(text);
    }
    yh_mojibake_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
