/* Snappy's raw format (github.com/google/snappy, format_description.txt), decompression. */
#ifndef YH_INPUT_SNAPPY_H
#define YH_INPUT_SNAPPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* in[0, n) to out[0, size), which must be filled exactly. False: the data are damaged. */
bool yh_snappy(const uint8_t *in, size_t n, uint8_t *out, size_t size);

#endif
