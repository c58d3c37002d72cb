#include "input/source.h"

#include <stdio.h>
#include <strings.h>

#include "base/file.h"
#include "input/charset.h"
#include "input/sniff.h"
#include "input/tar.h"
#include "input/utf8_scan.h"
#include "input/zip.h"

enum { ARCHIVE_FREE = 256 << 20 }; /* what an archive may always become, all entries together */

/* An archive that is open, and the stream that it stands in. */
typedef struct level {
    yh_container kind;
    yh_stream *stream[2]; /* owned, as in yh_source */
    char *prefix;         /* its own path; NULL: the file itself */
    yh_tar tar;
    yh_zip zip;
    uint64_t entries, made;
} level;

struct yh_source {
    const yh_read_options *o;
    char *name;
    bool started;
    yh_slice part;
    const void *memory;
    size_t memory_len;
    level level[YH_ARCHIVE_DEPTH];
    int depth;
    /* The open file or entry. */
    yh_stream *stream[2]; /* [1]: [0] decompressed once more; NULL */
    char *entry;
    const yh_reader *reader;
    yh_reader_state state;
    uint64_t member, pieces;
    uint64_t named, unnamed; /* problems of readers, and those beyond YH_NOTES_NAMED */
    yh_buf spare;            /* memory for the next piece */
};

void yh_chunk_fini(yh_chunk *c)
{
    yh_buf_fini(&c->piece.bytes);
    yh_free(c->entry);
    for (int i = 0; i < c->n_notes; i++)
        yh_free(c->note[i].entry);
    yh_free(c->note);
    memset(c, 0, sizeof *c);
}

static yh_stream *top(yh_stream *const s[2])
{
    return s[1] != NULL ? s[1] : s[0];
}

static void close_streams(yh_stream *s[2])
{
    yh_stream_close(s[1]);
    yh_stream_close(s[0]);
    s[0] = s[1] = NULL;
}

