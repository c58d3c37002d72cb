"""Losses of 50 training steps beside torch: random small Qwen3 and GPT-2 models made by
transformers, the same weights, tokens, AdamW, cosine schedule and clipping; documents do not see
each other. In f32, and in bf16 against torch's autocast (f32 masters).
Prints the largest differences, and for bf16 how far torch is from its own f32 losses; fails above
1e-3 (f32) and 1e-2 (bf16)."""
import json
import math
import os
import random
import subprocess
import sys

try:
    import numpy as np
    import torch
    import transformers
except ImportError as e:
    print(f"skipped: no Python package {e.name}")
    sys.exit(77)

YH = sys.argv[1]
STEPS, CONTEXT, ROWS, MICRO = 50, 64, 8, 4
LR, WARMUP, MIN_LR, DECAY, CLIP = 1e-3, 0.2, 0.1, 0.1, 1.0
LIMIT = {"f32": 1e-3, "bf16": 1e-2}
torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def run(*args):
    p = subprocess.run([YH, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode != 0:
        sys.exit(f"yh {' '.join(args)}: {p.stderr}")


def make_tokens():
    rng = random.Random(5)
    words = ["".join(rng.choice("abcdefgh") for _ in range(rng.randint(2, 7))) for _ in range(200)]
    with open("corpus.jsonl", "w") as f:
        for _ in range(1500):
            at, text = rng.randrange(200), []
            for _ in range(rng.randint(5, 60)):
                at = (at * 7 + rng.randrange(4)) % 200
                text.append(words[at])
            f.write(json.dumps({"text": " ".join(text)}) + "\n")
    run("tok", "train", "corpus.jsonl", "-o", "tok", "-v", "500")
    run("pack", "corpus.jsonl", "-t", "tok", "-o", "tokens", "--heldout", "0")
    index = json.load(open("tokens/tokens.json"))
    ids = np.fromfile("tokens/train-00000.bin", dtype="<u2" if index["bits"] == 16 else "<u4")
    return index["vocabulary"], index["eos"], ids.astype(np.int64)


def batches(ids, eos):
    """Rows as yh reads them with --order stream: one EOS leads, an input EOS opens a segment."""
    stream = np.concatenate([[eos], ids])
    rows = (len(stream) - 1) // CONTEXT
    for step in range(STEPS):
        at = [((step * ROWS + r) % rows) * CONTEXT for r in range(ROWS)]
        x = np.stack([stream[a : a + CONTEXT] for a in at])
        y = np.stack([stream[a + 1 : a + CONTEXT + 1] for a in at])
        start = np.where(x == eos, np.arange(CONTEXT), 0)
        start = np.maximum.accumulate(start, axis=1)
        i, j = np.arange(CONTEXT)[:, None], np.arange(CONTEXT)[None, :]
        sees = (j[None] <= i[None]) & (j[None] >= start[:, :, None])
        mask = np.where(sees, 0.0, np.finfo(np.float32).min)[:, None]
        yield (torch.from_numpy(x), torch.from_numpy(y),
               torch.from_numpy(np.arange(CONTEXT)[None] - start),
               torch.from_numpy(mask.astype(np.float32)))


def factor(step):
    warm = WARMUP * STEPS
    if step < warm:
        return (step + 1) / warm
    q = (step - warm) / (STEPS - warm)
    return MIN_LR + (1 - MIN_LR) * 0.5 * (1 + math.cos(math.pi * q))


def torch_losses(folder, ids, eos, bf16):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager")
    model.train()
    master = list(model.parameters())
    decay = [p for p in master if p.dim() >= 2]
    rest = [p for p in master if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}]
    opt = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.95), eps=1e-8)
    losses = []
    for step, (x, y, pos, mask) in enumerate(batches(ids, eos)):
        for g in opt.param_groups:
            g["lr"] = LR * factor(step)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = model(input_ids=x, position_ids=pos, attention_mask=mask).logits
        loss = torch.nn.functional.cross_entropy(logits.float().reshape(-1, logits.shape[-1]),
                                                 y.reshape(-1))
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(master, CLIP)
        opt.step()
        losses.append(loss.item())
    return losses


def yh_losses(folder, precision):
    out = f"run-{os.path.basename(folder)}-{precision}"
    run("train", "--data", "tokens", "--out", out, "--model", "./" + folder, "--precision", precision,
        "--order", "stream", "--optimizer", "adamw", "--schedule", "cosine", "--steps", str(STEPS),
        "--lr", str(LR), "--warmup", str(WARMUP), "--min-lr", str(MIN_LR), "--weight-decay",
        str(DECAY), "--beta1", "0.9", "--beta2", "0.95", "--eps", "1e-8", "--clip", str(CLIP),
        "--context", str(CONTEXT), "--micro-batch", str(MICRO), "--batch-tokens",
        str(ROWS * CONTEXT), "--keep-last", "--no-samples", "--fresh")
    lines = [json.loads(line) for line in open(f"{out}/metrics.jsonl")]
    return [line["loss"] for line in lines if "event" not in line]


def make_models(vocab, eos):
    torch.manual_seed(3)
    qwen = transformers.Qwen3Config(
        vocab_size=vocab, hidden_size=96, intermediate_size=256, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, head_dim=32, max_position_embeddings=128,
        tie_word_embeddings=True, eos_token_id=eos, bos_token_id=None)
    untied = transformers.Qwen3Config(
        vocab_size=vocab, hidden_size=64, intermediate_size=192, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, head_dim=64, max_position_embeddings=64,
        tie_word_embeddings=False, eos_token_id=eos, bos_token_id=None)
    gpt2 = transformers.GPT2Config(
        vocab_size=vocab, n_embd=96, n_layer=3, n_head=3, n_positions=128, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0, eos_token_id=eos, bos_token_id=eos)
    for name, cls, cfg in (("qwen3", transformers.Qwen3ForCausalLM, qwen),
                           ("qwen3-untied", transformers.Qwen3ForCausalLM, untied),
                           ("gpt2", transformers.GPT2LMHeadModel, gpt2)):
        cls(cfg).save_pretrained(name)
        yield name


def main():
    vocab, eos, ids = make_tokens()
    bad = 0
    print(f"{'model':14} {'type':5} {'first':>8} {'last':>8} {'largest':>10} {'at step':>8} {'limit':>7} {'torch bf16-f32':>14}")
    f32 = None
    for name in make_models(vocab, eos):
        for precision in ("f32", "bf16"):
            want = torch_losses(name, ids, eos, precision == "bf16")
            have = yh_losses(name, precision)
            if len(have) != STEPS or not want[-1] < want[0] - 0.5:
                sys.exit(f"{name}: {len(have)} steps, torch from {want[0]} to {want[-1]}")
            f32 = want if precision == "f32" else f32
            spread = max(abs(a - b) for a, b in zip(want, f32))
            diff = [abs(a - b) for a, b in zip(want, have)]
            worst = max(range(STEPS), key=lambda i: diff[i])
            bad += not diff[worst] <= LIMIT[precision]
            print(f"{name:14} {precision:5} {want[0]:8.4f} {have[-1]:8.4f} {diff[worst]:10.2e} "
                  f"{worst + 1:8} {LIMIT[precision]:7.0e} {spread:14.2e}")
    sys.exit(1 if bad else 0)


main()
