#include "rules/lang.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "rules/words.h"
#include "text/utf8.h"

/* CLD2 has a C++ interface of plain arguments; these are the names that its library exports (the
 * C++ ABI of Linux fixes them), so that no C++ has to be compiled here. The null pointer stands for
 * a vector of results that we do not ask for. */
int yh_cld2_detect(const char *text, int n, bool plain, const void *hints, int flags,
                   int *language3, int *percent3, double *score3, void *chunks, int *bytes,
                   bool *reliable) __asm__("_ZN4CLD224ExtDetectLanguageSummaryEPKcibPKNS_"
                                           "8CLDHintsEiPNS_8LanguageEPiPdPSt6vectorINS_"
                                           "11ResultChunkESaISA_EES7_Pb");
const char *yh_cld2_code(int language) __asm__("_ZN4CLD212LanguageCodeENS_8LanguageE");

enum {
    SAMPLE = 8192, /* bytes of one stretch of a long text */
    STRETCHES = 4,
    BEST_EFFORT = 0x4000, /* CLD2's flag: an answer for short texts too */
    UNKNOWN = 26          /* CLD2's number */
};

/* Frequent characters that occur in one of the two scripts alone. */
static const char simplified[] = "们这个来时为说国对会学过发无动见现经还进关样问间业给让长开门实头"
                                 "点东书车马鸟鱼龙电话语请谢谁读认识记应该兴华"
                                 "师机气边达远运选连适银钱铁钟错难题预领风飞饭馆体听处备复奖妇孙宁"
                                 "宝审寻导将层岁岛币带帮广庆库庙废异张弹强归录"
                                 "忆忧怀态总恋恶惊惯愿懒戏战户执扩扫扬护报担择挂挤换据摆摇敌数断旧"
                                 "显晓暂术杀杂权条构标树桥检楼欢欧残汇汉没泪泽"
                                 "洁浅测济浓润涨渐湾湿满灯灵灾炉热爱爷状独狮献环疗盐监盖盘众确础礼"
                                 "祸种积称稳穷竞笔签简类粮紧红约级纪纯纲纳纵纷"
                                 "纸纹线练组细织终绍结绕绘络绝统继绩续维绿缓编缘缩网罗罚职联聪脑脸"
                                 "腾艺节芦苏药获营虑虽蚁补装览觉观规视订计训议"
                                 "讯许论设访证评诉词译试诗诚详诸课谈调谓谋贝负贡财责败货质贩贪购贯"
                                 "贵贷费贺资赏赛赞赵趋跃踪转轮软轻载较辆输办边"
                                 "迁违迹递逻遗郑释针钢铜锁锋镇镜闪闭闲闹闻阅队阳阴阶际陆陈险随隐页"
                                 "顶项顺须顾顿颁频颗额颜驱驶驻驾验骑骗鲁鲜鸡麦";
static const char traditional[] = "們這個來時為說國對會學過發無動見現經還進關樣問間業給讓長開門實頭"
                                  "點東書車馬鳥魚龍電話語請謝誰讀認識記應該興華"
                                  "師機氣邊達遠運選連適銀錢鐵鐘錯難題預領風飛飯館體聽處備複獎婦孫寧"
                                  "寶審尋導將層歲島幣帶幫廣慶庫廟廢異張彈強歸錄"
                                  "憶憂懷態總戀惡驚慣願懶戲戰戶執擴掃揚護報擔擇掛擠換據擺搖敵數斷舊"
                                  "顯曉暫術殺雜權條構標樹橋檢樓歡歐殘匯漢沒淚澤"
                                  "潔淺測濟濃潤漲漸灣濕滿燈靈災爐熱愛爺狀獨獅獻環療鹽監蓋盤眾確礎禮"
                                  "禍種積稱穩窮競筆簽簡類糧緊紅約級紀純綱納縱紛"
                                  "紙紋線練組細織終紹結繞繪絡絕統繼績續維綠緩編緣縮網羅罰職聯聰腦臉"
                                  "騰藝節蘆蘇藥獲營慮雖蟻補裝覽覺觀規視訂計訓議"
                                  "訊許論設訪證評訴詞譯試詩誠詳諸課談調謂謀貝負貢財責敗貨質販貪購貫"
                                  "貴貸費賀資賞賽贊趙趨躍蹤轉輪軟輕載較輛輸辦於"
                                  "遷違跡遞邏遺鄭釋針鋼銅鎖鋒鎮鏡閃閉閒鬧聞閱隊陽陰階際陸陳險隨隱頁"
                                  "頂項順須顧頓頒頻顆額顏驅駛駐駕驗騎騙魯鮮雞麥";
static const char cantonese[] = "嘅咗哋嚟喺冇唔佢啲嗰咁嘢乜睇啱攞畀嘥咩嘞噉";

/* Bits of Han characters: 1 simplified, 2 traditional, 4 Cantonese. The block from U+3400. */
enum { HAN_LO = 0x3400, HAN_HI = 0x9fff };
static uint8_t han_kind[HAN_HI - HAN_LO + 1];

