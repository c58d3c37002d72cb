/* The verbs of yh tok that have a file of their own; cmd_tok.c has the table of options and the
 * others. Each returns the exit status. */
#ifndef YH_CLI_TOK_VERBS_H
#define YH_CLI_TOK_VERBS_H

#include "cli/cli.h"

int yh_tok_verb_train(const yh_args *a); /* tok_verb_train.c */

#endif
