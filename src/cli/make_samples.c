/* Continuations of beginnings that the model never saw: the first words of held-out documents, one
 * source after the other. */
#include "base/rng.h"
#include "cli/make.h"

enum { SOURCES = 32, PER_SOURCE = MAKE_SAMPLES, PROMPT_BYTES = 60, SAMPLE_TOKENS = 80 };

typedef char prompt_text[PROMPT_BYTES + 8];

/* Prompts of one source, a fair choice of its held-out documents (reservoir sampling). */
typedef struct group {
    char source[64];
    prompt_text prompt[PER_SOURCE];
    uint64_t seen;
} group;

/* The beginning of the first line that is long enough, at most a third of the document, cut between
 * words or Chinese characters. */
static bool take_prompt(const yh_doc *d, prompt_text out)
{
    for (const char *text = d->text; *text != '\0';) {
        size_t n = strcspn(text, "\n"), most = d->len / 3;
        if (n >= 15 && most >= 15) {
            size_t cut = n < most ? n : most;
            cut = cut > PROMPT_BYTES ? PROMPT_BYTES : cut;
            while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
                cut--;
            size_t space = cut;
            while (cut < n && space > cut / 2 && text[space] != ' ')
                space--;
            if (text[space] == ' ')
                cut = space;
            memcpy(out, text, cut);
            out[cut] = '\0';
            return cut > 0;
        }
        text += n + (text[n] != '\0');
    }
    return false;
}

static void offer(group *g, size_t *n_groups, const yh_doc *d, uint64_t seed)
{
    size_t i = 0;
    prompt_text prompt;
    while (i < *n_groups && strcmp(g[i].source, d->source) != 0)
        i++;
    if (i == SOURCES || strlen(d->source) >= sizeof g->source || !take_prompt(d, prompt))
        return;
    if (i == *n_groups)
        snprintf(g[(*n_groups)++].source, sizeof g->source, "%s", d->source);
    uint64_t at = g[i].seen++;
    if (at >= PER_SOURCE) {
        yh_rng r;
        yh_rng_init(&r, seed, at);
        at = yh_rng_below(&r, g[i].seen);
    }
    if (at < PER_SOURCE)
        memcpy(g[i].prompt[at], prompt, sizeof prompt);
}

static yh_status find_prompts(const make_job *j, group *g, size_t *n, yh_err *err)
{
    yh_corpus *k;
    yh_doc d;
    bool more;
    yh_status s;
    *n = 0;
    YH_TRY(yh_corpus_open(&k, j->corpus, err));
    while ((s = yh_corpus_next(k, &d, &more, err)) == YH_OK && more)
        if (yh_doc_is_heldout(d.text, d.len, j->heldout))
            offer(g, n, &d, j->seed);
    yh_corpus_close(k);
    return s;
}

static bool collect(void *user, const char *text, size_t len)
{
    return yh_buf_add(user, text, len, NULL) == YH_OK && !yh_stop_requested();
}

static yh_status one(yh_session *session, const yh_tok *tok, const char *source, const char *prompt,
                     uint64_t seed, json_t *list, yh_err *err)
{
    yh_buf text;
    yh_generate_result r;
    yh_buf_init(&text, 1 << 20);
    yh_generate_options o = {
        .sampling = YH_SAMPLING_INIT, .max_tokens = SAMPLE_TOKENS, .emit = collect, .user = &text};
    o.sampling.seed = seed;
    yh_session_reset(session);
    yh_status s = yh_generate(session, tok, prompt, strlen(prompt), 0, &o, &r, err);
    if (s == YH_OK && yh_stop_requested())
        s = yh_fail(err, YH_STOPPED, "stopped while writing samples");
    if (s == YH_OK && json_array_append_new(
                          list, json_pack("{s:s, s:s, s:s%}", "source", source, "prompt", prompt,
                                          "text", text.data ? text.data : "", text.len)) != 0)
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
    group *g = yh_calloc(SOURCES, sizeof *g);
    if (*out == NULL || g == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory for samples");
        goto done;
    }
    YH_GOTO(s, find_prompts(j, g, &n, err), done);
    YH_GOTO(s, yh_session_create(&session, m, 0, j->pool, err), done);
    size_t made = 0;
    /* the sources in turn; with few documents a prompt comes again, with another seed */
    for (size_t round = 0; n > 0 && made < MAKE_SAMPLES && s == YH_OK; round++)
        for (size_t i = 0; i < n && made < MAKE_SAMPLES && s == YH_OK; i++) {
            size_t have = g[i].seen < PER_SOURCE ? (size_t)g[i].seen : PER_SOURCE;
            if (have == 0)
                have = 1; /* never: a group begins with a prompt */
            s = one(session, tok, g[i].source, g[i].prompt[round % have], j->seed + made++, *out,
                    err);
        }
done:
    yh_session_free(session);
    yh_free(g);
    if (s != YH_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}
