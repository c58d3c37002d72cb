/* What the parts of a model folder share: memory of parameters. */
#ifndef YH_MODELS_WEIGHTS_H
#define YH_MODELS_WEIGHTS_H

#include "models/model.h"

/* A model with the family's parameter table and no memory for weights yet. */
yh_status yh_weights_create(yh_model **out, const yh_model_config *cfg, yh_dtype type,
                            yh_err *err) YH_MUST_CHECK;
int64_t yh_weights_count(const yh_param_spec *s); /* elements */
/* Makes p->w, or p->w16 where bf16, with p->low for masters: owned. p->spec is set. */
yh_status yh_weights_alloc(yh_param *p, bool bf16, bool masters, yh_err *err) YH_MUST_CHECK;
void yh_weights_free(yh_param *p); /* what is owned */
/* n weights from number `at` on; what is kept loses nothing of them where there are masters. */
void yh_weights_put(const yh_param *p, int64_t at, const float *v, int64_t n);
/* masters: with all bits that are kept; else as graphs read them. */
void yh_weights_get(const yh_param *p, bool masters, int64_t at, float *v, int64_t n);
void yh_config_facts(const yh_model_config *c, yh_model_facts *out);
/* Whether the graph's tensor of this parameter has type BF16 in a model of this compute type. */
bool yh_weights_is_bf16(const yh_model *m, const yh_param_spec *s);

#endif
