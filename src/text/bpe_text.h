/* Text straight to ids: words are found, looked up and written in one loop. */
#ifndef YH_TEXT_BPE_TEXT_H
#define YH_TEXT_BPE_TEXT_H

#include "text/bpe.h"
#include "text/pretok.h"

/* Appends the ids of t[0..n), valid UTF-8 cut by a scanner (not YH_SCAN_REGEX), to (*id)[*n_ids],
 * which grows with *cap as by yh_grow. The ids are those of yh_scan_word and yh_bpe_word.
 * YH_STOPPED behind yh_stop_request. */
yh_status yh_bpe_text(const yh_bpe *b, yh_bpe_work *w, yh_scan kind, const uint8_t *t, size_t n,
                      uint32_t **id, size_t *n_ids, size_t *cap, yh_err *err) YH_MUST_CHECK;

#endif
