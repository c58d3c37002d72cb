#include "rules/words_special.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"

enum { MOST = 2048, SLOTS = 8192, POOL = 32768 };

static struct {
    yh_special at[MOST];
    size_t n, used;
    uint16_t slot[SLOTS]; /* index + 1 */
    char pool[POOL];
} table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* "ca|n't": the parts, with bars between them. */
static void put(const char *text)
{
    yh_special s = {.text = table.pool + table.used, .n = 1};
    char *to = table.pool + table.used;
    for (; *text != '\0'; text++) {
        if (*text == '|' && text[1] != '\0' && s.len > 0) {
            s.n++;
            continue;
        }
        to[s.len++] = *text;
        s.part[s.n - 1]++;
    }
    table.used += s.len;
    size_t i = yh_hash64(s.text, s.len, 0) % SLOTS;
    for (; table.slot[i] != 0; i = (i + 1) % SLOTS) {
        yh_special *same = &table.at[table.slot[i] - 1];
        if (same->len == s.len && memcmp(same->text, s.text, s.len) == 0) {
            *same = s; /* the later definition counts */
            return;
        }
    }
    table.at[table.n++] = s;
    table.slot[i] = (uint16_t)table.n;
}

static void drop(const char *text)
{
    size_t len = strlen(text), i = yh_hash64(text, len, 0) % SLOTS;
    for (; table.slot[i] != 0; i = (i + 1) % SLOTS) {
        yh_special *s = &table.at[table.slot[i] - 1];
        if (s->len == len && memcmp(s->text, text, len) == 0)
            s->n = 0;
    }
}

/* Puts word + ending for the word as it is and with a capital; '+' in `ending` begins a part. Each
 * ending with an apostrophe is put without as well. */
static void contract(const char *word, const char *const *endings)
{
    for (int capital = 0; capital < 2; capital++)
        for (const char *const *e = endings; *e != NULL; e++)
            for (int bare = 0; bare < 2; bare++) {
                char text[64];
                size_t n = strlen(word);
                memcpy(text, word, n);
                if (capital)
                    text[0] = (char)(text[0] - 'a' + 'A');
                for (const char *c = *e; *c != '\0'; c++)
                    if (!bare || *c != '\'')
                        text[n++] = *c == '+' ? '|' : *c;
                text[n] = '\0';
                put(text);
            }
}

static void each(const char *words, const char *const *endings)
{
    char word[16];
    for (size_t n = 0;; words++) {
        if (*words != ' ' && *words != '\0') {
            word[n++] = *words;
            continue;
        }
        word[n] = '\0';
        contract(word, endings);
        n = 0;
        if (*words == '\0')
            return;
    }
}

static void put_all(const char *words)
{
    char word[64];
    for (size_t n = 0;; words++) {
        if (*words != ' ' && *words != '\0') {
            word[n++] = *words;
            continue;
        }
        word[n] = '\0';
        put(word);
        n = 0;
        if (*words == '\0')
            return;
    }
}

static void contractions(void)
{
    static const char *const will[] = {"+'ll", "+'ll+'ve", "+'d", "+'d+'ve", NULL};
    static const char *const am[] = {"+'m", "+'m+a", NULL};
    static const char *const have[] = {"+'ve", NULL};
    static const char *const are[] = {"+'re", NULL};
    static const char *const is[] = {"+'s", NULL};
    static const char *const not_have[] = {"+n't", "+n't+'ve", NULL};
    static const char *const not [] = {"+n't", NULL};
    each("i you he she it we they", will);
    each("i", am);
    each("i you we they", have);
    each("you we they", are);
    each("he she it", is);
    each("who what when where why how there that this these those", will);
    each("who what when where why how there that this", is);
    each("who what when where why how there these those", are);
    each("who what when where why how there these those", have);
    each("ca could do does did had may might must need ought sha should wo would", not_have);
    each("could might must should would", have);
    each("ai are is was were have has dare", not );
    put_all("y'|all y|all how|'d|'y How|'d|'y not|'ve not|ve Not|'ve Not|ve can|not Can|not gon|na "
            "Gon|na got|ta Got|ta let|'s Let|'s c'm|on C'm|on");
    static const char *const homonyms[] = {"Ill",   "ill",   "Its",   "its",   "Hell", "hell",
                                           "Shell", "shell", "Shed",  "shed",  "were", "Were",
                                           "Well",  "well",  "Whore", "whore", NULL};
    for (const char *const *h = homonyms; *h != NULL; h++)
        drop(*h);
}

