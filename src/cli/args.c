#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/args.h"

static const yh_opt common_opts[] = {
    {"threads", 0, YH_OPT_INT, "N", "threads to use (default: every CPU this process may use)"},
    {"help", 'h', YH_OPT_FLAG, NULL, "show this help"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL},
};

typedef struct value {
    const yh_opt *opt;
    const char *text;
    int64_t i;
    double f;
} value;

struct yh_args {
    const yh_cmd *cmd;
    value *values;
    int n_values;
    const char **pos;
    int n_pos;
    const char **list; /* scratch of yh_arg_list */
    yh_pool *pool;
};

static const yh_opt *find_in(const yh_opt *o, const char *name, size_t n, char letter)
{
    for (; o != NULL && o->name != NULL; o++)
        if (letter != 0 ? o->letter == letter
                        : strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static const yh_opt *find_opt(const yh_cmd *c, const char *name, size_t n, char letter)
{
    const yh_opt *o = find_in(c->opts, name, n, letter);
    return o != NULL ? o : find_in(common_opts, name, n, letter);
}

static void print_opts(const yh_opt *o, FILE *f)
{
    for (; o != NULL && o->name != NULL; o++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
                 o->metavar ? " " : "", o->metavar ? o->metavar : "");
        fprintf(f, "  %-28s %s\n", left, o->help);
    }
}

void yh_args_help(const yh_cmd *c, FILE *f)
{
    fprintf(f, "yh %s: %s\n\nusage: yh %s %s\n", c->name, c->summary, c->name, c->usage);
    if (c->description != NULL)
        fprintf(f, "\n%s\n", c->description);
    fprintf(f, "\noptions:\n");
    print_opts(c->opts, f);
    print_opts(common_opts, f);
}

static int usage(const yh_cmd *c, const char *fmt, ...) YH_PRINTF(2, 3);
static int usage(const yh_cmd *c, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "yh %s: ", c->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: yh %s %s\n       yh %s --help says more\n", c->name, c->usage,
            c->name);
    return 2;
}

static bool parse_size(const char *s, int64_t *out)
{
    static const struct {
        const char *suffix;
        double by;
    } units[] = {{"", 1},        {"k", 1e3},        {"m", 1e6},          {"g", 1e9},  {"t", 1e12},
                 {"K", 1e3},     {"M", 1e6},        {"G", 1e9},          {"T", 1e12}, {"B", 1e9},
                 {"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}};
    char *end;
    errno = 0;
    double v = strtod(s, &end);
    if (end == s || errno != 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].suffix) == 0) {
            v *= units[i].by;
            if (!(v >= -9e18 && v <= 9e18))
                return false;
            *out = (int64_t)v;
            return true;
        }
    return false;
}

/* NULL: fine; else what is wrong with the text. */
static const char *parse_value(value *v)
{
    char *end;
    errno = 0;
    switch (v->opt->kind) {
    case YH_OPT_INT:
        v->i = strtoll(v->text, &end, 10);
        v->f = (double)v->i;
        return end == v->text || *end != '\0' || errno != 0 ? "needs a whole number" : NULL;
    case YH_OPT_SIZE:
        return parse_size(v->text, &v->i) ? NULL
                                          : "needs a number, maybe with k, m, g, Ki, Mi or Gi";
    case YH_OPT_NUM:
        v->f = strtod(v->text, &end);
        return end == v->text || *end != '\0' || errno != 0 || v->f != v->f ? "needs a number"
                                                                            : NULL;
    case YH_OPT_FLAG:
    case YH_OPT_TEXT:
    case YH_OPT_LIST:
        break;
    }
    return NULL;
}

/* Takes one option at argv[*i]; 0 or the exit status. */
static int take_option(yh_args *a, int argc, char **argv, int *i)
{
    const yh_cmd *c = a->cmd;
    const char *s = argv[*i], *inline_value = NULL;
    const yh_opt *o;
    if (s[1] == '-') {
        const char *eq = strchr(s, '=');
        size_t n = eq != NULL ? (size_t)(eq - s - 2) : strlen(s + 2);
        o = find_opt(c, s + 2, n, 0);
        inline_value = eq != NULL ? eq + 1 : NULL;
    } else {
        o = find_opt(c, NULL, 0, s[1]);
        inline_value = s[2] != '\0' ? s + 2 : NULL;
    }
    if (o == NULL)
        return usage(c, "there is no option %s", s);
    value *v = &a->values[a->n_values];
    *v = (value){.opt = o};
    if (o->kind == YH_OPT_FLAG) {
        if (inline_value != NULL)
            return usage(c, "option --%s takes no value", o->name);
    } else {
        if (inline_value == NULL) {
            if (*i + 1 >= argc)
                return usage(c, "option --%s needs a value (%s)", o->name, o->metavar);
            inline_value = argv[++*i];
        }
        v->text = inline_value;
        const char *wrong = parse_value(v);
        if (wrong != NULL)
            return usage(c, "option --%s %s, not \"%s\"", o->name, wrong, v->text);
    }
    a->n_values++;
    return 0;
}

