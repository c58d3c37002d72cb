/* Learning-rate schedules as a factor in [0, 1] of the peak rate, driven by the fraction of the
 * budget that is done. */
#ifndef YH_TRAIN_SCHEDULE_H
#define YH_TRAIN_SCHEDULE_H

#include "yh/train.h"

typedef struct yh_schedule_rule {
    yh_schedule kind;
    double warmup, decay, min_ratio; /* fractions of the budget; of the peak rate */
    /* an early decay (training stopped paying): from here, at this length; from < 0: none */
    double early_from, early_length;
} yh_schedule_rule;

/* x: the fraction done before the step; dx: the fraction that the step is (so that the first step
 * of a warm-up of n steps has the factor 1/n). */
double yh_schedule_factor(const yh_schedule_rule *r, double x, double dx);

#endif
