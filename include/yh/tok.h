/* Tokenizers: byte-level BPE, read from and written to Hugging Face's tokenizer.json.
 * A loaded yh_tok is immutable: any number of threads may encode and decode with it. */
#ifndef YH_TOK_H
#define YH_TOK_H

#include "yh/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yh_tok yh_tok;

typedef struct yh_ids {
    uint32_t *id;
    /* byte offsets [begin, end) of each id in the input; NULL unless asked for */
    uint64_t *begin, *end;
    size_t n, cap;
} yh_ids;
#define YH_IDS_INIT                                                                                \
    {                                                                                              \
        NULL, NULL, NULL, 0, 0                                                                     \
    }
void yh_ids_fini(yh_ids *ids);

enum {
    YH_ENCODE_SPECIAL =
        1, /* special tokens written in the text become their ids (else plain text) */
    YH_ENCODE_TEMPLATE = 2, /* add what the post-processor adds (for example BOS) */
    YH_ENCODE_OFFSETS = 4,
    YH_ENCODE_TRUNCATE = 8, /* cut to what the tokenizer's file states; without it nothing is cut */
    YH_ENCODE_PAD = 16      /* fill up to what the file states */
};

/* path: a tokenizer.json, a SentencePiece .model, a .tiktoken file of one of the known encodings,
 * or a folder that holds tokenizer.json (and maybe tokenizer_config.json) or tokenizer.model. */
yh_status yh_tok_load(yh_tok **out, const char *path, yh_err *err) YH_MUST_CHECK;
/* A .tiktoken file whose text is cut by this pattern; NULL: that of the known encoding of its size.
 */
yh_status yh_tok_load_tiktoken(yh_tok **out, const char *path, const char *pattern,
                               yh_err *err) YH_MUST_CHECK;
void yh_tok_free(yh_tok *t);
/* Writes tokenizer.json and tokenizer_config.json into dir; of a SentencePiece model
 * tokenizer.model, the same bytes as were read. */
yh_status yh_tok_save(const yh_tok *t, const char *dir, yh_err *err) YH_MUST_CHECK;

/* Appends the ids of text[0..n) to out. Any bytes are accepted: invalid UTF-8 becomes U+FFFD. */
yh_status yh_tok_encode(const yh_tok *t, const char *text, size_t n, unsigned flags, yh_ids *out,
                        yh_err *err) YH_MUST_CHECK;
/* The same ids by all threads of a pool (NULL: one), which may not run anything else meanwhile. A
 * text is cut only where its ids surely do not depend on it; a tokenizer for which no such place is
 * known (all but byte-level BPE with one of the usual patterns) encodes on one thread. */
yh_status yh_tok_encode_pool(const yh_tok *t, const char *text, size_t n, unsigned flags,
                             yh_pool *pool, yh_ids *out, yh_err *err) YH_MUST_CHECK;
/* How many ids that would be, without storing more than a few thousand of them at a time. */
yh_status yh_tok_count(const yh_tok *t, const char *text, size_t n, unsigned flags, yh_pool *pool,
                       uint64_t *count, yh_err *err) YH_MUST_CHECK;

/* A text that grows at its end, and its ids: for serving, where a context gets longer turn by turn.
 * After each append the ids are those of yh_tok_encode of the whole text; the work is that of the
 * new text and the last word before it, with the tokenizers that yh_tok_encode_pool can cut for,
 * else of the whole. Not for several threads at a time. flags: as for yh_tok_encode, without
 * YH_ENCODE_OFFSETS, _TRUNCATE, _PAD. The tokenizer must outlive it. */
typedef struct yh_tok_text yh_tok_text;
yh_status yh_tok_text_create(yh_tok_text **out, const yh_tok *t, unsigned flags,
                             yh_err *err) YH_MUST_CHECK;
void yh_tok_text_free(yh_tok_text *x);
/* Appends any bytes, characters may be cut. The first *same ids are as before, those behind are
 * new. After a failure the text is as it was before. */
yh_status yh_tok_text_append(yh_tok_text *x, const char *text, size_t n, size_t *same,
                             yh_err *err) YH_MUST_CHECK;
/* All ids, valid until the next append. */
const uint32_t *yh_tok_text_ids(const yh_tok_text *x, size_t *n);

/* What one token adds to a decoded text when it is not the first ("" for an unknown id); borrowed
 * from t. special: NULL or set. */
const char *yh_tok_bytes(const yh_tok *t, uint32_t id, size_t *len, bool *special);
/* Whole text, caller frees with yh_text_free; skip_special leaves special tokens out. */
yh_status yh_tok_decode(const yh_tok *t, const uint32_t *id, size_t n, bool skip_special,
                        char **text, size_t *len, yh_err *err) YH_MUST_CHECK;
void yh_text_free(char *text);

/* Incremental decoding that never cuts a UTF-8 character. Caller-owned state, zero to start. The
 * pieces together are what yh_tok_decode gives for all ids, with one exception: of tokens that
 * stand for single bytes (byte fallback), Hugging Face's decoder turns a whole run into U+FFFD when
 * a part of it is no UTF-8; a stream, which has given out the valid part already, only that part.
 */
