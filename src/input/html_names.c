#include "input/html_names.h"

#include <ctype.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The words of the first four groups follow Arc90's Readability and what pages were found to use.
 */
static const struct {
    const char *word;
    unsigned flags;
} words[] = {{"-ad-", 1},
             {"ai2html", 1},
             {"banner", 9},
             {"breadcrumb", 1},
             {"combx", 9},
             {"comment", 9},
             {"community", 1},
             {"cover-wrap", 1},
             {"disqus", 1},
             {"extra", 1},
             {"footer", 9},
             {"gdpr", 9},
             {"header", 1},
             {"legends", 1},
             {"menu", 1},
             {"related", 9},
             {"remark", 1},
             {"replies", 1},
             {"rss", 1},
             {"shoutbox", 9},
             {"sidebar", 9},
             {"skyscraper", 9},
             {"social", 1},
             {"sponsor", 9},
             {"supplemental", 1},
             {"ad-break", 1},
             {"agegate", 1},
             {"pagination", 1},
             {"pager", 1},
             {"popup", 1},
             {"yom-remote", 1},
             {"cookie", 1},
             {"newsletter", 1},
             {"subscribe", 1},
             {"share", 9},
             {"sharing", 1},
             {"promo", 9},
             {"navbar", 1},
             {"nav-", 1},
             {"-nav", 1},
             {"toolbar", 1},
             {"recommend", 1},
             {"advert", 1},
             {"outbrain", 9},
             {"taboola", 1},
             {"most-read", 1},
             {"mostread", 1},
             {"trending", 1},
             {"signup", 1},
             {"sign-up", 1},
             {"read-more", 1},
             {"readmore", 1},
             {"also-like", 1},
             {"byline", 1},
             {"copyright", 1},
             {"and", 2},
             {"article", 6},
             {"body", 6},
             {"column", 2},
             {"content", 6},
             {"main", 6},
             {"shadow", 2},
             {"story", 6},
             {"post", 6},
             {"entry", 6},
             {"page", 4},
             {"text", 4},
             {"blog", 4},
             {"prose", 4},
             {"markdown", 4},
             {"hid", 8},
             {"com-", 8},
             {"contact", 8},
             {"masthead", 8},
             {"media", 8},
             {"meta", 8},
             {"scroll", 8},
             {"shopping", 8},
             {"tags", 24},
             {"widget", 8},
             {"caption", 24},
             {"credit", 24},
             {"author-bio", 16},
             {"author-box", 16},
             {"about-author", 16},
             {"author-desc", 16},
             {"teaser", 16},
             {"article-body", 32},
             {"articlebody", 32},
             {"article__body", 32},
             {"article-content", 32},
             {"article__content", 32},
             {"entry-content", 32},
             {"post-content", 32},
             {"post-body", 32},
             {"story-body", 32},
             {"storybody", 32},
             {"article-text", 32},
             {"article_text", 32},
             {"postcontent", 32},
             {"body-content", 32},
             {"content-body", 32},
             {"post_content", 32},
             {"main-content", 32},
             {"page-content", 32}};

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

bool yh_html_opens_furniture(const char *text)
{
    pthread_once(&once, build);
    for (unsigned i = first_opener[(uint8_t)tolower((uint8_t)text[0])]; i != 0; i = next_opener[i])
        if (strncasecmp(text, openers[i - 1], strlen(openers[i - 1])) == 0)
            return true;
    return false;
}
