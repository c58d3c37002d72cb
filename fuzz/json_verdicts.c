/* json_verdicts SOURCE: the JSONTestSuite's files (y_: must parse, n_: must not, i_: either),
 * read from $YH_DATA or ../shared/data beside the source tree. Exit 77: the data is absent. */
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/file.h"
#include "base/json.h"

/* Valid JSON that jansson refuses: a NUL in a key; and a document that is a bare scalar, which no
 * file of ours is. */
static bool refused_on_purpose(const char *name)
{
    return strstr(name, "y_structure_lonely_") != NULL ||
           strcmp(name, "y_structure_string_empty.json") == 0 ||
           strcmp(name, "y_object_escaped_null_in_key.json") == 0 ||
           strcmp(name, "y_string_space.json") == 0;
}

static size_t octal(const char *field, size_t n)
{
    size_t v = 0;
    for (size_t i = 0; i < n && field[i] >= '0' && field[i] <= '7'; i++)
        v = v * 8 + (size_t)(field[i] - '0');
    return v;
}

static int check(const char *name, const char *text, size_t n)
{
    json_t *j = NULL;
    yh_err err = YH_ERR_INIT;
    bool parsed = yh_json_parse(&j, text, n, name, &err) == YH_OK;
    json_decref(j);
    bool wrong =
        (name[0] == 'y' && parsed == refused_on_purpose(name)) || (name[0] == 'n' && parsed);
    if (wrong)
        printf("%s: %s\n", name, parsed ? "parsed" : err.msg);
    return wrong;
}

/* ustar: 512-byte headers (name, size in octal at 124, type at 156), contents padded to 512 */
static int check_tar(const char *tar, size_t size)
{
    int seen = 0, wrong = 0;
    for (size_t at = 0; at + 512 <= size && tar[at] != '\0';) {
        char name[101] = {0};
        memcpy(name, tar + at, 100);
        size_t n = octal(tar + at + 124, 11);
        char type = tar[at + 156];
        if (n > size - at - 512)
            return 1;
        if (type == '0' || type == '\0') {
            wrong += check(yh_path_base(name), tar + at + 512, n);
            seen++;
        }
        at += 512 + (n + 511) / 512 * 512;
    }
    printf("%d files, %d wrong verdicts\n", seen, wrong);
    return seen < 100 || wrong > 0;
}

int main(int argc, char **argv)
{
    char path[4096];
    const char *data = getenv("YH_DATA");
    if (argc < 2)
        return 2;
    snprintf(path, sizeof path, "%s%s/json_testsuite/test_parsing.tar.zst",
             data != NULL ? data : argv[1], data != NULL ? "" : "/../shared/data");
    if (!yh_is_file(path)) {
        printf("skipped: no %s\n", path);
        return 77;
    }
    yh_buf packed;
    yh_err err = YH_ERR_INIT;
    yh_buf_init(&packed, 0);
    if (yh_file_read(path, 0, &packed, &err) != YH_OK) {
        printf("%s\n", err.msg);
        return 1;
    }
    const size_t most = (size_t)16 << 20;
    char *tar = yh_calloc(most, 1);
    size_t size = tar == NULL ? 0 : ZSTD_decompress(tar, most, packed.data, packed.len);
    int rc = tar == NULL || ZSTD_isError(size) ? 1 : check_tar(tar, size);
    yh_free(tar);
    yh_buf_fini(&packed);
    return rc;
}
