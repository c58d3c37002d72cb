/* Documents laid end to end into runs of a fixed number of rows, and their losses. */
#ifndef YH_EVAL_PACKER_H
#define YH_EVAL_PACKER_H

#include "models/model.h"

typedef struct yh_packer yh_packer;

/* nats of a piece of a document: `tag` as given to _add. */
typedef void (*yh_packer_fn)(void *user, size_t tag, double nats);

/* m and pool must outlive it. Pieces are at most as long as the model's context, and at most
 * YH_PACKER_PIECE tokens. */
enum { YH_PACKER_PIECE = 4096, YH_PACKER_ROWS = 1024 };
yh_status yh_packer_create(yh_packer **out, yh_model *m, yh_pool *pool, yh_packer_fn fn, void *user,
                           yh_err *err) YH_MUST_CHECK;
void yh_packer_free(yh_packer *p);
/* ids: t1 .. tn EOS, seen as [EOS t1 .. tn] predicting [t1 .. tn EOS]; ids past the vocabulary are
 * YH_CORRUPT. Runs when full. */
yh_status yh_packer_add(yh_packer *p, const int32_t *ids, size_t n, int32_t eos, size_t tag,
                        yh_err *err) YH_MUST_CHECK;
yh_status yh_packer_flush(yh_packer *p, yh_err *err) YH_MUST_CHECK;

#endif
