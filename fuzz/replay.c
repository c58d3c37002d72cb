/* Feeds every file of the folders and files named on the command line to a fuzz target, so that
 * seeds and past findings are ordinary tests with any compiler. Fails when there is nothing to
 * feed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    size_t fed = 0;
    for (int i = 1; i < argc; i++) {
        yh_err err = YH_ERR_INIT;
        yh_file_list list = {0};
        yh_buf b;
        yh_buf_init(&b, 0);
        yh_status s = yh_file_list_add(&list, argv[i], &err);
        for (size_t k = 0; s == YH_OK && k < list.n; k++) {
            yh_buf_clear(&b);
            s = yh_file_read(list.path[k], 0, &b, &err);
            if (s != YH_OK)
                break;
            fprintf(stderr, "%s\n", list.path[k]);
            /* an exact copy: a read behind the end is one that the sanitizer sees */
            uint8_t *copy = malloc(b.len == 0 ? 1 : b.len);
            if (copy == NULL)
                return 1;
            if (b.len > 0)
                memcpy(copy, b.data, b.len);
            (void)LLVMFuzzerTestOneInput(copy, b.len);
            free(copy);
            fed++;
        }
        yh_buf_fini(&b);
        yh_file_list_fini(&list);
        if (s != YH_OK) {
            fprintf(stderr, "replay: %s\n", err.msg);
            return 1;
        }
    }
    printf("%zu inputs replayed\n", fed);
    return fed > 0 ? 0 : 1;
}
