"""Analyse the loops of the encoders with llvm-mca, for CPUs that there is none of to time on.

    python bench/c/mca.py > bench/record/encoding-mca-DATE.txt
    LLVM_MCA=llvm-mca-19 python bench/c/mca.py      needs objdump and LLVM 16 or later

llvm-mca simulates a loop body on a model of a CPU, with all data in the first-level cache and
every jump guessed.  So this compares work, it does not measure time; and a model can be wrong
about an instruction, as that of Ice Lake is about `vpcompressb`, which is two operations.

The code is the extension's (-O3).  Of the ways through a function's loop and back to where it
began, a text goes the shortest with the given stores and telling instructions.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

KERNELS = Path(__file__).resolve().parents[2] / "src" / "wsfast" / "_kernels"
LLVM_MCA = os.environ.get("LLVM_MCA", "llvm-mca")
CPUS = ("icelake-server", "sapphirerapids", "znver4")
ITERATIONS = 200
CODE_POINTS = 64  # that a figure is for
STORE = re.compile(r"v(?:mov\w+|extracti128 \$0x1,) ?%[xyz]mm\d+,[^%]*\(%(?!rsp|rbp)")
TELLING = ("vpackuswb", "vpshufb", "vinserti128", "vpcompressb", "vpermb", "vpmultishiftqb")
MASKS = re.compile(r"vpxor .*\(")  # of AVX2; the code for no masking has none


class Step(NamedTuple):
    """What tells a way through a loop from others: how much it does, and with what."""

    code_points: int
    stores: int
    instructions: dict[str, int]


def avx2(stores: int, **instructions: int) -> Step:
    return Step(32, stores, instructions)


def avx512(stores: int, **instructions: int) -> Step:
    return Step(64, stores, instructions)


# Text; function; the way it goes with each kernel.
CASES = [
    ("ASCII, UCS-1", "from_latin1", avx2(2), avx512(1)),
    ("Latin, UCS-1", "from_latin1", avx2(4, vpshufb=4), avx512(2, vpcompressb=2)),
    ("ASCII, UCS-2", "from_ucs2", avx2(2, vpackuswb=1), avx512(1, vpackuswb=1)),
    (
        "1 or 2 bytes, UCS-2",
        "from_ucs2",
        avx2(4, vpshufb=4, vpackuswb=2),
        avx512(2, vpcompressb=2, vpmultishiftqb=2),
    ),
    (
        "3 bytes, UCS-2",
        "from_ucs2",
        avx2(8, vpshufb=4, vinserti128=2),
        avx512(4, vpermb=4, vpmultishiftqb=4),
    ),
    (
        "1 to 3 bytes, UCS-2",
        "from_ucs2",
        avx2(8, vpshufb=8),
        avx512(4, vpcompressb=4, vpmultishiftqb=2),
    ),
    ("ASCII, UCS-4", "from_ucs4", avx2(2, vpackuswb=1, vinserti128=4), avx512(1, vpackuswb=1)),
    ("4 bytes, UCS-4", "from_ucs4", avx2(8, vinserti128=4), avx512(4, vpmultishiftqb=4)),
    (
        "1 to 4 bytes, UCS-4",
        "from_ucs4",
        avx2(8, vpshufb=4, vinserti128=12),
        avx512(4, vpcompressb=4, vpmultishiftqb=4),
    ),
    ("size, UCS-2", "ucs2_size", Step(32, 0, {"vpcmpgtw": 4}), Step(32, 0, {"popcnt": 2})),
    ("size, UCS-4", "ucs4_size", Step(8, 0, {"vpcmpgtd": 3}), Step(16, 0, {"popcnt": 3})),
]


class Code:
    """A compiled function: its basic blocks, and which may follow which."""

    def __init__(self, listing: str, function: str) -> None:
        body = re.search(rf"^[0-9a-f]+ <{function}>:\n(.*?)(?:\n\n|\Z)", listing, re.M | re.S)
        assert body is not None, f"no function {function}"
        lines = re.findall(r"^ *([0-9a-f]+):\t([^#<\n]*)", body[1], re.M)
        code = [(int(address, 16), text.strip()) for address, text in lines]
        jumps = {address: re.match(r"(j\w+) +([0-9a-f]+)", text) for address, text in code}
        entered = {int(jump[2], 16) for jump in jumps.values() if jump}
        self.blocks: dict[int, list[str]] = {}
        self.following: dict[int, list[int]] = {}
        start, ended = 0, True
        for address, text in code:
            if ended or address in entered:
                if self.blocks and not self.blocks[start][-1].startswith(("jmp", "ret")):
                    self.following[start].append(address)
                start = address
                self.blocks[start], self.following[start] = [], []
            self.blocks[start].append(text)
            jump = jumps[address]
            if jump:
                self.following[start].append(int(jump[2], 16))
            ended = jump is not None or text.startswith("ret")

    def cycles(self) -> list[list[str]]:
        """Return the instructions of each way that comes back to its lowest block."""
        found = []
        for start in self.blocks:
            waiting = [[start]]
            while waiting:
                way = waiting.pop()
                for block in self.following[way[-1]]:
                    if block == start:
                        found.append([text for part in way for text in self.blocks[part]])
                    elif block > start and block not in way:
                        waiting.append([*way, block])
        return found


def goes(way: list[str], step: Step) -> bool:
    """Is this a way with these numbers, and the one of AVX2 that masks nothing?"""
    names = Counter(text.split()[0] for text in way)
    stores = sum(bool(STORE.match(text)) for text in way)
    counted = {*TELLING, *step.instructions}
    return (
        stores == step.stores
        and all(names[name] == step.instructions.get(name, 0) for name in counted)
        and not any(MASKS.match(text) for text in way)
    )


def shortest(ways: list[list[str]], step: Step) -> list[str]:
    """Return the shortest way with these numbers."""
    going = [way for way in ways if goes(way, step)]
    if not going:
        sys.exit(f"this compiler's code has no loop with {step}")
    return min(going, key=len)


def simulate(way: list[str], cpu: str) -> float:
    """Return the cycles of one iteration."""
    body = "\n".join(re.sub(r"^(j\w+) .*", r"\1 .L0", text) for text in way)
    run = subprocess.run(
        [LLVM_MCA, "-mtriple=x86_64", f"-mcpu={cpu}", f"-iterations={ITERATIONS}"],
        input=f".L0:\n{body}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    cycles = re.search(r"Total Cycles: +(\d+)", run.stdout)
    assert cycles is not None, run.stdout
    return int(cycles[1]) / ITERATIONS


def compile_kernel(kernel: str, directory: str) -> str:
    """Return the machine code of the encoders of a kernel."""
    compiled = f"{directory}/{kernel}.o"
    source = KERNELS / f"encode_{kernel}.c"
    command = ["gcc", "-std=c99", "-O3", "-fPIC", f"-I{KERNELS}", "-c", "-o", compiled, source]
    subprocess.run(command, check=True)
    dump = ["objdump", "-d", "--no-show-raw-insn", compiled]
    return subprocess.run(dump, capture_output=True, text=True, check=True).stdout


def first_line(*command: str) -> str:
    """Return the line in which a program says its version."""
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return next(
        line.strip() for line in run.stdout.splitlines() if "ersion" in line or "gcc" in line
    )


def main() -> None:
    ways = {}
    with tempfile.TemporaryDirectory() as directory:
        for kernel in ("avx2", "avx512"):
            listing = compile_kernel(kernel, directory)
            for function in {case[1] for case in CASES}:
                ways[kernel, function] = Code(listing, f"wsf_{function}_{kernel}").cycles()
    print(f"{first_line('gcc', '--version')} -O3; {first_line(LLVM_MCA, '--version')}")
    print(f"cycles for {CODE_POINTS} code points, avx2 / avx512 = ratio\n")
    print(f"{'':20}" + "".join(f"{cpu:>24}" for cpu in CPUS))
    for text, function, *steps in CASES:
        row = f"{text:20}"
        for cpu in CPUS:
            figures = [
                simulate(shortest(ways[kernel, function], step), cpu)
                * CODE_POINTS
                / step.code_points
                for kernel, step in zip(("avx2", "avx512"), steps, strict=True)
            ]
            row += f"{figures[0]:10.1f} /{figures[1]:5.1f} = {figures[0] / figures[1]:3.1f}"
        print(row)


if __name__ == "__main__":
    main()
