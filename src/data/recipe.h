/* Recipes: which rules and stages run, in which order, with which parameters. A recipe is JSON:
 *   {"name", "description", "extends"?, "read": {...}, "steps": [{"rule": NAME, parameter: value,
 *    "why": "...", "languages": ["en"]}], and with "extends": "set": {"rule.parameter": value},
 * "without": [NAME]} A step of a recipe that extends another may say "before" or "after": NAME;
 * else it comes last. What is loaded is complete: every parameter stands in it, so that it can be
 * recorded, compared, and used again. Files are hostile: sizes and counts have limits, messages
 * name the file, the step and the key. docs/recipes.md is the page for users. */
#ifndef YH_DATA_RECIPE_H
#define YH_DATA_RECIPE_H

#include "dedup/stage.h"
#include "input/reader.h"
#include "rules/rule.h"

enum { YH_RECIPE_STEPS = 64 };

typedef struct yh_recipe_step {
    const char *name;        /* of the rule or stage */
    const char *place;       /* for messages: "FILE: step N (NAME)", as written there; borrowed */
    const yh_stage *stage;   /* NULL: a rule about one document */
    yh_rule_step rule;       /* of a rule; run.state only after yh_recipe_prepare */
    const json_t *params;    /* complete; borrowed from the recipe */
    const json_t *languages; /* of documents that a rule looks at; NULL: all; borrowed */
} yh_recipe_step;

typedef struct yh_recipe {
    json_t *full; /* complete, in the order in which a person wants to read it */
    json_t *places;
    yh_recipe_step step[YH_RECIPE_STEPS];
    int n;
    int whole;     /* steps [0, whole) see a document before it is divided into parts */
    int scan_end;  /* steps [0, scan_end) run while reading */
    int stage_end; /* [scan_end, stage_end) are stages; the rest runs when the corpus is written */
    bool normalize;
    yh_read_options read; /* texts borrowed from full */
    size_t part_chars;
    bool prepared;
} yh_recipe;

/* name: of a recipe that comes with the program, or a file (with a '/' or ending in .json); NULL:
 * "default". set: n texts "rule.parameter=value" (the value JSON, or else a text;
 * "rule#2.parameter" means the rule's second step), applied last. */
yh_status yh_recipe_load(yh_recipe **out, const char *name, const char *const *set, size_t n,
                         yh_err *err) YH_MUST_CHECK;
/* The same from a text; `place` stands for the file, "extends" may only name built-in ones. */
yh_status yh_recipe_parse(yh_recipe **out, const char *text, size_t len, const char *place,
                          yh_err *err) YH_MUST_CHECK;
/* Whether the step looks at documents of this language ("zh" in the list takes "zh-Hant" too; ""
 * is a document whose language is not known). */
bool yh_recipe_speaks(const yh_recipe_step *s, const char *lang);
/* Makes the rules ready to run: compiles patterns, loads lists and models. */
yh_status yh_recipe_prepare(yh_recipe *r, yh_err *err) YH_MUST_CHECK;
void yh_recipe_free(yh_recipe *r);
uint64_t yh_recipe_hash(const yh_recipe *r); /* of everything that it says about the output */
/* Of the contents of the files and folders that its parameters name: lists, models, evaluation
 * sets. A name that is no file counts nothing: it is a list that comes with the program, or the
 * step will complain. Reads them all. */
yh_status yh_recipe_files_hash(const yh_recipe *r, uint64_t *hash, yh_err *err) YH_MUST_CHECK;
/* Whether parameters of this name hold names of files. */
bool yh_recipe_names_files(const char *parameter);

/* The built-in ones: text of JSON by name; NULL: none of that name. yh_recipe_name counts them up.
 */
const char *yh_recipe_builtin(const char *name, size_t *len);
const char *yh_recipe_name(size_t i);

#endif
