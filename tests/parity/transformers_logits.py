"""Logits against transformers: small random models of both families, in every way of storing them.

usage: transformers_logits.py YH

The measure: the largest |ours - theirs| over all positions and tokens, divided by the largest |theirs|.
Theirs is always computed in float32 from the weights as stored. Bounds: 1e-4 in f32, 2e-2 in bf16.
Columns: full - all positions at once; session - token by token through the cache; written - folders that
yh wrote, opened by transformers. "greedy" is the number of tokens of a greedy continuation that agree.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import transformers
    from transformers import GPT2Config, Qwen3Config
except ImportError as e:
    print("SKIP: %s" % e)
    sys.exit(77)

YH = sys.argv[1]
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_num_threads(1)
CONTEXT, PROMPT, MORE = 64, 9, 16
F32_BOUND, BF16_BOUND = 1e-4, 2e-2


def qwen3(**k):
    d = dict(vocab_size=101, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             head_dim=16, intermediate_size=80, max_position_embeddings=CONTEXT, tie_word_embeddings=True,
             initializer_range=0.08, attention_dropout=0.0)
    d.update(k)
    return Qwen3Config(**d)


def gpt2(**k):
    d = dict(vocab_size=97, n_embd=48, n_layer=2, n_head=4, n_positions=CONTEXT, initializer_range=0.08,
             resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    d.update(k)
    return GPT2Config(**d)


CASES = [  # name, configuration, how it is stored
    ("qwen3 tied", qwen3(), {}),
    ("qwen3 untied", qwen3(tie_word_embeddings=False), {}),
    ("qwen3 no sharing of heads", qwen3(num_key_value_heads=4), {}),
    ("qwen3 one kv head, odd sizes", qwen3(vocab_size=113, hidden_size=36, num_attention_heads=3,
                                           num_key_value_heads=1, head_dim=10, intermediate_size=53), {}),
    ("qwen3 bf16, sharded", qwen3(tie_word_embeddings=False), dict(dtype=torch.bfloat16, shard="20KB")),
    ("qwen3 f16", qwen3(num_hidden_layers=3), dict(dtype=torch.float16)),
    ("qwen3 f32, sharded", qwen3(num_hidden_layers=4, head_dim=32), dict(shard="40KB")),
    ("qwen3 other rope base", qwen3(head_dim=64, rope_theta=1e6, rope_parameters={"rope_type": "default",
                                                                                  "rope_theta": 1e6}), {}),
    ("qwen3 inner model only", qwen3(), dict(inner=True)),
    ("gpt2 tied", gpt2(), {}),
    ("gpt2 untied", gpt2(tie_word_embeddings=False), {}),
    ("gpt2 odd sizes", gpt2(vocab_size=91, n_embd=39, n_head=3, n_inner=55), {}),
    ("gpt2 bf16", gpt2(n_layer=3), dict(dtype=torch.bfloat16)),
    ("gpt2 f16, sharded", gpt2(), dict(dtype=torch.float16, shard="20KB")),
    ("gpt2 f32, sharded", gpt2(n_head=2), dict(shard="30KB")),
    ("gpt2 inner model only", gpt2(), dict(inner=True)),
]


def run(*args):
    p = subprocess.run([YH] + [str(a) for a in args], capture_output=True, text=True)
    if p.returncode != 0:
        sys.exit("yh %s: exit %d: %s" % (" ".join(map(str, args)), p.returncode, p.stderr))


def ours(folder, ids, precision, session=False):
    out = os.path.join(folder, "logits.f32")
    run("eval", folder, "--ids", ",".join(map(str, ids)), "--logits", out, "--precision", precision,
        *(["--session"] if session else []))
    a = np.fromfile(out, dtype="<f4")
    return a.reshape(len(ids), -1)


def theirs(folder, ids):
    m = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return m(torch.tensor([ids])).logits[0].numpy(), m


def distance(a, b):
    assert a.shape == b.shape and np.isfinite(a).all() and np.isfinite(b).all()
    return float(np.abs(a - b).max() / np.abs(b).max())


def make(config, how, folder):
    m = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, p in m.named_parameters():  # biases and norms away from their 0 and 1
            if p.dim() == 1:
                p.add_(torch.randn_like(p) * 0.1)
    m = m.to(how.get("dtype", torch.float32))
    if how.get("inner"):
        m = m.base_model
    m.save_pretrained(folder, max_shard_size=how.get("shard", "5GB"))
    if "shard" in how:
        assert os.path.exists(os.path.join(folder, "model.safetensors.index.json")), "was not sharded"


def check(name, config, how, seed, top):
    torch.manual_seed(seed)
    folder = os.path.join(top, "m%d" % seed)
    make(config, how, folder)
    ids = torch.randint(0, config.vocab_size, (CONTEXT - 1,)).tolist()
    ref, m = theirs(folder, ids)
    d = {"f32 full": distance(ours(folder, ids, "f32"), ref),
         "f32 session": distance(ours(folder, ids, "f32", True), ref),
         "bf16 full": distance(ours(folder, ids, "bf16"), ref),
         "bf16 session": distance(ours(folder, ids, "bf16", True), ref)}
    # what transformers continues greedily is what the session would choose at each step
    with torch.no_grad():
        line = m.generate(torch.tensor([ids[:PROMPT]]), max_new_tokens=MORE, do_sample=False, eos_token_id=None,
                          pad_token_id=0)[0].tolist()
    mine = ours(folder, line, "f32", True).argmax(axis=1)
    greedy = sum(int(mine[i - 1]) == line[i] for i in range(PROMPT, len(line)))
    assert greedy == MORE, "%s: only %d of %d greedy tokens agree" % (name, greedy, MORE)
    for store in ("f32", "bf16"):
        copy = os.path.join(top, "copy")
        run("convert", folder, "-o", copy, "--store", store)
        want = ref
        if store == "bf16":
            want, _ = theirs_rounded(m, ids)
        d["written " + store] = distance(theirs(copy, ids)[0], want)
        shutil.rmtree(copy)
    return d, greedy


def theirs_rounded(m, ids):
    with torch.no_grad():
        for p in m.parameters():
            p.copy_(p.to(torch.bfloat16).to(torch.float32))
        return m(torch.tensor([ids])).logits[0].numpy(), m


def main():
    columns = ["f32 full", "f32 session", "bf16 full", "bf16 session", "written f32", "written bf16"]
    bound = {"f32": F32_BOUND, "bf16": BF16_BOUND}
    print("%-30s" % "model" + "".join("%14s" % c for c in columns) + "  greedy")
    worst, bad = dict.fromkeys(columns, 0.0), []
    with tempfile.TemporaryDirectory() as top:
        for seed, (name, config, how) in enumerate(CASES):
            d, greedy = check(name, config, how, seed + 1, top)
            print("%-30s" % name + "".join("%14.2e" % d[c] for c in columns) + "  %d/%d" % (greedy, MORE))
            sys.stdout.flush()
            for c in columns:
                worst[c] = max(worst[c], d[c])
                limit = 1e-6 if c.startswith("written") else bound[c.split()[0]]
                if d[c] > limit:
                    bad.append("%s: %s: %.3g, at most %g" % (name, c, d[c], limit))
    print("%-30s" % "largest" + "".join("%14.2e" % worst[c] for c in columns))
    for b in bad:
        print("FAILED " + b)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
