/* Output files that a killed run goes on with: frames are appended, now and then everything is
 * synced and the sizes are noted; what lies behind a noted size is cut off by the next run. */
#ifndef YH_DATA_ENGINE_OUTPUT_H
#define YH_DATA_ENGINE_OUTPUT_H

#include <limits.h>

#include "base/json.h"

enum { YH_OUT_PART, YH_OUT_GONE, YH_OUT_KINDS };

/* One row of numbered files: DIR/part-00000, ... or gone-00000, ... */
typedef struct yh_out_row {
    int fd;        /* -1: none is open */
    uint64_t text; /* bytes of text in the open (last) file */
    bool fresh;    /* the open file is new since the last sync */
    json_t *sizes; /* of all files; the last one is open while text < limit */
} yh_out_row;

typedef struct yh_output {
    char dir[PATH_MAX - 64];
    uint64_t limit; /* a file of at least so many bytes of text is closed */
    yh_out_row row[YH_OUT_KINDS];
} yh_output;

/* Goes on from `state` (of yh_output_state; NULL: nothing there yet). YH_CORRUPT: files are missing
 * or too short. */
yh_status yh_output_open(yh_output *o, const char *dir, uint64_t limit, const json_t *state,
                         yh_err *err) YH_MUST_CHECK;
/* Appends one frame, which holds `text` bytes of text. */
yh_status yh_output_write(yh_output *o, int row, const yh_buf *frame, uint64_t text,
                          yh_err *err) YH_MUST_CHECK;
yh_status yh_output_sync(yh_output *o, yh_err *err) YH_MUST_CHECK;
json_t *yh_output_state(const yh_output *o); /* new reference; NULL: no memory */
void yh_output_close(yh_output *o);          /* without sync; zeroed: nothing */

/* Name of file i of a row below dir. */
void yh_output_name(char out[PATH_MAX], const char *dir, int row, uint64_t i);

#endif
