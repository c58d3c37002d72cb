/* A line model from a file, and lists: hostile bytes make an error, never more. */
#include <stdlib.h>

#include "rules/line_model.h"
#include "rules/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_line_model *m;
    if (yh_line_model_parse(&m, data, size, "fuzz", NULL) == YH_OK) {
        double p = -1;
        if (yh_line_model_score(m, NULL, "a line", 6, 0.5, &p, NULL) == YH_OK &&
            !(p >= 0 && p <= 1))
            abort();
        yh_line_model_free(m);
    }
    yh_list l;
    yh_list_init(&l);
    if (yh_list_parse(&l, (const char *)data, size, "fuzz", NULL) == YH_OK)
        for (size_t i = 0; i < l.n; i++)
            if (l.entry[i].len == 0 || strlen(l.entry[i].text) != l.entry[i].len)
                abort();
    yh_list_fini(&l);
    return 0;
}
