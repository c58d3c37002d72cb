/* Memory that fails while models are opened, written and run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "models/model.h"
#include "torture.h"
#include "yh/eval.h"
#include "yh/session.h"

static char dir[256];

static const yh_model_config config = {.family = "qwen3",
                                       .vocab = 33,
                                       .width = 16,
                                       .layers = 1,
                                       .heads = 2,
                                       .kv_heads = 1,
                                       .head_dim = 8,
                                       .ffn = 24,
                                       .context = 40,
                                       .rope_theta = 10000.0,
                                       .norm_eps = 1e-6,
                                       .tied = true,
                                       .init_std = 0.1,
                                       .bos = -1,
                                       .eos = 0,
                                       .pad = -1};

static int make_dir(void **state)
{
    yh_model *m;
    (void)state;
    snprintf(dir, sizeof dir, "%s/it-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (mkdtemp(dir) == NULL || yh_model_init(&m, &config, YH_F32, 1, NULL) != YH_OK)
        return 1;
    yh_status s = yh_model_save(m, dir, YH_F32, true, NULL);
    yh_model_free(m);
    return s != YH_OK;
}

static int remove_dir(void **state)
{
    char cmd[320];
    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

/* jansson 2.14 loses a block when memory fails while it parses a number: its own memory stays out
 * of this. */
static void leave_json_alone(void)
{
    json_set_alloc_funcs(malloc, free);
}

static yh_status open_it(void *arg, yh_err *err)
{
    yh_model *m;
    leave_json_alone();
    YH_TRY(yh_model_load(&m, dir, *(yh_precision *)arg, true, err));
    yh_model_free(m);
    return YH_OK;
}

static yh_status write_it(void *arg, yh_err *err)
{
    leave_json_alone();
    return yh_model_save(arg, dir, YH_F32, true, err);
}

static yh_status run_it(void *arg, yh_err *err)
{
    static const uint32_t id[20] = {1, 2, 3, 4, 5, 6, 7};
    yh_session *s;
    YH_TRY(yh_session_create(&s, arg, 0, NULL, err));
    yh_status rc = yh_session_feed(s, id, 20, err);
    if (rc == YH_OK)
        rc = yh_session_feed(s, id, 1, err);
    yh_session_free(s);
    return rc;
}

static yh_status logits_of_it(void *arg, yh_err *err)
{
    static const uint32_t id[9] = {1, 2, 3, 4, 5, 6, 7};
    float out[9 * 33];
    return yh_eval_logits(arg, id, 9, out, NULL, err);
}

static void no_memory(void **state)
{
    yh_precision p[] = {YH_PRECISION_F32, YH_PRECISION_BF16};
    yh_model *m;
    (void)state;
    torture_step(open_it, &p[0], 1);
    torture_step(open_it, &p[1], 1);
    assert_int_equal(yh_model_load(&m, dir, YH_PRECISION_F32, false, NULL), YH_OK);
    torture_step(write_it, m, 1);
    /* the kernels keep their workspace: it is there before the counting begins */
    assert_int_equal(run_it(m, NULL), YH_OK);
    assert_int_equal(logits_of_it(m, NULL), YH_OK);
    torture_step(run_it, m, 1);
    torture_step(logits_of_it, m, 1);
    yh_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_memory)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
