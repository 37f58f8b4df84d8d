"""A checker that finds nothing is worse than none: what tidy.py must flag, and what it must leave alone."""
import pathlib
import tempfile
import unittest

import tidy

BROKEN = [  # each is destroyed once too often by g++ 12.2 (docs/decisions/0001)
    "co_await send(Pdu{1, data});",
    "co_await send({1, data});",
    "if (co_await send(Pdu{.bytes = data})) return;",
    "auto x = co_await send(std::array{a, b});",
    "co_await channel.async_send(ec, Pdu{.bytes = data}, use_awaitable);",
    "co_spawn(co_await this_coro::executor, [p]() -> awaitable<void> { co_return; }, detached);",
    "co_await run([text] { return text; });",
    "co_await run([=, this] { return text; });",
]
SOUND = [
    "Pdu pdu{.bytes = data};\n co_await send(std::move(pdu));",
    "co_await send(Pdu(1, data));",
    "co_await send(make_pdu(data));",
    "auto x = co_await returns_pdu();",
    "auto [ec, n] = co_await read(socket, buffer, as_tuple(use_awaitable));",
    "co_await send(Empty{});",
]


def messages(path, text):
    return [message for _, message in [*tidy.check_text(path, text), *tidy.check_cpp(path, text)]]


class CoAwaitTrap(unittest.TestCase):
    def test_every_broken_form_is_flagged(self):
        for code in BROKEN:
            with self.subTest(code):
                self.assertTrue(any("g++ 12" in m for m in messages("daemon/x.cpp", f"task f() {{\n  {code}\n}}\n")))

    def test_sound_forms_pass(self):
        for code in SOUND:
            with self.subTest(code):
                self.assertEqual(messages("daemon/x.cpp", f"task f() {{\n  {code}\n}}\n"), [])


class Arrows(unittest.TestCase):
    def flagged(self, path, include):
        return any("may not include" in m or "only decides" in m for m in messages(path, f"#include {include}\n"))

    def test_forbidden_arrows_are_flagged(self):
        for path, include in [("protocol/scsi/x.cpp", '"protocol/iscsi/pdu.hpp"'), ("protocol/scsi/x.cpp", '"faults/decide.hpp"'),
                              ("protocol/iscsi/login.cpp", "<openssl/evp.h>"), ("faults/x.cpp", '"config/load.hpp"'),
                              ("lun_backends/x.cpp", '"protocol/scsi/cdb.hpp"'), ("protocol/bytes/x.cpp", "<sys/uio.h>"),
                              ("config/x.cpp", '"lun_backends/open.hpp"'), ("config/x.cpp", '"protocol/iscsi/login.hpp"'),
                              ("protocol/iscsi/x.cpp", "<boost/asio/io_context.hpp>"), ("protocol/scsi/x.cpp", "<isa-l.h>"),
                              ("protocol/iscsi/x.cpp", "<thread>"), ("faults/x.cpp", "<random>"), ("config/x.cpp", "<liburing.h>")]:
            with self.subTest(f"{path} -> {include}"):
                self.assertTrue(self.flagged(path, include))

    def test_allowed_arrows_pass(self):
        for path, include in [("protocol/scsi/x.cpp", '"protocol/bytes/reader.hpp"'), ("protocol/iscsi/chap.cpp", "<openssl/evp.h>"),
                              ("protocol/bytes/crc32c.cpp", "<isa-l/crc.h>"), ("lun_backends/file.cpp", "<liburing.h>"),
                              ("lun_backends/file.cpp", "<sys/uio.h>"), ("config/x.cpp", '"lun_backends/spec.hpp"'),
                              ("config/x.cpp", '"protocol/iscsi/directory.hpp"'), ("config/x.cpp", "<nlohmann/json.hpp>"),
                              ("daemon/x.cpp", "<netinet/tcp.h>"), ("tests/e2e/x_test.cpp", '"daemon/daemon.hpp"'),
                              ("protocol/iscsi/x.hpp", "<chrono>")]:
            with self.subTest(f"{path} -> {include}"):
                self.assertFalse(self.flagged(path, include))


