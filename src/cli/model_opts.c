#include "cli/model_opts.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

bool yh_model_opt_precision(const yh_args *a, yh_precision *out)
{
    const char *t = yh_arg_text(a, "precision", "auto");
    *out = strcmp(t, "f32") == 0    ? YH_PRECISION_F32
           : strcmp(t, "bf16") == 0 ? YH_PRECISION_BF16
                                    : YH_PRECISION_AUTO;
    if (*out == YH_PRECISION_AUTO && strcmp(t, "auto") != 0) {
        yh_cli_usage(a, "--precision is f32, bf16 or auto, not \"%s\"", t);
        return false;
    }
    return true;
}

bool yh_model_opt_sampling(const yh_args *a, yh_sampling *out)
{
    yh_err err = YH_ERR_INIT;
    int64_t k = yh_arg_int(a, "top-k", 40), n = yh_arg_int(a, "max-tokens", 0);
    *out = (yh_sampling)YH_SAMPLING_INIT;
    out->temperature = (float)yh_arg_num(a, "temperature", 0.8);
    out->top_k = k < 0 ? -1 : k > INT32_MAX ? INT32_MAX : (int)k;
    out->top_p = (float)yh_arg_num(a, "top-p", 0.95);
    out->min_p = (float)yh_arg_num(a, "min-p", 0.0);
    out->repetition_penalty = (float)yh_arg_num(a, "repetition-penalty", 1.0);
    out->seed = (uint64_t)yh_arg_int(a, "seed", 0);
    if (!yh_arg_given(a, "seed") &&
        getrandom(&out->seed, sizeof out->seed, 0) != (ssize_t)sizeof out->seed)
        out->seed = (uint64_t)time(NULL);
    if (yh_sampling_check(out, &err) != YH_OK) {
        yh_cli_usage(a, "%s", err.msg);
        return false;
    }
    if (n < 0 || n > INT32_MAX || yh_arg_int(a, "context", 0) < 0 ||
        yh_arg_int(a, "context", 0) > INT32_MAX) {
        yh_cli_usage(a, "--max-tokens and --context must be 0 or more");
        return false;
    }
    return true;
}

int yh_opened_open(const yh_args *a, const char *dir, yh_opened *o)
{
    yh_err err = YH_ERR_INIT;
    yh_precision precision;
    *o = (yh_opened){NULL, NULL, NULL};
    if (!yh_model_opt_precision(a, &precision))
        return 2;
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    yh_status s = yh_model_load(&o->model, dir, precision, false, &err);
    if (s == YH_OK)
        s = yh_tok_load(&o->tok, yh_arg_text(a, "tok", dir), &err);
    if (s == YH_OK)
        s = yh_session_create(&o->session, o->model, (uint32_t)yh_arg_int(a, "context", 0), pool,
                              &err);
    if (s == YH_OK)
        return 0;
    yh_opened_close(o);
    return yh_cli_fail(a, &err);
}

void yh_opened_close(yh_opened *o)
{
    yh_session_free(o->session);
    yh_tok_free(o->tok);
    yh_model_free(o->model);
    *o = (yh_opened){NULL, NULL, NULL};
}
