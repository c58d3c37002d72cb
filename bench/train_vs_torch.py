#!/usr/bin/env python3
"""Training speed beside torch: the same architecture, weights, tokens, batch, context and precision
in torch eager, torch compiled and yh, alternating in one run.

usage: train_vs_torch.py YH [--models char,d6,gpt2,qwen3-0.6b] [--steps N] [--rounds N] [--f32]
                         [--threads N] [--scratch DIR] [--json]
Needs numpy, torch, safetensors (scripts/peers makes such an environment). torch is a lean
implementation: scaled_dot_product_attention, fused AdamW, bf16 autocast (or float32 with --f32),
float32 masters. Every figure comes from this run: tokens/s is the median of the steps after the
first ones of all rounds, memory the peak of a process, loss the last one after equal steps.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, time

SHAPES = {  # family, vocab, width, layers, heads, kv heads, head width, ffn, context, rows
    "char": ("gpt2", 512, 128, 4, 4, 4, 32, 512, 64, 12),
    "d6": ("qwen3", 32768, 384, 6, 6, 6, 64, 1024, 512, 8),
    "gpt2": ("gpt2", 50257, 768, 12, 12, 12, 64, 3072, 1024, 4),
    "qwen3-0.6b": ("qwen3", 151936, 1024, 28, 16, 8, 128, 3072, 512, 1),
}
LR, BETAS, EPS, DECAY = 3e-4, (0.9, 0.95), 1e-8, 0.1


def stop(text):
    sys.exit(f"train_vs_torch: {text}")


# ---------------------------------------------------------------- torch, in a process of its own
def torch_model(folder):
    import torch, torch.nn as nn, torch.nn.functional as F
    from safetensors.torch import load_file

    c = json.load(open(f"{folder}/config.json"))
    gpt2 = c["model_type"] == "gpt2"
    width = c["n_embd"] if gpt2 else c["hidden_size"]
    layers = c["n_layer"] if gpt2 else c["num_hidden_layers"]
    heads = c["n_head"] if gpt2 else c["num_attention_heads"]
    kv = heads if gpt2 else c["num_key_value_heads"]
    hd = width // heads if gpt2 else c["head_dim"]

    class Norm(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(n))

        def forward(self, x):
            return F.rms_norm(x, x.shape[-1:], self.weight.to(x.dtype), 1e-6)

    def rotate(x, cos, sin):
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)

    class Qwen3Block(nn.Module):
        def __init__(self):
            super().__init__()
            f = c["intermediate_size"]
            self.n1, self.n2, self.qn, self.kn = Norm(width), Norm(width), Norm(hd), Norm(hd)
            self.q = nn.Linear(width, heads * hd, bias=False)
            self.k, self.v = (nn.Linear(width, kv * hd, bias=False) for _ in range(2))
            self.o = nn.Linear(heads * hd, width, bias=False)
            self.gate, self.up = (nn.Linear(width, f, bias=False) for _ in range(2))
            self.down = nn.Linear(f, width, bias=False)

        def forward(self, x, cos, sin):
            b, t, _ = x.shape
            h = self.n1(x)
            q = rotate(self.qn(self.q(h).view(b, t, heads, hd)).transpose(1, 2), cos, sin)
            k = rotate(self.kn(self.k(h).view(b, t, kv, hd)).transpose(1, 2), cos, sin)
            v = self.v(h).view(b, t, kv, hd).transpose(1, 2)
            y = F.scaled_dot_product_attention(q, k, v.to(q.dtype), is_causal=True, enable_gqa=kv != heads)
            x = x + self.o(y.transpose(1, 2).reshape(b, t, heads * hd))
            h = self.n2(x)
            return x + self.down(F.silu(self.gate(h)) * self.up(h))

    class Gpt2Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x, cos, sin):
            b, t, _ = x.shape
            q, k, v = (z.view(b, t, heads, hd).transpose(1, 2) for z in self.qkv(self.n1(x)).split(width, 2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.o(y.transpose(1, 2).reshape(b, t, width))
            return x + self.down(F.gelu(self.up(self.n2(x)), approximate="tanh"))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(c["vocab_size"], width)
            self.place = nn.Embedding(c["n_positions"], width) if gpt2 else None
            self.blocks = nn.ModuleList((Gpt2Block if gpt2 else Qwen3Block)() for _ in range(layers))
            self.norm = nn.LayerNorm(width) if gpt2 else Norm(width)

        def forward(self, x, y, cos, sin):
            h = self.embed(x)
            if gpt2:
                h = h + self.place(torch.arange(x.shape[1]))
            for b in self.blocks:
                h = b(h, cos, sin)
            logits = F.linear(self.norm(h), self.embed.weight)
            return F.cross_entropy(logits.float().flatten(0, 1), y.flatten())

    m, w = Model(), load_file(f"{folder}/model.safetensors")
    put = lambda to, name: to.data.copy_(w[name].float())
    with torch.no_grad():
        if gpt2:
            put(m.embed.weight, "transformer.wte.weight"), put(m.place.weight, "transformer.wpe.weight")
            for i, b in enumerate(m.blocks):
                for ours, theirs in (("qkv", "attn.c_attn"), ("o", "attn.c_proj"), ("up", "mlp.c_fc"), ("down", "mlp.c_proj")):
                    getattr(b, ours).weight.data.copy_(w[f"transformer.h.{i}.{theirs}.weight"].T)
                    put(getattr(b, ours).bias, f"transformer.h.{i}.{theirs}.bias")
        else:
            put(m.embed.weight, "model.embed_tokens.weight")
            for i, b in enumerate(m.blocks):
                for ours, theirs in (("q", "self_attn.q_proj"), ("k", "self_attn.k_proj"), ("v", "self_attn.v_proj"),
                                     ("o", "self_attn.o_proj"), ("gate", "mlp.gate_proj"), ("up", "mlp.up_proj"),
                                     ("down", "mlp.down_proj")):
                    put(getattr(b, ours).weight, f"model.layers.{i}.{theirs}.weight")
    return m, hd


def torch_run(a):
    import numpy as np, resource, torch

    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    shape = SHAPES[a.worker]
    context, rows = shape[8], shape[9]
    m, hd = torch_model(a.folder)
    decay = [p for p in m.parameters() if p.dim() >= 2]
    rest = [p for p in m.parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}],
                            lr=LR, betas=BETAS, eps=EPS, fused=True)
    run = torch.compile(m) if a.compiled else m
    info = json.load(open(f"{a.tokens}/tokens.json"))
    ids = np.fromfile(f"{a.tokens}/train-00000.bin", dtype="<u2" if info["bits"] == 16 else "<u4")
    stream = np.concatenate([[info["eos"]], ids.astype(np.int64)])
    freq = 1.0 / 10000.0 ** (torch.arange(0, hd, 2) / hd)
    angle = torch.outer(torch.arange(context).float(), freq)
    cos, sin = angle.cos(), angle.sin()
    seconds, loss = [], None
    for step in range(a.steps):
        at = [(step * rows + r) * context for r in range(rows)]
        x = torch.from_numpy(np.stack([stream[i : i + context] for i in at]))
        y = torch.from_numpy(np.stack([stream[i + 1 : i + context + 1] for i in at]))
        begin = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not a.f32):
            loss = run(x, y, cos, sin)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        seconds.append(time.perf_counter() - begin)
        loss = loss.item()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "loss": loss, "memory": memory}))


# ---------------------------------------------------------------- inputs
def make_tokens(yh, vocab, need):
    """A token folder with at least `need` tokens of plain English-like text."""
    import random
    rng = random.Random(7)
    words = ["".join(rng.choice("abcdefghijklmnop") for _ in range(rng.randint(2, 8))) for _ in range(3000)]
    with open("corpus.jsonl", "w") as f:
        for _ in range(need // 150 + 100):
            at, text = rng.randrange(3000), []
            for _ in range(200):
                at = (at * 7 + rng.randrange(9)) % 3000
                text.append(words[at])
            f.write(json.dumps({"text": " ".join(text)}) + "\n")
    call(yh, "tok", "train", "corpus.jsonl", "-o", "tok", "-v", str(min(vocab, 2000)))
    call(yh, "pack", "corpus.jsonl", "-t", "tok", "-o", "tokens", "--heldout", "0")


def make_model(folder, shape):
    import numpy as np
    from safetensors.numpy import save_file

    family, vocab, width, layers, heads, kv, hd, ffn, context, _ = shape
    rng, w = np.random.default_rng(3), {}
    matrix = lambda *d: rng.standard_normal(d, dtype=np.float32) * np.float32(0.02)
    one, zero = (lambda n: np.ones(n, np.float32)), (lambda n: np.zeros(n, np.float32))
    if family == "gpt2":
        c = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": vocab, "n_embd": width,
             "n_layer": layers, "n_head": heads, "n_positions": context, "n_ctx": context, "n_inner": None,
             "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
             "bos_token_id": 0, "eos_token_id": 0}
        w["transformer.wte.weight"], w["transformer.wpe.weight"] = matrix(vocab, width), matrix(context, width)
        for i in range(layers):
            p = f"transformer.h.{i}."
            for name, rows, cols in (("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
                                     ("mlp.c_fc", width, ffn), ("mlp.c_proj", ffn, width)):
                w[p + name + ".weight"], w[p + name + ".bias"] = matrix(rows, cols), zero(cols)
            for name in ("ln_1", "ln_2"):
                w[p + name + ".weight"], w[p + name + ".bias"] = one(width), zero(width)
        w["transformer.ln_f.weight"], w["transformer.ln_f.bias"] = one(width), zero(width)
    else:
        c = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": vocab, "hidden_size": width,
             "intermediate_size": ffn, "num_hidden_layers": layers, "num_attention_heads": heads,
             "num_key_value_heads": kv, "head_dim": hd, "max_position_embeddings": context, "rms_norm_eps": 1e-6,
             "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True, "attention_bias": False,
             "bos_token_id": 0, "eos_token_id": 0}
        w["model.embed_tokens.weight"], w["model.norm.weight"] = matrix(vocab, width), one(width)
        for i in range(layers):
            p = f"model.layers.{i}."
            for name, rows, cols in (("self_attn.q_proj", heads * hd, width), ("self_attn.k_proj", kv * hd, width),
                                     ("self_attn.v_proj", kv * hd, width), ("self_attn.o_proj", width, heads * hd),
                                     ("mlp.gate_proj", ffn, width), ("mlp.up_proj", ffn, width),
                                     ("mlp.down_proj", width, ffn)):
                w[p + name + ".weight"] = matrix(rows, cols)
            for name, n in (("input_layernorm", width), ("post_attention_layernorm", width), ("self_attn.q_norm", hd),
                            ("self_attn.k_norm", hd)):
                w[p + name + ".weight"] = one(n)
    os.makedirs(folder, exist_ok=True)
    json.dump(c, open(f"{folder}/config.json", "w"))
    save_file(w, f"{folder}/model.safetensors", metadata={"format": "pt"})


# ---------------------------------------------------------------- runs
def call(*args):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode != 0:
        stop(f"{' '.join(args)}\n{p.stderr}")
    return p.stdout


def yh_run(a, name, steps):
    context, rows = SHAPES[name][8], SHAPES[name][9]
    out = call(a.yh, "train", "--data", "tokens", "--out", "run", "--model", "./model", "--precision",
               "f32" if a.f32 else "bf16", "--order", "stream", "--across-documents", "--optimizer", "adamw",
               "--schedule", "constant", "--warmup", "0", "--steps", str(steps), "--lr", str(LR), "--weight-decay",
               str(DECAY), "--beta1", str(BETAS[0]), "--beta2", str(BETAS[1]), "--eps", str(EPS), "--clip", "1",
               "--context", str(context), "--micro-batch", str(rows), "--batch-tokens", str(rows * context),
               "--keep-last", "--no-samples", "--fresh", "--json", "--threads", str(a.threads), "--save-every",
               "1000000")
    lines = [json.loads(x) for x in open("run/metrics.jsonl")]
    steps = [x for x in lines if "event" not in x]
    result = json.loads(out.strip().splitlines()[-1])
    plan = next(x for x in lines if x.get("event") == "plan")
    shutil.rmtree("run")
    return {"seconds": [rows * context / x["tokens_per_second"] for x in steps], "loss": steps[-1]["loss"],
            "memory": result["memory_peak"], "flops": plan["flops_per_token"], "peak": plan["peak_flops"]}


def peer_run(a, name, compiled, steps):
    args = [sys.executable, os.path.abspath(__file__), a.yh, "--worker", name, "--folder", "model", "--tokens", "tokens",
            "--steps", str(steps), "--threads", str(a.threads)]
    args += ["--compiled"] if compiled else []
    args += ["--f32"] if a.f32 else []
    return json.loads(call(*args).strip().splitlines()[-1])


def compare(a, name):
    shape = SHAPES[name]
    tokens = shape[8] * shape[9]
    skip = 3  # compilation, first touch of memory
    make_tokens(a.yh, shape[1], tokens * (a.steps + 2))
    make_model("model", shape)
    who = {"torch eager": lambda: peer_run(a, name, False, a.steps),
           "torch compiled": lambda: peer_run(a, name, True, a.steps), "yh": lambda: yh_run(a, name, a.steps)}
    seconds, last = {k: [] for k in who}, {}
    for _ in range(a.rounds):
        for k, run in who.items():
            last[k] = run()
            seconds[k] += last[k]["seconds"][skip:]
    row = {"model": name, "type": "f32" if a.f32 else "bf16"}
    for k in who:
        row[k] = {"tokens_per_second": tokens / statistics.median(seconds[k]), "memory": last[k]["memory"],
                  "loss": last[k]["loss"]}
    speed = row["yh"]["tokens_per_second"]
    row["fraction_of_peak"] = speed * last["yh"]["flops"] / last["yh"]["peak"]
    row["ratio"] = speed / row["torch compiled"]["tokens_per_second"]
    if a.json:
        print(json.dumps(row), flush=True)
        return
    for k in who:
        r = row[k]
        print(f"{name:12} {row['type']:5} {k:15} {r['tokens_per_second']:10.0f} tokens/s {r['memory'] / 2**20:8.0f} MiB"
              f"   loss {r['loss']:.4f}" + (f"   {row['ratio']:.2f} times compiled torch, "
              f"{row['fraction_of_peak']:.0%} of peak" if k == "yh" else ""), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("yh")
    p.add_argument("--models", default="char,d6,gpt2")
    p.add_argument("--steps", type=int, default=12)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--scratch", default="train-vs-torch")
    for flag in ("f32", "json", "compiled"):
        p.add_argument("--" + flag, action="store_true")
    p.add_argument("--worker"), p.add_argument("--folder"), p.add_argument("--tokens")
    a = p.parse_args()
    try:
        import numpy, safetensors, torch
    except ImportError as e:
        print(f"skipped: no Python package {e.name}")
        sys.exit(77)
    if a.worker:
        return torch_run(a)
    a.yh = os.path.abspath(a.yh)
    if a.steps < 6:
        stop("--steps must be at least 6")
    for name in a.models.split(","):
        if name not in SHAPES:
            stop(f"no model {name}; there are {', '.join(SHAPES)}")
    os.makedirs(a.scratch, exist_ok=True)
    os.chdir(a.scratch)
    print(f"torch {torch.__version__}, {a.threads} threads, {a.rounds} rounds of {a.steps} steps", file=sys.stderr)
    for name in a.models.split(","):
        compare(a, name)


main()
