/* Parsing a command line by a command's table (used by main.c only). */
#ifndef YH_CLI_ARGS_H
#define YH_CLI_ARGS_H

#include <stdio.h>
#include "cli/cli.h"

enum { YH_ARGS_RUN = -1 };

/* Returns YH_ARGS_RUN, or the exit status when help or an error was printed. */
int yh_args_parse(yh_args **out, const yh_cmd *c, int argc, char **argv);
void yh_args_free(yh_args *a);
void yh_args_help(const yh_cmd *c, FILE *f);

#endif
