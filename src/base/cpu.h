/* What this CPU may run: found once from CPUID, XGETBV and (AMX) arch_prctl, capped by YH_ISA. */
#ifndef YH_BASE_CPU_H
#define YH_BASE_CPU_H

#include "yh/runtime.h"

/* Levels are ordered; each includes the ones before it.
 * avx2: AVX2+FMA+F16C+BMI2. avx512: F+BW+VL+DQ. avx512bf16: and BF16+VNNI. amx: and TILE+BF16. */
typedef enum yh_isa {
    YH_ISA_REF,
    YH_ISA_AVX2,
    YH_ISA_AVX512,
    YH_ISA_AVX512BF16,
    YH_ISA_AMX,
    YH_ISA_COUNT
} yh_isa;

yh_isa yh_isa_max(void); /* the machine's, before the cap */
yh_isa
yh_isa_current(void); /* capped by YH_ISA (read once); an unknown name is logged and ignored */
const char *yh_isa_text(yh_isa isa);
/* For tests: overrides the level until called with YH_ISA_COUNT. Never above yh_isa_max. */
void yh_isa_force(yh_isa isa);
/* Fills text with the CPU's brand string. */
void yh_cpu_brand(char *text, size_t size);
/* Total and available memory of the machine (cgroup limit respected), bytes. */
uint64_t yh_mem_total(void);
uint64_t yh_mem_available(void);
uint64_t yh_mem_peak_rss(void); /* of this process, since yh_mem_peak_begin or its start */
/* Gives freed memory back to the system and returns what the process holds then, bytes (0: not
 * known). */
uint64_t yh_mem_held(void);
/* Gives freed memory back to the system, starts the peak anew where the system can do that, and
 * returns the memory that the process holds now, bytes (0: not known). */
uint64_t yh_mem_peak_begin(void);
/* Processor time that this process has used so far, system time and all threads included, seconds.
 */
double yh_cpu_seconds(void);

#endif
