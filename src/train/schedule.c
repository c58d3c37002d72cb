#include "train/schedule.h"

#include <math.h>

static double clamp01(double x)
{
    return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

static double plain(const yh_schedule_rule *r, double x, double dx)
{
    if (x < r->warmup)
        return clamp01((x + dx) / r->warmup);
    switch (r->kind) {
    case YH_SCHED_CONSTANT:
        break;
    case YH_SCHED_COSINE: {
        double q = r->warmup < 1.0 ? clamp01((x - r->warmup) / (1.0 - r->warmup)) : 1.0;
        return r->min_ratio + (1.0 - r->min_ratio) * 0.5 * (1.0 + cos(3.14159265358979323846 * q));
    }
    case YH_SCHED_WSD:
        if (r->decay > 0.0 && x > 1.0 - r->decay)
            return r->min_ratio + (1.0 - r->min_ratio) * clamp01((1.0 - x) / r->decay);
        break;
    }
    return 1.0;
}

double yh_schedule_factor(const yh_schedule_rule *r, double x, double dx)
{
    if (r->early_from < 0.0 || x < r->early_from)
        return plain(r, x, dx);
    double q = r->early_length > 0.0 ? clamp01((x - r->early_from) / r->early_length) : 1.0;
    double at = plain(r, r->early_from, dx), low = r->min_ratio < at ? r->min_ratio : at;
    return low + (at - low) * (1.0 - q);
}
