"""Every C kernel against references in C: natively, sanitized and emulated.

`kernels.c` does the checking (its opening comment says what and how); this file
compiles it together with `src/wsfast/_kernels/*.c` and runs it.  The AVX-512 kernel is
checked on any little-endian machine, with its intrinsics in C (`avx512_in_c/`), and as it
is where the CPU has AVX-512.  What needs a compiler, an emulator or a CPU feature that this
machine doesn't have is skipped with the reason.
"""

from __future__ import annotations

import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from conftest import CORE
from expected_kernels import EMULATED, HOT_LOOPS

HERE = Path(__file__).parent
IN_C = HERE / "avx512_in_c"
KERNELS = HERE.parents[1] / "src" / "wsfast" / "_kernels"
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
NOTHING_RAN = 2  # exit code of kernels.c

EACH = [path.stem.removeprefix("kernel_") for path in sorted(KERNELS.glob("kernel_*.c"))]
# Those of the extension; without it each is tried, and what is not compiled is skipped.
NATIVE = list(CORE.kernels_compiled()) if CORE else EACH
MACHINE = platform.machine().lower().replace("amd64", "x86_64").replace("arm64", "aarch64")


def native_compiler() -> list[str]:
    """Return the command of a C compiler that runs here, or skip."""
    configured = shlex.split(sysconfig.get_config_var("CC") or "")
    for command in (configured, ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]):
            return command[:1]
    pytest.skip("no C compiler: neither Python's CC nor cc, gcc or clang is on PATH")


