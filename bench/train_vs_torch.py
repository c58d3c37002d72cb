#!/usr/bin/env python3
"""Training speed beside torch: the same architecture, weights, tokens, batch, context and precision
in torch eager, torch compiled and yh, alternating in one run.

usage: train_vs_torch.py YH [--models char,d6,gpt2,qwen3-0.6b] [--who eager,compiled,yh] [--precision bf16|f32]
                         [--isa avx512|avx2] [--steps N] [--skip N] [--rounds N] [--rows N] [--layers N]
                         [--threads N] [--scratch DIR] [--json]
Where Python has no torch it makes a throw-away environment in the scratch folder (PyPI, some GB). The
models are nanoGPT's CPU recipe, nanochat's d6 at context 512, GPT-2 124M at context 1024 and Qwen3-0.6B's
shape at context 512 with one row (11 GB here, more in torch; --layers 14 halves it), with random weights.

torch is a lean implementation: scaled_dot_product_attention, fused AdamW, bf16 autocast (or float32),
float32 masters. Every figure comes from this run: tokens/s is the median of the steps behind the first
--skip of all rounds, once by the clock and once by the processor time (user and system) that a step took
on all threads, which neighbours on the machine disturb less; memory is the peak of the process; loss the
one after equal steps. --isa caps everyone's instruction set (f32; MKL heeds its cap on Intel's CPUs only)."""
import argparse, json, os, shutil, statistics, sys, time

from _training import (CAPS, CONTEXT, LAYERS, ROWS, SHAPES, angles, call, make_model, make_tokens, need, peak_memory,
                       stop, token_stream, torch_model, torch_optimizer, yh_train)

LR = 3e-4


def worker(a):
    """One run of torch in a process of its own."""
    import numpy as np, torch

    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    if a.isa == "avx2":
        import torch._inductor.config as inductor
        inductor.cpp.simdlen = 256
    context, rows = a.context, a.rows
    m, hd = torch_model("model")
    opt = torch_optimizer(m, LR)
    run = torch.compile(m) if a.compiled else m
    stream, (cos, sin) = token_stream("tokens"), angles(context, hd)
    seconds, cpu, losses = [], [], []
    for step in range(a.steps):
        at = [(step * rows + r) * context for r in range(rows)]
        x = torch.from_numpy(np.stack([stream[i : i + context] for i in at]))
        y = torch.from_numpy(np.stack([stream[i + 1 : i + context + 1] for i in at]))
        begin, work = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.precision == "bf16"):
            loss = run(x, y, cos, sin)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        seconds.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - work)
        losses.append(loss.item())
    print(json.dumps({"seconds": seconds, "cpu": cpu, "loss": losses[-1], "memory": peak_memory()}))


def peer_run(a, shape, compiled):
    args = [sys.executable, os.path.abspath(__file__), a.yh, "--worker", "--steps", str(a.steps), "--threads",
            str(a.threads), "--context", str(shape[CONTEXT]), "--rows", str(shape[ROWS]), "--precision", a.precision]
    args += ["--compiled"] if compiled else []
    args += ["--isa", a.isa] if a.isa else []
    return json.loads(call(*args, env=a.env).strip().splitlines()[-1])


def yh_run(a, shape):
    result = yh_train(a.yh, shape, steps=a.steps, lr=LR, f32=a.precision == "f32", threads=a.threads, env=a.env)
    shutil.rmtree("run")
    return result


