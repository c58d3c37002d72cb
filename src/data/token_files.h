/* The files of a token folder, shared by writing and reading.
 *
 * <split>-NNNNN.bin  ids, u16 (vocabulary <= 65536) or u32, little-endian; each document ends with
 *                    the EOS id
 * <split>-NNNNN.idx  one yh_token_entry a document
 * tokens.json        written last: without it the folder is not finished */
#ifndef YH_DATA_TOKEN_FILES_H
#define YH_DATA_TOKEN_FILES_H

#include <stdint.h>

typedef struct yh_token_entry {
    uint64_t first; /* token, within the shard */
    uint64_t n;     /* tokens, EOS included */
    uint64_t bytes; /* of text */
    uint32_t source;
    uint32_t zero;
} yh_token_entry;

enum { YH_TOKENS_VERSION = 1, YH_TOKEN_SHARDS_MAX = 100000, YH_TOKEN_SOURCES_MAX = 10000000 };

extern const char *const yh_split_names[2]; /* by yh_split */

#endif
