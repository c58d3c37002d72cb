#!/usr/bin/env python3
"""Loss curves of yh in bf16 beside torch in float32: do they differ by more than seeds do?

usage: loss_curves.py YH TEXT... [--steps N] [--seeds N] [--width N] [--context N] [--svg FILE]
                      [--json FILE] [--threads N] [--scratch DIR]

TEXT: TinyStories as plain text (paragraphs parted by blank lines, stories by a single line end, or by
<|endoftext|>), also as .zst. A tokenizer with 2,048 tokens is trained on it. The model is of four layers
(Qwen3's architecture, width 128, heads of 64), 8 rows of 64 tokens a step, AdamW at 1e-3 after 10% of
warm-up. A seed draws the weights and the order of the stories; both programs get the same of both. The
losses of the steps are averaged over windows of 25 steps. Printed for each window: both means over the
seeds, their difference, the spread (standard deviation) over seeds of torch alone. Fails when the
difference passes, in any window behind the warm-up, the spread of these windows (root mean square): with
few seeds a single window's own spread is small by chance now and then."""
import argparse, json, math, os, random, re, shutil, statistics, subprocess, sys

from _chart import COLOURS, Chart
from _training import (CONTEXT, ROWS, angles, call, make_model, need, stop, token_stream, torch_model, torch_optimizer,
                       yh_train)

SHAPE = ["qwen3", 2048, 128, 4, 2, 2, 64, 384, 64, 8]
LR, WARMUP, WINDOW = 1e-3, 0.1, 25


def read(path):
    if not path.endswith(".zst"):
        return open(path, encoding="utf-8").read()
    return subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8")


def pack(a, stories, seed):
    random.Random(seed).shuffle(stories)
    with open("corpus.jsonl", "w") as f:
        for text in stories:
            f.write(json.dumps({"text": text}) + "\n")
    if not os.path.isdir("tok"):
        call(a.yh, "tok", "train", "corpus.jsonl", "-o", "tok", "-v", str(SHAPE[1]))
    shutil.rmtree("tokens", ignore_errors=True)
    call(a.yh, "pack", "corpus.jsonl", "-t", "tok", "-o", "tokens", "--heldout", "0")


