"""Checks what compilers and formatters cannot: the include arrows, the g++ 12 co_await trap, words that belong in
exactly one place, and a few habits (CONTRIBUTING.md, "What tidy checks").  Run by ctest under the label `tidy`.
Usage: tidy.py [ROOT].  Prints `file:line: what` and exits 1 on findings."""
import pathlib
import re
import subprocess
import sys

# Folder -> what its files may include besides "x.hpp" of the standard library.  ARCHITECTURE.md draws the same arrows.
ARROWS = {
    "protocol/bytes": {"protocol/bytes", "boost/endian", "boost/system", "isa-l"},
    "protocol/scsi": {"protocol/bytes", "protocol/scsi", "boost/endian", "boost/system"},
    "protocol/iscsi": {"protocol/bytes", "protocol/scsi", "protocol/iscsi", "boost/endian", "boost/system"},
    "faults": {"faults", "protocol/scsi", "protocol/bytes"},
    "lun_backends": {"lun_backends", "boost/asio", "boost/system", "liburing", "sys", "linux"},
    "config": {"config", "faults", "lun_backends/spec.hpp", "protocol/scsi", "protocol/iscsi/directory.hpp", "nlohmann"},
}  # daemon, tests, bench and examples may include anything
GRANTS = {"protocol/iscsi/chap.cpp": {"openssl"}}  # one file may include more than its folder
OURS = ("protocol/", "faults/", "lun_backends/", "config/", "daemon/")

# Headers of the standard library and of libc that bring I/O, clocks, threads or chance: not in what only decides.
PURE = ("protocol/", "faults/")
IMPURE = re.compile(r"(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|random|iostream|fstream|"
                    r"filesystem|ctime|time\.h|cstdio|stdio\.h|unistd\.h|fcntl\.h|pthread\.h|signal\.h|csignal)$")

ONLY_IN = {  # pattern -> the files or folders where it may appear
    r"\b(?:steady|system|high_resolution)_clock\s*::\s*now": ("daemon/clock.cpp", "tests/support/", "tests/e2e/", "tests/regress/", "bench/"),
    r"\bstd::random_device\b|\bs?rand\s*\(|\bgetrandom\s*\(": ("daemon/seed.cpp",),
    r"\bsleep_for\b|\busleep\s*\(": ("tests/support/", "tests/e2e/", "tests/regress/", "bench/"),
    r"\.get<": ("config/object.hpp", "config/object.cpp", "tests/e2e/"),
    r"\breinterpret_cast\b": ("protocol/bytes/",),
}

LONGEST_FILE = 600  # lines
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.M)
LAMBDA = re.compile(r'\[(?!\s*(?:this|&)?\s*\])[^\[\]]*\w[^\[\]]*\]\s*(?:\(|mutable\b|->|\{)')
BRACED = re.compile(r'(?:[(,]\s*|\b(?!const\b)[A-Za-z_][\w:]*(?:<[^<>;{}]*>)?\s*)\{(?!\s*\})')
BLOCK = re.compile(r'(\)|\belse|\bdo|\btry|->\s*[\w:<>, ]+|\bconst|\bnoexcept)\s*$')
PROMISE = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\s*\(#\d+\))")
# Where somebody's checkout or home happens to lie.
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:work|farm|root|home)/")
# CMake takes what doctest lists for one of its lists: a test with `;` in its name would be run as two that do not exist, and pass.
CASE = re.compile(r'^\s*(?:TEST_CASE\w*|SCENARIO)\s*\(((?:[^"()]*"(?:\\.|[^"\\])*")+)', re.M)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def statements(text):
    start = depth = 0
    for i, c in enumerate(text):
        if c not in "()[]{};":
            continue
        depth += (c in "([") - (c in ")]")
        opens = c == "{" and BLOCK.search(text[max(start, i - 200):i])
        if depth <= 0 and (c == ";" or opens or (c == "}" and not text[start:i].strip())):
            yield start, text[start:i]
            start = i + 1


def within(path, places):
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)


def check_includes(path, raw):
    folder = next((f for f in ARROWS if path.startswith(f + "/")), None)
    if folder is None:
        return
    allowed = ARROWS[folder] | GRANTS.get(path, set())
    for m in INCLUDE.finditer(raw):
        name = m.group(1)
        head = name.removesuffix(".h")
        outside = "/" in name or head in ("liburing", "isa-l")
        if outside and not any(head == a or name == a or name.startswith(a + "/") for a in allowed):
            yield m.start(), f"{folder} may not include {name}"
        if path.startswith(PURE) and IMPURE.match(name):
            yield m.start(), f"{folder} only decides: no {name} here"


