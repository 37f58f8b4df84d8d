#include "lun_backends/overlay_layers.hpp"

#include "tests/unit/lun_backends/device_bench.hpp"

#include <algorithm>

namespace overlay_layers_test {

using namespace faultlun::lun_backends;
using bench::Bytes;

namespace {

LayerPtr layer(Patch patch, std::uint64_t order, bool sticky = false) {
  return std::make_shared<Layer>(std::move(patch), order, order, sticky);
}

Bytes seen(const Layers& layers, std::uint64_t offset, std::size_t length) {
  Bytes octets(length, 0x11);
  layers.apply(offset, octets);
  return octets;
}

constexpr std::uint64_t kNewest = ~std::uint64_t{0};

}  // namespace

TEST_CASE("layers show where they lie and nowhere else") {
  Layers layers;
  CHECK(layers.empty());
  CHECK_FALSE(layers.touches(0, 100));
  CHECK_FALSE(layers.add(layer(patch_filling(10, 4, {0xaa}), 1)));
  CHECK(seen(layers, 8, 8) == Bytes{0x11, 0x11, 0xaa, 0xaa, 0xaa, 0xaa, 0x11, 0x11});
  CHECK_FALSE(layers.touches(0, 10));
  CHECK(layers.touches(0, 11));
  CHECK(layers.touches(13, 1));
  CHECK_FALSE(layers.touches(14, 1));
  CHECK_FALSE(layers.touches(12, 0));
}

TEST_CASE("a newer layer works on what the older ones show") {
  Layers layers;
  const auto below = layer(patch_filling(0, 4, {0xf0}), 1);
  const auto above = layer(patch_flipping(2, 4, {0xff}), 2);
  CHECK_FALSE(layers.add(below));
  CHECK_FALSE(layers.add(above));
  CHECK(seen(layers, 0, 7) == Bytes{0xf0, 0xf0, 0x0f, 0x0f, 0xee, 0xee, 0x11});
  layers.remove(below);
  CHECK(seen(layers, 0, 7) == Bytes{0x11, 0x11, 0xee, 0xee, 0xee, 0xee, 0x11});
  CHECK(layers.pieces() == 1);  // the two runs are one again
  CHECK(above->shown_bytes == 4);
}

TEST_CASE("healing takes away what is there, cuts what reaches further, leaves sticky and newer") {
  Layers layers;
  const auto wide = layer(patch_filling(0, 100, {1}), 1);
  const auto sticky = layer(patch_setting(40, 20, {0x80}), 2, true);
  CHECK_FALSE(layers.add(wide));
  CHECK_FALSE(layers.add(sticky));
  CHECK(layers.can_heal(50, 10));
  CHECK(layers.heal(50, 20, kNewest).empty());
  CHECK(seen(layers, 48, 4) == Bytes{0x81, 0x81, 0x91, 0x91});
  CHECK(seen(layers, 59, 2) == Bytes{0x91, 0x11});
  CHECK(seen(layers, 69, 2) == Bytes{0x11, 1});
  CHECK(wide->shown_bytes == 80);
  CHECK_FALSE(layers.can_heal(50, 10));
  CHECK(layers.first_byte_of(*wide) == 0);
  CHECK(layers.heal(0, 100, 1).empty());  // nothing is that old
  const auto gone = layers.heal(0, 100, kNewest);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0] == wide);
  CHECK(layers.pieces() == 1);
  CHECK(layers.first_byte_of(*sticky) == 40);
}

TEST_CASE("a layer too many over one byte is refused and changes nothing") {
  Layers layers;
  for (std::uint64_t i = 0; i < Layers::kMaxDepth; ++i)
    REQUIRE_FALSE(layers.add(layer(patch_flipping(10, 1, {1}), i)));
  const auto before = seen(layers, 0, 20);
  CHECK(layers.add(layer(patch_filling(0, 20), 100)) == NoRoom::too_deep);
  CHECK(seen(layers, 0, 20) == before);
  CHECK(layers.pieces() == Layers::kMaxDepth);
}

