/* fastText's model files: what parses predicts something between 0 and 1 for any text. */
#include <stdlib.h>

#include "rules/fasttext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_classifier *c = NULL;
    yh_err err = {0};
    if (yh_ft_parse(&c, data, size, "model", &err) != YH_OK) {
        if (err.msg[0] == '\0' || c != NULL)
            __builtin_trap();
        return 0;
    }
    float *p = malloc(sizeof *p * (size_t)yh_classifier_labels(c));
    if (p != NULL && yh_classifier_predict(c, "free money \xe4\xb8\xad", 14, p, NULL) == YH_OK)
        for (int i = 0; i < yh_classifier_labels(c); i++)
            if (p[i] < 0 || p[i] > 1.001f || yh_classifier_label(c, i) == NULL)
                __builtin_trap();
    free(p);
    yh_classifier_free(c);
    return 0;
}
