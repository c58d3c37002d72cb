#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "base/cpu.h"

static const char *const isa_names[YH_ISA_COUNT] = {"ref", "avx2", "avx512", "avx512bf16", "amx"};
static int forced = YH_ISA_COUNT;

const char *yh_isa_text(yh_isa isa)
{
    return (unsigned)isa < YH_ISA_COUNT ? isa_names[isa] : "?";
}

#if defined(__x86_64__)
static uint64_t xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* Linux gives the tile registers on request only. */
static bool amx_permitted(void)
{
    enum { REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, REQ_XCOMP_PERM, XTILEDATA) == 0;
}

static yh_isa detect(void)
{
    uint32_t a, b, c, d, a1, b1, c1, d1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0)
        return YH_ISA_REF;
    uint64_t x = xcr0();
    bool fma = (c & bit_FMA) != 0, f16c = (c & bit_F16C) != 0;
    if ((x & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return YH_ISA_REF;
    if (!fma || !f16c || (b & bit_AVX2) == 0 || (b & bit_BMI2) == 0)
        return YH_ISA_REF;
    const uint32_t need = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    if ((x & 0xe6) != 0xe6 || (b & need) != need)
        return YH_ISA_AVX2;
    bool vnni = (c & bit_AVX512VNNI) != 0, tile = (d & (1u << 24)) != 0,
         amx_bf16 = (d & (1u << 22)) != 0;
    bool bf16 = __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1) && (a1 & (1u << 5)) != 0;
    if (!vnni || !bf16)
        return YH_ISA_AVX512;
    if (tile && amx_bf16 && (x & 0x60000) == 0x60000 && amx_permitted())
        return YH_ISA_AMX;
    return YH_ISA_AVX512BF16;
}
#else
static yh_isa detect(void)
{
    return YH_ISA_REF;
}
#endif

yh_isa yh_isa_max(void)
{
    static int known = -1; /* racing threads find the same value */
    int v = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (v < 0) {
        v = (int)detect();
        __atomic_store_n(&known, v, __ATOMIC_RELAXED);
    }
    return (yh_isa)v;
}

static yh_isa capped(void)
{
    yh_isa max = yh_isa_max();
    const char *e = getenv("YH_ISA");
    if (e == NULL || *e == '\0')
        return max;
    for (int i = 0; i < YH_ISA_COUNT; i++)
        if (strcmp(e, isa_names[i]) == 0)
            return (int)max < i ? max : (yh_isa)i;
    yh_log(YH_LOG_WARN, "YH_ISA=%s is not known (ref, avx2, avx512, avx512bf16, amx); ignored", e);
    return max;
}

yh_isa yh_isa_current(void)
{
    static int known = -1;
    int f = __atomic_load_n(&forced, __ATOMIC_RELAXED);
    if (f != YH_ISA_COUNT)
        return (yh_isa)f;
    int v = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (v < 0) {
        v = (int)capped();
        __atomic_store_n(&known, v, __ATOMIC_RELAXED);
    }
    return (yh_isa)v;
}

void yh_isa_force(yh_isa isa)
{
    if (isa != YH_ISA_COUNT && isa > yh_isa_max())
        isa = yh_isa_max();
    __atomic_store_n(&forced, (int)isa, __ATOMIC_RELAXED);
}

const char *yh_isa_name(void)
{
    return yh_isa_text(yh_isa_current());
}

void yh_cpu_brand(char *text, size_t size)
{
    if (size == 0)
        return;
    text[0] = '\0';
#if defined(__x86_64__)
    uint32_t r[13] = {0};
    if ((uint32_t)__get_cpuid_max(0x80000000u, NULL) >= 0x80000004u) {
        for (unsigned i = 0; i < 3; i++)
            __get_cpuid(0x80000002u + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3]);
        const char *s = (const char *)r;
        while (*s == ' ')
            s++;
        snprintf(text, size, "%s", s);
        for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
            text[n - 1] = '\0';
    }
#endif
    if (text[0] == '\0')
        snprintf(text, size, "unknown CPU");
}

/* "KEY: n kB" in a file of /proc, in bytes; 0: not found. */
static uint64_t proc_kilobytes(const char *path, const char *key)
{
    char line[128];
    unsigned long long kb = 0;
    size_t n = strlen(key);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, n) == 0 && sscanf(line + n, ": %llu", &kb) == 1)
            break;
    fclose(f);
    return kb * 1024;
}

static uint64_t cgroup_number(const char *path)
{
    unsigned long long v = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    int got = fscanf(f, "%llu", &v);
    fclose(f);
    return got == 1 ? v : 0;
}

uint64_t yh_mem_total(void)
{
    uint64_t total = proc_kilobytes("/proc/meminfo", "MemTotal"),
             cap = cgroup_number("/sys/fs/cgroup/memory.max");
    return cap != 0 && cap < total ? cap : total;
}

uint64_t yh_mem_available(void)
{
    uint64_t avail = proc_kilobytes("/proc/meminfo", "MemAvailable"),
             cap = cgroup_number("/sys/fs/cgroup/memory.max");
    if (cap != 0) {
        uint64_t used = cgroup_number("/sys/fs/cgroup/memory.current");
        uint64_t left = cap > used ? cap - used : 0;
        if (left < avail)
            avail = left;
    }
    return avail;
}

uint64_t yh_mem_peak_rss(void)
{
    uint64_t n = proc_kilobytes("/proc/self/status", "VmHWM");
    struct rusage r;
    return n != 0 ? n : getrusage(RUSAGE_SELF, &r) == 0 ? (uint64_t)r.ru_maxrss * 1024 : 0;
}

uint64_t yh_mem_held(void)
{
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
    return proc_kilobytes("/proc/self/status", "VmRSS");
}

uint64_t yh_mem_peak_begin(void)
{
    (void)yh_mem_held(); /* what is freed must not count in the new peak */
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC); /* absent in some containers */
    if (fd >= 0) {
        ssize_t ignored = write(fd, "5", 1); /* refused: the peak goes on from the start */
        (void)ignored;
        close(fd);
    }
    return proc_kilobytes("/proc/self/status", "VmRSS");
}

double yh_cpu_seconds(void)
{
    struct timespec t;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0
               ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec
               : 0.0;
}
