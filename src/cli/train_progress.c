#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/train_progress.h"

static void step_line(const yh_train_progress *p)
{
    char n[32], m[32], left[32], steps[32] = "", bpb[32] = "";
    if (p->steps > 0)
        snprintf(steps, sizeof steps, "/%llu", (unsigned long long)p->steps);
    if (!isnan(p->bits_per_byte))
        snprintf(bpb, sizeof bpb, "  held out %.3f bpb", p->bits_per_byte);
    yh_live(false, "      step %llu%s  loss %.3f%s  %s tok/s  %.0f%% of peak  %s  %s left",
            (unsigned long long)p->step, steps, p->loss, bpb, yh_fmt_count(p->tokens_per_second, n),
            100.0 * p->peak_fraction, yh_fmt_bytes((double)p->memory_peak, m),
            yh_fmt_seconds(p->seconds_left, left));
}

void yh_train_progress_show(void *user, const yh_train_progress *p)
{
    char t[32];
    (void)user;
    if (strcmp(p->event, "step") == 0) {
        step_line(p);
    } else if (strcmp(p->event, "plan") == 0 || strcmp(p->event, "sample") == 0 ||
               strcmp(p->event, "done") == 0) {
        if (p->text != NULL)
            yh_live(true, "      %s", p->text);
    } else if (strcmp(p->event, "eval") == 0) {
        yh_live(true, "      step %llu, %s: held out %.4f bits per byte",
                (unsigned long long)p->step, yh_fmt_seconds(p->seconds, t), p->bits_per_byte);
    }
}
