#include "input/html_names.h"

#include <ctype.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum {
    N = YH_NAME_NO_CONTENT,
    P = YH_NAME_PERHAPS,
    F = YH_NAME_FOR,
    A = YH_NAME_AGAINST,
    S = YH_NAME_ASIDE,
    M = YH_NAME_MARKED,
    C = YH_NAME_CERTAIN,
    E = YH_NAME_NEVER
};

/* These follow Arc90's Readability and what pages were found to use. */
static const struct {
    const char *word;
    unsigned flags;
} words[] = {{"-ad-", N},
             {"ai2html", N},
             {"banner", N | A},
             {"combx", N | A},
             {"comment", N | A | C},
             {"community", N},
             {"cover-wrap", N},
             {"disqus", N | C},
             {"extra", N},
             {"footer", N | A},
             {"gdpr", N | A | E},
             {"header", N},
             {"legends", N},
             {"menu", N},
             {"related", N | A},
             {"remark", N},
             {"replies", N | C},
             {"rss", N},
             {"shoutbox", N | A | C},
             {"sidebar", N | A},
             {"skyscraper", N | A},
             {"social", N},
             {"sponsor", N | A},
             {"supplemental", N},
             {"ad-break", N},
             {"agegate", N},
             {"pagination", N},
             {"pager", N},
             {"popup", N},
             {"yom-remote", N},
             {"cookie", N | E},
             {"newsletter", N | E},
             {"subscribe", N},
             {"share", N | A},
             {"sharing", N},
             {"promo", N | A},
             {"navbar", N},
             {"nav-", N},
             {"-nav", N},
             {"toolbar", N},
             {"recommend", N},
             {"advert", N},
             {"outbrain", N | A},
             {"taboola", N},
             {"most-read", N},
             {"mostread", N},
             {"trending", N},
             {"signup", N},
             {"sign-up", N},
             {"read-more", N},
             {"readmore", N},
             {"also-like", N},
             {"byline", N},
             {"copyright", N},
             {"and", P},
             {"accordion", P},
             {"card-", P},
             {"collaps", P},
             {"faq", P},
             {"article", P | F},
             {"artikel", P | F},
             {"hentry", M},
             {"body", P | F},
             {"column", P},
             {"content", P | F},
             {"main", P | F},
             {"shadow", P},
             {"story", P | F},
             {"post", P | F},
             {"entry", P | F},
             {"page", F},
             {"text", F},
             {"blog", F},
             {"prose", F},
             {"markdown", F},
             {"hid", A},
             {"com-", A},
             {"contact", A},
             {"masthead", A},
             {"media", A},
             {"meta", A},
             {"scroll", A},
             {"shopping", A},
             {"tags", A | S},
             {"widget", A},
             {"caption", A | S},
             {"credit", A | S},
             {"author-bio", S},
             {"author-box", S},
             {"about-author", S},
             {"author-desc", S},
             {"teaser", S},
             {"post-author", S | C},
             {"donation", S | C},
             {"spenden", S | C},
             {"pop-up", N},
             {"related-post", S | C},
             {"related_post", S | C},
             {"relatedpost", S | C},
             {"related-art", S | C},
             {"related-stor", S | C},
             {"related-content", S | C},
             {"sharedaddy", S | C},
             {"post-nav", S | C},
             {"prev-post", S | C},
             {"next-prev", S | C},
             {"entry-utility", S | C},
             {"entry-meta", S | C},
             {"entry-footer", S | C},
             {"post-footer", S | C},
             {"post-meta", S | C},
             {"post-feeds", S | C},
             {"author-info", S | C},
             {"comment-respond", S | C},
             {"comments-title", S | C},
             {"comments-link", S | C},
             {"player-overlay", S | C},
             {"breadcrumb", N | S},
             {"article-body", M},
             {"articlebody", M},
             {"article__body", M},
             {"article-content", M},
             {"article__content", M},
             {"entry-content", M},
             {"post-content", M},
             {"post-body", M},
             {"story-body", M},
             {"storybody", M},
             {"article-text", M},
             {"article_text", M},
             {"postcontent", M},
             {"body-content", M},
             {"content-body", M},
             {"post_content", M},
             {"main-content", M},
             {"page-content", M}};

enum { WORDS = sizeof words / sizeof *words, BUCKETS = 256 };

