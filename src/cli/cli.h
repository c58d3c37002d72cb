/* The command line: one table per command parses, prints the help and documents the command.
 * A command is one file cmd_<name>.c that exports `const yh_cmd yh_cmd_<name>`; CMake makes the
 * list. Commands print results on stdout and progress on stderr; they see include/yh/ and base
 * only. Exit status: 0 done, 1 failed, 2 wrong usage. */
#ifndef YH_CLI_H
#define YH_CLI_H

#include "yh/yh.h"

typedef enum yh_opt_kind {
    YH_OPT_FLAG,
    YH_OPT_TEXT,
    YH_OPT_LIST,
    YH_OPT_INT,
    YH_OPT_NUM,
    YH_OPT_SIZE
} yh_opt_kind;

typedef struct yh_opt {
    const char *name; /* long name without the dashes */
    char letter;      /* short form, or 0 */
    yh_opt_kind kind; /* SIZE takes k, m, g (10^3n) and Ki, Mi, Gi; LIST may be given many times */
    const char *metavar; /* for the help; NULL for flags */
    const char *help;
} yh_opt;

typedef struct yh_args yh_args;

typedef struct yh_cmd {
    const char *name;
    const char *summary;     /* one line */
    const char *usage;       /* behind "yh NAME " */
    const char *description; /* paragraphs for --help; NULL: none */
    const yh_opt *opts;      /* ends with a name of NULL; --help and --threads exist everywhere */
    int min_args, max_args;  /* positional; max -1: any number */
    const char *const *subs; /* sub-commands (first positional), NULL-terminated, or NULL */
    int (*run)(const yh_args *a);
} yh_cmd;

/* Values given; NULL / dflt when not given. Borrowed from the arguments. */
const char *yh_arg_text(const yh_args *a, const char *opt, const char *dflt);
int64_t yh_arg_int(const yh_args *a, const char *opt, int64_t dflt); /* INT and SIZE */
double yh_arg_num(const yh_args *a, const char *opt, double dflt);
bool yh_arg_flag(const yh_args *a, const char *opt);
bool yh_arg_given(const yh_args *a, const char *opt);
int yh_arg_list(const yh_args *a, const char *opt, const char ***values);
int yh_arg_count(const yh_args *a); /* positional arguments */
const char *yh_arg_at(const yh_args *a, int i);
const char *const *yh_arg_all(const yh_args *a);

/* The pool of this command, made at first use from --threads; on failure prints and returns NULL.
 */
yh_pool *yh_cli_pool(const yh_args *a);

/* Prints "yh NAME: message" on stderr and returns the exit status (1; 2 for YH_INVALID usage). */
int yh_cli_fail(const yh_args *a, const yh_err *err);
int yh_cli_usage(const yh_args *a, const char *fmt, ...) YH_PRINTF(2, 3);

/* One live line on stderr: redrawn in place on a terminal, printed at most every few seconds
 * elsewhere (final: always). Cleared by yh_live_end before other output. */
void yh_live(bool final, const char *fmt, ...) YH_PRINTF(2, 3);
void yh_live_end(void);
/* "1.2 GB", "3m 20s", "12.3k": into buf, returned */
const char *yh_fmt_bytes(double n, char buf[32]);
const char *yh_fmt_seconds(double s, char buf[32]);
const char *yh_fmt_count(double n, char buf[32]);

#endif
