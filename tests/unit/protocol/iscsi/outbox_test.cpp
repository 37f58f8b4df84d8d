#include "protocol/iscsi/outbox.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace faultlun::iscsi::outbox_test {
namespace {

std::string content(const Outbox& out) {
  std::vector<bytes::View> pieces(4096);
  const auto count = out.gather(pieces);
  std::string all;
  for (std::size_t i = 0; i < count; ++i)
    all += bytes::text(pieces[i]);
  return all;
}

/// A device's memory with a count of pins.
struct Device {
  std::string octets;
  int pins = 0;
  static void release(void* pin) noexcept { --static_cast<Device*>(pin)->pins; }
  void put(Outbox& out) {
    ++pins;
    out.append_pinned(bytes::of(octets), this, &release);
  }
};

void put(Outbox& out, std::string_view text) {
  out.append(bytes::of(text));
}

TEST_CASE("a fresh outbox is empty and gathers nothing") {
  Outbox out;
  CHECK(out.empty());
  CHECK(content(out).empty());
  put(out, "");
  CHECK(out.empty());
}

TEST_CASE("octets leave in the order in which they came") {
  Outbox out;
  Device device{"device"};
  put(out, "head");
  device.put(out);
  put(out, "tail");
  CHECK(out.size() == 14);
  CHECK(content(out) == "headdevicetail");
  out.consume(6);
  CHECK(content(out) == "vicetail");
  CHECK(device.pins == 1);
  out.consume(4);
  CHECK(device.pins == 0);
  CHECK(content(out) == "tail");
}

TEST_CASE("neighbours in a block are one piece for the gather write") {
  Outbox out;
  put(out, "one");
  put(out, "two");
  bytes::View pieces[4];
  CHECK(out.gather(pieces) == 1);
  CHECK(pieces[0].size() == 6);
}

TEST_CASE("gather fills no more pieces than there is room for") {
  Outbox out;
  Device device{"x"};
  for (int i = 0; i < 5; ++i)
    device.put(out);
  bytes::View pieces[3];
  CHECK(out.gather(pieces) == 3);
}

TEST_CASE("a pointer from append stays good while later blocks fill") {
  Outbox out;
  auto* first = out.append(Outbox::kBlockBytes);
  auto* second = out.append(Outbox::kBlockBytes);
  first[0] = 'a';
  first[Outbox::kBlockBytes - 1] = 'b';
  second[0] = 'c';
  const auto all = content(out);
  CHECK(all.size() == 2 * Outbox::kBlockBytes);
  CHECK(all[0] == 'a');
  CHECK(all[Outbox::kBlockBytes - 1] == 'b');
  CHECK(all[Outbox::kBlockBytes] == 'c');
}

TEST_CASE("a copy longer than a block spans blocks") {
  Outbox out;
  std::string text(3 * Outbox::kBlockBytes + 17, 'x');
  text.back() = 'y';
  put(out, text);
  CHECK(content(out) == text);
}

TEST_CASE("rewind drops what came after the mark and releases its pins") {
  Outbox out;
  Device device{"device"};
  put(out, "keep");
  const auto mark = out.mark();
  put(out, "drop");
  device.put(out);
  put(out, "drop");
  out.rewind(mark);
  CHECK(device.pins == 0);
  CHECK(content(out) == "keep");
  put(out, "more");
  CHECK(content(out) == "keepmore");
}

TEST_CASE("rewind to nothing leaves an empty outbox") {
  Outbox out;
  const auto mark = out.mark();
  put(out, "drop");
  out.rewind(mark);
  CHECK(out.empty());
}

TEST_CASE("rewind goes back over blocks that were full") {
  Outbox out;
  put(out, std::string(Outbox::kBlockBytes - 10, 'a'));
  const auto mark = out.mark();
  put(out, std::string(Outbox::kBlockBytes, 'b'));
  put(out, std::string(Outbox::kBlockBytes, 'c'));
  out.rewind(mark);
  put(out, "d");
  CHECK(content(out) == std::string(Outbox::kBlockBytes - 10, 'a') + "d");
}

TEST_CASE("clear and destruction release every pin once") {
  Device device{"device"};
  {
    Outbox out;
    device.put(out);
    device.put(out);
    out.clear();
    CHECK(device.pins == 0);
    CHECK(out.empty());
    device.put(out);
  }
  CHECK(device.pins == 0);
}

TEST_CASE("an empty pinned view is released at once") {
  Outbox out;
  Device device{""};
  device.put(out);
  CHECK(device.pins == 0);
  CHECK(out.empty());
}

TEST_CASE("any mixture of calls gives the same octets as a plain string") {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Outbox out;
    std::string model;
    std::vector<std::unique_ptr<Device>> devices;
    for (int step = 0; step < 300; ++step) {
      const auto choice = random() % 8;
      const std::string text(1 + random() % (choice == 0 ? 70000 : 300),
                             static_cast<char>('a' + step % 26));
      if (choice < 3) {
        put(out, text);
        model += text;
      } else if (choice == 3) {
        devices.push_back(std::make_unique<Device>(Device{text}));
        devices.back()->put(out);
        model += text;
      } else if (choice == 4) {
        const auto mark = out.mark();
        for (auto n = random() % 4; n > 0; --n)
          put(out, std::string(random() % 50000, 'z'));
        devices.push_back(std::make_unique<Device>(Device{"gone"}));
        devices.back()->put(out);
        out.rewind(mark);
        CHECK(devices.back()->pins == 0);
      } else {
        const auto count = random() % (model.size() + 1);
        out.consume(count);
        model.erase(0, count);
      }
      REQUIRE(out.size() == model.size());
      if (step % 16 == 0) REQUIRE(content(out) == model);
    }
    out.clear();
    for (const auto& device : devices)
      REQUIRE(device->pins == 0);
  }
}

}  // namespace
}  // namespace faultlun::iscsi::outbox_test
