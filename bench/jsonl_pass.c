/* How fast JSON Lines go through, on one core: reading into documents, and writing documents as
 * records; without rules, stages and compression.
 *
 *     jsonl_pass FILE.jsonl [ROUNDS]
 *
 * Prints processor time and MB/s of the file for each round: the reader alone, the reader and the
 * writer of strings. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "data/record.h"
#include "input/source.h"

static double processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static yh_status through(const char *path, bool write, uint64_t *docs, uint64_t *bytes, yh_err *err)
{
    yh_source *s = NULL;
    yh_buf out;
    bool more = true;
    yh_buf_init(&out, 0);
    yh_status st = yh_source_open(&s, path, NULL, err);
    while (st == YH_OK && more) {
        yh_chunk c = {0};
        yh_drafts d = {0};
        st = yh_source_next(s, &c, &more, err);
        if (st == YH_OK && more && c.reader != NULL)
            st = c.reader->documents(&c.piece, &d, err);
        yh_buf_clear(&out);
        for (size_t i = 0; i < d.n && st == YH_OK; i++) {
            ++*docs;
            *bytes += d.d[i].len;
            if (write)
                st = yh_record_string(&out, d.d[i].text, d.d[i].len, err);
        }
        yh_drafts_fini(&d);
        yh_chunk_fini(&c);
    }
    yh_source_close(s);
    yh_buf_fini(&out);
    return st;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: jsonl_pass FILE.jsonl [ROUNDS]\n");
        return 2;
    }
    int rounds = argc > 2 ? atoi(argv[2]) : 5;
    FILE *f = fopen(argv[1], "rb");
    if (f == NULL || fseeko(f, 0, SEEK_END) != 0) {
        fprintf(stderr, "jsonl_pass: %s: cannot open\n", argv[1]);
        return 1;
    }
    double size = (double)ftello(f);
    fclose(f);
    for (int r = 0; r < rounds; r++) {
        double seconds[2];
        uint64_t docs = 0, bytes = 0;
        for (int write = 0; write < 2; write++) {
            yh_err err = YH_ERR_INIT;
            double t = processor();
            docs = bytes = 0;
            if (through(argv[1], write, &docs, &bytes, &err) != YH_OK) {
                fprintf(stderr, "jsonl_pass: %s\n", err.msg);
                return 1;
            }
            seconds[write] = processor() - t;
        }
        printf("%llu documents, %.1f MB of text: reading %.3f s, %.0f MB/s; and writing %.3f s, "
               "%.0f MB/s\n",
               (unsigned long long)docs, (double)bytes / 1e6, seconds[0], size / seconds[0] / 1e6,
               seconds[1], size / seconds[1] / 1e6);
    }
    return 0;
}
