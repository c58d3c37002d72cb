/* The AMX tile instructions that we use, or the same in plain C (YH_TILE_EMULATE, tests only), so
 * that the code around them can be checked on machines without the units and by sanitizers, which
 * do not see what a tile load reads. Every tile is 16 rows of 64 bytes. */
#ifndef YH_KERNELS_AMX_TILE_H
#define YH_KERNELS_AMX_TILE_H

#include <stdint.h>
#include <string.h>

/* Operand of LDTILECFG (Intel SDM volume 1, 18.2). */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

static inline tile_config tile_config_full(void)
{
    tile_config c = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        c.rows[i] = 16;
        c.row_bytes[i] = 64;
    }
    return c;
}

#ifndef YH_TILE_EMULATE
#include <immintrin.h>

/* gcc's intrinsics do not say that they read memory: what was stored for them must be there. */
#define TILE_READS() __asm__ volatile("" ::: "memory")

static inline void tile_enter(void)
{
    _Alignas(64) const tile_config c = tile_config_full();
    __asm__ volatile("" ::"r"(&c) : "memory");
    _tile_loadconfig(&c);
}
static inline void tile_leave(void)
{
    _tile_release();
}
/* tile numbers must be literals */
#define tile_zero(t) _tile_zero(t)
#define tile_load(t, p, stride)                                                                    \
    do {                                                                                           \
        TILE_READS();                                                                              \
        _tile_loadd(t, p, stride);                                                                 \
    } while (0)
#define tile_store(t, p, stride) _tile_stored(t, p, stride)
#define tile_dot_bf16(acc, a, b) _tile_dpbf16ps(acc, a, b)

#else

static _Thread_local struct {
    tile_config config;
    unsigned char t[8][16][64];
} tile_state;

static inline void tile_enter(void)
{
    tile_state.config = tile_config_full();
}
static inline void tile_leave(void)
{
    memset(&tile_state, 0, sizeof tile_state);
}
static inline void tile_zero(int t)
{
    memset(tile_state.t[t], 0, sizeof tile_state.t[t]);
}
static inline void tile_load(int t, const void *p, int64_t stride)
{
    for (int r = 0; r < tile_state.config.rows[t]; r++)
        memcpy(tile_state.t[t][r], (const char *)p + r * stride, tile_state.config.row_bytes[t]);
}
static inline void tile_store(int t, void *p, int64_t stride)
{
    for (int r = 0; r < tile_state.config.rows[t]; r++)
        memcpy((char *)p + r * stride, tile_state.t[t][r], tile_state.config.row_bytes[t]);
}
static inline float tile_bf16(const unsigned char *p)
{
    float f;
    uint16_t h;
    memcpy(&h, p, 2);
    uint32_t u = (uint32_t)h << 16;
    memcpy(&f, &u, 4);
    return f;
}
/* TDPBF16PS: acc[m][n] += a[m][2k] * b[k][2n] + a[m][2k+1] * b[k][2n+1] */
static inline void tile_dot_bf16(int acc, int a, int b)
{
    for (int m = 0; m < tile_state.config.rows[acc]; m++)
        for (int k = 0; k < tile_state.config.row_bytes[a] / 4; k++)
            for (int n = 0; n < tile_state.config.row_bytes[acc] / 4; n++) {
                const unsigned char *pa = &tile_state.t[a][m][4 * k],
                                    *pb = &tile_state.t[b][k][4 * n];
                float c;
                memcpy(&c, &tile_state.t[acc][m][4 * n], 4);
                c += tile_bf16(pa) * tile_bf16(pb) + tile_bf16(pa + 2) * tile_bf16(pb + 2);
                memcpy(&tile_state.t[acc][m][4 * n], &c, 4);
            }
}

#endif
#endif
