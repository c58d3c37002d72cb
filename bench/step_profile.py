#!/usr/bin/env python3
"""A training step by operation, as a table and as a roofline picture, from `yh bench --model NAME --json`; and
how a step scales with threads.

usage: step_profile.py YH [--model d6] [--threads 1,2] [--steps N] [--svg FILE] [-- OPTION...]

One run of `yh bench` for each number of threads (YH_THREADS does not matter); the table and the picture are of the
first. A point is an operation: FLOPs for each byte of operands (each counted once) and GFLOP/s, its area the share of
the step. The lines are the limits measured in the same run: multiply-adds on registers, memory read. OPTIONs go to
yh bench (--muon, --micro-batch N, ...)."""
import argparse, json, math, subprocess, sys

from _chart import COLOURS, INK, Chart


def measure(a, threads):
    p = subprocess.run([a.yh, "bench", "--model", a.model, "--steps", str(a.steps), "--threads", str(threads), "--json",
                        *a.options], stdout=subprocess.PIPE)
    if p.returncode != 0:
        sys.exit(f"step_profile.py: yh bench failed with {threads} threads")
    machine, step = (json.loads(x) for x in p.stdout.decode().splitlines()[:2])
    return machine, step


def table(machine, step):
    print(f"| operation | calls | ms | share | GFLOP/s | GB/s | of its limit |\n{'| --- ' * 7}|")
    for p in step["parts"]:
        s = max(p["seconds"], 1e-12)
        print(f"| {p['op']} | {p['calls']} | {1e3 * s:.1f} | {s / step['seconds']:.1%} | {p['flops'] / s / 1e9:.0f} | "
              f"{p['bytes'] / s / 1e9:.1f} | {p['fraction']:.0%} |")
    print(f"| whole step | | {1e3 * step['seconds']:.0f} | 100% | {step['model_flops'] / step['seconds'] / 1e9:.0f} | | "
          f"{step['fraction_of_peak']:.0%} of peak |")


def picture(a, machine, step):
    peak = machine["gflops_bf16"] if step["type"] == "bf16" and machine["gflops_bf16"] > 0 else machine["gflops_f32"]
    read = machine["gbytes_read"]
    points = [p for p in step["parts"] if p["flops"] > 0 and p["seconds"] > 0 and p["bytes"] > 0]
    xs = [p["flops"] / p["bytes"] for p in points] + [peak / read]
    ys = [p["flops"] / p["seconds"] / 1e9 for p in points]
    low, high = 10 ** math.floor(math.log10(min(xs) / 2)), 10 ** math.ceil(math.log10(max(xs) * 2))
    c = Chart(f"Roofline of a training step of {a.model}",
              f"Operations of a training step by FLOPs for each byte and speed, under the measured limits: "
              f"{peak:.0f} GFLOP/s and {read:.1f} GB/s, {machine['threads']} thread(s).",
              (low, high), (min(ys + [peak / 10]) / 3, peak * 2), "FLOPs for each byte", "GFLOP/s", True, True)
    knee = peak / read
    c.line([(max(low, c.y[0] / read), max(low * read, c.y[0])), (knee, peak), (high, peak)], INK)
    for i, p in enumerate(points):
        share = p["seconds"] / step["seconds"]
        c.point(p["flops"] / p["bytes"], p["flops"] / p["seconds"] / 1e9, COLOURS[i % len(COLOURS)],
                f"{p['op']} {share:.0%}", 3 + 30 * math.sqrt(share), 4 + 14 * (i % 3 - 1))
    c.save(a.svg)


def main():
    args, options = sys.argv[1:], []
    if "--" in args:
        at = args.index("--")
        args, options = args[:at], args[at + 1 :]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("yh")
    p.add_argument("--model", default="d6")
    p.add_argument("--threads", default="1")
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--svg")
    a = p.parse_args(args)
    a.options = options
    counts = [int(x) for x in a.threads.split(",")]
    runs = [measure(a, n) for n in counts]
    table(*runs[0])
    if a.svg:
        picture(a, *runs[0])
    for n, (machine, step) in zip(counts, runs):
        print(f"{n} thread{'s' * (n > 1)}: {step['tokens_per_second']:.0f} tokens/s, "
              f"{step['tokens_per_second'] / runs[0][1]['tokens_per_second']:.2f} times {counts[0]}; limits "
              f"{machine['gflops_bf16'] or machine['gflops_f32']:.0f} GFLOP/s, {machine['gbytes_read']:.1f} GB/s")


main()
