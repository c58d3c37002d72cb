/* Bytes through a source and its reader's documents, and what must hold of them whatever the bytes:
 * UTF-8, names that stay inside, an end. */
#ifndef YH_FUZZ_THROUGH_SOURCE_H
#define YH_FUZZ_THROUGH_SOURCE_H

#include <stdlib.h>

#include "input/source.h"
#include "input/utf8_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check(bool ok)
{
    if (!ok)
        abort();
}

static inline void check_utf8(const char *p)
{
    check(p == NULL || yh_utf8_valid_prefix((const uint8_t *)p, strlen(p)) == strlen(p));
}

static inline void check_chunk(const yh_chunk *c)
{
    yh_drafts d = {0};
    if (c->entry != NULL)
        check(c->entry[0] != '/' && strncmp(c->entry, "../", 3) != 0 &&
              strstr(c->entry, "/../") == NULL);
    check_utf8(c->entry);
    for (int i = 0; i < c->n_notes; i++)
        check(c->note[i].kind != NULL && c->note[i].what[0] != '\0');
    for (int i = 0; i < c->n_notes; i++)
        check_utf8(c->note[i].what);
    if (c->reader != NULL && c->reader->documents(&c->piece, &d, NULL) == YH_OK)
        for (size_t i = 0; i < d.n; i++) {
            check(yh_utf8_valid_prefix((const uint8_t *)d.d[i].text, d.d[i].len) == d.d[i].len);
            check_utf8(d.d[i].url);
            check_utf8(d.d[i].title);
            check_utf8(d.d[i].meta);
        }
    yh_drafts_fini(&d);
}

static inline void through_source(const char *name, const char *format, const uint8_t *data,
                                  size_t size)
{
    const yh_read_options o = {.format = format, .size_max = 1 << 20};
    yh_source *s = NULL;
    bool more = true;
    if (yh_source_memory(&s, name, data, size, &o, NULL) != YH_OK)
        return;
    for (size_t chunks = 0; more; chunks++) {
        yh_chunk c = {0};
        if (yh_source_next(s, &c, &more, NULL) != YH_OK)
            break;
        if (more)
            check_chunk(&c);
        yh_chunk_fini(&c);
        check(chunks < 3 * size + 100); /* no progress */
    }
    yh_source_close(s);
}

#endif
