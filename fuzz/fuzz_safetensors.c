/* safetensors: whatever opens keeps its promises. Every tensor lies inside the file and is
 * readable, names are sorted and found, sizes are those of shape and type; a refusal has a message.
 */
#include <stddef.h>
#include <stdint.h>

#include "formats/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        __builtin_trap();
}

static void check(const yh_safetensors *s, const uint8_t *data, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < yh_safetensors_count(s); i++) {
        const yh_st_tensor *t = yh_safetensors_at(s, i);
        const uint8_t *p = yh_safetensors_data(s, t);
        yh_dtype type;
        require(t->ndim >= 0 && t->ndim <= YH_ST_MAX_DIMS);
        require(t->offset <= size && t->size <= size - t->offset);
        require(p == data + t->offset);
        require(yh_safetensors_find(s, t->name) == t);
        if (yh_safetensors_dtype(s, t, &type, NULL) == YH_OK) {
            uint64_t n = yh_dtype_size(type);
            for (int k = 0; k < t->ndim; k++)
                n *= (uint64_t)t->dim[k];
            require(n == t->size);
        }
        sum += t->size;
    }
    require(sum <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_safetensors *s = NULL;
    yh_err err = YH_ERR_INIT;
    yh_status rc = yh_safetensors_parse(&s, data, size, "input", &err);
    require((rc == YH_OK) == (s != NULL));
    if (rc == YH_OK)
        check(s, data, size);
    else
        require(err.msg[0] != '\0' && err.code == rc);
    yh_safetensors_close(s);
    return 0;
}
