#!/usr/bin/env python3
"""nanoGPT's CPU recipe on character-level Shakespeare, in torch and in yh, on the same machine.

4 layers, 4 heads, width 128, context 64, batch 12, 2,000 steps; AdamW 1e-3 to 1e-4 by cosine with 100
steps of warm-up, betas 0.9 and 0.99, weight decay 0.1, clipping 1.0, no dropout: the command line that
nanoGPT's README gives for a CPU, whose validation loss it quotes as 1.88.

usage: nanogpt_shakespeare.py YH INPUT.TXT [--scratch DIR] [--steps N] [--threads N]
Needs numpy and torch. Prints one table; every number comes from this run.
"""
import argparse, json, math, os, shutil, subprocess, sys, time

try:
    import numpy as np
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as e:
    print("skipped: Python package missing:", e.name)
    sys.exit(77)

L, H, C, T, B = 4, 4, 128, 64, 12


class Block(nn.Module):
    """Pre-norm GPT-2 block without biases, as nanoGPT's default."""

    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(C, bias=False), nn.LayerNorm(C, bias=False)
        self.qkv, self.proj = nn.Linear(C, 3 * C, bias=False), nn.Linear(C, C, bias=False)
        self.up, self.down = nn.Linear(C, 4 * C, bias=False), nn.Linear(4 * C, C, bias=False)

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = (z.view(b, t, H, C // H).transpose(1, 2) for z in self.qkv(self.ln1(x)).split(C, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, C))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class GPT(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, C), nn.Embedding(T, C)
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        self.ln = nn.LayerNorm(C, bias=False)
        self.head = nn.Linear(C, vocab, bias=False)
        self.wte.weight = self.head.weight
        for name, p in self.named_parameters():
            if p.dim() == 2:
                residual = name.endswith(("proj.weight", "down.weight"))
                nn.init.normal_(p, 0.0, 0.02 / (math.sqrt(2 * L) if residual else 1))

    def forward(self, x, y):
        h = self.wte(x) + self.wpe(torch.arange(x.shape[1]))
        for b in self.blocks:
            h = b(h)
        return F.cross_entropy(self.head(self.ln(h)).flatten(0, 1), y.flatten())


def rate(step, steps):
    if step < 100:
        return 1e-3 * (step + 1) / 101
    r = (step - 100) / max(1, steps - 100)
    return 1e-4 + 0.5 * (1 + math.cos(math.pi * min(1.0, r))) * 9e-4


def run_torch(train, val, vocab, steps):
    torch.manual_seed(1337)
    model = GPT(vocab)
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
                            lr=1e-3, betas=(0.9, 0.99))

    def batch(data):
        at = torch.randint(len(data) - T, (B,))
        x = torch.stack([data[i:i + T] for i in at])
        y = torch.stack([data[i + 1:i + 1 + T] for i in at])
        return x, y

    t0 = time.perf_counter()
    for step in range(steps):
        for g in opt.param_groups:
            g["lr"] = rate(step, steps)
        loss = model(*batch(train))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    seconds = time.perf_counter() - t0
    model.eval()
    with torch.no_grad():  # every window of the validation text, end to end
        n = (len(val) - 1) // T
        x = val[:n * T].view(n, T)
        y = val[1:n * T + 1].view(n, T)
        loss = sum(model(x[i:i + 256], y[i:i + 256]).item() * len(x[i:i + 256]) for i in range(0, n, 256)) / n
    return loss, seconds


def yh(*args):
    r = subprocess.run(args, capture_output=True, text=True)
    if r.returncode != 0:
        sys.exit("%s\n%s" % (" ".join(args), r.stderr))
    return r.stdout


def run_yh(program, scratch, text, cut, steps, threads, precision):
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    for name, part in (("train", text[:cut]), ("val", text[cut:])):
        with open(os.path.join(scratch, name + ".txt"), "w") as f:
            f.write(part)
    tok, tokens, run = (os.path.join(scratch, d) for d in ("tok", "tokens", "run"))
    # a vocabulary of the 256 bytes and three special tokens: characters, since the text is ASCII
    yh(program, "tok", "train", os.path.join(scratch, "train.txt"), "-o", tok, "--vocab", "259")
    yh(program, "pack", os.path.join(scratch, "train.txt"), "--tok", tok, "-o", tokens, "--heldout", "0")
    t0 = time.perf_counter()
    out = yh(program, "train", "--data", tokens, "-o", run, "--model", "nanogpt-shakespeare-char",
             "--steps", str(steps), "--warmup", str(100 / steps), "--precision", precision,
             "--seed", "1337", "--threads", str(threads), "--json")
    wall = time.perf_counter() - t0
    result = json.loads(out)
    report = json.loads(yh(program, "eval", run, "--data", os.path.join(scratch, "val.txt"), "--json"))
    row = report.get("total", report)
    return row["nats"] / row["tokens"], result["seconds"], wall


def main():
    a = argparse.ArgumentParser()
    a.add_argument("yh")
    a.add_argument("input")
    a.add_argument("--scratch", default="build/nanogpt")
    a.add_argument("--steps", type=int, default=2000)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    text = open(a.input).read()
    cut = int(0.9 * len(text))
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(c) for c in text])
    tl, ts = run_torch(ids[:cut], ids[cut:], len(chars), a.steps)
    rows = [("yh " + p, *run_yh(a.yh, a.scratch, text, cut, a.steps, a.threads, p)) for p in ("f32", "auto")]
    tokens = a.steps * B * T
    print("nanoGPT's CPU recipe, %d steps, %d threads" % (a.steps, a.threads))
    print("%-22s %12s %10s %12s" % ("", "val loss", "seconds", "tokens/s"))
    print("%-22s %12.4f %10.1f %12.0f" % ("torch %s fp32" % torch.__version__, tl, ts, tokens / ts))
    for name, yl, ys, wall in rows:
        print("%-22s %12.4f %10.1f %12.0f   %.2f times torch's speed (whole process %.1f s)"
              % (name, yl, ys, tokens / ys, ts / ys, wall))


main()
