/* Where a text can be cut so that its parts, encoded alone, give the ids of the whole: what
 * encoding in parallel, counting and texts that grow stand on. */
#ifndef YH_TEXT_CUT_H
#define YH_TEXT_CUT_H

#include "text/tok_impl.h"

/* Whether such places are known for this tokenizer: byte-level BPE whose words one of the scanners
 * cuts, NFC or no normalizer. Others are encoded as a whole. */
bool yh_can_cut(const yh_tok *t);
/* The last such place p in t[0..n) with low < p <= high < n, or low: none. What may follow the text
 * does not matter. Only when yh_can_cut. */
size_t yh_cut_last(const yh_tok *t, const uint8_t *text, size_t n, size_t low, size_t high);

#endif
