/* Lists that rules work with: words, phrases, patterns. The ones that come with the program are the
 * files src/rules/lists/<name>.txt; a user gives own ones by path.
 *
 * Format: UTF-8, one entry a line. A line that begins with # is a comment. Blanks at both ends of a
 * line go, empty lines are skipped. What stands behind the first tab belongs to the entry as its
 * value (its class, its weight, what it is replaced by). A backslash at the beginning of an entry
 * goes and protects what follows it: a #, blanks, another backslash. A line [name] begins a section
 * (the entries before the first one are in section ""). */
#ifndef YH_RULES_LIST_H
#define YH_RULES_LIST_H

#include "base/alloc.h"

typedef struct yh_list_entry {
    const char *text;    /* NUL-terminated, not empty */
    const char *value;   /* behind the tab; "" when there is none */
    const char *section; /* "" before the first */
    size_t len;          /* bytes of text */
} yh_list_entry;

/* Caller-owned; entries are in the order of the file and belong to the list. Read-only, so any
 * thread may look once it is loaded. */
typedef struct yh_list {
    yh_list_entry *entry;
    size_t n, cap;
    char **store; /* one text a file */
    size_t n_store, cap_store;
} yh_list;

void yh_list_init(yh_list *l);
void yh_list_fini(yh_list *l);

/* Appends the entries of a list that comes with the program or, when `name` has a slash or a dot
 * in it, of a file. YH_NOTFOUND names what there is; YH_CORRUPT: not UTF-8, or a NUL in it;
 * YH_LIMIT: larger than 64 MB. */
yh_status yh_list_load(yh_list *l, const char *name, yh_err *err) YH_MUST_CHECK;
/* The same from memory; `name` stands for it in messages. */
yh_status yh_list_parse(yh_list *l, const char *text, size_t n, const char *name,
                        yh_err *err) YH_MUST_CHECK;

#endif
