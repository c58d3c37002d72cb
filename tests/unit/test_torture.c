/* Every allocation fails in turn: an error with a message, nothing lost, nothing crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/thread.h"
#include "torture.h"

static char folder[] = "/tmp/yh_torture_XXXXXX";
static char file[64];

static yh_status load_and_save_json(void *arg, yh_err *err)
{
    (void)arg;
    json_t *j = NULL;
    YH_TRY(yh_json_load(&j, file, 0, err));
    yh_status s = yh_json_save(j, file, true, err);
    json_decref(j);
    return s;
}

static yh_status list_files(void *arg, yh_err *err)
{
    (void)arg;
    yh_file_list l = {0};
    yh_status s = yh_file_list_add(&l, folder, err);
    if (s == YH_OK && l.n != 40)
        s = yh_fail(err, YH_INTERNAL, "%zu files", l.n);
    yh_file_list_fini(&l);
    return s;
}

static yh_status grow_buffer(void *arg, yh_err *err)
{
    (void)arg;
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    for (int i = 0; s == YH_OK && i < 3000; i++)
        s = yh_buf_addf(&b, err, "%d ", i);
    yh_buf_fini(&b);
    return s;
}

static yh_status fill_hashset(void *arg, yh_err *err)
{
    (void)arg;
    yh_hashset h;
    yh_hashset_init(&h);
    yh_status s = YH_OK;
    bool added;
    for (uint64_t i = 0; s == YH_OK && i < 5000; i++)
        if (!yh_hashset_add(&h, yh_hash128_of(&i, sizeof i), &added))
            s = yh_fail(err, YH_NOMEM, "no memory for a set of hashes");
    yh_hashset_fini(&h);
    return s;
}

static yh_status fill_arena(void *arg, yh_err *err)
{
    (void)arg;
    yh_arena a;
    yh_arena_init(&a);
    yh_status s = YH_OK;
    for (size_t i = 0; s == YH_OK && i < 300; i++)
        if (yh_arena_alloc(&a, i * 10) == NULL || yh_arena_strdup(&a, "text") == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory for an arena");
    yh_arena_fini(&a);
    return s;
}

static yh_status start_pool(void *arg, yh_err *err)
{
    (void)arg;
    yh_pool *p;
    YH_TRY(yh_pool_create(&p, 3, err));
    yh_pool_free(p);
    return YH_OK;
}

static yh_status make_folders(void *arg, yh_err *err)
{
    (void)arg;
    char path[96];
    snprintf(path, sizeof path, "%s/.deep/er/folder", folder);
    YH_TRY(yh_mkdirs(path, err));
    yh_dir_lock l = YH_DIR_LOCK_INIT;
    yh_status s = yh_dir_lock_take(&l, path, err);
    yh_dir_lock_release(&l);
    char *joined = yh_path_join(path, "name");
    if (joined == NULL && s == YH_OK)
        s = yh_fail(err, YH_NOMEM, "no memory for a path");
    yh_free(joined);
    return s;
}

static void base_survives(void **state)
{
    (void)state;
    assert_true(torture(load_and_save_json, NULL) > 20);
    assert_true(torture(list_files, NULL) > 40);
    assert_true(torture(grow_buffer, NULL) > 3);
    assert_true(torture(fill_hashset, NULL) > 3);
    assert_true(torture(fill_arena, NULL) > 3);
    assert_true(torture(start_pool, NULL) > 1);
    assert_true(torture(make_folders, NULL) > 1);
}

static int make_files(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    for (int i = 0; i < 40; i++) {
        char text[256];
        snprintf(file, sizeof file, "%s/file%02d.json", folder, i);
        snprintf(text, sizeof text,
                 "{\"number\": %d, \"list\": [1, 2.5, \"a text longer than the first buffer\"], "
                 "\"o\": {\"k\": null}}",
                 i);
        if (yh_file_write(file, text, strlen(text), NULL) != YH_OK)
            return 1;
    }
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_survives),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
