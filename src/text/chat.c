/* Chat templates. Those of the known families are rendered by hand; which family a template belongs
 * to is told from the markers it writes. */
#include <stdio.h>

#include "text/tok_impl.h"

static yh_status chatml(const yh_tok *t, const yh_chat_message *m, size_t n, bool prompt, yh_buf *b,
                        yh_err *err)
{
    /* templates of Qwen2.5 and others put a system message of their own before a talk without one
     */
    static const char *const defaults[] = {
        "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
        "You are a helpful assistant.",
    };
    if (n > 0 && strcmp(m[0].role, "system") != 0)
        for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
            char marker[128];
            snprintf(marker, sizeof marker, "system\\n%s<|im_end|>", defaults[i]);
            if (strstr(t->template_text, marker) == NULL)
                continue;
            YH_TRY(yh_buf_addf(b, err, "<|im_start|>system\n%s<|im_end|>\n", defaults[i]));
            break;
        }
    for (size_t i = 0; i < n; i++)
        YH_TRY(yh_buf_addf(b, err, "<|im_start|>%s\n%s<|im_end|>\n", m[i].role, m[i].content));
    return prompt ? yh_buf_adds(b, "<|im_start|>assistant\n", err) : YH_OK;
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static yh_status llama3(const yh_tok *t, const yh_chat_message *m, size_t n, bool prompt, yh_buf *b,
                        yh_err *err)
{
    if (n > 0 && strstr(t->template_text, "bos_token") != NULL)
        YH_TRY(yh_buf_adds(b, "<|begin_of_text|>", err));
    for (size_t i = 0; i < n; i++) {
        const char *c = m[i].content;
        size_t len = strlen(c);
        while (len > 0 && blank(*c)) {
            c++;
            len--;
        }
        while (len > 0 && blank(c[len - 1]))
            len--;
        YH_TRY(yh_buf_addf(b, err, "<|start_header_id|>%s<|end_header_id|>\n\n", m[i].role));
        YH_TRY(yh_buf_add(b, c, len, err));
        YH_TRY(yh_buf_adds(b, "<|eot_id|>", err));
    }
    /* the first published template opens the answer whether asked or not */
    bool always = strstr(t->template_text, "add_generation_prompt") == NULL;
    return prompt || always
               ? yh_buf_adds(b, "<|start_header_id|>assistant<|end_header_id|>\n\n", err)
               : YH_OK;
}

yh_status yh_tok_chat(const yh_tok *t, const yh_chat_message *m, size_t n,
                      bool add_generation_prompt, char **text, yh_err *err)
{
    yh_buf b;
    yh_status s;
    *text = NULL;
    if (t->template_text == NULL)
        return yh_fail(err, YH_UNSUPPORTED,
                       "this tokenizer has no chat template: the model is not tuned for chat");
    yh_buf_init(&b, 0);
    s = yh_buf_add(&b, "", 0, err);
    if (s == YH_OK) {
        if (strstr(t->template_text, "<|im_start|>") != NULL)
            s = chatml(t, m, n, add_generation_prompt, &b, err);
        else if (strstr(t->template_text, "<|start_header_id|>") != NULL)
            s = llama3(t, m, n, add_generation_prompt, &b, err);
        else
            s = yh_fail(err, YH_UNSUPPORTED,
                        "this chat template is of no known family (ChatML, Llama 3)");
    }
    if (s != YH_OK) {
        yh_buf_fini(&b);
        return s;
    }
    *text = b.data;
    return YH_OK;
}
