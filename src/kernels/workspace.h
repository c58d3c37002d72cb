/* Scratch memory that is kept between calls.
 *
 * A call takes a block, uses it alone and gives it back; blocks are reused whatever pool or thread
 * asks next, so that a process holds as many blocks as calls ever ran at the same time, and repeats
 * of a call allocate nothing. Thread safety: any thread may take and give. Contents are undefined
 * after a take. */
#ifndef YH_KERNELS_WORKSPACE_H
#define YH_KERNELS_WORKSPACE_H

#include "base/alloc.h"

typedef struct yh_workspace {
    void *data; /* aligned to 4096 */
    size_t size;
    struct yh_workspace *next;
} yh_workspace;

/* At least `size` bytes; YH_NOMEM. */
yh_status yh_workspace_take(yh_workspace **out, size_t size, yh_err *err) YH_MUST_CHECK;
void yh_workspace_give(yh_workspace *w);
/* Frees the blocks that nobody uses. */
void yh_workspace_trim(void);

#endif
