/* Options that the commands working with a model share. */
#ifndef YH_CLI_MODEL_OPTS_H
#define YH_CLI_MODEL_OPTS_H

#include "cli/cli.h"

/* false: usage was printed. Needs YH_MODEL_OPT_PRECISION in the table. */
bool yh_model_opt_precision(const yh_args *a, yh_precision *out);
#define YH_MODEL_OPT_PRECISION                                                                     \
    {                                                                                              \
        "precision", 0, YH_OPT_TEXT, "TYPE",                                                       \
            "f32 or bf16 (default: bf16 where the CPU multiplies it)"                              \
    }

/* false: usage was printed. Needs YH_MODEL_OPT_SAMPLING in the table. */
bool yh_model_opt_sampling(const yh_args *a, yh_sampling *out);
#define YH_MODEL_OPT_SAMPLING                                                                      \
    {"temperature", 't', YH_OPT_NUM, "T", "0: the most likely token (default 0.8)"},               \
        {"top-k", 0, YH_OPT_INT, "K", "only the K most likely tokens (default 40, 0: all)"},       \
        {"top-p", 0, YH_OPT_NUM, "P",                                                              \
         "only the most likely tokens that make up P together (default 0.95, 1: all)"},            \
        {"min-p", 0, YH_OPT_NUM, "P",                                                              \
         "only tokens at least P times as likely as the likeliest (default 0)"},                   \
        {"repetition-penalty", 0, YH_OPT_NUM, "R",                                                 \
         "above 1: tokens of the last 256 become less likely (default 1)"},                        \
        {"seed", 's', YH_OPT_INT, "N", "same seed, same text (default: another each time)"},       \
        {"max-tokens", 'n', YH_OPT_INT, "N", "at most N tokens (0: until the context is full)"},   \
        {"stop", 0, YH_OPT_LIST, "TEXT", "end at this text (may be given many times)"},            \
    {                                                                                              \
        "context", 0, YH_OPT_INT, "N", "length of the session in tokens (default: the model's)"    \
    }

/* A model with its tokenizer and a session; all freed by _close. Messages are printed. */
typedef struct yh_opened {
    yh_model *model;
    yh_tok *tok;
    yh_session *session;
} yh_opened;
int yh_opened_open(const yh_args *a, const char *dir, yh_opened *o); /* exit status */
void yh_opened_close(yh_opened *o);

#endif