static void whole_words(void)
{
    put_all("doin goin nothin nuthin ol somethin Doin Goin Nothin Nuthin Ol Somethin doin' goin' "
            "nothin' nuthin' ol' somethin' Doin' Goin' Nothin' Nuthin' Ol' Somethin' em ll nuff "
            "'em 'll 'nuff lovin' Lovin' lovin Lovin havin' Havin' havin Havin 'd");
    put_all("'S 's \xe2\x80\x98S \xe2\x80\x98s and/or w/o 're 'Cause 'cause 'cos 'Cos 'coz 'Coz "
            "'cuz 'Cuz 'bout ma'am Ma'am o'clock O'clock");
    put_all("Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. "
            "Ill. Ind. Jan. Jul. Jun. Kan. Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. "
            "N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Nov. Oct. Okla. Ore. Pa. S.C. Sep. Sept. Tenn. "
            "Va. Wash. Wis. a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. "
            "I.e. I.E. Inc. Jr. Ltd. Md. Messrs. Mo. Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. "
            "Rev. Sen. St. vs. v.s.");
    put_all("\\t \\n \xe2\x80\x94 ' \\\") <space> '' C++ \xc3\xa4. \xc3\xb6. \xc3\xbc.");
    for (char c = 'a'; c <= 'z'; c++)
        put((const char[]){c, '.', '\0'});
    for (const char *u = "cfkCFK"; *u != '\0'; u++)
        put((const char[]){'\xc2', '\xb0', '|', *u, '|', '.', '\0'});
    static const char *const period[] = {"a.m.", "am", "p.m.", "pm"};
    for (char h = 1; h <= 12; h++)
        for (int i = 0; i < 4; i++) {
            char text[16];
            size_t n = 0;
            if (h >= 10)
                text[n++] = '1';
            text[n++] = (char)('0' + h % 10);
            text[n++] = '|';
            memcpy(text + n, period[i], strlen(period[i]) + 1);
            put(text);
        }
}

static void emoticons(void)
{
    put_all(":) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) "
            "(-8 ;) ;-) (; (-; :( :-( :(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ "
            "=/ ]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 :() >:o :* :-* :3 :-3 =3 :> :-> :X "
            ":-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; "
            "-_- -__- v.v V.V v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ "
            "<3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*) ><(((*>");
    /* the same with other scripts: not sign, Kannada ttha, a shrug, a table that is thrown */
    put_all("(\xc2\xac_\xc2\xac) \xe0\xb2\xa0_\xe0\xb2\xa0 \xe0\xb2\xa0\xef\xb8\xb5\xe0\xb2\xa0 "
            "(\xe0\xb2\xa0_\xe0\xb2\xa0) \xc2\xaf\\(\xe3\x83\x84)/\xc2\xaf");
    put("(\xe2\x95\xaf\xc2\xb0\xe2\x96\xa1\xc2\xb0\xef\xbc\x89\xe2\x95\xaf\xef\xb8\xb5\xe2\x94\xbb"
        "\xe2\x94\x81\xe2\x94\xbb");
    /* a bar at the end is the character itself, not a mark between parts */
    static const char *const bars[] = {"=|", ":|", ":-|", NULL};
    for (const char *const *b = bars; *b != NULL; b++)
        put(*b);
}

/* Every one with an apostrophe is there with the typographic one too. */
static void curl(void)
{
    for (size_t i = 0, n = table.n; i < n; i++) {
        const yh_special s = table.at[i];
        if (s.n == 0 || memchr(s.text, '\'', s.len) == NULL)
            continue;
        char text[YH_SPECIAL_MAX * 3];
        size_t to = 0, from = 0;
        for (int k = 0; k < s.n; k++) {
            if (k > 0)
                text[to++] = '|';
            for (size_t end = from + s.part[k]; from < end; from++) {
                if (s.text[from] == '\'') {
                    memcpy(text + to, "\xe2\x80\x99", 3);
                    to += 3;
                } else {
                    text[to++] = s.text[from];
                }
            }
        }
        text[to] = '\0';
        put(text);
    }
}

static void fill(void)
{
    contractions();
    whole_words();
    emoticons();
    curl();
}

void yh_special_init(void)
{
    (void)pthread_once(&once, fill);
}

const yh_special *yh_special_find(const char *p, size_t n)
{
    if (n > YH_SPECIAL_MAX + 8)
        return NULL;
    for (size_t i = yh_hash64(p, n, 0) % SLOTS; table.slot[i] != 0; i = (i + 1) % SLOTS) {
        const yh_special *s = &table.at[table.slot[i] - 1];
        if (s->len == n && memcmp(s->text, p, n) == 0)
            return s->n > 0 ? s : NULL;
    }
    return NULL;
}

size_t yh_special_count(void)
{
    return table.n;
}

const yh_special *yh_special_at(size_t i)
{
    return &table.at[i];
}