def compare(a, name):
    shape = list(SHAPES[name])
    shape[ROWS] = a.rows or shape[ROWS]
    shape[LAYERS] = a.layers or shape[LAYERS]
    tokens = shape[CONTEXT] * shape[ROWS]
    make_tokens(a.yh, shape[1], tokens * (a.steps + 2))
    make_model("model", shape)
    runs = {"eager": lambda: peer_run(a, shape, False), "compiled": lambda: peer_run(a, shape, True),
            "yh": lambda: yh_run(a, shape)}
    runs = {k: v for k, v in runs.items() if k in a.who.split(",")}
    seconds, cpu, last = {k: [] for k in runs}, {k: [] for k in runs}, {}
    for _ in range(a.rounds):
        for k, run in runs.items():
            last[k] = run()
            seconds[k] += last[k]["seconds"][a.skip:]
            cpu[k] += last[k]["cpu"][a.skip:]
    row = {"model": name, "precision": a.precision, "isa": a.isa or "all", "layers": shape[LAYERS],
           "context": shape[CONTEXT], "rows": shape[ROWS], "threads": a.threads}
    for k in runs:
        row[k] = {"tokens_per_second": tokens / statistics.median(seconds[k]),
                  "tokens_per_cpu_second": tokens / statistics.median(cpu[k]), "memory": last[k]["memory"],
                  "loss": last[k]["loss"]}
        r = row[k]
        line = (f"{name:10} {a.precision} {row['isa']:6} {shape[ROWS]:2} x {shape[CONTEXT]:<5}{k:9}"
                f"{r['tokens_per_second']:9.0f} tokens/s {r['tokens_per_cpu_second']:9.0f} by CPU time "
                f"{r['memory'] / 2**20:7.0f} MiB  loss {r['loss']:.4f}")
        if k == "yh":
            row["fraction_of_peak"] = r["tokens_per_second"] * last[k]["flops"] / last[k]["peak"]
            line += f"  {row['fraction_of_peak']:.0%} of peak"
        if not a.json:
            print(line, flush=True)
    if "compiled" in row and "yh" in row:
        row["ratio"] = row["yh"]["tokens_per_second"] / row["compiled"]["tokens_per_second"]
        row["ratio_cpu"] = row["yh"]["tokens_per_cpu_second"] / row["compiled"]["tokens_per_cpu_second"]
        row["memory_ratio"] = row["yh"]["memory"] / row["compiled"]["memory"]
        if not a.json:
            print(f"{name:10} {a.precision} {row['isa']:6} yh / compiled torch: {row['ratio']:.2f} by the clock, "
                  f"{row['ratio_cpu']:.2f} by CPU time, {row['memory_ratio']:.2f} of its memory", flush=True)
    if a.json:
        print(json.dumps(row), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("yh")
    p.add_argument("--models", default="char,d6,gpt2,qwen3-0.6b")
    p.add_argument("--who", default="eager,compiled,yh")
    p.add_argument("--precision", choices=("bf16", "f32"), default="bf16")
    p.add_argument("--isa", choices=tuple(CAPS))
    p.add_argument("--steps", type=int, default=12)
    p.add_argument("--skip", type=int, default=3, help="first steps that do not count: compilation, first touch")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--rows", type=int, help="sequences of a step, instead of the model's")
    p.add_argument("--layers", type=int, help="layers, instead of the model's")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--scratch", default="build/train_vs_torch")
    p.add_argument("--json", action="store_true")
    for name in ("--worker", "--compiled"):
        p.add_argument(name, action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--context", type=int, help=argparse.SUPPRESS)
    a = p.parse_args()
    need(a.scratch, "numpy", "torch", "safetensors")
    if a.worker:
        return worker(a)
    import torch

    a.yh = os.path.abspath(a.yh)
    if a.steps <= a.skip:
        stop("--steps must be more than --skip")
    if a.isa and a.precision != "f32":
        stop("--isa is for --precision f32: below AVX-512 BF16 nobody multiplies bf16")
    for names, known in ((a.models, SHAPES), (a.who, ("eager", "compiled", "yh"))):
        for name in names.split(","):
            if name not in known:
                stop(f"no {name}; there are {', '.join(known)}")
    a.env = {**(CAPS[a.isa] if a.isa else {}), "OMP_NUM_THREADS": str(a.threads)}
    os.makedirs(a.scratch, exist_ok=True)
    os.chdir(a.scratch)
    print(f"torch {torch.__version__}, {a.threads} threads, {a.rounds} rounds of {a.steps} steps", file=sys.stderr)
    for name in a.models.split(","):
        compare(a, name)


if __name__ == "__main__":
    main()
