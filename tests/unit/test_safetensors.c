#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/safetensors.h"
#include "scratch_dir.h"

/* A file image: header text, then n bytes of data. */
static size_t image(uint8_t *out, const char *header, size_t n)
{
    size_t h = strlen(header);
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)h >> (8 * i));
    memcpy(out + 8, header, h);
    for (size_t i = 0; i < n; i++)
        out[8 + h + i] = (uint8_t)i;
    return 8 + h + n;
}

static yh_status parse(const char *header, size_t n, yh_err *err)
{
    uint8_t data[4096];
    yh_safetensors *s = NULL;
    *err = (yh_err)YH_ERR_INIT;
    yh_status rc = yh_safetensors_parse(&s, data, image(data, header, n), "w.safetensors", err);
    assert_true((rc == YH_OK) == (s != NULL));
    yh_safetensors_close(s);
    return rc;
}

static void expect(const char *header, size_t n, yh_status code, const char *part)
{
    yh_err err;
    yh_status s = parse(header, n, &err);
    if (s != code || (part != NULL && strstr(err.msg, part) == NULL))
        print_error("header %s: status %d, message \"%s\", expected \"%s\"\n", header, s, err.msg,
                    part ? part : "");
    assert_int_equal(s, code);
    if (part != NULL) {
        assert_non_null(strstr(err.msg, "w.safetensors"));
        assert_non_null(strstr(err.msg, part));
    }
}

