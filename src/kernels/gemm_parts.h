/* The parts of the matrix product (gemm.c): micro-kernels, packing, storing.
 *
 * The operands are packed into panels: R rows of A (or columns of B) side by side, and along k
 * `unit` consecutive elements of each: element (k, r) lies at ((k / unit) * R + r) * unit + k %
 * unit. Rows past the edge and k up to k_padded are zero, so that a micro-kernel always computes
 * one whole tile of mr x nr sums from two panels. The blocking is that of Goto & van de Geijn,
 * "Anatomy of high-performance matrix multiplication", TOMS 2008, as in BLIS. */
#ifndef YH_KERNELS_GEMM_PARTS_H
#define YH_KERNELS_GEMM_PARTS_H

#include "kernels/multi.h"

/* How the sums of a whole tile come to C: stored or added to F32, begun with C's F32, stored as
 * bf16. */
typedef enum yh_tile_end { YH_TILE_STORE, YH_TILE_ADD, YH_TILE_GO_ON, YH_TILE_BF16 } yh_tile_end;

typedef struct yh_micro {
    int mr, nr;
    int unit_a, unit_b; /* k elements that lie together in a panel of A, of B */
    int k_align;        /* k_padded is a multiple of it */
    int64_t kc;         /* depth of one pass over the panels; a multiple of k_align */
    yh_dtype packed;    /* F32 or BF16 */
    bool narrows;       /* run_to knows YH_TILE_BF16 */
    /* tile[mr][nr] = (add ? tile : 0) + sum over k; k a multiple of k_align */
    void (*run)(int64_t k, const void *a, const void *b, float *tile, bool add);
    /* the same with A in place: row i begins i * ld bytes behind a, k elements side by side; NULL:
     * A is always packed */
    void (*run_rows)(int64_t k, const void *a, int64_t ld, const void *b, float *tile, bool add);
    /* run for a panel with fewer rows than mr: the tile's others are undefined; NULL: run does */
    void (*run_few)(int64_t k, int rows, const void *a, const void *b, float *tile, bool add);
    /* run (ld 0) or run_rows for a whole tile to C[mr][nr] with row stride ldc, in elements; NULL:
     * through a tile */
    void (*run_to)(int64_t k, const void *a, int64_t ld, const void *b, void *c, int64_t ldc,
                   yh_tile_end end);
    void (*enter)(void); /* before the first and after the last run on a thread; may be NULL */
    void (*leave)(void);
} yh_micro;

/* One operand and its place in the workspace. */
typedef struct yh_pack {
    const void *src;
    int64_t ld;
    yh_dtype src_type, dst_type;
    bool k_inner; /* src is [outer, k]; else [k, outer] */
    int64_t outer, k, k_padded;
    int64_t from, to; /* what of k_padded is packed; both multiples of 32, or to is k_padded */
    int r, unit;
    void *dst;
} yh_pack;

/* Like YH_ROW_KERNELS: compiled once per ISA in multi/. */
#define YH_GEMM_HELPERS(X)                                                                         \
    /* packs panels [begin, end) */                                                                \
    X(gemm_pack, void, (const yh_pack *p, int64_t begin, int64_t end))                             \
    /* epilogue of C[row.., col..] from the top left rows x cols of a tile with row length nr */   \
    X(gemm_store, void,                                                                            \
      (const yh_gemm *g, const float *tile, int nr, int64_t row, int64_t col, int rows, int cols)) \
    /* the same where the tile is the transpose of that part of C */                               \
    X(gemm_store_turned, void,                                                                     \
      (const yh_gemm *g, const float *tile, int nr, int64_t row, int64_t col, int rows, int cols)) \
    /* the same for g->exp; sum and top [n] are those of the task */                               \
    X(gemm_store_exp, void,                                                                        \
      (const yh_gemm *g, const float *tile, int nr, int64_t row, int64_t col, int rows, int cols,  \
       float *sum, float *top))                                                                    \
    /* columns [begin, end) of C for A·Bᵀ with few rows (m <= YH_FEW_ROWS), nothing packed */   \
    X(gemm_few_rows, void, (const yh_gemm *g, int64_t begin, int64_t end))

enum { YH_FEW_ROWS = 8 };

typedef struct yh_gemm_helpers {
#define YH_HELPER_FIELD(name, ret, args) ret(*name) args;
    YH_GEMM_HELPERS(YH_HELPER_FIELD)
#undef YH_HELPER_FIELD
} yh_gemm_helpers;

YH_DECLARE_KERNELS(YH_GEMM_HELPERS)
#define YH_MICRO(type, isa, level) extern const yh_micro yh_gemm_##type##__##isa;
#include "kernels/kernels.def"
#undef YH_MICRO

/* The helpers of the ISA in use, and the best micro-kernel for operands of a type. */
const yh_gemm_helpers *yh_gemm_helpers_current(void);
const yh_micro *yh_micro_pick(yh_dtype ab_type);

/* yh_gemm_run with a given micro-kernel, for tests of kernels that this machine cannot pick. */
yh_status yh_gemm_run_micro(const yh_gemm *g, const yh_micro *u, yh_pool *pool,
                            yh_err *err) YH_MUST_CHECK;

#endif
