#include "train/trainer.h"
#include "yh/bench.h"

double yh_train_machine_peak(yh_dtype type, yh_pool *pool)
{
    yh_machine_limits m;
    yh_err err = YH_ERR_INIT;
    if (yh_machine_measure(pool, 0.4, &m, &err) != YH_OK) {
        yh_log(YH_LOG_WARN, "the machine's peak could not be measured: %s", err.msg);
        return 0.0;
    }
    return type == YH_BF16 && m.flops_bf16 > 0 ? m.flops_bf16 : m.flops_f32;
}