static void reads_what_is_right(void **state)
{
    (void)state;
    expect("{}", 0, YH_OK, NULL);
    expect("{\"__metadata__\":{\"format\":\"pt\"}}", 0, YH_OK, NULL);
    expect("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, YH_OK, NULL);
    expect("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}   ", 4, YH_OK, NULL);
    expect("{\"a\":{\"dtype\":\"I64\",\"shape\":[0,3],\"data_offsets\":[0,0]},"
           "\"b\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}",
           3, YH_OK, NULL);
    /* in another order than the data */
    expect("{\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[4,8]},"
           "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
           8, YH_OK, NULL);
}

static void names_what_is_wrong(void **state)
{
    (void)state;
#define T(shape, begin, end)                                                                       \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}}"
    expect(T("[2]", "0", "8"), 7, YH_CORRUPT, "cut short");
    expect(T("[2]", "0", "8"), 9, YH_CORRUPT, "the last tensor ends at byte");
    expect(T("[2]", "0", "4"), 4, YH_CORRUPT, "takes 4 bytes");
    expect(T("[2]", "8", "0"), 8, YH_CORRUPT, "data_offsets");
    expect(T("[2]", "-8", "0"), 8, YH_CORRUPT, "data_offsets");
    expect(T("[2]", "1", "9"), 9, YH_CORRUPT, "belong to no tensor");
    expect(T("[-2]", "0", "8"), 8, YH_CORRUPT, "whole numbers");
    expect(T("[2.0]", "0", "8"), 8, YH_CORRUPT, "whole numbers");
    expect(T("2", "0", "8"), 8, YH_CORRUPT, "\"shape\"");
    expect(T("[4294967296,4294967296]", "0", "8"), 8, YH_CORRUPT, "overflows");
    expect(T("[4611686018427387904]", "0", "8"), 8, YH_CORRUPT, "overflows");
    expect(T("[2]", "0", "9223372036854775807"), 8, YH_CORRUPT, "cut short");
    expect(T("[2]", "0", "99999999999999999999999"), 8, YH_CORRUPT, "not valid JSON");
    expect(T("[1,1,1,1,1,1,1,1,1]", "0", "4"), 4, YH_UNSUPPORTED, "dimensions");
    expect("{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, YH_UNSUPPORTED,
           "F33");
    expect("{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, YH_CORRUPT,
           "whole byte");
    expect("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, YH_CORRUPT, "dtype");
    expect("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, YH_CORRUPT, "shape");
    expect("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, YH_CORRUPT, "data_offsets");
    expect("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, YH_CORRUPT,
           "data_offsets");
    expect("{\"a\":7}", 0, YH_CORRUPT, "no JSON object");
    expect("{\"__metadata__\":{\"a\":1}}", 0, YH_CORRUPT, "no text");
    expect("{\"__metadata__\":[]}", 0, YH_CORRUPT, "__metadata__");
    expect("[1]", 0, YH_CORRUPT, "must begin with");
    expect("{\"a\":", 0, YH_CORRUPT, "not valid JSON");
    expect("{\"a\":{},\"a\":{}}", 0, YH_CORRUPT, "duplicate");
    expect("{\"a\\u0000b\":{}}", 0, YH_CORRUPT, "not valid JSON");
    /* overlap and hole between two */
    expect("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
           12, YH_CORRUPT, "overlap");
    expect("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
           8, YH_CORRUPT, "overlap");
    expect("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
           12, YH_CORRUPT, "before tensor \"b\" belong to no tensor");
#undef T
}

static void header_length_is_bounded(void **state)
{
    static const uint64_t lengths[] = {1, 3, 1u << 20, 100000001, UINT64_C(1) << 63, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t data[10];
        yh_safetensors *s;
        yh_err err = YH_ERR_INIT;
        for (int k = 0; k < 8; k++)
            data[k] = (uint8_t)(lengths[i] >> (8 * k));
        memcpy(data + 8, "{}", 2);
        assert_int_equal(yh_safetensors_parse(&s, data, sizeof data, "big", &err), YH_CORRUPT);
        assert_null(s);
        assert_non_null(strstr(err.msg, "big"));
    }
    for (size_t n = 0; n < 8; n++) {
        uint8_t data[8] = {2};
        yh_safetensors *s;
        yh_err err = YH_ERR_INIT;
        assert_int_equal(yh_safetensors_parse(&s, data, n, "small", &err), YH_CORRUPT);
        assert_non_null(strstr(err.msg, "too few"));
    }
}

/* ------------------------------------------------------------------ writing */

static yh_status write_two(const char *path, const float *a, const uint16_t *b, yh_err *err)
{
    yh_st_writer *w;
    static const int64_t da[] = {2, 3}, db[] = {5};
    YH_TRY(yh_st_writer_create(&w, path, err));
    yh_status s = yh_st_writer_declare(w, "layer.a", YH_F32, 2, da, err);
    if (s == YH_OK)
        s = yh_st_writer_declare(w, "layer.b", YH_BF16, 1, db, err);
    if (s == YH_OK)
        s = yh_st_writer_meta(w, "step", "7", err);
    if (s == YH_OK)
        s = yh_st_writer_data(w, a, 10, err); /* pieces need not be whole numbers */
    if (s == YH_OK)
        s = yh_st_writer_data(w, (const uint8_t *)a + 10, 14, err);
    if (s == YH_OK)
        s = yh_st_writer_data(w, b, 10, err);
    if (s == YH_OK)
        s = yh_st_writer_commit(w, err);
    yh_st_writer_free(w);
    return s;
}

static void written_files_read_back(void **state)
{
    static const float a[6] = {1, 2, 3, 4, 5, 6};
    static const uint16_t b[5] = {1, 2, 3, 4, 5};
    static const int64_t da[] = {2, 3}, wrong[] = {3, 2};
    const char *path = in_dir("two.safetensors");
    yh_safetensors *s;
    const void *data;
    yh_err err = YH_ERR_INIT;
    (void)state;
    assert_int_equal(write_two(path, a, b, &err), YH_OK);
    assert_int_equal(yh_safetensors_open(&s, path, &err), YH_OK);
    assert_int_equal(yh_safetensors_count(s), 2);
    assert_string_equal(yh_safetensors_meta(s, "format"), "pt");
    assert_string_equal(yh_safetensors_meta(s, "step"), "7");
    assert_null(yh_safetensors_meta(s, "other"));
    assert_int_equal(yh_safetensors_need(s, "layer.a", YH_F32, 2, da, &data, &err), YH_OK);
    assert_memory_equal(data, a, sizeof a);
    const yh_st_tensor *t = yh_safetensors_find(s, "layer.b");
    assert_string_equal(t->type, "BF16");
    assert_int_equal(t->dim[0], 5);
    assert_memory_equal(yh_safetensors_data(s, t), b, sizeof b);
    assert_null(yh_safetensors_find(s, "layer"));
    assert_int_equal(yh_safetensors_need(s, "layer.a", YH_F32, 2, wrong, &data, NULL), YH_MISMATCH);
    assert_int_equal(yh_safetensors_need(s, "layer.a", YH_BF16, 2, da, &data, NULL), YH_MISMATCH);
    assert_int_equal(yh_safetensors_need(s, "layer.c", YH_F32, 2, da, &data, NULL), YH_MISMATCH);
    yh_safetensors_close(s);
}

static void nothing_half_written(void **state)
{
    static const float a[6];
    static const int64_t d[] = {6};
    const char *path = in_dir("half.safetensors");
    yh_st_writer *w;
    (void)state;
    assert_int_equal(yh_st_writer_create(&w, path, NULL), YH_OK);
    assert_int_equal(yh_st_writer_declare(w, "a", YH_F32, 1, d, NULL), YH_OK);
    assert_int_equal(yh_st_writer_declare(w, "a", YH_F32, 1, d, NULL), YH_INTERNAL);
    assert_int_equal(yh_st_writer_declare(w, "__metadata__", YH_F32, 1, d, NULL), YH_INTERNAL);
    assert_int_equal(yh_st_writer_data(w, a, 20, NULL), YH_OK);
    assert_int_equal(yh_st_writer_declare(w, "b", YH_F32, 1, d, NULL), YH_INTERNAL);
    assert_int_equal(yh_st_writer_data(w, a, 5, NULL), YH_INTERNAL); /* one too many */
    assert_int_equal(yh_st_writer_commit(w, NULL), YH_INTERNAL);     /* four too few */
    yh_st_writer_free(w);
    assert_false(yh_is_file(path));
    yh_file_list l = {0};
    assert_int_equal(yh_file_list_add(&l, dir, NULL), YH_OK);
    for (size_t i = 0; i < l.n; i++)
        assert_null(strstr(l.path[i], "half"));
    yh_file_list_fini(&l);
}

/* ------------------------------------------------------------------ shards */

static void write_text(const char *name, const char *text)
{
    assert_int_equal(yh_file_write(in_dir(name), text, strlen(text), NULL), YH_OK);
}

static void write_one(const char *file, const char *tensor, float value)
{
    static const int64_t d[] = {1};
    yh_st_writer *w;
    assert_int_equal(yh_st_writer_create(&w, in_dir(file), NULL), YH_OK);
    assert_int_equal(yh_st_writer_declare(w, tensor, YH_F32, 1, d, NULL), YH_OK);
    assert_int_equal(yh_st_writer_data(w, &value, sizeof value, NULL), YH_OK);
    assert_int_equal(yh_st_writer_commit(w, NULL), YH_OK);
    yh_st_writer_free(w);
}

static void expect_index(const char *index, yh_status code, const char *part)
{
    yh_safetensors *s;
    yh_err err = YH_ERR_INIT;
    write_text("model.safetensors.index.json", index);
    yh_status rc = yh_safetensors_open(&s, dir, &err);
    if (rc != code || (part != NULL && strstr(err.msg, part) == NULL))
        print_error("index %s: status %d: %s\n", index, rc, err.msg);
    assert_int_equal(rc, code);
    if (part != NULL)
        assert_non_null(strstr(err.msg, part));
    yh_safetensors_close(s);
}

static void shards_by_their_index(void **state)
{
    yh_safetensors *s;
    (void)state;
    write_one("one.safetensors", "a", 1.0f);
    write_one("two.safetensors", "b", 2.0f);
    write_one("again.safetensors", "a", 3.0f);
    expect_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}", YH_OK,
                 NULL);
    assert_int_equal(yh_safetensors_open(&s, dir, NULL), YH_OK);
    assert_int_equal(yh_safetensors_files(s), 2);
    assert_true(*(const float *)yh_safetensors_data(s, yh_safetensors_find(s, "b")) == 2.0f);
    yh_safetensors_close(s);
    expect_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"}}",
                 YH_CORRUPT, "\"b\" is not in");
    expect_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\","
                 "\"c\":\"again.safetensors\"}}",
                 YH_CORRUPT, "in two files");
    expect_index("{\"weight_map\":{\"a\":\"../one.safetensors\"}}", YH_CORRUPT, "no file name");
    expect_index("{\"weight_map\":{\"a\":\"x/one.safetensors\"}}", YH_CORRUPT, "no file name");
    expect_index("{\"weight_map\":{\"a\":3}}", YH_CORRUPT, "names no file");
    expect_index("{\"weight_map\":{}}", YH_CORRUPT, "names 0 files");
    expect_index("{}", YH_CORRUPT, "weight_map");
    expect_index("{\"weight_map\":{\"a\":\"gone.safetensors\"}}", YH_NOTFOUND, "gone.safetensors");
    expect_index("{\"weight_map\"", YH_CORRUPT, "index.json");
    assert_int_equal(unlink(in_dir("model.safetensors.index.json")), 0);
    assert_int_equal(yh_safetensors_open(&s, dir, NULL), YH_NOTFOUND);
    write_text("model.safetensors", "");
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_safetensors_open(&s, dir, &err), YH_CORRUPT);
    assert_non_null(strstr(err.msg, "model.safetensors: has 0 bytes"));
}

static void types_that_weights_may_have(void **state)
{
    uint8_t data[512];
    yh_safetensors *s;
    yh_dtype type;
    yh_err err = YH_ERR_INIT;
    size_t n = image(data,
                     "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                     "\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[8,10]}}",
                     10);
    (void)state;
    assert_int_equal(yh_safetensors_parse(&s, data, n, "t.safetensors", NULL), YH_OK);
    assert_int_equal(yh_safetensors_dtype(s, yh_safetensors_find(s, "b"), &type, &err), YH_OK);
    assert_int_equal(type, YH_F16);
    assert_int_equal(yh_safetensors_dtype(s, yh_safetensors_find(s, "a"), &type, &err),
                     YH_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "F64"));
    assert_non_null(strstr(err.msg, "\"a\""));
    yh_safetensors_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_right),         cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(header_length_is_bounded),    cmocka_unit_test(written_files_read_back),
        cmocka_unit_test(nothing_half_written),        cmocka_unit_test(shards_by_their_index),
        cmocka_unit_test(types_that_weights_may_have),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