typedef struct yh_tok_stream {
    unsigned char held[8];
    size_t n;
    unsigned char begun, text, owed, unstripped, one; /* flags */
    size_t stripped;
} yh_tok_stream;
/* Writes at most cap bytes that are ready (cap >= longest token + 16) and returns their number. */
size_t yh_tok_stream_push(const yh_tok *t, yh_tok_stream *s, uint32_t id, char *out, size_t cap);
size_t yh_tok_stream_end(yh_tok_stream *s, char *out,
                         size_t cap); /* what is held, invalid as U+FFFD */

uint32_t yh_tok_size(const yh_tok *t);                   /* ids are below this */
size_t yh_tok_longest(const yh_tok *t);                  /* most bytes that one token decodes to */
int64_t yh_tok_find(const yh_tok *t, const char *token); /* id of an added token by its text; -1 */
int64_t yh_tok_eos(const yh_tok *t); /* end of text / document separator; -1: none */
int64_t yh_tok_bos(const yh_tok *t);
uint64_t yh_tok_hash(const yh_tok *t); /* of vocabulary, merges and added tokens */

/* Chat template as in tokenizer_config.json; NULL: none. Rendering: yh_tok_chat. */
const char *yh_tok_chat_template(const yh_tok *t);
typedef struct yh_chat_message {
    const char *role, *content;
} yh_chat_message;
/* Renders messages as the model's template would, for the template families that are known
 * (ChatML, Llama 3); YH_UNSUPPORTED names what is not. Caller frees with yh_text_free. */
yh_status yh_tok_chat(const yh_tok *t, const yh_chat_message *m, size_t n,
                      bool add_generation_prompt, char **text, yh_err *err) YH_MUST_CHECK;

/* ---- training ---- */
typedef struct yh_tok_trainer yh_tok_trainer;
typedef enum yh_tok_kind {
    YH_TOK_BPE,    /* byte-level BPE */
    YH_TOK_UNIGRAM /* unigram over words that begin with a space, with byte fallback */
} yh_tok_kind;

/* All zero: the defaults. Strings are copied. */
typedef struct yh_tok_train_options {
    uint32_t vocab;      /* with specials; 0: 32768 */
    const char *pattern; /* BPE: pre-tokenizer; NULL: Qwen2's */
    int threads;         /* 0: all; the result does not depend on it */
    yh_tok_kind kind;
    uint64_t memory;    /* bytes that training may take, roughly; 0: 2 GiB. What does not fit goes
                         * through the disk; the result depends on it only when words that are next
                         * to nothing of the text are left out or (unigram) a sample of the text
                         * is taken: see the report */
    uint64_t min_count; /* pairs that occur less often are not merged; 0: 2 */
    const char *const
        *special; /* special tokens, ended by NULL; the first is the end of text. NULL:
                   * <|endoftext|>, <|im_start|>, <|im_end|> */
    /* A folder for what was counted, so that a killed run goes on; NULL: none. key names the input:
     * the documents that are added and their order. What the folder holds of another key, or of a
     * different way to count, is dropped. */
    const char *work, *key;
    double coverage; /* unigram: share of the text whose characters become tokens; 0: 0.9995 */
    bool no_byte_fallback; /* unigram: other characters are unknown, instead of their bytes */
    uint64_t save_bytes;   /* text between two saves of the work; 0: four times the memory */
} yh_tok_train_options;

typedef struct yh_tok_train_report {
    uint64_t docs, bytes;   /* counted, those of an earlier run included */
    uint64_t words;         /* different ones */
    uint64_t dropped;       /* of them, left out because memory was short */
    uint64_t dropped_below; /* they occur less often than this; 0: none */
    uint64_t sampled;       /* unigram: one of so many words of the text was taken; 1: all */
    uint64_t spilled;       /* bytes of counted words that went through the disk */
    uint64_t resumed;       /* documents that an earlier run had counted */
} yh_tok_train_report;

yh_status yh_tok_trainer_create(yh_tok_trainer **out, const yh_tok_train_options *o,
                                yh_err *err) YH_MUST_CHECK;
void yh_tok_trainer_free(yh_tok_trainer *t);
/* Counts the words of one document. Documents that an earlier run with the same work folder has
 * counted are passed over: add the same documents in the same order. */
yh_status yh_tok_trainer_add(yh_tok_trainer *t, const char *text, size_t n,
                             yh_err *err) YH_MUST_CHECK;
/* True when an earlier run has counted all documents: nothing need be added. */
bool yh_tok_trainer_counted(const yh_tok_trainer *t);
/* Merges until the vocabulary is full; done/total are merges. */
yh_status yh_tok_trainer_finish(yh_tok_trainer *t,
                                void (*progress)(void *user, uint64_t done, uint64_t total),
                                void *user, yh_tok **out, yh_err *err) YH_MUST_CHECK;
void yh_tok_trainer_report(const yh_tok_trainer *t, yh_tok_train_report *r);
/* Removes the work folder, once the tokenizer is stored. */
yh_status yh_tok_trainer_clear(yh_tok_trainer *t, yh_err *err) YH_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
