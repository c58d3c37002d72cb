/* Pinning the threads of a pool to processors. */
#ifndef YH_BASE_PLACEMENT_H
#define YH_BASE_PLACEMENT_H

#include <sched.h>

#include "base/thread.h"

/* Whether a pool of so many threads, the caller among them, pins those that it starts; fills set
 * with the processors that the process may use. Only where each thread gets one of its own
 * (affinity and cgroup quota), and by default only where these belong to more than one memory node:
 * elsewhere a pinned thread gains nothing and cannot give way to another process. YH_PIN=0: never;
 * YH_PIN=1: on one node, too. */
bool yh_placement_wanted(int threads, cpu_set_t *set);
/* The i-th processor of the set, -1 when there are fewer. */
int yh_placement_cpu(const cpu_set_t *set, int i);
/* Memory nodes (node<N>/cpulist in folder, as in /sys/devices/system/node) with processors of the
 * set; 0 when nothing is known. */
int yh_placement_nodes(const char *folder, const cpu_set_t *set);

#endif
