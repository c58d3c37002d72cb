/* A token folder made of the input: length and bytes of tokens.json, of train-00000.bin, and the
 * rest as train-00000.idx. What opens must be readable to the last token. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

#include "yh/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/yh_fuzz_tokens_XXXXXX";

static void clean_up(void)
{
    static const char *const names[] = {"tokens.json", "train-00000.bin", "train-00000.idx"};
    char path[sizeof dir + 32];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static bool put(const char *name, const uint8_t *p, size_t n)
{
    char path[sizeof dir + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return false;
    bool ok = n == 0 || fwrite(p, 1, n, f) == n;
    return fclose(f) == 0 && ok;
}

static void read_all(const yh_tokens *t)
{
    for (int k = 0; k < 2; k++) {
        yh_split s = k == 0 ? YH_TRAIN : YH_HELDOUT;
        uint64_t docs = yh_tokens_docs(t, s), total = 0;
        for (uint64_t d = 0; d < docs; d++) {
            yh_token_doc doc;
            int32_t id;
            yh_tokens_doc(t, s, d, &doc);
            for (uint64_t i = 0; i < doc.n; i++)
                yh_tokens_copy(t, s, d, i, 1, &id);
            total += doc.n + (doc.source[0] == '\0');
            total -= doc.source[0] == '\0';
        }
        if (total != yh_tokens_total(t, s))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    if (!made) {
        if (mkdtemp(dir) == NULL)
            return 0;
        made = true;
        (void)atexit(clean_up);
    }
    size_t at = 0, len[2] = {0, 0};
    const uint8_t *part[2] = {data, data};
    for (int i = 0; i < 2; i++) {
        if (size - at < 2)
            return 0;
        len[i] = (size_t)data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        if (len[i] > size - at)
            len[i] = size - at;
        part[i] = data + at;
        at += len[i];
    }
    if (!put("tokens.json", part[0], len[0]) || !put("train-00000.bin", part[1], len[1]) ||
        !put("train-00000.idx", data + at, size - at))
        return 0;
    for (int verify = 0; verify < 2; verify++) {
        yh_tokens *t = NULL;
        if (yh_tokens_open(&t, dir, verify != 0, NULL) == YH_OK)
            read_all(t);
        yh_tokens_close(t);
    }
    return 0;
}
