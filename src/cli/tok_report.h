/* How well tokenizers compress text, by group: a source, a language. yh tok compare, and what
 * yh tok train tells at its end. One thread; encoding runs on the pool. */
#ifndef YH_CLI_TOK_REPORT_H
#define YH_CLI_TOK_REPORT_H

#include "base/json.h"
#include "cli/cli.h"

typedef struct tok_report tok_report;

/* toks and names are borrowed. A source gets at most source_bytes of text. */
yh_status tok_report_create(tok_report **out, const yh_tok *const *toks, const char *const *names,
                            size_t n, uint64_t source_bytes, yh_err *err) YH_MUST_CHECK;
void tok_report_free(tok_report *r);
/* Takes a copy of the text; encodes what was gathered when there is enough of it. full: true when
 * the source has had its share, and the text was not taken. lang: as the corpus has it; NULL or "":
 * the script decides. */
yh_status tok_report_add(tok_report *r, yh_pool *pool, const char *source, const char *lang,
                         const char *text, size_t n, bool *full, yh_err *err) YH_MUST_CHECK;
/* Encodes what is left. Before the report is told. */
yh_status tok_report_finish(tok_report *r, yh_pool *pool, yh_err *err) YH_MUST_CHECK;
uint64_t tok_report_bytes(const tok_report *r);
/* Tables, by source and by language. */
void tok_report_print(const tok_report *r);
/* New reference; NULL: no memory. */
json_t *tok_report_json(const tok_report *r);

#endif
