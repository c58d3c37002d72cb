/* The files of the document store, and reading one block of them. Numbers are little-endian.
 *   X           magic, then for each block its length unpacked (32 bits) and it as an LZ4 block
 *   X.idx       head, one entry a block
 *   a block     per document six lengths (text, id, source, url, lang, extra), then for each
 *               document these six strings, every one with a zero byte behind it
 *   decisions   magic, records in order, tail
 */
#ifndef YH_DEDUP_STORE_DISK_H
#define YH_DEDUP_STORE_DISK_H

#include "dedup/store.h"

#define YH_STORE_MAGIC     "YHSTORE2"
#define YH_STORE_IDX_MAGIC "YHSTIDX1"
#define YH_DECISIONS_MAGIC "YHDECID1"

enum {
    YH_STORE_BLOCK_MAX = 1 << 30, /* bytes of an unpacked block */
    YH_STORE_DOCS_MAX = 1 << 24,  /* documents of a block */
    YH_STORE_FIELDS = 6,
    YH_DECISIONS_CHUNK = 16384 /* records under one step of the checksum */
};

typedef struct yh_store_head {
    char magic[8];
    uint64_t blocks, documents, bytes; /* bytes: of text */
    uint64_t size;                     /* of the file with the blocks */
    uint64_t check;                    /* XXH3 of the entries, seeded with that of the above */
} yh_store_head;

typedef struct yh_store_entry {
    uint64_t at;          /* of the length */
    uint32_t packed, raw; /* packed: with the length */
    uint32_t docs, pad;
    uint64_t bytes; /* of text */
    uint64_t check; /* XXH3 of the packed block */
} yh_store_entry;

uint64_t yh_store_check(const yh_store_head *h, const yh_store_entry *e);

typedef struct yh_decisions_tail {
    uint64_t count, check;
} yh_decisions_tail;

#endif
