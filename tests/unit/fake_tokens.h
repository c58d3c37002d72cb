/* Token documents in memory in place of token shards: defines the reading half of yh/tokens.h, so
 * that the linker takes these functions and not the library's. One folder, whatever its name. */
#ifndef YH_TESTS_FAKE_TOKENS_H
#define YH_TESTS_FAKE_TOKENS_H

#include "yh/tokens.h"

typedef struct fake_split {
    uint64_t docs, total;
    const uint64_t *begin; /* [docs + 1] */
    const int32_t *id;
} fake_split;

struct yh_tokens {
    fake_split split[2];
    uint32_t vocab, eos;
};
static yh_tokens fake;

yh_status yh_tokens_open(yh_tokens **out, const char *dir, bool verify, yh_err *err)
{
    (void)dir;
    (void)verify;
    (void)err;
    *out = &fake;
    return YH_OK;
}
void yh_tokens_close(yh_tokens *t)
{
    (void)t;
}
void yh_tokens_release(const yh_tokens *t)
{
    (void)t;
}
uint32_t yh_tokens_vocab(const yh_tokens *t)
{
    return t->vocab;
}
uint64_t yh_tokens_vocab_hash(const yh_tokens *t)
{
    return t->vocab;
}
uint32_t yh_tokens_eos(const yh_tokens *t)
{
    return t->eos;
}
uint64_t yh_tokens_docs(const yh_tokens *t, yh_split s)
{
    return t->split[s].docs;
}
uint64_t yh_tokens_total(const yh_tokens *t, yh_split s)
{
    return t->split[s].total;
}
uint64_t yh_tokens_bytes(const yh_tokens *t, yh_split s)
{
    return 3 * t->split[s].total;
}
void yh_tokens_doc(const yh_tokens *t, yh_split s, uint64_t doc, yh_token_doc *out)
{
    const fake_split *f = &t->split[s];
    out->n = f->begin[doc + 1] - f->begin[doc];
    out->text_bytes = 3 * out->n;
    out->source = "";
}
void yh_tokens_copy(const yh_tokens *t, yh_split s, uint64_t doc, uint64_t first, uint64_t n,
                    int32_t *out)
{
    const fake_split *f = &t->split[s];
    for (uint64_t i = 0; i < n; i++)
        out[i] = f->id[f->begin[doc] + first + i];
}

#endif
