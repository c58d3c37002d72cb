#include <strings.h>

#include "base/file.h"
#include "input/reader.h"

#include "registry_reader.h"

#define DECLARE(name) extern const yh_reader yh_reader_##name;
YH_REGISTRY_READER(DECLARE)
#undef DECLARE

static const yh_reader *const readers[] = {
#define ENTRY(name) &yh_reader_##name,
    YH_REGISTRY_READER(ENTRY)
#undef ENTRY
};

static bool ends(const char *name, size_t n, const char *ext)
{
    size_t k = strlen(ext);
    return n > k && strncasecmp(name + n - k, ext, k) == 0;
}

const yh_reader *yh_reader_of(const char *path, const char **type)
{
    const char *name = yh_path_base(path);
    size_t whole = strlen(name), n = whole;
    if (ends(name, n, ".gz"))
        n -= 3;
    else if (ends(name, n, ".zst"))
        n -= 4;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        for (const char *const *e = readers[i]->extensions; *e != NULL; e++)
            if (ends(name, n, *e)) {
                if (type != NULL)
                    *type = name + n - strlen(*e);
                return readers[i];
            }
    if (type != NULL) {
        const char *dot = n > 1 ? memrchr(name + 1, '.', n - 1) : NULL;
        *type = dot != NULL ? dot : name + n;
    }
    return NULL;
}
