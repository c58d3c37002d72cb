#include <pthread.h>

#include "kernels/workspace.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static yh_workspace *idle;

/* Takes the smallest block that fits out of the list; else the biggest, which will be grown. */
static yh_workspace *pick(size_t size)
{
    yh_workspace **best = NULL;
    for (yh_workspace **p = &idle; *p != NULL; p = &(*p)->next) {
        if (best == NULL) {
            best = p;
            continue;
        }
        size_t have = (*best)->size, new = (*p)->size;
        if (have < size ? new > have : new >= size &&new < have)
            best = p;
    }
    if (best == NULL)
        return NULL;
    yh_workspace *w = *best;
    *best = w->next;
    return w;
}

yh_status yh_workspace_take(yh_workspace **out, size_t size, yh_err *err)
{
    *out = NULL;
    pthread_mutex_lock(&lock);
    yh_workspace *w = pick(size);
    pthread_mutex_unlock(&lock);
    if (w == NULL && (w = yh_calloc(1, sizeof *w)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a workspace");
    if (w->size < size || w->data == NULL) {
        const size_t page = 4096;
        size_t want;
        yh_big_free(w->data, w->size);
        w->data = NULL;
        w->size = 0;
        if (yh_add_size(size, page - 1, &want))
            w->data = yh_big_alloc(want & ~(page - 1));
        if (w->data == NULL) {
            yh_free(w);
            return yh_fail(err, YH_NOMEM, "no memory for %zu bytes of scratch space", size);
        }
        w->size = want & ~(page - 1);
    }
    *out = w;
    return YH_OK;
}

void yh_workspace_give(yh_workspace *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&lock);
    w->next = idle;
    idle = w;
    pthread_mutex_unlock(&lock);
}

void yh_workspace_trim(void)
{
    pthread_mutex_lock(&lock);
    yh_workspace *w = idle;
    idle = NULL;
    pthread_mutex_unlock(&lock);
    while (w != NULL) {
        yh_workspace *next = w->next;
        yh_big_free(w->data, w->size);
        yh_free(w);
        w = next;
    }
}
