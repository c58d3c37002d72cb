/* Sorting records of one size in memory, in place, by the order of memcmp. */
#ifndef YH_BASE_SORT_RECORDS_H
#define YH_BASE_SORT_RECORDS_H

#include <stddef.h>
#include <stdint.h>

/* size: bytes of a record, 4 to 256. Needs no memory. American flag sort (McIlroy, Bostic, McIlroy
 * 1993: radix sort by bytes from the left), insertion sort for few records, heap sort where keys
 * share so much that the stack would grow. */
void yh_sort_records(uint8_t *p, size_t n, size_t size);

#endif
