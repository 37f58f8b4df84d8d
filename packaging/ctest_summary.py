"""Counts one ctest run from its JUnit report, which tells a test that chose to skip from one that could not start.
Prints a line for each test that failed or was skipped, then `PASSED FAILED SKIPPED`."""
import re
import sys
import xml.etree.ElementTree as ElementTree


def reason(case):
    """The test's own `SKIP: why` line, or what ctest says."""
    output = case.findtext("system-out") or ""
    said = re.search(r"^SKIP: *(.+)$", output, re.M)
    if said:
        return said.group(1)
    skipped = case.find("skipped")
    return skipped.get("message", "") if skipped is not None else ""


def main(stage, report):
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        status, name = case.get("status"), case.get("name")
        chose = (case.find("skipped") is not None
                 and case.find("skipped").get("message", "").startswith(("SKIP_RETURN_CODE", "SKIP_REGULAR")))
        if status == "run":
            passed += 1
        elif status == "disabled" or (status == "notrun" and chose):
            skipped += 1
            print(f"{stage}: skipped: {name}: {reason(case) or 'disabled'}")
        else:
            failed += 1
            print(f"{stage}: failed: {name}" + (f": {reason(case)}" if status == "notrun" else ""))
    print(passed, failed, skipped)


main(sys.argv[1], sys.argv[2])
