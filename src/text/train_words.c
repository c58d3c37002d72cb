/* The words of BPE training in memory, or in a mapped file of which only a part is resident. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/temp_file.h"
#include "text/bpe_train.h"

/* A page that is read brings its neighbours along (fault-around). */
enum { PAGE = 4096, FAULT = 64 << 10, BEHIND = 1 << 20 };

yh_status yh_train_words_open(yh_train_words *w, size_t n, const char *folder, uint64_t memory,
                              yh_err *err)
{
    w->size = n * sizeof *w->data;
    w->memory = memory;
    if (memory == 0) {
        w->data = yh_big_alloc(w->size); /* visited at random: huge pages help */
        return w->data != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory to train the tokenizer");
    }
    int fd;
    void *p = MAP_FAILED;
    YH_TRY(yh_temp_open(&fd, folder, err));
    /* the blocks are taken at once: a full disk is an error now, not a signal later */
    int e = posix_fallocate(fd, 0, (off_t)w->size);
    if (e == 0 &&
        (p = mmap(NULL, w->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
        e = errno;
    close(fd);
    if (e != 0)
        return yh_fail_errno(err, e, "no room on disk for %zu bytes of words", w->size);
    w->data = p;
    return YH_OK;
}

void yh_train_words_close(yh_train_words *w)
{
    if (w->memory == 0)
        yh_big_free(w->data, w->size);
    else if (w->data != NULL)
        (void)munmap(w->data, w->size);
    w->data = NULL;
}

/* Lets go of the whole pages in data[from..to); what is in them stays in the file. */
static void let_go(const yh_train_words *w, size_t from, size_t to)
{
    size_t begin = (from * sizeof *w->data + PAGE - 1) / PAGE * PAGE;
    size_t end = to * sizeof *w->data / PAGE * PAGE;
    if (end > begin)
        (void)madvise((char *)w->data + begin, end - begin, MADV_DONTNEED);
}

void yh_train_words_let_go_behind(const yh_train_words *w, size_t *from, size_t at)
{
    size_t behind = BEHIND / sizeof *w->data;
    if (at - *from >= behind) {
        /* two pages less at the front: the page that two ranges share, and the one before */
        let_go(w, *from > 2 * PAGE ? *from - 2 * PAGE : 0, at);
        *from = at;
    }
}

void yh_train_words_visit_file(yh_train_words *w)
{
    w->visited += FAULT;
    if (w->visited > w->memory / 4) {
        let_go(w, 0, w->size / sizeof *w->data);
        w->visited = 0;
    }
}
