/* yh: finds the command, parses its options by its table, runs it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/cli.h"

#include "registry_cmd.h"

#define DECLARE(name) extern const yh_cmd yh_cmd_##name;
YH_REGISTRY_CMD(DECLARE)
#undef DECLARE
static const yh_cmd *const commands[] = {
#define ENTRY(name) &yh_cmd_##name,
    YH_REGISTRY_CMD(ENTRY)
#undef ENTRY
};
enum { N_COMMANDS = (int)(sizeof commands / sizeof *commands) };

static void on_signal(int sig)
{
    if (yh_stop_requested()) { /* asked twice: leave at once, files are safe by construction */
        static const char text[] = "\nstopped at once\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
        (void)ignored;
        _exit(128 + sig);
    }
    yh_stop_request();
}

static void on_log(void *user, yh_log_level level, const char *message)
{
    (void)user;
    if (level == YH_LOG_DEBUG && getenv("YH_DEBUG") == NULL)
        return;
    yh_live_end();
    fprintf(stderr, "yh: %s%s\n", level == YH_LOG_WARN ? "warning: " : "", message);
}

static void help(FILE *f)
{
    fprintf(f,
            "Yinghuo %s: raw text to a language model that answers, on ordinary CPUs\n\n"
            "usage: yh COMMAND ...      yh COMMAND --help says more\n\n",
            YH_VERSION);
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(f, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(f, "\n  help [COMMAND], --version\n"
               "\nEnvironment: YH_THREADS (threads), YH_ISA (ref, avx2, avx512, avx512bf16, amx: "
               "the most to use),\n"
               "YH_PIN (0: threads are not pinned, 1: also on one memory node), "
               "YH_DEBUG=1 (more messages).\n"
               "Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

static const yh_cmd *find(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* Results that could not be written are a failure. */
static int written(const char *name, int rc)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return rc;
    fprintf(stderr, "yh%s%s: cannot write to standard output\n", name != NULL ? " " : "",
            name != NULL ? name : "");
    return rc == 0 ? 1 : rc;
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    yh_log_set(on_log, NULL);

    const char *verb = argc > 1 ? argv[1] : "help";
    if (strcmp(verb, "--version") == 0 || strcmp(verb, "-V") == 0) {
        printf("yh %s (%s)\n", YH_VERSION, yh_isa_name());
        return written(NULL, 0);
    }
    if (strcmp(verb, "help") == 0 || strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        if (argc > 2) {
            const yh_cmd *c = find(argv[2]);
            if (c != NULL) {
                yh_args_help(c, stdout);
                return written(NULL, 0);
            }
            fprintf(stderr, "yh: there is no command \"%s\"\n", argv[2]);
            return 2;
        }
        help(argc > 1 ? stdout : stderr);
        return written(NULL, argc > 1 ? 0 : 2);
    }
    const yh_cmd *c = find(verb);
    if (c == NULL) {
        fprintf(stderr, "yh: there is no command \"%s\"; see yh help\n", verb);
        return 2;
    }
    yh_args *a = NULL;
    int rc = yh_args_parse(&a, c, argc - 2, argv + 2);
    if (rc == YH_ARGS_RUN) {
        rc = c->run(a);
        yh_live_end();
    }
    yh_args_free(a);
    return written(c->name, rc);
}
