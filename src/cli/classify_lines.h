/* yh classify lines: classifiers of lines, boilerplate or text. Returns the exit status. */
#ifndef YH_CLASSIFY_LINES_H
#define YH_CLASSIFY_LINES_H

#include "cli/cli.h"

int classify_lines(const yh_args *a);

#endif
