/* Lines that differ between two texts. */
#ifndef YH_DATA_DIFF_H
#define YH_DATA_DIFF_H

#include "base/json.h"

/* A list of {"op": "-" or "+", "line": number from 1, "text"} that makes b of a: the shortest such
 * list (Myers, "An O(ND) difference algorithm and its variations", 1986) when at most `most` lines
 * differ, else NULL with YH_OK. Lines are cut to 400 bytes. New reference. */
yh_status yh_diff_lines(json_t **out, const char *a, size_t na, const char *b, size_t nb,
                        size_t most, yh_err *err) YH_MUST_CHECK;

#endif
