/* yh chat: a conversation on the terminal or through a pipe. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/model_opts.h"

enum { MAX_LINE = 1 << 20 };

typedef struct chat {
    const yh_args *a;
    yh_opened m;
    yh_generate_options o;
    bool tty, templated;
    yh_chat_message *msg; /* templated: role constant, content owned */
    size_t n, cap;
    size_t first; /* 1 when a system message leads */
    yh_buf text;  /* plain: the text so far */
    yh_buf answer;
} chat;

static bool on_text(void *user, const char *text, size_t len)
{
    chat *c = user;
    return fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0 &&
           yh_buf_add(&c->answer, text, len, NULL) == YH_OK;
}

static void forget(chat *c, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        yh_free((char *)(uintptr_t)c->msg[i].content);
    if (n == 0)
        return;
    memmove(c->msg + from, c->msg + from + n, (c->n - from - n) * sizeof *c->msg);
    c->n -= n;
}

static void reset(chat *c)
{
    forget(c, c->first, c->n - c->first);
    yh_buf_clear(&c->text);
    yh_session_reset(c->m.session);
}

static yh_status say(chat *c, const char *role, const char *text, size_t len, yh_err *err)
{
    yh_chat_message *msg = yh_grow(c->msg, &c->cap, c->n + 1, sizeof *msg);
    char *copy = yh_strndup(text, len);
    if (msg != NULL)
        c->msg = msg;
    if (msg == NULL || copy == NULL) {
        yh_free(copy);
        return yh_fail(err, YH_NOMEM, "no memory for the conversation");
    }
    msg[c->n++] = (yh_chat_message){role, copy};
    return YH_OK;
}

static yh_status answer_templated(chat *c, yh_generate_result *r, yh_err *err)
{
    char *text = NULL;
    YH_TRY(yh_tok_chat(c->m.tok, c->msg, c->n, true, &text, err));
    yh_status s =
        yh_generate(c->m.session, c->m.tok, text, strlen(text), YH_ENCODE_SPECIAL, &c->o, r, err);
    yh_text_free(text);
    return s;
}

/* Leaves out the oldest part of what was said; false when there is nothing left to leave out. */
static bool shorten(chat *c)
{
    if (c->templated) {
        if (c->n - c->first < 3)
            return false;
        forget(c, c->first, 2);
        return true;
    }
    size_t cut = c->text.len / 2;
    while (cut < c->text.len && ((unsigned char)c->text.data[cut] & 0xC0) == 0x80)
        cut++;
    if (cut == 0)
        return false;
    memmove(c->text.data, c->text.data + cut, c->text.len - cut + 1);
    c->text.len -= cut;
    return true;
}

static yh_status answer(chat *c, yh_generate_result *r, yh_err *err)
{
    for (;;) {
        yh_err own = YH_ERR_INIT;
        yh_buf_clear(&c->answer);
        yh_status s = c->templated ? answer_templated(c, r, &own)
                                   : yh_generate(c->m.session, c->m.tok, c->text.data, c->text.len,
                                                 0, &c->o, r, &own);
        if (s != YH_LIMIT || c->answer.len > 0 || !shorten(c))
            return s == YH_OK ? s : yh_fail(err, s, "%s", own.msg);
        fprintf(stderr, "(the context is full: the oldest part is left out)\n");
    }
}

/* Plain: what the user writes begins a line of the text. */
static yh_status add_line(chat *c, const char *line, size_t len, yh_err *err)
{
    if (c->text.len > 0 && c->text.data[c->text.len - 1] != '\n')
        YH_TRY(yh_buf_addc(&c->text, '\n', err));
    return yh_buf_add(&c->text, line, len, err);
}

/* One turn: what the user wrote, then the model's part. */
static yh_status turn(chat *c, const char *line, size_t len, yh_err *err)
{
    yh_generate_result r = {0};
    if (c->templated)
        YH_TRY(say(c, "user", line, len, err));
    else
        YH_TRY(add_line(c, line, len, err));
    yh_status s = answer(c, &r, err);
    bool cancelled = yh_stop_requested();
    yh_stop_clear();
    if (s != YH_OK)
        return s;
    printf("\n");
    if (fflush(stdout) != 0)
        return yh_fail(err, YH_IO, "cannot write to standard output");
    if (cancelled)
        fprintf(stderr, "(stopped)\n");
    if (yh_arg_flag(c->a, "stats"))
        fprintf(stderr, "(%u + %u tokens, %.1f tokens/s, %u of %u used)\n", r.prompt_tokens,
                r.tokens, r.seconds > 0 ? r.tokens / r.seconds : 0.0, yh_session_used(c->m.session),
                yh_session_context(c->m.session));
    if (c->templated)
        return say(c, "assistant", c->answer.data ? c->answer.data : "", c->answer.len, err);
    if (strcmp(r.finish, "stop") == 0 && c->o.n_stop == 0)
        yh_buf_clear(&c->text); /* the model ended the text: the next line begins another */
    else
        YH_TRY(yh_buf_add(&c->text, c->answer.data, c->answer.len, err));
    return YH_OK;
}

