/* yh info: what a file or folder is. */
#include <stdio.h>

#include "cli/cli.h"

static int run(const yh_args *a)
{
    (void)a;
    return 1;
}

static const yh_opt opts[] = {{NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_info = {.name = "info",
                            .summary = "say what a file or folder is",
                            .usage = "PATH",
                            .opts = opts,
                            .min_args = 1,
                            .max_args = 1,
                            .run = run};