def check_cpp(path, raw):
    """Findings as (offset, message)."""
    text = NOISE.sub(blank, raw)
    yield from check_includes(path, raw)
    for pattern, homes in ONLY_IN.items():
        if not within(path, homes):
            for m in re.finditer(pattern, text):
                yield m.start(), f"'{m.group()}' belongs in {' or '.join(homes)}"
    for start, body in statements(text):
        at = 0 if "co_spawn" in body else body.find("co_await")
        if "co_await" in body and (LAMBDA.search(body) or BRACED.search(body[at:])):
            yield start + len(body) - len(body.lstrip()), "name this braced temporary or lambda before co_await (g++ 12)"
    if path.endswith(".hpp") and not re.search(r"^#pragma once$", raw, re.M):
        yield 0, "a header without #pragma once"
    if raw.count("\n") > LONGEST_FILE:
        yield len(raw) - 1, f"{raw.count(chr(10))} lines; past {LONGEST_FILE} a file is usually two ideas"


def check_text(path, raw):
    """What holds for every tracked text file."""
    for m in PROMISE.finditer(raw):
        if not path.startswith("tests/tidy/"):
            yield m.start(), f"{m.group()} without an issue: write {m.group()}(#n), or do it"
    for m in MACHINE_PATH.finditer(raw):
        yield m.start(), "a path of one machine"


def check_case_names(raw):
    for m in CASE.finditer(raw):
        name = m.group(1)
        if ";" in name or name.count("[") != name.count("]"):
            yield m.start(1), "ctest would not run a test with ';' or an unpaired bracket in its name: use another sign"


def check_links(root, path, raw):
    for m in LINK.finditer(raw):
        if not (root / path).parent.joinpath(m.group(1)).exists():
            yield m.start(), f"the link to {m.group(1)} leads nowhere"


def check_twins(root, files):
    """Every source of the product has tests/unit/<its path>_test.cpp (the last folder may be part of the name:
    daemon/control_http_test.cpp), or a line in twins.allow that says who tests it."""
    allow_path = "tests/tidy/twins.allow"
    allowed = {}
    for number, line in enumerate((root / allow_path).read_text(encoding="utf-8").splitlines(), 1):
        name, _, reason = line.partition(" ")
        if name and not name.startswith("#"):
            allowed[name] = number
            if not reason.strip():
                yield allow_path, number, f"{name}: say what tests it"
    for path in files:
        if path.endswith(".cpp") and path.startswith(OURS):
            stem = path[:-4]
            folder, _, name = stem.rpartition("/")
            has_twin = f"tests/unit/{stem}_test.cpp" in files or f"tests/unit/{folder}_{name}_test.cpp" in files
            if not has_twin and path not in allowed:
                yield path, 1, f"no tests/unit/{path[:-4]}_test.cpp; write it, or say in {allow_path} what tests this file"
            if has_twin and path in allowed:
                yield allow_path, allowed[path], f"{path} has its test now: drop this line"
    for name in sorted(set(allowed) - set(files)):
        yield allow_path, allowed[name], f"{name} is gone: drop this line"


def tracked_files(root):
    """What git knows or would add; outside of a checkout, everything but builds."""
    try:
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                capture_output=True, check=True).stdout.decode()
        names = [n for n in listed.split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
        names = [n for n in names if not n.startswith(("build/", ".git/"))]
    return sorted(n for n in set(names) if (root / n).is_file())


def findings(root):
    files = tracked_files(root)
    for path in files:
        try:
            raw = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary: seeds of the fuzzers, captures
        checks = [check_text(path, raw)]
        if path.endswith((".cpp", ".hpp")):
            checks.append(check_cpp(path, raw))
        if path.endswith("_test.cpp"):
            checks.append(check_case_names(raw))
        if path.endswith(".md"):
            checks.append(check_links(root, path, raw))
        for check in checks:
            for at, message in check:
                yield path, raw.count("\n", 0, at) + 1, message
    yield from check_twins(root, files)


def main(root):
    found = 0
    for path, number, message in findings(root):
        print(f"{path}:{number}: {message}")
        found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
