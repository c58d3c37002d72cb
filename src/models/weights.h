/* What the parts of a model folder share: memory of parameters. */
#ifndef YH_MODELS_WEIGHTS_H
#define YH_MODELS_WEIGHTS_H

#include "models/model.h"

/* A model with the family's parameter table and no memory for weights yet. */
yh_status yh_weights_create(yh_model **out, const yh_model_config *cfg, yh_dtype type,
                            yh_err *err) YH_MUST_CHECK;
int64_t yh_weights_count(const yh_param_spec *s); /* elements */
/* Makes p->w or p->w16, owned. */
yh_status yh_weights_alloc(yh_param *p, bool f32, bool bf16, yh_err *err) YH_MUST_CHECK;
void yh_config_facts(const yh_model_config *c, yh_model_facts *out);
/* Whether the graph's tensor of this parameter has type BF16 in a model of this compute type. */
bool yh_weights_is_bf16(const yh_model *m, const yh_param_spec *s);

#endif
