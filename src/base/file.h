/* Files: reading, mapping, atomic writing, folders, locks.
 * Files are written as: temporary name (PATH.tmp) in the same folder, write, fsync, rename, fsync
 * of the folder; a reader never sees half a file. Every error names the path. */
#ifndef YH_BASE_FILE_H
#define YH_BASE_FILE_H

#include "base/alloc.h"

/* Reads a whole regular file (limit in bytes; 0: none) into out, NUL-terminated behind len. */
yh_status yh_file_read(const char *path, size_t limit, yh_buf *out, yh_err *err) YH_MUST_CHECK;

/* Read-only mapping. data is NULL only when size is 0. */
typedef struct yh_map {
    const uint8_t *data;
    size_t size;
} yh_map;
yh_status yh_map_open(yh_map *m, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_map_close(yh_map *m);
/* The pages that were read no longer count as memory of the process; reading them again is cheap as
 * long as the system keeps them. */
void yh_map_release(const yh_map *m);

/* Atomic file writer. _open creates the temporary file; _write buffers; _commit flushes, syncs,
 * renames; _abort removes the temporary file (safe after _commit or on a zeroed struct). */
typedef struct yh_writer {
    int fd; /* -1 when closed */
    char *path, *tmp;
    uint8_t *buffer;
    size_t used;
    uint64_t written; /* bytes accepted so far, buffered ones included */
} yh_writer;
#define YH_WRITER_INIT                                                                             \
    {                                                                                              \
        -1, NULL, NULL, NULL, 0, 0                                                                 \
    }
yh_status yh_writer_open(yh_writer *w, const char *path, yh_err *err) YH_MUST_CHECK;
yh_status yh_writer_write(yh_writer *w, const void *p, size_t n, yh_err *err) YH_MUST_CHECK;
yh_status yh_writer_commit(yh_writer *w, yh_err *err) YH_MUST_CHECK;
/* The same without syncing: the caller does it before anything relies on the file. */
yh_status yh_writer_commit_unsynced(yh_writer *w, yh_err *err) YH_MUST_CHECK;
void yh_writer_abort(yh_writer *w);
/* open + write + commit */
yh_status yh_file_write(const char *path, const void *p, size_t n, yh_err *err) YH_MUST_CHECK;

yh_status yh_mkdirs(const char *path, yh_err *err) YH_MUST_CHECK; /* like mkdir -p */
/* Like rm -rf: a file, or a folder with all that is in it; links are not followed. Missing is ok.
 */
yh_status yh_remove_tree(const char *path, yh_err *err) YH_MUST_CHECK;
bool yh_is_dir(const char *path);
bool yh_is_file(const char *path);
/* Joins with '/'; caller frees with yh_free; NULL: no memory. */
char *yh_path_join(const char *a, const char *b);
/* Whether path, which exists, is the folder or lies below it, links followed; false if it has none.
 */
bool yh_path_is_within(const char *path, const char *folder);
const char *yh_path_base(const char *path); /* borrowed: part behind the last '/' */

/* Sorted (bytewise) recursive listing of regular files below path, or path itself if a file.
 * Symbolic links to files are followed, links to folders are not. Hidden names are skipped. */
typedef struct yh_file_list {
    char **path;
    uint64_t *size;
    size_t n, cap;
    bool links; /* set by the caller: links to nothing or to folders are listed, too (size 0), so
                   that opening them says what is wrong with them */
} yh_file_list;
yh_status yh_file_list_add(yh_file_list *l, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_file_list_fini(yh_file_list *l);

/* The error of a failed open or stat of `path`, which names a link's aim if it leads nowhere. */
yh_status yh_fail_open(yh_err *err, int errno_value, const char *path);

/* One process per output folder: takes an exclusive lock on DIR/.lock (kept until _release or
 * exit). YH_BUSY names the folder when another process holds it. */
typedef struct yh_dir_lock {
    int fd;
} yh_dir_lock;
#define YH_DIR_LOCK_INIT                                                                           \
    {                                                                                              \
        -1                                                                                         \
    }
yh_status yh_dir_lock_take(yh_dir_lock *l, const char *dir, yh_err *err) YH_MUST_CHECK;
/* The same, but waits up to two seconds first: a killed process keeps its locks until the kernel
 * has taken it down. */
yh_status yh_dir_lock_wait(yh_dir_lock *l, const char *dir, yh_err *err) YH_MUST_CHECK;
void yh_dir_lock_release(yh_dir_lock *l);

double yh_now(void); /* monotonic seconds */

#endif
