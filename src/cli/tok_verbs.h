/* The verbs of yh tok that have a file of their own; cmd_tok.c has the table of options and the
 * others. Each returns the exit status. */
#ifndef YH_CLI_TOK_VERBS_H
#define YH_CLI_TOK_VERBS_H

#include "base/alloc.h"
#include "cli/cli.h"

int yh_tok_verb_train(const yh_args *a);   /* tok_verb_train.c */
int yh_tok_verb_compare(const yh_args *a); /* tok_verb_compare.c */

/* Every document of a corpus folder or file, until fn sets *more to false. A document without a
 * source has the file's name. */
typedef yh_status (*yh_tok_doc_fn)(void *user, const yh_doc *d, bool *more, yh_err *err);
yh_status yh_tok_each_doc(const char *path, yh_tok_doc_fn fn, void *user,
                          yh_err *err) YH_MUST_CHECK;
int yh_tok_verb_count(const yh_args *a, const yh_tok *tok);

/* A whole file, or standard input for "-"; cmd_tok.c. */
yh_status yh_tok_slurp(const char *path, yh_buf *b, yh_err *err) YH_MUST_CHECK;

#endif
