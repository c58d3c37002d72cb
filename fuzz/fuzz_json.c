/* base/json.c: any bytes either parse or give an error with a message; the getters take whatever
 * parsed; what is parsed and written again parses to the same value. */
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void get_all(const json_t *object, const char *key)
{
    int64_t i;
    double d;
    bool b;
    const char *s;
    yh_err err = YH_ERR_INIT;
    if (yh_json_int(object, key, -100, 100, true, 1, "fuzz", &i, &err) == YH_OK &&
        (i < -100 || i > 100))
        __builtin_trap();
    if (yh_json_num(object, key, -1.0, 1.0, true, 0.5, "fuzz", &d, &err) == YH_OK &&
        !(d >= -1.0 && d <= 1.0))
        __builtin_trap();
    (void)!yh_json_bool(object, key, false, false, "fuzz", &b, &err);
    if (yh_json_str(object, key, false, "fuzz", &s, &err) == YH_OK && s == NULL)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root = NULL;
    yh_err err = YH_ERR_INIT;
    if (yh_json_parse(&root, (const char *)data, size, "fuzz", &err) != YH_OK) {
        if (root != NULL || err.code == YH_OK || err.msg[0] == '\0')
            __builtin_trap();
        return 0;
    }
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) get_all(root, key);
    get_all(root, "missing");

    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text != NULL) {
        json_t *again = NULL;
        if (yh_json_parse(&again, text, strlen(text), "fuzz", &err) != YH_OK ||
            !json_equal(root, again))
            __builtin_trap();
        json_decref(again);
        yh_json_text_free(text);
    }
    json_decref(root);
    return 0;
}
