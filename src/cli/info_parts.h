/* The kinds of things that yh info knows. Each adds its key numbers to j. */
#ifndef YH_CLI_INFO_PARTS_H
#define YH_CLI_INFO_PARTS_H

#include "base/json.h"
#include "cli/cli.h"

yh_status yh_info_model(const char *dir, bool verify, json_t *j, yh_err *err) YH_MUST_CHECK;
yh_status yh_info_tensors(const char *path, bool verify, json_t *j, yh_err *err) YH_MUST_CHECK;
yh_status yh_info_tokenizer(const char *path, bool verify, json_t *j, yh_err *err) YH_MUST_CHECK;
yh_status yh_info_tokens(const char *dir, bool verify, json_t *j, yh_err *err) YH_MUST_CHECK;
yh_status yh_info_corpus(const char *dir, bool verify, json_t *j, yh_err *err) YH_MUST_CHECK;
yh_status yh_info_run(const char *dir, bool verify, json_t *j, yh_err *err) YH_MUST_CHECK;
yh_status yh_info_checkpoint(const char *dir, bool verify, json_t *j, yh_err *err) YH_MUST_CHECK;
/* Any other file or folder: sizes alone. */
yh_status yh_info_other(const char *path, json_t *j, yh_err *err) YH_MUST_CHECK;

#endif
