/* Every rule with its defaults on hostile text: the result is well-formed, and no byte is written
 * beyond it. */
#include <stdlib.h>

#include "input/utf8_scan.h"
#include "rules/rule.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
    "mojibake",      "normalize",      "pinyin_noise",      "spam_lines", "boilerplate_lines",
    "repeated_half", "simplify",       "refinedweb_lines",  "mapcc",      "chinesewebtext",
    "ccnet",         "gopher_quality", "gopher_repetition", "c4",         "fineweb"};
enum { RULES = sizeof names / sizeof *names };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static yh_rule_step step[RULES];
    static bool ready;
    for (int i = 0; i < RULES && !ready; i++)
        if (yh_rule_step_create(&step[i], yh_rule_find(names[i]), NULL, names[i], NULL) != YH_OK)
            step[i].rule = NULL; /* built without tables */
    ready = true;
    yh_buf text;
    yh_buf_init(&text, 0);
    if (yh_utf8_repair(data, size, &text, NULL) != YH_OK || text.len == 0 ||
        memchr(text.data, 0, text.len) != NULL) {
        yh_buf_fini(&text);
        return 0;
    }
    yh_draft d = {.removed_by = -1, .text = text.data, .len = text.len};
    for (int i = 0; i < RULES; i++) {
        if (step[i].rule == NULL)
            continue;
        if (d.removed_by >= 0) { /* what a rule removed is looked at by the others all the same */
            d.removed_by = -1;
            yh_free(d.removed_evidence);
            d.removed_evidence = NULL;
        }
        if (step[i].rule->apply(step[i].state, &d, i, NULL) != YH_OK)
            abort();
        if (yh_utf8_valid_prefix((const uint8_t *)d.text, d.len) < d.len || d.text[d.len] != '\0')
            abort();
    }
    yh_draft_fini(&d);
    return 0;
}
