/* What a yh_tok is made of, in the order that text passes: added tokens, normalizer, pre-tokenizer,
 * model, post-processor; and the decoder. Private to src/text.
 *
 *   norm.h   text -> text, with alignments          norm*.c, precompiled.c, nfc.c, sp_norm.c
 *   pre.h    text -> words                          pre*.c, pretok.c, regex.c
 *   model    word -> ids and their places           bpe.c, units.c, unigram.c, wordpiece.c
 *   decode.h ids -> text                            decode*.c
 *
 * encode.c leads a text through the first three; tok_json.c reads tokenizer.json. */
#ifndef YH_TEXT_TOK_IMPL_H
#define YH_TEXT_TOK_IMPL_H

#include <jansson.h>
#include <pthread.h>

#include "text/bpe.h"
#include "text/decode.h"
#include "text/norm.h"
#include "text/pre.h"
#include "text/sp.h"
#include "text/unicode.h"
#include "text/unigram.h"
#include "text/units.h"
#include "yh/tok.h"

enum { YH_TOK_TEMPLATE = 16 };

typedef struct yh_added {
    char *content;
    size_t len;
    char *shown; /* what it decodes to when that is not content; NULL */
    uint32_t id;
    bool special, lstrip, rstrip, single_word, normalized;
} yh_added;

/* Trie over added tokens: child lists by byte, the root's in a table. */
typedef struct yh_trie_node {
    uint32_t child, sibling; /* 0: none */
    int32_t added;           /* index into yh_tok.added, -1: no token ends here */
    uint8_t byte;
} yh_trie_node;
typedef struct yh_trie {
    yh_trie_node *node; /* node 0 is the root */
    uint32_t n;
    size_t cap;
    uint32_t first[256]; /* root's child by byte; 0: none */
    int only;            /* the only first byte, or -1 */
    size_t longest;      /* bytes of the longest token */
} yh_trie;

typedef enum yh_model_kind {
    YH_MODEL_BPE,   /* byte-level with all 256 bytes */
    YH_MODEL_UNITS, /* BPE of other kinds */
    YH_MODEL_UNIGRAM,
    YH_MODEL_WORDPIECE, /* and WordLevel */
} yh_model_kind;

/* The tokens of one word. begin, end: byte places in the word; NULL: the tokens follow each other,
 * each as long as it is in the vocabulary. */
typedef struct yh_toks {
    const uint32_t *id, *begin, *end;
    size_t n;
} yh_toks;

struct yh_tok {
    yh_model_kind kind;
    yh_bpe model; /* vocabulary of every kind of model, and the merges of YH_MODEL_BPE */
    yh_units units;
    yh_unigram unigram;
    yh_wordpiece wordpiece;
    yh_norm norm;
    yh_sp *sp; /* of a SentencePiece model, in place of norm and pre; NULL */
    yh_pre pre;
    bool byte_level; /* words are bytes, the vocabulary is written in GPT-2's alphabet */
    yh_decoder decoder;
    bool trim_offsets, trim_prefix; /* white space is not in offsets; but an added first space */
    uint32_t before[YH_TOK_TEMPLATE], after[YH_TOK_TEMPLATE]; /* what the post-processor adds */
    size_t n_before, n_after;
    bool cuts, cut_left; /* YH_ENCODE_TRUNCATE cuts to cut_to ids, the template's included */
    size_t cut_to;
    size_t pad_to, pad_step; /* YH_ENCODE_PAD fills up to pad_to, then to a multiple; 0: not */
    uint32_t pad_id;
    bool pad_left;
    yh_added *added;
    size_t n_added, added_cap;
    yh_trie raw, normal; /* matched before and behind the normalizer */
    uint8_t *special;    /* [size] bits: 1 an added token, 2 a special one */
    int64_t eos, bos;
    char *template_text;
    json_t *json, *config; /* as read, or as training made them; saved as they are */
    char *file;            /* a SentencePiece model as it was read, saved as it is; NULL */
    size_t file_len;
    uint64_t hash;
    /* memory of encoding threads, for reuse */
    pthread_mutex_t lock;
    struct yh_enc *idle;
};

yh_status yh_tok_new(yh_tok **out, yh_err *err) YH_MUST_CHECK;
/* Builds a tokenizer from the two JSON documents and takes its own references; config may be NULL.
 * name stands for the file in messages. */
yh_status yh_tok_from_json(yh_tok **out, json_t *json, json_t *config, const char *name,
                           yh_err *err) YH_MUST_CHECK;
/* The same from the bytes of a SentencePiece .model; of a .tiktoken file (pattern: see
 * yh_tok_load_tiktoken). */
yh_status yh_tok_from_sp(yh_tok **out, const char *data, size_t n, const char *name,
                         yh_err *err) YH_MUST_CHECK;
yh_status yh_tok_from_tiktoken(yh_tok **out, const char *data, size_t n, const char *pattern,
                               const char *name, yh_err *err) YH_MUST_CHECK;
/* Whether the bytes begin like a .tiktoken file. */
bool yh_tok_is_tiktoken(const char *data, size_t n);
yh_status yh_tok_hash_all(yh_tok *t, yh_err *err) YH_MUST_CHECK;
/* Behind the last change of added tokens: tries, flags, hash. */
yh_status yh_tok_finish(yh_tok *t, const char *name, yh_err *err) YH_MUST_CHECK;

/* model_json.c: "model" of a tokenizer.json */
yh_status yh_tok_read_model(yh_tok *t, const json_t *m, const char *name,
                            yh_err *err) YH_MUST_CHECK;
/* post_json.c */
yh_status yh_tok_read_post(yh_tok *t, const json_t *j, const char *name, yh_err *err) YH_MUST_CHECK;
yh_status yh_tok_read_limits(yh_tok *t, const json_t *truncation, const json_t *padding,
                             const char *name, yh_err *err) YH_MUST_CHECK;
/* Id of a token by the text that tokenizer.json has for it, or YH_NO_ID. */
uint32_t yh_tok_token(const yh_tok *t, const char *token, size_t n);

/* added.c */
yh_status yh_trie_add(yh_trie *t, const char *text, size_t n, int32_t added,
                      yh_err *err) YH_MUST_CHECK;
/* Child of a node by byte, 0: none. */
uint32_t yh_trie_child(const yh_trie *t, uint32_t at, uint8_t byte);
void yh_trie_finish(yh_trie *t);
void yh_trie_fini(yh_trie *t);
/* Leftmost-longest match at or behind *at: sets [*at, *end) and returns the added index, or -1. */
int32_t yh_trie_find(const yh_trie *t, const uint8_t *text, size_t n, size_t *at, size_t *end);

/* The tokenizer.json and tokenizer_config.json of a byte-level BPE (new references). merges: id of
 * left and right. */
yh_status yh_tok_make_json(json_t **json, const char *const *token, const size_t *token_len,
                           uint32_t tokens, const uint32_t *left, const uint32_t *right,
                           uint32_t merges, const char *pattern, const char *const *special,
                           uint32_t specials, yh_err *err) YH_MUST_CHECK;
/* The same of a unigram model: piece i is blob[at[i] .. at[i + 1]). Before them come <unk> and,
 * with byte_fallback, the 256 bytes. */
yh_status yh_tok_make_unigram_json(json_t **json, const char *blob, const uint32_t *at,
                                   const double *score, uint32_t pieces, bool byte_fallback,
                                   const char *const *special, uint32_t specials,
                                   yh_err *err) YH_MUST_CHECK;
/* eos: the end of text; NULL: none. */
yh_status yh_tok_make_config(json_t **config, const char *eos, yh_err *err) YH_MUST_CHECK;

#endif