/* false: leave. */
static bool command(chat *c, const char *line)
{
    if (strcmp(line, "/quit") == 0 || strcmp(line, "/exit") == 0)
        return false;
    if (strcmp(line, "/reset") == 0) {
        reset(c);
        fprintf(stderr, "(a new conversation)\n");
    } else {
        fprintf(stderr, "/reset begins anew, /quit leaves (or Ctrl-D); Ctrl-C stops an answer\n");
    }
    return true;
}

/* 1: a line; 0: the end; -1: asked to stop while waiting. */
static int read_line(const chat *c, char **line, size_t *cap, size_t *len)
{
    if (c->tty) {
        fprintf(stderr, "> ");
        fflush(stderr);
    }
    errno = 0;
    ssize_t n = getline(line, cap, stdin);
    if (n < 0 && errno == EINTR && yh_stop_requested()) {
        clearerr(stdin);
        return -1;
    }
    if (n < 0)
        return 0;
    while (n > 0 && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
        (*line)[--n] = '\0';
    *len = (size_t)n;
    return 1;
}

static int talk(chat *c)
{
    char *line = NULL;
    size_t cap = 0, len = 0;
    int rc = 0, got;
    while (rc == 0 && (got = read_line(c, &line, &cap, &len)) != 0) {
        yh_err err = YH_ERR_INIT;
        if (got < 0) {
            yh_stop_clear();
            fprintf(stderr, "\n(/quit or Ctrl-D leaves)\n");
            continue;
        }
        if (len == 0)
            continue;
        if (len > MAX_LINE) {
            fprintf(stderr, "(a line of %zu bytes is too long: at most %d)\n", len, (int)MAX_LINE);
            continue;
        }
        if (line[0] == '/') {
            if (!command(c, line))
                break;
            continue;
        }
        if (turn(c, line, len, &err) != YH_OK)
            rc = yh_cli_fail(c->a, &err);
    }
    if (c->tty && rc == 0)
        fprintf(stderr, "\n");
    free(line);
    return rc;
}

static int begin(chat *c)
{
    const char *system = yh_arg_text(c->a, "system", NULL);
    yh_err err = YH_ERR_INIT;
    c->templated = yh_tok_chat_template(c->m.tok) != NULL && !yh_arg_flag(c->a, "plain");
    if (system != NULL && !c->templated)
        return yh_cli_usage(c->a, "--system needs a model with a chat template");
    if (system != NULL) {
        if (say(c, "system", system, strlen(system), &err) != YH_OK)
            return yh_cli_fail(c->a, &err);
        c->first = 1;
    }
    if (c->tty && c->templated)
        fprintf(stderr, "/reset begins anew, /quit leaves; Ctrl-C stops an answer\n");
    else if (c->tty)
        fprintf(stderr, "this model was not tuned for conversation: it continues what you write\n"
                        "/reset begins anew, /quit leaves; Ctrl-C stops it\n");
    return 0;
}

static int run(const yh_args *a)
{
    chat c = {.a = a, .tty = isatty(STDIN_FILENO) != 0};
    const char **stop;
    if (!yh_model_opt_sampling(a, &c.o.sampling))
        return 2;
    signal(SIGTERM, SIG_DFL); /* nothing is being written: only Ctrl-C has a meaning here */
    int rc = yh_opened_open(a, yh_arg_at(a, 0), &c.m);
    if (rc != 0)
        return rc;
    c.o.max_tokens = (uint32_t)yh_arg_int(a, "max-tokens", 512);
    c.o.n_stop = (size_t)yh_arg_list(a, "stop", &stop);
    c.o.stop = stop;
    c.o.emit = on_text;
    c.o.user = &c;
    yh_buf_init(&c.text, (size_t)64 << 20);
    yh_buf_init(&c.answer, 0);
    rc = begin(&c);
    if (rc == 0)
        rc = talk(&c);
    forget(&c, 0, c.n);
    yh_free(c.msg);
    yh_buf_fini(&c.text);
    yh_buf_fini(&c.answer);
    yh_opened_close(&c.m);
    return rc;
}

static const yh_opt opts[] = {
    {"system", 0, YH_OPT_TEXT, "TEXT", "what the model is told before the conversation"},
    {"plain", 0, YH_OPT_FLAG, NULL, "continue the text even if the model has a chat template"},
    YH_MODEL_OPT_SAMPLING,
    {"tok", 0, YH_OPT_TEXT, "PATH", "tokenizer (default: the model folder's)"},
    YH_MODEL_OPT_PRECISION,
    {"stats", 0, YH_OPT_FLAG, NULL, "tokens and speed behind each answer"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_chat = {
    .name = "chat",
    .summary = "talk with a model",
    .usage = "MODEL",
    .description = "With a chat template the lines are a conversation. Without one the model "
                   "continues the\ntext that you write. Answers end after 512 tokens (-n). Lines "
                   "may come through a pipe.",
    .opts = opts,
    .min_args = 1,
    .max_args = 1,
    .run = run};
