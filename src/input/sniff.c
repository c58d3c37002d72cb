#include "input/sniff.h"

#include <stdio.h>
#include <strings.h>

#include "base/file.h"
#include "input/tar.h"
#include "input/utf8_scan.h"

static const struct {
    const char *mark;
    size_t n;
    const char *what;
} foreign[] = {
    {"\x89PNG\r\n\x1a\n", 8, "a PNG picture"},
    {"\xff\xd8\xff", 3, "a JPEG picture"},
    {"GIF87a", 6, "a GIF picture"},
    {"GIF89a", 6, "a GIF picture"},
    {"%PDF-", 5, "a PDF document"},
    {"{\\rtf", 5, "an RTF document"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "an old Office document"},
    {"\x7f"
     "ELF",
     4, "a program"},
    {"7z\xbc\xaf\x27\x1c", 6, "a 7z archive"},
    {"Rar!\x1a\x07", 6, "a RAR archive"},
    {"ID3", 3, "sound"},
    {"OggS", 4, "sound"},
    {"fLaC", 4, "sound"},
    {"\x1a\x45\xdf\xa3", 4, "a film"},
    {"SQLite format 3", 16, "an SQLite database"},
    {"ARROW1", 6, "an Arrow file"},
    {"Obj\x01", 4, "an Avro file"},
    {"\x02\x21\x4c\x18", 4, "lz4 data of the old form (compress it again with a newer lz4)"},
    {"\x1f\x9d", 2, "data of the old compress program"},
    {"BOOKMOBI", 8, "a Mobipocket book"},
};

static bool begins(const uint8_t *p, size_t n, const char *word)
{
    size_t k = strlen(word);
    return n >= k && strncasecmp((const char *)p, word, k) == 0;
}

/* A zip file by its first entry: a book, an office document, or an archive. */
static void sniff_zip(const uint8_t *p, size_t n, yh_sniffed *out)
{
    static const char *const office[] = {
        "[Content_Types].xml", "_rels/", "docProps/", "word/", "xl/", "ppt/"};
    size_t name = n >= 30 ? (size_t)(p[26] | p[27] << 8) : 0;
    size_t extra = n >= 30 ? (size_t)(p[28] | p[29] << 8) : 0;
    out->container = YH_ZIP;
    if (n < 30 || n - 30 < name)
        return;
    const uint8_t *first = p + 30;
    if (name == 8 && memcmp(first, "mimetype", 8) == 0 && n - 38 >= extra) {
        const uint8_t *type = first + name + extra;
        if (begins(type, n - 38 - extra, "application/epub+zip"))
            out->format = "epub";
        else
            out->foreign = "an office document";
        out->container = YH_NO_CONTAINER;
        return;
    }
    for (size_t i = 0; i < sizeof office / sizeof *office; i++)
        if (begins(first, name, office[i])) {
            out->foreign = "an office document";
            out->container = YH_NO_CONTAINER;
        }
    if (begins(first, name, "META-INF/MANIFEST.MF")) {
        out->foreign = "a Java archive";
        out->container = YH_NO_CONTAINER;
    }
}

/* Text: well-formed UTF-8 or some other encoding, without the control characters that binary data
 * are full of. */
static bool looks_like_text(const uint8_t *p, size_t n, bool whole)
{
    if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
        return true; /* UTF-16 with its mark */
    size_t control = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        control += (p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r' && p[i] != '\f' &&
                    p[i] != 0x1b && p[i] != 0x1a) ||
                   p[i] == 0x7f;
        high += p[i] >= 0x80;
    }
    if (control * 1000 > n)
        return false;
    size_t good = yh_utf8_valid_prefix(p, n);
    if (good == n || (!whole && n - good < 4))
        return true;
    return n >= 16 && high < n; /* an older encoding */
}

void yh_sniff(const uint8_t *p, size_t n, bool whole, yh_sniffed *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (n >= foreign[i].n && memcmp(p, foreign[i].mark, foreign[i].n) == 0)
            out->foreign = foreign[i].what;
    if (n >= 12 && memcmp(p, "RIFF", 4) == 0)
        out->foreign = "a picture, sound or film (RIFF)";
    if (n >= 12 && memcmp(p + 4, "ftyp", 4) == 0)
        out->foreign = "a film or picture (MP4)";
    if (n >= 4 && memcmp(p, "PAR1", 4) == 0)
        out->format = "parquet";
    else if (begins(p, n, "WARC/0.") || begins(p, n, "WARC/1.") || begins(p, n, "filedesc://"))
        out->format = "warc";
    else if (n >= 4 && (memcmp(p, "PK\x03\x04", 4) == 0 || memcmp(p, "PK\x05\x06", 4) == 0))
        sniff_zip(p, n, out);
    else if (n >= 512 && yh_tar_is_header(p))
        out->container = YH_TAR;
    if (out->format != NULL || out->foreign != NULL || out->container != YH_NO_CONTAINER)
        return;
    if (!looks_like_text(p, n, whole))
        return;
    size_t i = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n'))
        i++;
    out->likely = "text";
    if (n == 0)
        return; /* p may be NULL */
    if (begins(p + i, n - i, "<!doctype html") || begins(p + i, n - i, "<html"))
        out->likely = "html";
    else if (i + 1 < n && p[i] == '{' && memchr(p + i, '"', n - i < 64 ? n - i : 64) != NULL)
        out->likely = "json";
    else if (i + 1 < n && p[i] == '[') {
        size_t k = i + 1;
        while (k < n && (p[k] == ' ' || p[k] == '\t' || p[k] == '\r' || p[k] == '\n'))
            k++;
        if (k < n && p[k] == '{')
            out->likely = "json";
    }
}

const yh_reader *yh_reader_for(const char *name, const yh_sniffed *is, char why[120])
{
    const yh_reader *named = yh_reader_of(name, NULL), *r = NULL;
    if (is->container != YH_NO_CONTAINER)
        return NULL;
    if (is->format != NULL && (r = yh_reader_named(is->format)) != NULL)
        return r;
    if (is->foreign != NULL) {
        if (why != NULL)
            snprintf(why, 120, "holds %s", is->foreign);
        return NULL;
    }
    const char *plain[] = {"text", "csv"};
    for (int i = 0; i < 2 && named != NULL; i++) /* a page that was saved under another ending */
        if (strcmp(named->name, plain[i]) == 0 && is->likely != NULL &&
            strcmp(is->likely, "html") == 0)
            named = NULL;
    if (named != NULL && (!named->random || is->likely == NULL))
        return named; /* of one without its mark, the reader says what is wrong */
    if (is->likely != NULL)
        return yh_reader_named(is->likely);
    if (why != NULL)
        snprintf(why, 120, "neither its name nor its content is of a format that is read");
    return NULL;
}