TEST_CASE("a piece too many is refused") {
  Layers layers(3);
  REQUIRE_FALSE(layers.add(layer(patch_filling(0, 10), 1)));
  CHECK(layers.add(layer(patch_filling(5, 1), 2)) == NoRoom::too_many_pieces);  // 1 and 3 more
  REQUIRE_FALSE(layers.add(layer(patch_filling(5, 5), 3)));
  CHECK(layers.pieces() == 3);
  CHECK(layers.add(layer(patch_filling(50, 1), 4)) == NoRoom::too_many_pieces);
}

TEST_CASE("healing that would need a piece too many heals the rest of the run as well") {
  Layers layers(3);
  REQUIRE_FALSE(layers.add(layer(patch_filling(0, 100), 1)));
  CHECK(layers.heal(50, 1, kNewest).empty());  // two pieces now
  CHECK(seen(layers, 49, 3) == Bytes{0, 0x11, 0});
  CHECK(layers.heal(20, 1, kNewest).empty());
  CHECK(layers.pieces() == 2);
  CHECK(seen(layers, 19, 2) == Bytes{0, 0x11});
  CHECK(seen(layers, 21, 30) == Bytes(30, 0x11));
  CHECK(seen(layers, 51, 1) == Bytes{0});
}

TEST_CASE("random layers, heals and removals agree with a stack per byte") {
  constexpr std::size_t kBytes = 200;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    INFO("seed ", seed);
    bench::Dice dice(seed);
    Layers layers;
    std::vector<std::vector<LayerPtr>> model(kBytes);
    std::vector<LayerPtr> all;
    for (std::uint64_t step = 0; step < 150; ++step) {
      const auto offset = dice.below(kBytes), length = 1 + dice.below(kBytes - offset);
      const auto of_model = [&](auto f) {
        for (std::size_t i = 0; i < length; ++i)
          f(model[offset + i]);
      };
      if (dice.below(5) < 2) {
        const auto word = static_cast<std::uint8_t>(dice.roll());
        auto patch = dice.one_in(2) ? patch_filling(offset, length, bench::noise(16, word))
                                    : patch_flipping(offset, length, {word, 0x10, 0x01});
        const auto added = layer(std::move(patch), step, dice.one_in(4));
        if (layers.add(added)) continue;
        all.push_back(added);
        of_model([&](auto& stack) { stack.push_back(added); });
      } else if (dice.one_in(2)) {
        const auto before = dice.one_in(3) ? dice.below(step + 1) : kNewest;
        const auto gone = layers.heal(offset, length, before);
        of_model([&](auto& stack) {
          std::erase_if(stack, [&](auto& l) { return !l->sticky && l->order < before; });
        });
        for (const auto& buried : gone)
          REQUIRE(std::erase(all, buried) == 1);
      } else if (!all.empty()) {
        const auto which = all[dice.below(all.size())];
        layers.remove(which);
        for (auto& stack : model)
          std::erase(stack, which);
        std::erase(all, which);
      }
      Bytes expected(kBytes, 0x11);
      for (std::size_t i = 0; i < kBytes; ++i)
        for (const auto& l : model[i])
          apply(l->patch, i, std::span(expected).subspan(i, 1));
      REQUIRE(seen(layers, 0, kBytes) == expected);
      Bytes by_runs(length, 0x11);
      Layers::apply(layers.runs_in(offset, length), offset, by_runs);
      REQUIRE(by_runs == seen(layers, offset, length));
      for (const auto& l : all) {
        const auto has = [&](auto& stack) { return std::ranges::count(stack, l) != 0; };
        REQUIRE(l->shown_bytes == static_cast<std::uint64_t>(std::ranges::count_if(model, has)));
        REQUIRE(layers.first_byte_of(*l) ==
                static_cast<std::uint64_t>(std::ranges::find_if(model, has) - model.begin()));
      }
    }
    for (const auto& l : all)
      layers.remove(l);
    CHECK(layers.empty());
    CHECK(layers.pieces() == 0);
  }
}

}  // namespace overlay_layers_test