yh_status yh_chunk_note(yh_chunk *c, yh_note_type type, const char *kind, const char *entry,
                        const char *what, yh_err *err)
{
    if (c->n_notes >= YH_NOTES_MAX)
        return YH_OK;
    if (c->note == NULL && (c->note = yh_calloc(YH_NOTES_MAX, sizeof *c->note)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a note");
    yh_note *n = &c->note[c->n_notes];
    if (entry != NULL && (n->entry = yh_strdup(entry)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a note");
    n->type = type;
    n->kind = kind;
    snprintf(n->what, sizeof n->what, "%.199s", what);
    for (size_t at = 0, len = strlen(n->what); at < len;) { /* a character may be cut in two */
        at += yh_utf8_valid_prefix((const uint8_t *)n->what + at, len - at);
        if (at < len)
            n->what[at++] = '?';
    }
    c->n_notes++;
    return YH_OK;
}

/* Errors that belong to the input and not to us become a note. */
static yh_status soft(yh_chunk *c, yh_status s, const yh_err *e, const char *entry, bool skipped,
                      yh_err *err)
{
    if (s == YH_NOMEM || s == YH_STOPPED || s == YH_INTERNAL)
        return yh_fail(err, s, "%s", e->msg);
    return yh_chunk_note(c, skipped ? YH_NOTE_SKIPPED : YH_NOTE_PROBLEM,
                         skipped ? "cannot be read" : "cannot be read further", entry, e->msg, err);
}

/* ------------------------------------------------------------------ names of entries */

/* PREFIX/NAME in UTF-8 with plain components: no drive, no "..", no control characters. *hidden:
 * a component begins with a dot, as the files that a folder's listing leaves out. */
static yh_status entry_name(const char *prefix, const char *raw, size_t n, bool utf8, char **out,
                            bool *hidden, yh_err *err)
{
    yh_buf name, path;
    yh_buf_init(&name, 0);
    yh_buf_init(&path, 0);
    *hidden = false;
    *out = NULL;
    if (n > 4096)
        n = 4096;
    yh_status s =
        yh_charset_decode((const uint8_t *)raw, n, utf8 ? "UTF-8" : NULL, NULL, &name, NULL, err);
    if (s == YH_OK && prefix != NULL)
        s = yh_buf_adds(&path, prefix, err);
    for (size_t at = 0; s == YH_OK && at < name.len;) {
        size_t end = at;
        while (end < name.len && name.data[end] != '/' && name.data[end] != '\\')
            end++;
        const char *part = name.data + at;
        size_t len = end - at;
        at = end + 1;
        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0))
            continue;
        if (part[0] == '.' || (len == 8 && memcmp(part, "__MACOSX", 8) == 0))
            *hidden = true;
        if (path.len > 0)
            s = yh_buf_addc(&path, '/', err);
        for (size_t i = 0; i < len && s == YH_OK; i++)
            s = yh_buf_addc(&path, (uint8_t)part[i] < 0x20 || part[i] == 0x7f ? '_' : part[i], err);
    }
    if (s == YH_OK && path.len == 0)
        s = yh_buf_adds(&path, "entry", err);
    yh_buf_fini(&name);
    if (s != YH_OK)
        yh_buf_fini(&path);
    else
        *out = path.data;
    return s;
}

/* ------------------------------------------------------------------ opening what a stream holds */

static void member_close(yh_source *s)
{
    close_streams(s->stream);
    yh_reader_state_fini(&s->state);
    yh_free(s->entry);
    s->entry = NULL;
    s->reader = NULL;
    s->pieces = 0;
}

static void level_close(level *l)
{
    if (l->kind == YH_TAR)
        yh_tar_fini(&l->tar);
    if (l->kind == YH_ZIP)
        yh_zip_close(&l->zip);
    close_streams(l->stream);
    yh_free(l->prefix);
    memset(l, 0, sizeof *l);
}

/* Takes the open member off the archive that holds it. */
static yh_status leave_entry(yh_source *s, yh_chunk *c, yh_err *err)
{
    yh_err e = YH_ERR_INIT;
    if (s->depth == 0 || s->stream[0] == NULL)
        return YH_OK;
    level *l = &s->level[s->depth - 1];
    l->made += yh_stream_made(s->stream[0]);
    if (l->kind == YH_ZIP) {
        yh_zip_leave(&l->zip, s->stream[0]);
        return YH_OK;
    }
    uint64_t left = yh_stream_left(s->stream[0]);
    const uint8_t *p;
    size_t n;
    yh_status st = yh_tar_leave(&l->tar, left, &e);
    if (st != YH_OK)
        return soft(c, st, &e, s->entry, false, err);
    YH_TRY(yh_stream_peek(top(l->stream), 1, &p, &n, err));
    if (n == 0 && left > 0 && yh_stream_broken(top(l->stream)) == NULL &&
        yh_stream_left(s->stream[0]) > 0)
        return yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged archive", s->entry,
                             "the archive ends within it", err);
    return YH_OK;
}

/* The open member is not read: what stands behind it in its archive goes on. */
static yh_status pass_over(yh_source *s, yh_chunk *c, yh_err *err)
{
    yh_status st = leave_entry(s, c, err);
    member_close(s);
    return st;
}

/* The open member is an archive: it becomes a level. */
static yh_status push_level(yh_source *s, yh_container kind, yh_chunk *c, yh_err *err)
{
    yh_err e = YH_ERR_INIT;
    if (s->depth == YH_ARCHIVE_DEPTH) {
        YH_TRY(yh_chunk_note(c, YH_NOTE_SKIPPED, "archive within an archive", s->entry,
                             "archives are opened two deep; unpack this one yourself", err));
        return pass_over(s, c, err);
    }
    level *l = &s->level[s->depth];
    memset(l, 0, sizeof *l);
    l->stream[0] = s->stream[0];
    l->stream[1] = s->stream[1];
    l->prefix = s->entry;
    l->kind = kind;
    s->stream[0] = s->stream[1] = NULL;
    s->entry = NULL;
    s->depth++;
    if (kind == YH_TAR) {
        yh_tar_init(&l->tar, top(l->stream));
        return YH_OK;
    }
    yh_random r;
    yh_status st = yh_stream_random(top(l->stream), &r, &e);
    if (st == YH_OK)
        st = yh_zip_open(&l->zip, &r, &e);
    if (st == YH_OK && l->zip.problem[0] != '\0')
        return yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged archive", l->prefix, l->zip.problem, err);
    if (st != YH_OK) {
        YH_TRY(soft(c, st, &e, l->prefix, true, err));
        l->zip.dir.len = 0;
        l->zip.next = l->zip.file.size;
        l->zip.file = (yh_random){.fd = -1};
        l->zip.next = 0;
    }
    return YH_OK;
}

/* An archive whose first bytes are damaged is still one by its name. */
static void by_name(const char *name, yh_sniffed *is)
{
    const char *type;
    (void)yh_reader_of(name, &type);
    if (is->container == YH_NO_CONTAINER && strcasecmp(type, ".zip") == 0)
        is->container = YH_ZIP;
    else if (is->container == YH_NO_CONTAINER &&
             (strncasecmp(type, ".tar", 4) == 0 || strcasecmp(type, ".tgz") == 0))
        is->container = YH_TAR;
}

/* The reader of a plain file of lines; NULL: it is another one. */
static const yh_reader *line_reader(const char *path, const yh_read_options *o)
{
    yh_stream *s = NULL;
    const uint8_t *p;
    size_t n;
    yh_sniffed is;
    const yh_reader *r = NULL;
    if (yh_stream_lines(&s, path, 0, UINT64_MAX, NULL) == YH_OK &&
        yh_stream_peek(s, YH_SNIFF, &p, &n, NULL) == YH_OK &&
        yh_packing_of(p, n) == YH_PACKING_NONE) {
        yh_sniff(p, n, n < YH_SNIFF, &is);
        if (is.container == YH_NO_CONTAINER)
            r = o != NULL && o->format != NULL ? yh_reader_named(o->format)
                                               : yh_reader_for(path, &is, NULL);
        if (r != NULL && (r->lines == NULL || !r->lines(p, n)))
            r = NULL;
    }
    yh_stream_close(s);
    return r;
}

bool yh_source_divides(const char *path, const yh_read_options *o)
{
    return line_reader(path, o) != NULL;
}

/* Looks at the member's first bytes and chooses: a reader, an archive, nothing. */
static yh_status choose(yh_source *s, const char *name, yh_chunk *c, yh_err *err)
{
    yh_err e = YH_ERR_INIT;
    const uint8_t *p;
    size_t n;
    yh_sniffed is;
    char why[120];
    s->member++;
    if (s->o != NULL)
        yh_stream_limit(s->stream[0], s->o->ratio_max, s->o->size_max);
    yh_status st = yh_stream_peek(s->stream[0], YH_SNIFF, &p, &n, &e);
    if (st == YH_OK && n > 0 && yh_packing_of(p, n) != YH_PACKING_NONE) {
        st = yh_stream_part(&s->stream[1], s->stream[0], UINT64_MAX, name, &e);
        if (st == YH_OK && s->o != NULL)
            yh_stream_limit(s->stream[1], s->o->ratio_max, s->o->size_max);
        if (st == YH_OK)
            st = yh_stream_peek(s->stream[1], YH_SNIFF, &p, &n, &e);
    }
    if (st != YH_OK) {
        YH_TRY(soft(c, st, &e, s->entry, true, err));
        return pass_over(s, c, err);
    }
    if (n == 0 && s->part.end > 0) { /* no line begins in it */
        member_close(s);
        return YH_OK;
    }
    if (n == 0) {
        const char *broken = yh_stream_broken(top(s->stream));
        if (broken == NULL)
            broken = yh_stream_broken(s->stream[0]);
        YH_TRY(broken != NULL
                   ? yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged compression", s->entry, broken, err)
                   : yh_chunk_note(c, YH_NOTE_SKIPPED, "empty", s->entry, "has no content", err));
        return pass_over(s, c, err);
    }
    yh_sniff(p, n, n < YH_SNIFF, &is);
    if (is.format == NULL && is.foreign == NULL && is.likely == NULL)
        by_name(name, &is);
    yh_reader_state_init(&s->state, s->o);
    if (s->o != NULL && s->o->format != NULL && is.container == YH_NO_CONTAINER) {
        s->reader = yh_reader_named(s->o->format);
        return YH_OK;
    }
    if (is.container != YH_NO_CONTAINER)
        return push_level(s, is.container, c, err);
    s->reader = yh_reader_for(name, &is, why);
    if (s->reader == NULL) {
        YH_TRY(yh_chunk_note(c, YH_NOTE_SKIPPED, "format not known", s->entry, why, err));
        return pass_over(s, c, err);
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ going through archives */

static yh_status leave_archive(yh_source *s, yh_chunk *c, yh_err *err)
{
    level *l = &s->level[s->depth - 1];
    yh_status st = YH_OK;
    const char *broken = yh_stream_broken(top(l->stream));
    if (broken != NULL)
        st = yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged compression", l->prefix, broken, err);
    if (st == YH_OK && l->entries == 0 && broken == NULL)
        st = yh_chunk_note(c, YH_NOTE_SKIPPED, "empty", l->prefix, "an archive without files", err);
    /* what stands around this archive goes on behind it */
    yh_stream *inner = l->stream[0];
    if (s->depth > 1 && s->level[s->depth - 2].kind == YH_TAR) {
        level *o = &s->level[s->depth - 2];
        if (st == YH_OK)
            st = yh_tar_leave(&o->tar, yh_stream_left(inner), err);
    } else if (s->depth > 1) {
        yh_zip_leave(&s->level[s->depth - 2].zip, inner);
    }
    s->depth--;
    level_close(l);
    return st;
}

static yh_status open_entry(yh_source *s, level *l, const char *raw, size_t n, bool utf8,
                            yh_chunk *c, yh_err *err)
{
    yh_err e = YH_ERR_INIT;
    bool hidden;
    yh_status st = YH_OK;
    YH_TRY(entry_name(l->prefix, raw, n, utf8, &s->entry, &hidden, err));
    l->entries++;
    if (hidden) {
        if (l->kind == YH_TAR)
            st = yh_tar_leave(&l->tar, l->tar.size, err);
        member_close(s);
        return st;
    }
    if (l->kind == YH_TAR) {
        st = yh_stream_part(&s->stream[0], l->tar.s, l->tar.size, s->entry, &e);
    } else {
        st = yh_zip_entry(&l->zip, s->entry, &s->stream[0], &e);
        if (st == YH_OK && l->zip.problem[0] != '\0')
            YH_TRY(yh_chunk_note(c, s->stream[0] == NULL ? YH_NOTE_SKIPPED : YH_NOTE_PROBLEM,
                                 s->stream[0] == NULL ? "cannot be read" : "damaged archive",
                                 s->entry, l->zip.problem, err));
    }
    if (st != YH_OK)
        YH_TRY(soft(c, st, &e, s->entry, true, err));
    if (s->stream[0] == NULL) {
        member_close(s);
        return YH_OK;
    }
    return YH_OK;
}

/* The next entry of the innermost archive is opened, or the archive is left. */
static yh_status next_entry(yh_source *s, yh_chunk *c, yh_err *err)
{
    level *l = &s->level[s->depth - 1];
    yh_err e = YH_ERR_INIT;
    bool more = true;
    yh_status st;
    uint64_t raw = yh_stream_raw_size(s->level[0].stream[0]);
    if (raw == 0)
        raw = yh_stream_raw_done(s->level[0].stream[0]);
    if (l->entries >= YH_ARCHIVE_ENTRIES ||
        (l->made > ARCHIVE_FREE && l->made / YH_UNPACK_RATIO > raw)) {
        YH_TRY(yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged archive", l->prefix,
                             l->entries >= YH_ARCHIVE_ENTRIES
                                 ? "has more entries than are looked at; the others were left out"
                                 : "its entries grow without end; the others were left out",
                             err));
        return leave_archive(s, c, err);
    }
    if (l->kind == YH_TAR) {
        st = yh_tar_next(&l->tar, &more, &e);
        if (st == YH_OK && l->tar.problem != NULL)
            YH_TRY(yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged archive", l->prefix, l->tar.problem,
                                 err));
        if (st == YH_OK && more && !l->tar.regular)
            return yh_tar_leave(&l->tar, l->tar.size, err);
    } else {
        st = yh_zip_next(&l->zip, &more, &e);
        if (st == YH_OK && more && l->zip.folder)
            return YH_OK;
    }
    if (st != YH_OK) {
        YH_TRY(soft(c, st, &e, l->prefix, false, err));
        more = false;
    }
    if (!more)
        return leave_archive(s, c, err);
    YH_TRY(l->kind == YH_TAR ? open_entry(s, l, l->tar.name.data, l->tar.name.len, false, c, err)
                             : open_entry(s, l, l->zip.name, l->zip.name_len, l->zip.utf8, c, err));
    return s->stream[0] != NULL ? choose(s, s->entry, c, err) : YH_OK;
}

/* ------------------------------------------------------------------ chunks */

static yh_status open_first(yh_source *s, yh_chunk *c, yh_err *err)
{
    s->started = true;
    if (s->part.begin == 0)
        return choose(s, s->name, c, err);
    s->member++;
    yh_reader_state_init(&s->state, s->o);
    s->state.sliced = true;
    s->state.counter = s->part.lines;
    s->reader = line_reader(s->name, s->o);
    if (s->reader == NULL)
        YH_TRY(yh_chunk_note(c, YH_NOTE_PROBLEM, "changed while it was read", NULL,
                             "is no longer a file of lines", err));
    return YH_OK;
}

static yh_status member_end(yh_source *s, yh_chunk *c, yh_err *err)
{
    const char *broken = yh_stream_broken(s->stream[0]);
    if (broken == NULL && s->stream[1] != NULL)
        broken = yh_stream_broken(s->stream[1]);
    const uint64_t replaced = yh_stream_replaced(top(s->stream));
    if (replaced > 0) {
        char what[100];
        snprintf(what, sizeof what, "%s: %llu units are no characters and became U+FFFD",
                 yh_stream_encoding(top(s->stream)), (unsigned long long)replaced);
        YH_TRY(yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged text", s->entry, what, err));
    }
    if (broken != NULL)
        YH_TRY(yh_chunk_note(c, YH_NOTE_PROBLEM, "damaged compression", s->entry, broken, err));
    else if (s->pieces == 0 && s->part.end == 0)
        YH_TRY(yh_chunk_note(c, YH_NOTE_SKIPPED, "empty", s->entry, "has no content", err));
    return pass_over(s, c, err);
}

void yh_source_spare(yh_source *s, yh_buf *b)
{
    yh_buf_fini(&s->spare);
    s->spare = *b;
    yh_buf_clear(&s->spare);
    yh_buf_init(b, 0);
}

/* One piece of the open member; *got. */
static yh_status take_piece(yh_source *s, yh_chunk *c, bool *got, yh_err *err)
{
    yh_err e = YH_ERR_INIT;
    *got = true;
    c->piece.options = s->o;
    c->piece.bytes = s->spare;
    yh_buf_init(&s->spare, 0);
    c->piece.offset = yh_stream_offset(top(s->stream));
    yh_status st = s->reader->next(top(s->stream), &s->state, &c->piece, got, &e);
    if (st != YH_OK) { /* a bad sector: what came before it is good */
        *got = false;
        YH_TRY(soft(c, st, &e, s->entry, false, err));
        s->pieces++;
    }
    if (s->state.problem[0] != '\0') {
        if (s->named++ < YH_NOTES_NAMED)
            YH_TRY(yh_chunk_note(c, YH_NOTE_PROBLEM, "over a limit or not supported", s->entry,
                                 s->state.problem, err));
        else
            s->unnamed++;
        s->state.problem[0] = '\0';
        s->pieces += !*got;
    }
    if (s->state.info[0] != '\0') {
        YH_TRY(yh_chunk_note(c, YH_NOTE_LEFT_OUT, "left out", s->entry, s->state.info, err));
        s->state.info[0] = '\0';
        s->pieces += !*got;
    }
    if (!*got) {
        yh_source_spare(s, &c->piece.bytes);
        memset(&c->piece, 0, sizeof c->piece);
        return YH_OK;
    }
    const char *type;
    c->lines = s->part.end > 0 ? s->state.counter : 0;
    c->reader = s->reader;
    c->member = s->member;
    c->first = s->pieces++ == 0;
    (void)yh_reader_of(s->entry != NULL ? s->entry : s->name, &type);
    snprintf(c->type, sizeof c->type, "%.15s", type);
    if (s->entry != NULL && (c->entry = yh_strdup(s->entry)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a name");
    return YH_OK;
}

static uint64_t raw_done(const yh_source *s)
{
    const yh_stream *outer = s->depth > 0 ? s->level[0].stream[0] : s->stream[0];
    return outer != NULL ? yh_stream_raw_done(outer) : 0;
}

static yh_status tell_unnamed(yh_source *s, yh_chunk *c, yh_err *err)
{
    char what[80];
    if (s->unnamed == 0)
        return YH_OK;
    snprintf(what, sizeof what, "%llu more problems like these", (unsigned long long)s->unnamed);
    s->unnamed = 0;
    return yh_chunk_note(c, YH_NOTE_PROBLEM, "further ones like these", NULL, what, err);
}

yh_status yh_source_next(yh_source *s, yh_chunk *c, bool *more, yh_err *err)
{
    enum { ROOM = 6 }; /* notes that one round may leave */
    yh_status st = YH_OK;
    *more = true;
    memset(c, 0, sizeof *c);
    while (st == YH_OK && c->n_notes + ROOM <= YH_NOTES_MAX) {
        if (s->reader != NULL) {
            bool got;
            st = take_piece(s, c, &got, err);
            if (st == YH_OK && got) {
                c->raw_done = raw_done(s);
                return YH_OK;
            }
            if (st == YH_OK)
                st = member_end(s, c, err);
        } else if (s->depth > 0) {
            st = next_entry(s, c, err);
        } else if (!s->started) {
            st = open_first(s, c, err);
        } else {
            st = tell_unnamed(s, c, err);
            *more = c->n_notes > 0;
            break;
        }
    }
    if (st != YH_OK)
        yh_chunk_fini(c);
    return st;
}

static yh_status make(yh_source **out, const char *name, const yh_read_options *o, yh_err *err)
{
    *out = NULL;
    if (o != NULL && o->format != NULL && yh_reader_named(o->format) == NULL)
        return yh_fail(err, YH_INVALID, "\"%s\" is not a format that is read", o->format);
    yh_source *s = yh_calloc(1, sizeof *s);
    if (s == NULL || (s->name = yh_strdup(name)) == NULL) {
        yh_free(s);
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", name);
    }
    s->o = o;
    *out = s;
    return YH_OK;
}

yh_status yh_source_open(yh_source **out, const char *path, const yh_read_options *o, yh_err *err)
{
    YH_TRY(make(out, path, o, err));
    yh_status st = strcmp(path, "-") == 0 ? yh_stream_stdin(&(*out)->stream[0], err)
                                          : yh_stream_open(&(*out)->stream[0], path, err);
    if (st != YH_OK) {
        yh_source_close(*out);
        *out = NULL;
    }
    return st;
}

yh_status yh_source_open_slice(yh_source **out, const char *path, const yh_slice *part,
                               const yh_read_options *o, yh_err *err)
{
    YH_TRY(make(out, path, o, err));
    (*out)->part = *part;
    yh_status st = yh_stream_lines(&(*out)->stream[0], path, part->begin, part->end, err);
    if (st != YH_OK) {
        yh_source_close(*out);
        *out = NULL;
    }
    return st;
}

yh_status yh_source_memory(yh_source **out, const char *name, const void *p, size_t n,
                           const yh_read_options *o, yh_err *err)
{
    YH_TRY(make(out, name, o, err));
    yh_status st = yh_stream_memory_packed(&(*out)->stream[0], p, n, err);
    if (st != YH_OK) {
        yh_source_close(*out);
        *out = NULL;
    }
    return st;
}

void yh_source_close(yh_source *s)
{
    if (s == NULL)
        return;
    member_close(s);
    while (s->depth > 0)
        level_close(&s->level[--s->depth]);
    yh_buf_fini(&s->spare);
    yh_free(s->name);
    yh_free(s);
}
