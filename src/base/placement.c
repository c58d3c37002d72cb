/* Where threads run: the processors that the process may use, and the memory nodes that they belong
 * to (from sysfs; where there is none, nothing is pinned unasked). */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/placement.h"

enum { MAX_NODES = 256 };

/* Whether a list such as "0-3,8,10-11" holds a processor of the set. */
static bool list_meets(const char *list, const cpu_set_t *set)
{
    while (*list >= '0' && *list <= '9') {
        char *end;
        long first = strtol(list, &end, 10), last = first;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        for (long c = first; c <= last && c < CPU_SETSIZE; c++)
            if (CPU_ISSET((size_t)c, set))
                return true;
        list = *end == ',' ? end + 1 : end;
    }
    return false;
}

int yh_placement_nodes(const char *folder, const cpu_set_t *set)
{
    int nodes = 0;
    for (int i = 0; i < MAX_NODES; i++) {
        char path[512], list[4096] = "";
        snprintf(path, sizeof path, "%s/node%d/cpulist", folder, i);
        FILE *f = fopen(path, "re");
        if (f == NULL)
            continue;
        if (fgets(list, sizeof list, f) != NULL)
            nodes += list_meets(list, set);
        fclose(f);
    }
    return nodes;
}

bool yh_placement_wanted(int threads, cpu_set_t *set)
{
    const char *e = getenv("YH_PIN");
    if (threads < 2 || (e != NULL && strcmp(e, "0") == 0) ||
        sched_getaffinity(0, sizeof *set, set) != 0 || CPU_COUNT(set) != threads ||
        yh_cpu_count() < threads)
        return false;
    if (e != NULL && strcmp(e, "1") == 0)
        return true;
    return yh_placement_nodes("/sys/devices/system/node", set) > 1;
}

int yh_placement_cpu(const cpu_set_t *set, int i)
{
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET((size_t)c, set) && i-- == 0)
            return c;
    return -1;
}