static int check_positional(const yh_args *a)
{
    const yh_cmd *c = a->cmd;
    if (a->n_pos < c->min_args)
        return usage(c, a->n_pos == 0 ? "something is missing" : "more arguments are needed");
    if (c->max_args >= 0 && a->n_pos > c->max_args)
        return usage(c, "too many arguments: \"%s\"", a->pos[c->max_args]);
    if (c->subs != NULL) {
        for (int i = 0; c->subs[i] != NULL; i++)
            if (strcmp(c->subs[i], a->pos[0]) == 0)
                return 0;
        return usage(c, "there is no \"%s\" here", a->pos[0]);
    }
    return 0;
}

int yh_args_parse(yh_args **out, const yh_cmd *c, int argc, char **argv)
{
    yh_args *a = yh_calloc(1, sizeof *a);
    *out = a;
    if (a != NULL) {
        a->cmd = c;
        a->values = yh_calloc((size_t)argc + 1, sizeof *a->values);
        a->pos = yh_calloc((size_t)argc + 1, sizeof *a->pos);
        a->list = yh_calloc((size_t)argc + 1, sizeof *a->list);
    }
    if (a == NULL || a->values == NULL || a->pos == NULL || a->list == NULL) {
        fprintf(stderr, "yh %s: no memory\n", c->name);
        return 1;
    }
    bool only_positional = false;
    for (int i = 0; i < argc; i++) {
        if (only_positional || argv[i][0] != '-' || argv[i][1] == '\0') {
            a->pos[a->n_pos++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_positional = true;
        } else {
            int rc = take_option(a, argc, argv, &i);
            if (rc != 0)
                return rc;
        }
    }
    if (yh_arg_flag(a, "help")) {
        yh_args_help(c, stdout);
        return 0;
    }
    int rc = check_positional(a);
    return rc != 0 ? rc : YH_ARGS_RUN;
}

void yh_args_free(yh_args *a)
{
    if (a == NULL)
        return;
    yh_pool_free(a->pool);
    yh_free(a->values);
    yh_free(a->pos);
    yh_free(a->list);
    yh_free(a);
}

/* The last one given wins. */
static const value *given(const yh_args *a, const char *opt)
{
    for (int i = a->n_values - 1; i >= 0; i--)
        if (strcmp(a->values[i].opt->name, opt) == 0)
            return &a->values[i];
    return NULL;
}

const char *yh_arg_text(const yh_args *a, const char *opt, const char *dflt)
{
    const value *v = given(a, opt);
    return v != NULL ? v->text : dflt;
}

int64_t yh_arg_int(const yh_args *a, const char *opt, int64_t dflt)
{
    const value *v = given(a, opt);
    return v != NULL ? v->i : dflt;
}

double yh_arg_num(const yh_args *a, const char *opt, double dflt)
{
    const value *v = given(a, opt);
    return v != NULL ? v->f : dflt;
}

bool yh_arg_flag(const yh_args *a, const char *opt)
{
    return given(a, opt) != NULL;
}

bool yh_arg_given(const yh_args *a, const char *opt)
{
    return given(a, opt) != NULL;
}

int yh_arg_list(const yh_args *a, const char *opt, const char ***values)
{
    int n = 0;
    for (int i = 0; i < a->n_values; i++)
        if (strcmp(a->values[i].opt->name, opt) == 0)
            a->list[n++] = a->values[i].text;
    *values = a->list;
    return n;
}

int yh_arg_count(const yh_args *a)
{
    return a->n_pos;
}

const char *yh_arg_at(const yh_args *a, int i)
{
    return i >= 0 && i < a->n_pos ? a->pos[i] : NULL;
}

const char *const *yh_arg_all(const yh_args *a)
{
    return a->pos;
}

yh_pool *yh_cli_pool(const yh_args *a)
{
    yh_args *m = (yh_args *)(uintptr_t)a; /* the pool is a cache */
    if (m->pool == NULL) {
        yh_err err = YH_ERR_INIT;
        if (yh_pool_create(&m->pool, (int)yh_arg_int(a, "threads", 0), &err) != YH_OK)
            yh_cli_fail(a, &err);
    }
    return m->pool;
}

int yh_cli_fail(const yh_args *a, const yh_err *err)
{
    yh_live_end();
    if (err->code == YH_STOPPED)
        fprintf(stderr, "yh %s: stopped; the same command goes on from here\n", a->cmd->name);
    else
        fprintf(stderr, "yh %s: %s\n", a->cmd->name,
                err->msg[0] ? err->msg : yh_status_text(err->code));
    return 1;
}

int yh_cli_usage(const yh_args *a, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return usage(a->cmd, "%s", text);
}
