/* What yh corpus (and yh clean --explain) print for people. All return the exit status. */
#ifndef YH_CORPUS_SHOW_H
#define YH_CORPUS_SHOW_H

#include "cli/cli.h"

/* The way of one document; text: its text alone. --json is honoured. */
int corpus_explain(const yh_args *a, const char *corpus, const char *id, bool text);
int corpus_print_diff(const yh_args *a, const char *json);
int corpus_print_mix(const yh_args *a, const char *out);
int corpus_print_stats(const yh_args *a, const char *corpus);
/* report.json as yh clean tells it; *kept (may be NULL): documents. */
int corpus_print_report(const yh_args *a, const char *out, long long *kept);

#endif
