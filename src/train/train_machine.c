#include "train/trainer.h"
#include "yh/bench.h"

double yh_train_machine_peak(yh_dtype type, yh_pool *pool)
{
    double flops = 0;
    yh_err err = YH_ERR_INIT;
    yh_status s = yh_machine_flops(pool, 0.15, type == YH_BF16, &flops, &err);
    if (s == YH_OK && flops <= 0) /* bf16 asked for where there are no units for it */
        s = yh_machine_flops(pool, 0.15, false, &flops, &err);
    if (s != YH_OK)
        yh_log(YH_LOG_WARN, "the machine's peak could not be measured: %s", err.msg);
    return s == YH_OK ? flops : 0.0;
}
