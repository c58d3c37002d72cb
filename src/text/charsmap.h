/* SentencePiece's precompiled character map: a double-array trie from text to text, as it is stored
 * in .model files and in tokenizer.json. Immutable. */
#ifndef YH_TEXT_CHARSMAP_H
#define YH_TEXT_CHARSMAP_H

#include "text/align.h"

typedef struct yh_charsmap yh_charsmap;

/* blob: 4 bytes length of the trie, the trie (darts-clone's units of 32 bits, little endian), the
 * texts, each ended by a zero byte. Copied. name is for messages. */
yh_status yh_charsmap_create(yh_charsmap **out, const char *blob, size_t n, const char *name,
                             yh_err *err) YH_MUST_CHECK;
void yh_charsmap_free(yh_charsmap *m);
/* What the shortest, or the longest, key that p[0..n) begins with becomes: its length, or 0 when
 * there is none; *text borrowed. */
size_t yh_charsmap_find(const yh_charsmap *m, const uint8_t *p, size_t n, bool longest,
                        const char **text, size_t *text_len);
/* Whether a key begins with p[0..n), or is the begin of that. */
bool yh_charsmap_begins(const yh_charsmap *m, const uint8_t *p, size_t n);
/* False: no key has this byte anywhere. */
bool yh_charsmap_has(const yh_charsmap *m, uint8_t byte);
/* As Hugging Face's Precompiled normalizer: by extended grapheme clusters where they are short,
 * else by characters. Arguments as of yh_norm_run. */
yh_status yh_charsmap_run(const yh_charsmap *m, const uint8_t *p, size_t n, yh_buf *out,
                          yh_pieces *map, bool *changed, yh_err *err) YH_MUST_CHECK;

#endif