static const char *const openers[] = {"advert",
                                      "read more",
                                      "read also",
                                      "read next",
                                      "related:",
                                      "related post",
                                      "related art",
                                      "also read",
                                      "see more",
                                      "see also:",
                                      "more:",
                                      "also:",
                                      "photo:",
                                      "photos:",
                                      "image:",
                                      "image copyright",
                                      "image source",
                                      "image caption",
                                      "credit:",
                                      "picture:",
                                      "media caption",
                                      "story continues",
                                      "continue reading",
                                      "leave a comment",
                                      "leave a reply",
                                      "sign up",
                                      "subscribe",
                                      "follow us",
                                      "follow @",
                                      "share this",
                                      "share on",
                                      "like this",
                                      "don't miss",
                                      "recent articles",
                                      "popular on",
                                      "you may also like",
                                      "you might also",
                                      "recommended",
                                      "posted by",
                                      "posted in",
                                      "posted on",
                                      "published",
                                      "updated",
                                      "filed under",
                                      "tags:",
                                      "tagged",
                                      "by ",
                                      "click here",
                                      "get the latest",
                                      "print this",
                                      "most popular",
                                      "trending",
                                      "this slideshow requires",
                                      "loading",
                                      "watch:",
                                      "listen:",
                                      "newsletter",
                                      "(photo",
                                      "(image",
                                      "copyright",
                                      "©",
                                      "all rights reserved",
                                      "also on",
                                      "[related",
                                      "(reporting by",
                                      "reporting by",
                                      "comments",
                                      "lesen sie auch",
                                      "auch interessant",
                                      "mehr zum thema",
                                      "foto:",
                                      "quelle:",
                                      "bild:",
                                      "teilen",
                                      "kommentar",
                                      "weiterlesen",
                                      "anzeige",
                                      "werbung",
                                      "lire aussi",
                                      "à lire",
                                      "partager",
                                      "publié le",
                                      "leggi anche",
                                      "condividi",
                                      "lee también",
                                      "compartir",
                                      "czytaj też",
                                      "schreibe einen kommentar",
                                      "kommentar verfassen",
                                      "verwandte beitr",
                                      "verwandte artikel",
                                      "ähnliche artikel",
                                      "ähnliche beitr",
                                      "weitere artikel",
                                      "weitere beitr",
                                      "das könnte sie",
                                      "das könnte dich",
                                      "zurück zur",
                                      "zum weiterlesen",
                                      "gefällt mir",
                                      "this entry was posted",
                                      "we want to hear",
                                      "what do you think",
                                      "related stor",
                                      "advertising disclosure",
                                      "category :",
                                      "categories:",
                                      "category:",
                                      "photo by",
                                      "photo credit",
                                      "image credit",
                                      "crédit photo",
                                      "crédits photo",
                                      "vous aimerez aussi",
                                      "laisser un commentaire",
                                      "sur le même sujet",
                                      "ultima modifica",
                                      "ti potrebbe interessare",
                                      "te puede interesar",
                                      "deja un comentario",
                                      "artículos relacionados",
                                      "noticias relacionadas",
                                      "zobacz też",
                                      "zobacz także",
                                      "czytaj także",
                                      "leia também",
                                      "leia mais",
                                      "lees ook",
                                      "читайте также",
                                      "关键词",
                                      "猜你喜欢",
                                      "延伸阅读",
                                      "延伸閱讀",
                                      "相關閱讀",
                                      "相关文章",
                                      "相關文章",
                                      "相关推荐",
                                      "扫一扫",
                                      "分享到",
                                      "相关阅读",
                                      "推荐阅读",
                                      "责任编辑",
                                      "上一篇",
                                      "下一篇"};

enum { OPENERS = sizeof openers / sizeof *openers };

/* Chains of words by their first two bytes, of openers by their first byte. */
static uint8_t first_word[BUCKETS], next_word[WORDS + 1], first_opener[256],
    next_opener[OPENERS + 1];
static uint8_t length[WORDS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static unsigned bucket(uint8_t a, uint8_t b)
{
    return (a * 31u + b) % BUCKETS;
}

static void build(void)
{
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned b = bucket((uint8_t)words[i].word[0], (uint8_t)words[i].word[1]);
        length[i] = (uint8_t)strlen(words[i].word);
        next_word[i + 1] = first_word[b];
        first_word[b] = (uint8_t)(i + 1);
    }
    for (unsigned i = 0; i < OPENERS; i++) {
        uint8_t c = (uint8_t)openers[i][0];
        next_opener[i + 1] = first_opener[c];
        first_opener[c] = (uint8_t)(i + 1);
    }
}

_Static_assert(WORDS < 255 && OPENERS < 255, "indices are bytes");

unsigned yh_html_name_flags(const char *name)
{
    unsigned flags = 0;
    if (name == NULL)
        return 0;
    pthread_once(&once, build);
    for (const char *p = name; p[0] != 0 && p[1] != 0; p++) {
        unsigned b = bucket((uint8_t)tolower((uint8_t)p[0]), (uint8_t)tolower((uint8_t)p[1]));
        for (unsigned i = first_word[b]; i != 0; i = next_word[i])
            if (strncasecmp(p, words[i - 1].word, length[i - 1]) == 0)
                flags |= words[i - 1].flags;
    }
    return flags;
}

/* "Figure 3:", "Abb. 2:", "Foto:" */
static bool opens_caption(const char *text)
{
    static const char *const what[] = {"abbildung", "abb.",   "figure", "fig.",  "grafik",
                                       "tabelle",   "figura", "photo",  "image", NULL};
    for (const char *const *w = what; *w != NULL; w++)
        if (strncasecmp(text, *w, strlen(*w)) == 0) {
            text += strlen(*w);
            return text[strspn(text, " 0123456789.")] == ':';
        }
    return false;
}

bool yh_html_opens_furniture(const char *text, bool prose)
{
    enum { PHRASE = 12 };
    pthread_once(&once, build);
    for (unsigned i = first_opener[(uint8_t)tolower((uint8_t)text[0])]; i != 0;
         i = next_opener[i]) {
        const char *o = openers[i - 1];
        size_t n = strlen(o);
        if ((!prose || n >= PHRASE || o[n - 1] == ':') && strncasecmp(text, o, n) == 0)
            return true;
    }
    return opens_caption(text);
}
