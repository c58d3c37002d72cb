/* Token shards: documents as ids, memory-mapped.
 * A folder: tokens.json (version, vocabulary size and hash, splits, shards with counts and
 * checksums), <split>-00000.bin (u16 or u32 little-endian ids, each document ended by the EOS id),
 * <split>-00000.idx (documents: first token, number of tokens, bytes of text, source). */
#ifndef YH_TOKENS_H
#define YH_TOKENS_H

#include "yh/corpus.h"
#include "yh/tok.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum yh_split { YH_TRAIN, YH_HELDOUT } yh_split;

typedef struct yh_pack_options {
    unsigned heldout_per_mille; /* 0: none held out */
    uint64_t shard_tokens;      /* in one shard; 0: 2^26 */
    /* from any thread, one at a time */
    void (*progress)(void *user, uint64_t docs, uint64_t tokens, uint64_t bytes);
    void *user;
} yh_pack_options;
/* Encodes a corpus (folder or file) into token shards in `out`, in parallel. Restartable. */
yh_status yh_pack_run(const char *corpus, const yh_tok *tok, const char *out,
                      const yh_pack_options *o, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

/* Counts the tokens of a corpus (folder or file) without storing them; the documents' ends are not
 * counted. progress may be NULL; it is called from any thread, one at a time. */
typedef struct yh_token_count {
    uint64_t documents, tokens, bytes; /* bytes of text */
} yh_token_count;
yh_status yh_count_run(const char *corpus, const yh_tok *tok, yh_pool *pool,
                       void (*progress)(void *user, const yh_token_count *so_far), void *user,
                       yh_token_count *out, yh_err *err) YH_MUST_CHECK;

typedef struct yh_tokens yh_tokens;
/* verify: read everything once and compare checksums and ids with the vocabulary size. */
yh_status yh_tokens_open(yh_tokens **out, const char *dir, bool verify, yh_err *err) YH_MUST_CHECK;
void yh_tokens_close(yh_tokens *t);
uint32_t yh_tokens_vocab(const yh_tokens *t);
uint64_t yh_tokens_vocab_hash(const yh_tokens *t);
uint32_t yh_tokens_eos(const yh_tokens *t);
uint64_t yh_tokens_docs(const yh_tokens *t, yh_split s);
uint64_t yh_tokens_total(const yh_tokens *t, yh_split s); /* ids, EOS included */
uint64_t yh_tokens_bytes(const yh_tokens *t, yh_split s); /* bytes of text */
typedef struct yh_token_doc {
    uint64_t n; /* ids, the closing EOS included */
    uint64_t text_bytes;
    const char *source; /* borrowed from t */
} yh_token_doc;
void yh_tokens_doc(const yh_tokens *t, yh_split s, uint64_t doc, yh_token_doc *out);
/* Copies ids [first, first+n) of a document; the range must lie within it. */
void yh_tokens_copy(const yh_tokens *t, yh_split s, uint64_t doc, uint64_t first, uint64_t n,
                    int32_t *out);
/* What was read so far no longer counts as memory of the process. Not while another thread reads.
 */
void yh_tokens_release(const yh_tokens *t);

#ifdef __cplusplus
}
#endif
#endif
