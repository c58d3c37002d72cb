#include "input/fields.h"

#include <strings.h>

#include "input/meta.h"

int yh_field_rank(const char *name, size_t n, const char *wanted)
{
    static const char *const names[] = {"text", "content", "body", "article", "document", NULL};
    if (wanted != NULL)
        return strlen(wanted) == n && strncasecmp(name, wanted, n) == 0 ? 0 : -1;
    for (int i = 0; names[i] != NULL; i++)
        if (strlen(names[i]) == n && strncasecmp(name, names[i], n) == 0)
            return i;
    return -1;
}

yh_status yh_field_keep(yh_draft *d, yh_buf *meta, const char *name, size_t n_name,
                        const char *value, size_t n, yh_err *err)
{
    if (n == 0)
        return YH_OK;
    if (n_name == 3 && strncasecmp(name, "url", 3) == 0 && d->url == NULL)
        return yh_meta_copy(&d->url, value, n, err);
    if (n_name == 5 && strncasecmp(name, "title", 5) == 0 && d->title == NULL)
        return yh_meta_copy(&d->title, value, n, err);
    yh_buf quoted;
    yh_buf_init(&quoted, 0);
    yh_status s = yh_meta_quote(&quoted, value, n, err);
    if (s == YH_OK)
        s = yh_meta_raw(meta, name, n_name, quoted.data, quoted.len, err);
    yh_buf_fini(&quoted);
    return s;
}
