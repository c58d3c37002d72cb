/* The live line on stderr, and numbers for people. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

static bool shown;
static double last;

void yh_live(bool final, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    bool tty = isatty(STDERR_FILENO) != 0;
    double now = yh_now();
    if (!tty && last <= 0.0)
        last = now; /* what is done at once needs one line */
    if (!final && now - last < (tty ? 0.1 : 5.0))
        return;
    last = now;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!tty) {
        fprintf(stderr, "%s\n", text);
        return;
    }
    struct winsize ws = {0};
    int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 8 ? ws.ws_col - 1 : 79;
    fprintf(stderr, "\r\033[K%.*s%s", width, text, final ? "\n" : "");
    fflush(stderr);
    shown = !final;
}

void yh_live_end(void)
{
    if (shown)
        fprintf(stderr, "\r\033[K");
    shown = false;
}

const char *yh_fmt_bytes(double n, char buf[32])
{
    static const char *const unit[] = {"B", "KB", "MB", "GB", "TB"};
    int u = 0;
    while (n >= 999.5 && u < 4) {
        n /= 1000.0;
        u++;
    }
    snprintf(buf, 32, u == 0 || n >= 99.95 ? "%.0f %s" : "%.1f %s", n, unit[u]);
    return buf;
}

const char *yh_fmt_seconds(double s, char buf[32])
{
    long t = s > 0 ? (long)(s + 0.5) : 0;
    if (t >= 3600)
        snprintf(buf, 32, "%ldh %02ldm", t / 3600, t % 3600 / 60);
    else if (t >= 60)
        snprintf(buf, 32, "%ldm %02lds", t / 60, t % 60);
    else
        snprintf(buf, 32, s < 9.95 ? "%.1fs" : "%.0fs", s > 0 ? s : 0.0);
    return buf;
}

const char *yh_fmt_count(double n, char buf[32])
{
    if (n >= 999.5e6)
        snprintf(buf, 32, "%.2fG", n / 1e9);
    else if (n >= 999.5e3)
        snprintf(buf, 32, "%.1fM", n / 1e6);
    else if (n >= 9999.5)
        snprintf(buf, 32, "%.1fk", n / 1e3);
    else
        snprintf(buf, 32, "%.0f", n);
    return buf;
}