def run(command: list[str], timeout: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def compile_program(
    compiler: list[str], flags: list[str], program: Path, sources: list[Path] | None = None
) -> None:
    """Compile kernels.c with all kernels, or other sources, into `program`, once a session."""
    if program.exists():
        return
    sources = sources or [HERE / "kernels.c", *sorted(KERNELS.glob("*.c"))]
    command = [*compiler, *WARNINGS, *flags, f"-I{KERNELS}", "-o", str(program)]
    command += map(str, sources)
    built = run(command)
    assert built.returncode == 0, f"{shlex.join(command)}\n{built.stderr}"


def check(command: list[str], kernel: str) -> None:
    """Run the program for one kernel; skip where that kernel does not run."""
    done = run([*command, kernel])
    if done.returncode == NOTHING_RAN:
        pytest.skip(done.stdout.strip() or done.stderr.strip())
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    assert f"ok kernel={kernel}: " in done.stdout


def sanitized(programs: Path) -> list[str]:
    """Return the flags of a build with sanitizers, or skip."""
    compiler = native_compiler()
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    probe = programs / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    if run([*compiler, *sanitizers, "-o", str(programs / "probe"), str(probe)]).returncode != 0:
        pytest.skip(f"{compiler[0]} cannot link {sanitizers[0]}")
    return ["-O1", "-g", *sanitizers]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("c_kernels")


def test_kernels_have_a_table_each_and_no_other() -> None:
    """The names that tests, fuzzers and cross builds go by are those of the files."""
    for kernel in EACH:
        table = (KERNELS / f"kernel_{kernel}.c").read_text(encoding="utf-8")
        assert re.findall(r"^const wsf_kernel (\w+) = \{\n", table, re.M) == [
            f"wsf_kernel_{kernel}"
        ]
        assert re.findall(r"\.name = \"(\w+)\"", table) == [kernel]
    lists = re.findall(
        r"define WSF_VECTOR_KERNELS\(EACH\)(.*)", (KERNELS / "simd.h").read_text(encoding="utf-8")
    )
    assert sorted(["scalar", *re.findall(r"EACH\((\w+)\)", "".join(lists))]) == EACH
    # qemu has no AVX-512; avx512_in_c has
    assert {row[3] for row in EMULATED} | {"avx512"} == set(EACH)
    assert set(NATIVE) <= set(EACH)


@pytest.mark.parametrize("kernel", NATIVE, ids=lambda name: f"kernel={name}")
def test_kernel_everywhere_agrees_with_reference(programs: Path, kernel: str) -> None:
    program = programs / "native"
    compile_program(native_compiler(), ["-O2"], program)
    check([str(program)], kernel)


@pytest.mark.parametrize("kernel", NATIVE, ids=lambda name: f"kernel={name}")
def test_kernel_sanitized_has_no_undefined_behaviour(programs: Path, kernel: str) -> None:
    flags = sanitized(programs)
    program = programs / "sanitized"
    compile_program(native_compiler(), flags, program)
    check([str(program)], kernel)


def in_c(programs: Path, name: str, flags: list[str]) -> Path:
    """Compile kernels.c with the AVX-512 kernel in C into the program `name`, or skip."""
    if sys.byteorder == "big":
        pytest.skip("the vectors of x86 in C are for little-endian machines")
    program = programs / name
    sources = [HERE / "kernels.c", IN_C / "avx512_in_c.c", *sorted(KERNELS.glob("*_scalar.c"))]
    compile_program(native_compiler(), [*flags, f"-I{IN_C}"], program, sources)
    return program


@pytest.mark.parametrize("build", ["native", "sanitized"])
def test_kernels_avx512_in_c(programs: Path, build: str) -> None:
    flags = sanitized(programs) if build == "sanitized" else ["-O2"]
    program = in_c(programs, f"avx512-in-c-{build}", flags)
    check([str(program)], "avx512")


def test_kernels_avx512_in_c_needs_no_avx512(programs: Path) -> None:
    """Else a machine that has it would test less than others do."""
    if MACHINE != "x86_64":
        pytest.skip(f"looks at x86-64 machine code, and this is {MACHINE}")
    if shutil.which("objdump") is None:
        pytest.skip("objdump is not on PATH (Debian: binutils)")
    program = in_c(programs, "avx512-in-c-native", ["-O2"])
    listing = run(["objdump", "-d", "--no-show-raw-insn", str(program)]).stdout
    assert "wsf_to_ucs4_avx512>:" in listing
    assert "wsf_from_ucs4_avx512>:" in listing
    assert re.findall(r"%(?:zmm\d|k[0-7]\b)", listing) == []


def test_every_intrinsic_in_c_is_compared_with_the_cpu() -> None:
    headers = "".join(path.read_text(encoding="utf-8") for path in sorted(IN_C.glob("*.h")))
    defined = re.findall(r"^\w.* EMULATED\((_mm\w+)\)", headers, re.M)
    compared = re.findall(
        r"\b(?:SAME|SAME_STORED|SHIFT)\((_mm\w+),",
        (IN_C / "intrinsics.c").read_text(encoding="utf-8"),
    )
    assert defined
    assert set(defined) == set(compared)


@pytest.mark.parametrize("reference", ["examples", "cpu"])
def test_intrinsics_in_c_do_what_they_are_defined_to(programs: Path, reference: str) -> None:
    """By examples, and as this CPU does, if it has AVX-512."""
    if sys.byteorder == "big":
        pytest.skip("the vectors of x86 in C are for little-endian machines")
    program = programs / "intrinsics"
    sources = [IN_C / "intrinsics.c", KERNELS / "cpu.c"]
    compile_program(native_compiler(), ["-O1"], program, sources)
    done = run([str(program), reference])
    if done.returncode == NOTHING_RAN:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    assert re.fullmatch(r"ok: [1-9]\d+ checks\n", done.stdout)


@pytest.mark.parametrize(
    ("emulator", "cpu", "cross", "kernel"),
    EMULATED,
    ids=[f"{e.removesuffix('-static')}-{c or 'default'}-kernel={k}" for e, c, _, k in EMULATED],
)
def test_kernel_emulated_agrees_with_reference(
    programs: Path, emulator: str, cpu: str | None, cross: str | None, kernel: str
) -> None:
    if shutil.which(emulator) is None:
        pytest.skip(f"{emulator} is not on PATH (Debian: qemu-user-static)")
    if cross is not None and shutil.which(cross) is None:
        pytest.skip(f"{cross} is not on PATH")
    if cross is None and MACHINE != "x86_64":
        pytest.skip(f"the native compiler is for {MACHINE}, not x86_64")
    program = programs / f"static-{cross or 'native'}"
    compile_program([cross] if cross else native_compiler(), ["-O2", "-static"], program)
    check([emulator, *(["-cpu", cpu] if cpu else []), str(program)], kernel)


def disassemble(function: str, listing: str) -> list[tuple[int, str]]:
    """Return the address and text of each instruction of `function`."""
    body = re.search(rf"^[0-9a-f]+ <{function}>:\n(.*?)(?:\n\n|\Z)", listing, re.M | re.S)
    assert body is not None, f"no function {function}"
    lines = re.findall(r"^ *([0-9a-f]+):\t(.*)$", body[1], re.M)
    return [(int(address, 16), text) for address, text in lines]


def loops_of(code: list[tuple[int, str]]) -> set[str]:
    """Return the instructions from which control can come back to them."""
    following: dict[int, list[int]] = {}
    for (address, text), after in zip(code, [*code[1:], (0, "")], strict=True):
        jump = re.match(r"j\w+\s+([0-9a-f]+) <", text)
        falls_through = not text.startswith(("jmp", "ret"))
        following[address] = [after[0]] * falls_through + ([int(jump[1], 16)] if jump else [])

    def comes_back(start: int) -> bool:
        seen: set[int] = set()
        waiting = [start]
        while waiting:
            for address in following.get(waiting.pop(), []):
                if address == start:
                    return True
                if address not in seen:
                    seen.add(address)
                    waiting.append(address)
        return False

    return {text for address, text in code if comes_back(address)}


@pytest.mark.parametrize(
    ("source", "functions", "registers"),
    [row[1:] for row in HOT_LOOPS],
    ids=[f"kernel={row[0]}-{row[1]}" for row in HOT_LOOPS],
)
def test_hot_loops_use_wide_registers_and_call_nothing(
    programs: Path, source: str, functions: list[str], registers: str
) -> None:
    if MACHINE != "x86_64":
        pytest.skip(f"looks at x86-64 machine code, and this is {MACHINE}")
    if shutil.which("objdump") is None:
        pytest.skip("objdump is not on PATH (Debian: binutils)")
    compiled = programs / f"{source}.o"
    command = [*native_compiler(), *WARNINGS, "-O3", "-fPIC", "-c", "-o", str(compiled)]
    built = run([*command, str(KERNELS / source)])
    assert built.returncode == 0, built.stderr
    listing = run(["objdump", "-d", "--no-show-raw-insn", str(compiled)]).stdout
    for function in functions:
        looped = loops_of(disassemble(function, listing))
        assert any(registers in text for text in looped), function
        assert [text for text in looped if text.startswith("call")] == [], function
