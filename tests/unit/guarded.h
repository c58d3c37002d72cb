/* Arrays that end right before a page that may not be touched: a read or write past the end stops
 * the test. */
#ifndef YH_TESTS_GUARDED_H
#define YH_TESTS_GUARDED_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    void *map;
    size_t map_size;
    void *p;
} guarded;

static inline guarded guarded_new(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (bytes + page - 1) / page * page;
    guarded g = {NULL, body + page, NULL};
    g.map = mmap(NULL, g.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect((char *)g.map + body, page, PROT_NONE) != 0)
        exit(99);
    g.p = (char *)g.map + body - bytes;
    return g;
}
static inline void guarded_free(guarded *g)
{
    munmap(g->map, g->map_size);
    g->p = NULL;
}

#endif
