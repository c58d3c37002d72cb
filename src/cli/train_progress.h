/* The live line of training, for yh train and yh make. */
#ifndef YH_CLI_TRAIN_PROGRESS_H
#define YH_CLI_TRAIN_PROGRESS_H

#include "cli/cli.h"

/* A yh_train_options.progress callback; user is not used. */
void yh_train_progress_show(void *user, const yh_train_progress *p);

#endif
