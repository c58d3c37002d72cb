/* Parameters of steps: a table per rule that checks what a recipe says, gives the defaults, and is
 * the documentation (`yh clean --rules`). */
#ifndef YH_RULES_PARAM_H
#define YH_RULES_PARAM_H

#include "base/json.h"

typedef enum yh_param_type {
    YH_PARAM_BOOL,
    YH_PARAM_NUMBER,
    YH_PARAM_TEXT,
    YH_PARAM_LIST /* of strings */
} yh_param_type;

typedef struct yh_param {
    const char *name; /* NULL ends a table */
    yh_param_type type;
    const char *value; /* the default, as JSON */
    const char *doc;   /* one line, with the unit */
    double min, max;   /* of a number; both 0: any */
} yh_param;

/* Makes the complete object: what `given` says (may be NULL), the defaults for the rest. The keys
 * "rule", "why" and "languages" of `given` are not looked at. YH_CORRUPT names an unknown key, a
 * wrong type or an out of range value, and what there is. `name` stands for the file and step in
 * messages. */
yh_status yh_params_complete(json_t **out, const json_t *given, const yh_param *table,
                             const char *name, yh_err *err) YH_MUST_CHECK;

/* Of a complete object; the name must be in the table. Text is borrowed from j. */
bool yh_param_bool(const json_t *j, const char *name);
double yh_param_number(const json_t *j, const char *name);
const char *yh_param_text(const json_t *j, const char *name);

#endif