static void mark(const char *chars, uint8_t bit)
{
    int len;
    for (const uint8_t *p = (const uint8_t *)chars; *p != 0; p += len) {
        uint32_t cp = yh_utf8_next(p, &len);
        if (cp >= HAN_LO && cp <= HAN_HI)
            han_kind[cp - HAN_LO] |= bit;
    }
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void fill(void)
{
    mark(simplified, 1);
    mark(traditional, 2);
    mark(cantonese, 4);
}

typedef struct scripts {
    size_t han, kana, hangul, others, simp, trad, yue;
} scripts;

static void count(scripts *s, const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + n;
    while (p < end) {
        if (*p < 0x80) {
            s->others += (*p | 32u) - 'a' < 26u;
            p++;
            continue;
        }
        int len;
        uint32_t cp = yh_utf8_next(p, &len);
        p += len;
        if (cp >= HAN_LO && cp <= HAN_HI) {
            uint8_t k = han_kind[cp - HAN_LO];
            s->han++;
            s->simp += k == 1; /* of both lists: tells nothing */
            s->trad += k == 2;
            s->yue += k >> 2;
        } else if (cp >= 0x3041 && cp <= 0x30fe) {
            s->kana += cp != 0x30fb; /* the middle dot is in Chinese names too */
        } else if (cp >= 0xac00 && cp <= 0xd7a3) {
            s->hangul++;
        } else if (cp >= 0xaa && (cp < 0x2000 || cp >= 0xa000) && (cp < 0xf900 || cp >= 0xfb00) &&
                   (cp < 0xfe10 || (cp >= 0xfe70 && cp < 0xff00)) && cp < 0x1f000) {
            s->others++;
        } else if (yh_char_han(cp)) {
            s->han++;
        }
    }
}

static yh_lang by_script(const scripts *s, double share)
{
    yh_lang l = {.score = share};
    const char *code;
    size_t east = s->han + s->kana + s->hangul;
    if (s->hangul * 2 > east)
        code = "ko";
    else if (s->kana * 12 > s->han + s->kana)
        code = "ja";
    else if (s->yue >= 2 && s->yue * 33 > s->han)
        code = "yue";
    else if (s->trad > s->simp)
        code = "zh-Hant";
    else
        code = s->simp > 0 ? "zh-Hans" : "zh";
    snprintf(l.code, sizeof l.code, "%s", code);
    return l;
}

static yh_lang by_cld2(const char *text, size_t n)
{
    yh_lang l = {.code = ""};
    int language[3], percent[3], bytes = 0;
    double score[3];
    bool reliable = false;
    (void)yh_cld2_detect(text, (int)n, true, NULL, BEST_EFFORT, language, percent, score, NULL,
                         &bytes, &reliable);
    if (language[0] == UNKNOWN)
        return l;
    const char *code = yh_cld2_code(language[0]);
    static const char *const today[][2] = {{"iw", "he"}, {"jw", "jv"}, {"mo", "ro"}, {"in", "id"}};
    for (size_t i = 0; i < sizeof today / sizeof *today; i++)
        if (strcmp(code, today[i][0]) == 0)
            code = today[i][1];
    snprintf(l.code, sizeof l.code, "%s", strcmp(code, "un") == 0 ? "" : code);
    l.score = percent[0] / (reliable ? 100.0 : 200.0);
    return l;
}

/* The stretch number i of a long text, at character boundaries. */
static size_t stretch(const char *text, size_t n, size_t i, size_t *len)
{
    size_t at = (n - SAMPLE) / (STRETCHES - 1) * i, end = at + SAMPLE;
    while (at > 0 && ((uint8_t)text[at] & 0xc0) == 0x80)
        at--;
    while (end < n && end > at && ((uint8_t)text[end] & 0xc0) == 0x80)
        end--;
    *len = (end < n ? end : n) - at;
    return at;
}

yh_lang yh_lang_detect(const char *text, size_t n)
{
    char sample[SAMPLE * STRETCHES + 64];
    if (n > sizeof sample) {
        size_t to = 0;
        for (size_t i = 0; i < STRETCHES; i++) {
            size_t len, at = stretch(text, n, i, &len);
            memcpy(sample + to, text + at, len);
            to += len;
            sample[to++] = '\n';
        }
        text = sample;
        n = to;
    }
    (void)pthread_once(&once, fill);
    scripts s = {0};
    count(&s, text, n);
    size_t east = 3 * (s.han + s.kana + s.hangul), all = east + s.others;
    yh_lang l = {.code = ""};
    if (all > 0 && 2 * east > all)
        l = by_script(&s, (double)east / (double)all);
    else if (all > 0)
        l = by_cld2(text, n);
    l.weight = all;
    return l;
}

bool yh_lang_covers(const char *wanted, const char *code)
{
    size_t n = strlen(wanted);
    if (strcmp(wanted, "zh") == 0 && strcmp(code, "yue") == 0)
        return true;
    return strncmp(wanted, code, n) == 0 && (code[n] == '\0' || code[n] == '-');
}
