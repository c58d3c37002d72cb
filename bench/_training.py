"""What the comparisons of training share: models, tokens, the same architecture in torch, runs of yh.

Weights are random, in Hugging Face's format, and the same for everyone; tokens are made text."""
import json, os, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHAPES = {  # family, vocab, width, layers, heads, kv heads, head width, ffn, context, rows
    "char": ("gpt2", 512, 128, 4, 4, 4, 32, 512, 64, 12),
    "d6": ("qwen3", 32768, 384, 6, 6, 6, 64, 1024, 512, 8),
    "gpt2": ("gpt2", 50257, 768, 12, 12, 12, 64, 3072, 1024, 4),
    "qwen3-0.6b": ("qwen3", 151936, 1024, 28, 16, 8, 128, 3072, 512, 1),
}
LAYERS, CONTEXT, ROWS = 3, 8, 9  # places in a shape
BETAS, EPS, DECAY = (0.9, 0.95), 1e-8, 0.1
# The same cap for everyone: ours; oneDNN's, MKL's (which heeds it on Intel's CPUs only) and ATen's own kernels.
CAPS = {"avx512": {"YH_ISA": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "MKL_ENABLE_INSTRUCTIONS": "AVX512",
                   "ATEN_CPU_CAPABILITY": "avx512"},
        "avx2": {"YH_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
                 "ATEN_CPU_CAPABILITY": "avx2"}}


def stop(text):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {text}")


def call(*args, env=None):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    if p.returncode != 0:
        stop(f"{' '.join(args)}\n{p.stderr}")
    return p.stdout


def need(scratch, *packages):
    """Runs the script again in a throw-away environment under `scratch` unless Python has the packages."""
    try:
        for name in packages:
            __import__(name)
        return
    except ImportError as e:
        venv = os.path.join(os.path.abspath(scratch), "venv")
        if os.path.realpath(sys.prefix) == os.path.realpath(venv):
            stop(f"{venv} has no {e.name}")
    os.makedirs(scratch, exist_ok=True)
    if subprocess.run([os.path.join(ROOT, "scripts/peers"), venv, *packages]).returncode != 0:
        stop(f"could not install {' '.join(packages)}")
    os.execv(os.path.join(venv, "bin/python"), ["python", *sys.argv])


def peak_memory():
    """Of this process since its start; not what a parent held before exec, as ru_maxrss would count."""
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


# ---------------------------------------------------------------- torch
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


# ---------------------------------------------------------------- inputs
def make_tokens(yh, vocab, need):
    """The folder tokens/ with at least `need` tokens of plain English-like text."""
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


def make_model(folder, shape, seed=3):
    import numpy as np
    from safetensors.numpy import save_file

    family, vocab, width, layers, heads, kv, hd, ffn, context, _ = shape
    rng, w = np.random.default_rng(seed), {}
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


# ---------------------------------------------------------------- yh
def yh_train(yh, shape, tokens="tokens", model="./model", out="run", steps=1, lr=3e-4, f32=False, threads=1, env=None,
             extra=()):
    """Trains as torch_model's users do: AdamW, a constant rate, rows in order. The folder stays."""
    context, rows = shape[CONTEXT], shape[ROWS]
    text = call(yh, "train", "--data", tokens, "--out", out, "--model", model, "--precision", "f32" if f32 else "bf16",
                "--order", "stream", "--across-documents", "--optimizer", "adamw", "--schedule", "constant", "--warmup",
                "0", "--steps", str(steps), "--lr", str(lr), "--weight-decay", str(DECAY), "--beta1", str(BETAS[0]),
                "--beta2", str(BETAS[1]), "--eps", str(EPS), "--clip", "1", "--context", str(context), "--micro-batch",
                str(rows), "--batch-tokens", str(rows * context), "--keep-last", "--no-samples", "--fresh", "--json",
                "--threads", str(threads), "--save-every", "1000000", *extra, env=env)
    lines = [json.loads(x) for x in open(f"{out}/metrics.jsonl")]
    plan = next(x for x in lines if x.get("event") == "plan")
    done = [x for x in lines if "event" not in x]
    return {"seconds": [rows * context / x["tokens_per_second"] for x in done],
            "cpu": [x["cpu_seconds"] for x in done], "losses": [x["loss"] for x in done], "loss": done[-1]["loss"],
            "memory": json.loads(text.strip().splitlines()[-1])["memory_peak"], "flops": plan["flops_per_token"],
            "peak": plan["peak_flops"]}


def torch_optimizer(m, lr):
    import torch

    matrices = [p for p in m.parameters() if p.dim() >= 2]
    vectors = [p for p in m.parameters() if p.dim() < 2]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}],
                             lr=lr, betas=BETAS, eps=EPS, fused=True)


def token_stream(folder):
    """All training tokens, end to end, as --order stream --across-documents reads them."""
    import numpy as np

    info = json.load(open(f"{folder}/tokens.json"))
    names = sorted(x for x in os.listdir(folder) if x.startswith("train-") and x.endswith(".bin"))
    kind = "<u2" if info["bits"] == 16 else "<u4"
    return np.concatenate([np.fromfile(f"{folder}/{x}", dtype=kind) for x in names]).astype(np.int64)


def angles(context, hd):
    import torch

    freq = 1.0 / 10000.0 ** (torch.arange(0, hd, 2) / hd)
    angle = torch.outer(torch.arange(context).float(), freq)
    return angle.cos(), angle.sin()
