"""docs/protocol-support.md from docs/checklist.tsv, from the tests, and from the tables of commands and task management functions: a test proves an item when its name, a comment or a table in
its body, or the comment right above it cites the item's id (`A4.06`).  What cannot apply stands with its reason in
tests/e2e/not_applicable.txt, one `ID: reason` a line.
Usage: protocol_support.py [--check] [ROOT].  Without --check the page is rewritten.  Exits 1 when an item has neither test nor reason,
when a test or a reason cites an item that does not exist, or (with --check) when the page is out of date."""
import bisect
import pathlib
import re
import sys

CHECKLIST, REASONS, PAGE = "docs/checklist.tsv", "tests/e2e/not_applicable.txt", "docs/protocol-support.md"
ID = re.compile(r"\bA(?:[1-9]|1[0-4])\.\d\d\b")
CHECKED = re.compile(r"A(?:[1-9]|1[0-2])\.")  # the items that must be proved or explained
CASE = re.compile(r'^(?:TEST_CASE|SCENARIO|TEST_CASE_FIXTURE|TEST_CASE_TEMPLATE)\((?:\s*\w+\s*,)?((?:\s*"(?:\\.|[^"\\])*")+)', re.M)
NAMES_PER_ITEM = 3
COMMANDS, COMMAND_ROW = "protocol/scsi/commands.cpp", re.compile(r'^ *\{0x(\w\w), *(?:kNoAction|0x(\w\w)), *"([^"]+)"', re.M)
FUNCTIONS, FUNCTION_ROW = "protocol/scsi/task_management.cpp", re.compile(r'^ *\{(\d+), *"([^"]+)",[^}]*?\b(true|false), *(\d+)\}', re.M)

INTRO = """# What of the protocols is supported, and what proves it

Made by `tests/tidy/protocol_support.py` from `docs/checklist.tsv` and the tests; do not edit. Sections are those of RFC 7143
unless the table says otherwise. A test is named by its file below `tests/` and its sentence.
"""


def read_checklist(root):
    """[(group title or None, id, section, requirement)] in order."""
    rows, titles = [], {}
    for line in (root / CHECKLIST).read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if line.startswith("# A") and len(cells) == 3:
            titles[cells[0][2:]] = cells[2]
        elif line and not line.startswith("#"):
            rows.append(tuple(cells))
    return titles, rows


def read_reasons(root):
    reasons, path = {}, root / REASONS
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        m = re.match(r"([AB]\d+\.\d+)[\s:]+(\S.*)", line)
        if m:
            reasons[m.group(1)] = m.group(2).strip()
    return reasons


def cases(text):
    """Test cases as (start of the comment above, end of the body, name).  clang-format puts the closing brace in column 0."""
    for m in CASE.finditer(text):
        above = text[:m.start()].splitlines(keepends=True)
        start = m.start()
        while above and above[-1].lstrip().startswith("//"):
            start -= len(above.pop())
        end = text.find("\n}", m.end())
        name = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', m.group(1)))
        yield start, len(text) if end < 0 else end, name.replace('\\"', '"').replace("\\\\", "\\")


def read_proofs(root):
    """id -> [(file below tests/, name)], in order of file and place."""
    proofs = {}
    for file in sorted((root / "tests").rglob("*_test.cpp")):
        text = file.read_text(encoding="utf-8")
        found = sorted(cases(text))
        starts = [start for start, _, _ in found]
        for m in ID.finditer(text):
            at = bisect.bisect_right(starts, m.start()) - 1
            if at < 0 or m.start() > found[at][1]:
                continue  # in no test: says what a file is about, proves nothing
            proof = (file.relative_to(root / "tests").as_posix(), found[at][2])
            named = proofs.setdefault(m.group(), [])
            if proof not in named:
                named.append(proof)
    return proofs


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def answer(item, proofs, reasons):
    parts, last = [], None
    named = proofs.get(item, [])
    for file, name in named[:NAMES_PER_ITEM]:
        parts.append((f"`{file}`: " if file != last else "") + cell(ID.sub("", name).strip(" :,;()[]")))
        last = file
    if len(named) > NAMES_PER_ITEM:
        parts.append(f"and {len(named) - NAMES_PER_ITEM} more")
    if item in reasons:
        parts.append("*" + ("in part: " if named else "does not apply: ") + cell(reasons[item]) + "*")
    return "; ".join(parts) if parts else "**nothing yet**"


def page(titles, rows, proofs, reasons):
    out, group = [INTRO], None
    proved = sum(1 for row in rows if row[0] in proofs)
    explained = sum(1 for row in rows if row[0] not in proofs and row[0] in reasons)
    out.append(f"{len(rows)} items: {proved} proved by tests, {explained} that cannot apply, {len(rows) - proved - explained} open.\n")
    for item, section, requirement in rows:
        if item.split(".")[0] != group:
            group = item.split(".")[0]
            out.append(f"\n## {group}. {titles[group]}\n\n| item | section | requirement | proved by |\n|---|---|---|---|\n")
        out.append(f"| {item} | {section} | {cell(requirement)} | {answer(item, proofs, reasons)} |\n")
    return "".join(out)


def tables(root):
    """What the tables in the sources offer, in their order."""
    out = ["\n## SCSI commands\n\nThe command table (`protocol/scsi/commands.cpp`); REPORT SUPPORTED OPERATION CODES tells an initiator the same.\n\n"
           "| opcode | service action | command |\n|---|---|---|\n"]
    rows = COMMAND_ROW.findall((root / COMMANDS).read_text(encoding="utf-8"))
    out += [f"| {opcode.upper()}h | {action.upper() + 'h' if action else ''} | {name} |\n" for opcode, action, name in rows]
    out.append("\n## Task management functions\n\n| function | name | |\n|---|---|---|\n")
    functions = FUNCTION_ROW.findall((root / FUNCTIONS).read_text(encoding="utf-8"))
    for number, name, supported, level in functions:
        said = "no" if supported == "false" else "yes" if level == "1" else f"with iSCSIProtocolLevel {level}"
        out.append(f"| {number} | {name} | {said} |\n")
    if not rows or not functions:
        raise SystemExit(f"no rows in {COMMANDS} or {FUNCTIONS}: has a table moved?")
    return "".join(out)


def main(arguments):
    check = "--check" in arguments
    names = [a for a in arguments if a != "--check"]
    root = pathlib.Path(names[0]) if names else pathlib.Path(__file__).resolve().parents[2]
    (titles, rows), reasons, proofs = read_checklist(root), read_reasons(root), read_proofs(root)
    known = {row[0] for row in rows}
    wrong = [f"{item}: neither a test nor a line in {REASONS}"
             for item, _, _ in rows if CHECKED.match(item) and item not in proofs and item not in reasons]
    wrong += [f"{REASONS}: there is no item {item}" for item in sorted(reasons) if item.startswith("A") and item not in known]
    wrong += [f"tests/{files[0][0]}: there is no item {item}" for item, files in sorted(proofs.items())
              if CHECKED.match(item) and item not in known]
    text = page(titles, rows, proofs, reasons) + tables(root)
    if not check:
        (root / PAGE).write_text(text, encoding="utf-8")
    elif not (root / PAGE).exists() or (root / PAGE).read_text(encoding="utf-8") != text:
        wrong.append(f"{PAGE} is out of date: run tests/tidy/protocol_support.py and commit it")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