def torch_losses(a):
    import numpy as np, torch

    torch.set_num_threads(a.threads)
    context, rows = SHAPE[CONTEXT], SHAPE[ROWS]
    m, hd = torch_model("model")
    opt = torch_optimizer(m, LR)
    stream, (cos, sin), losses = token_stream("tokens"), angles(context, hd), []
    for step in range(a.steps):
        at = [((step * rows + r) % ((len(stream) - 1) // context)) * context for r in range(rows)]
        x = torch.from_numpy(np.stack([stream[i : i + context] for i in at]))
        y = torch.from_numpy(np.stack([stream[i + 1 : i + context + 1] for i in at]))
        for group in opt.param_groups:
            group["lr"] = LR * min(1.0, (step + 1) / (WARMUP * a.steps))
        loss = m(x, y, cos, sin)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        losses.append(loss.item())
    return losses


def windows(losses):
    return [statistics.mean(losses[i : i + WINDOW]) for i in range(0, len(losses) - WINDOW + 1, WINDOW)]


def picture(a, ours, theirs):
    """Mean and one standard deviation over the seeds."""
    middle = [WINDOW * (i + 0.5) for i in range(len(ours[0]))]
    all_values = [v for run in ours + theirs for v in run]
    low, high = min(all_values), max(all_values)
    c = Chart("Loss of yh in bf16 and of torch in float32",
              f"Training loss over {a.steps} steps on TinyStories, means of {WINDOW} steps, {a.seeds} seeds each with "
              "bands of one standard deviation; the two bands lie on each other.",
              (0, a.steps), (0.95 * low, 1.02 * high), "step", "loss, nats per token")
    for runs, colour, dashed in ((theirs, COLOURS[1], False), (ours, COLOURS[0], True)):
        mean = [statistics.mean(v) for v in zip(*runs)]
        dev = [statistics.stdev(v) for v in zip(*runs)]
        c.band([(x, m - d) for x, m, d in zip(middle, mean, dev)], [(x, m + d) for x, m, d in zip(middle, mean, dev)],
               colour)
        c.line(list(zip(middle, mean)), colour, dashed)
    c.legend([(f"torch, float32: mean and spread of {a.seeds} seeds", COLOURS[1]),
              ("yh, bf16: the same", COLOURS[0])], right=True)
    c.save(a.svg)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("yh")
    p.add_argument("text", nargs="+")
    p.add_argument("--steps", type=int, default=500)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--width", type=int, default=128, help="a multiple of 64")
    p.add_argument("--context", type=int, default=64)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--scratch", default="loss-curves")
    p.add_argument("--svg")
    p.add_argument("--json")
    a = p.parse_args()
    need(a.scratch, "numpy", "torch", "safetensors")
    if a.seeds < 2 or a.steps < 4 * WINDOW:
        stop(f"at least 2 seeds and {4 * WINDOW} steps")
    if a.width < 64 or a.width % 64 != 0 or a.context < 8:
        stop("--width is a multiple of 64, --context at least 8")
    heads = a.width // 64
    SHAPE[2], SHAPE[4], SHAPE[5], SHAPE[7], SHAPE[CONTEXT] = a.width, heads, heads, 3 * a.width, a.context
    a.yh, a.svg, a.json = (os.path.abspath(x) if x else None for x in (a.yh, a.svg, a.json))
    text = "\n".join(read(x).strip("\n") for x in a.text)
    stories = [s.strip() for s in re.split(r"<\|endoftext\|>|(?<!\n)\n(?!\n)", text) if len(s.strip()) > 100]
    os.makedirs(a.scratch, exist_ok=True)
    os.chdir(a.scratch)
    ours, theirs = [], []
    for seed in range(a.seeds):
        pack(a, sorted(stories), seed)
        make_model("model", SHAPE, seed)
        run = yh_train(a.yh, SHAPE, steps=a.steps, lr=LR, threads=a.threads, extra=("--warmup", str(WARMUP)))
        ours.append(windows(run["losses"]))
        theirs.append(windows(torch_losses(a)))
        print(f"seed {seed}: last {WINDOW} steps: yh bf16 {ours[-1][-1]:.4f}, torch f32 {theirs[-1][-1]:.4f}", flush=True)
    print(f"{'steps':>9} {'torch f32':>10} {'yh bf16':>10} {'difference':>11} {'spread of seeds':>16}")
    worst, spreads, rows = 0.0, [], []
    for i, (t, y) in enumerate(zip(zip(*theirs), zip(*ours))):
        difference, spread = statistics.mean(y) - statistics.mean(t), statistics.stdev(t)
        rows.append({"steps": [i * WINDOW, (i + 1) * WINDOW], "torch": t, "yh": y, "difference": difference,
                     "spread": spread})
        if i * WINDOW >= WARMUP * a.steps:
            worst = max(worst, abs(difference))
            spreads.append(spread)
        print(f"{i * WINDOW:4}-{(i + 1) * WINDOW:4} {statistics.mean(t):10.4f} {statistics.mean(y):10.4f} "
              f"{difference:11.4f} {spread:16.4f}")
    spread = math.sqrt(statistics.mean(x * x for x in spreads))
    print(f"behind the warm-up: largest difference of the means {worst:.4f}, spread of the seeds {spread:.4f}")
    if a.svg:
        picture(a, ours, theirs)
    if a.json:
        json.dump({"shape": SHAPE, "steps": a.steps, "windows": rows, "worst": worst, "spread": spread}, open(a.json, "w"), indent=1)
    sys.exit(1 if worst > spread else 0)


main()
