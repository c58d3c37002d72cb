/* Continuations of beginnings that the model never saw: the first words of held-out documents, one
 * source after the other. */
#include "cli/make.h"

enum { CANDIDATES = 512, PROMPT_BYTES = 60, SAMPLE_TOKENS = 80 };

typedef struct candidate {
    char prompt[PROMPT_BYTES + 8];
    char source[64];
} candidate;

/* The first line that is long enough, cut between words or Chinese characters. */
static bool take_prompt(const char *text, char out[PROMPT_BYTES + 8])
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        if (n >= 30) {
            size_t cut = n > PROMPT_BYTES ? PROMPT_BYTES : n;
            size_t space;
            while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
                cut--;
            if (cut < n) {
                for (space = cut; space > cut / 2 && text[space] != ' '; space--)
                    ;
                if (text[space] == ' ')
                    cut = space;
            }
            memcpy(out, text, cut);
            out[cut] = '\0';
            return true;
        }
        text += n + (text[n] != '\0');
    }
    return false;
}

static bool source_in(const candidate *c, size_t n, const char *source)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(c[i].source, source) == 0)
            return true;
    return false;
}

/* Fills c with up to CANDIDATES prompts of held-out documents. */
static yh_status find_candidates(const make_job *j, candidate *c, size_t *n, yh_err *err)
{
    yh_corpus *k;
    yh_doc d;
    bool more;
    yh_status s;
    uint64_t seen = 0;
    *n = 0;
    YH_TRY(yh_corpus_open(&k, j->corpus, err));
    for (;;) {
        YH_GOTO(s, yh_corpus_next(k, &d, &more, err), out);
        if (!more)
            break;
        candidate next;
        if (!yh_doc_is_heldout(d.text, d.len, j->heldout) || !take_prompt(d.text, next.prompt))
            continue;
        snprintf(next.source, sizeof next.source, "%s", d.source);
        /* every document of a small set; spread over a large one; always the first of a source */
        seen++;
        if (*n < CANDIDATES)
            c[(*n)++] = next;
        else if (!source_in(c, *n, next.source))
            c[CANDIDATES - 1 - seen % 64] = next;
        else
            c[(seen * 2654435761u) % CANDIDATES] = next;
    }
out:
    yh_corpus_close(k);
    return s;
}

/* The k-th sample takes the sources in turn. */
static size_t choose(const candidate *c, size_t n, int k, bool *used)
{
    const char *sources[64];
    size_t n_sources = 0;
    for (size_t i = 0; i < n && n_sources < 64; i++)
        if (!source_in(c, i, c[i].source))
            sources[n_sources++] = c[i].source;
    for (size_t turn = 0; turn < n_sources; turn++) {
        const char *want = sources[((size_t)k + turn) % n_sources];
        size_t from = (n / MAKE_SAMPLES) * (size_t)k;
        for (size_t i = 0; i < n; i++) {
            size_t at = (from + i) % n;
            if (!used[at] && strcmp(c[at].source, want) == 0)
                return at;
        }
    }
    return SIZE_MAX;
}

static bool collect(void *user, const char *text, size_t len)
{
    return yh_buf_add(user, text, len, NULL) == YH_OK && !yh_stop_requested();
}

static yh_status one(yh_session *session, const yh_tok *tok, const candidate *c, uint64_t seed,
                     json_t *list, yh_err *err)
{
    yh_buf text;
    yh_generate_result r;
    yh_buf_init(&text, 1 << 20);
    yh_generate_options o = {
        .sampling = YH_SAMPLING_INIT, .max_tokens = SAMPLE_TOKENS, .emit = collect, .user = &text};
    o.sampling.seed = seed;
    yh_session_reset(session);
    yh_status s = yh_generate(session, tok, c->prompt, strlen(c->prompt), 0, &o, &r, err);
    if (s == YH_OK && yh_stop_requested())
        s = yh_fail(err, YH_STOPPED, "stopped while writing samples");
    if (s == YH_OK &&
        json_array_append_new(list, json_pack("{s:s, s:s, s:s%}", "source", c->source, "prompt",
                                              c->prompt, "text", text.data ? text.data : "",
                                              text.len)) != 0)
        s = yh_fail(err, YH_NOMEM, "no memory for samples");
    yh_buf_fini(&text);
    return s;
}

yh_status make_samples_run(const make_job *j, yh_model *m, const yh_tok *tok, json_t **out,
                           yh_err *err)
{
    yh_session *session = NULL;
    size_t n = 0;
    yh_status s;
    *out = json_array();
    candidate *c = yh_calloc(CANDIDATES, sizeof *c);
    bool *used = yh_calloc(CANDIDATES, sizeof *used);
    if (*out == NULL || c == NULL || used == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory for samples");
        goto done;
    }
    YH_GOTO(s, find_candidates(j, c, &n, err), done);
    YH_GOTO(s, yh_session_create(&session, m, 0, j->pool, err), done);
    for (int k = 0; k < MAKE_SAMPLES && n > 0 && s == YH_OK; k++) {
        size_t at = choose(c, n, k, used);
        if (at == SIZE_MAX)
            break;
        used[at] = true;
        s = one(session, tok, &c[at], j->seed + (uint64_t)k, *out, err);
    }
done:
    yh_session_free(session);
    yh_free(c);
    yh_free(used);
    if (s != YH_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}
