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
    size_t n;
    (void)yh_packing_named(name, &n);
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

const yh_reader *yh_reader_named(const char *name)
{
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(readers[i]->name, name) == 0)
            return readers[i];
    return NULL;
}

void yh_reader_state_init(yh_reader_state *s, const yh_read_options *o)
{
    memset(s, 0, sizeof *s);
    s->options = o;
}

void yh_reader_state_fini(yh_reader_state *s)
{
    if (s->own_free != NULL)
        s->own_free(s->own);
    yh_buf_fini(&s->keep);
    memset(s, 0, sizeof *s);
}