class Words(unittest.TestCase):
    def test_words_with_one_home_are_flagged_elsewhere(self):
        for path, code in [("protocol/scsi/x.cpp", "auto p = reinterpret_cast<char*>(q);"), ("daemon/x.cpp", "steady_clock::now();"),
                           ("config/load.cpp", "json.get<int>();"), ("daemon/x.cpp", "std::random_device d;"),
                           ("tests/unit/daemon/x_test.cpp", "std::this_thread::sleep_for(1s);")]:
            with self.subTest(code):
                self.assertTrue(any("belongs in" in m for m in messages(path, code)))

    def test_comments_strings_and_homes_pass(self):
        for path, code in [("daemon/x.cpp", "// steady_clock::now() is in clock.cpp\n"), ("daemon/clock.cpp", "steady_clock::now();"),
                           ("daemon/x.cpp", 'log("rand() was here");'), ("protocol/bytes/bytes.hpp", "#pragma once\nreinterpret_cast<int*>(p);"),
                           ("daemon/x.cpp", "const int big = 1'000'000; const char quote = '\"';")]:
            with self.subTest(code):
                self.assertEqual(messages(path, code), [])

    def test_habits(self):
        self.assertIn("a header without #pragma once", messages("daemon/x.hpp", "int x;\n"))
        self.assertTrue(any("TO" + "DO" in m for m in messages("daemon/x.cpp", "// TO" + "DO later\n")))
        self.assertEqual(messages("daemon/x.cpp", "// TO" + "DO(#12) later\n"), [])
        self.assertTrue(any("lines" in m for m in messages("daemon/x.cpp", "int x;\n" * 601)))
        self.assertIn("a path of one machine", messages("daemon/x.cpp", "// see /" + "work/main\n"))


class WholeTree(unittest.TestCase):
    def found_in(self, tree):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in tree.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return [f"{path}: {message}" for path, _, message in tidy.findings(root)]

    def test_a_source_without_a_test_is_flagged_until_the_allow_file_says_why(self):
        allow = "tests/tidy/twins.allow"
        self.assertEqual(len(self.found_in({"faults/a.cpp": "", allow: ""})), 1)
        self.assertEqual(self.found_in({"faults/a.cpp": "", allow: "faults/a.cpp the e2e tests\n"}), [])
        self.assertEqual(len(self.found_in({"faults/a.cpp": "", allow: "faults/a.cpp\n"})), 1)
        self.assertEqual(self.found_in({"faults/a.cpp": "", "tests/unit/faults/a_test.cpp": "", allow: ""}), [])

    def test_names_that_ctest_would_not_run_are_flagged(self):
        def with_name(name): return {"tests/tidy/twins.allow": "", "tests/unit/x_test.cpp": f'TEST_CASE("{name}") {{\n}}\n'}
        self.assertEqual(len(self.found_in(with_name("one thing; another"))), 1)
        self.assertEqual(len(self.found_in(with_name("an open [ bracket"))), 1)
        self.assertEqual(self.found_in(with_name("luns[0], and commas")), [])

    def test_lines_of_the_allow_file_that_are_out_of_date_are_flagged(self):
        allow = "tests/tidy/twins.allow"
        self.assertEqual(len(self.found_in({allow: "faults/gone.cpp why\n"})), 1)
        self.assertEqual(len(self.found_in({"faults/a.cpp": "", "tests/unit/faults/a_test.cpp": "", allow: "faults/a.cpp why\n"})), 1)

    def test_a_link_that_leads_nowhere_is_flagged(self):
        tree = {"tests/tidy/twins.allow": "", "docs/a.md": "[b](b.md) [out](https://example.org/x) [c](#here) [d](b.md#there)"}
        self.assertEqual(len(self.found_in(tree)), 2)
        self.assertEqual(self.found_in({**tree, "docs/b.md": "x"}), [])


if __name__ == "__main__":
    unittest.main()
