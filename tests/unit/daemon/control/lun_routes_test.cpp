#include "daemon/control/lun_routes.hpp"

#include "lun_backends/open.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace faultlun::daemon::control {
namespace {

std::shared_ptr<LunHost> unit(std::uint16_t number) {
  lun_backends::BackendSpec spec;
  spec.size_bytes = 1 << 20;
  scsi::LogicalUnitProfile profile;
  profile.blocks = 2048;
  return std::make_shared<LunHost>(number, profile, lun_backends::open(spec));
}

struct Bench {
  Bench() {
    world.set_targets({target("iqn.one", {0, 3}), target("iqn.two", {3})});
    router = std::make_unique<Router>(lun_routes({&world}));
  }
  static std::shared_ptr<TargetHost> target(const std::string& name,
                                            std::vector<std::uint16_t> numbers) {
    std::vector<std::shared_ptr<LunHost>> units;
    for (const auto number : numbers)
      units.push_back(unit(number));
    return std::make_shared<TargetHost>(name, std::uint16_t{0}, false,
                                        LunMap::of(std::move(units)));
  }
  void lay(const std::string& target, std::uint64_t id, const std::string& poison) {
    lun_backends::Overlay overlay;
    overlay.id = id;
    overlay.rule = "r";
    overlay.fault = "data.zero";
    overlay.note = poison;
    REQUIRE(world.find_target(target)->luns()->find(3)->device().show(
        overlay, {lun_backends::patch_filling(id * 512, 1024)}));
  }
  Response call(const std::string& method, const std::string& path,
                std::map<std::string, std::string> query = {}) {
    Request request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    return std::get<Response>(router->dispatch(std::move(request)));
  }
  nlohmann::json json(const std::string& method, const std::string& path,
                      std::map<std::string, std::string> query = {}) {
    const auto response = call(method, path, std::move(query));
    REQUIRE_MESSAGE(response.status == 200, response.body);
    return nlohmann::json::parse(response.body);
  }

  World world{1, 1};
  std::unique_ptr<Router> router;
};

TEST_CASE("all units of all targets are listed with what lies over them") {
  Bench bench;
  bench.lay("iqn.two", 5, "");
  const auto luns = bench.json("GET", "/v1/luns")["luns"];
  REQUIRE(luns.size() == 3);
  CHECK(luns[0]["target"] == "iqn.one");
  CHECK(luns[1]["lun"] == 3);
  CHECK(luns[1]["overlays"] == 0);
  CHECK(luns[2]["target"] == "iqn.two");
  CHECK(luns[2]["overlays"] == 1);
  CHECK(luns[2]["backend"] == "memory");
  CHECK(luns[2]["blocks"] == 2048);
}

TEST_CASE("overlays are listed by id with place, rule, fault and poison") {
  Bench bench;
  bench.lay("iqn.one", 0xabc, "p1");
  bench.lay("iqn.one", 5, "");
  const auto overlays = bench.json("GET", "/v1/luns/3/overlays")["overlays"];
  REQUIRE(overlays.size() == 2);
  CHECK(overlays[0]["id"] == "000000000005");
  CHECK_FALSE(overlays[0].contains("poison"));
  CHECK(overlays[1]["id"] == "000000000abc");
  CHECK(overlays[1]["poison"] == "p1");
  CHECK(overlays[1]["rule"] == "r");
  CHECK(overlays[1]["fault"] == "data.zero");
  CHECK(overlays[1]["lba"] == 0xabc);
  CHECK(overlays[1]["length_bytes"] == 1024);
  CHECK(overlays[1]["sticky"] == false);
  CHECK(bench.json("GET", "/v1/luns/3/overlays", {{"target", "iqn.two"}})["overlays"].empty());
}

TEST_CASE("an overlay is removed by its id, those of one poison by its name") {
  Bench bench;
  for (const std::uint64_t id : {1, 2, 3, 4})
    bench.lay("iqn.one", id, id < 3 ? "p1" : "");
  CHECK(bench.json("DELETE", "/v1/luns/3/overlays/000000000003")["removed"] == 1);
  CHECK(bench.call("DELETE", "/v1/luns/3/overlays/000000000003").status == 404);
  CHECK(bench.json("DELETE", "/v1/luns/3/overlays/p1")["removed"] == 2);
  CHECK(bench.json("GET", "/v1/luns/3/overlays")["overlays"].size() == 1);
  CHECK(bench.call("DELETE", "/v1/luns/3/overlays/4").status == 404);
}

TEST_CASE("all overlays of one unit are removed") {
  Bench bench;
  bench.lay("iqn.one", 1, "");
  bench.lay("iqn.two", 1, "");
  CHECK(bench.json("DELETE", "/v1/luns/3/overlays", {{"target", "iqn.two"}})["removed"] == 1);
  CHECK(bench.json("GET", "/v1/luns/3/overlays", {{"target", "iqn.two"}})["overlays"].empty());
  CHECK(bench.json("GET", "/v1/luns/3/overlays")["overlays"].size() == 1);
  CHECK(bench.json("DELETE", "/v1/luns/0/overlays")["removed"] == 0);
}

TEST_CASE("a unit or a target that is not there is named in the answer") {
  Bench bench;
  const auto check = [&](const std::string& path, std::map<std::string, std::string> query,
                         const std::string& name) {
    const auto response = bench.call("GET", path, std::move(query));
    CHECK(response.status == 404);
    CHECK(response.body.find(name) != std::string::npos);
  };
  check("/v1/luns/7/overlays", {}, "LUN 7");
  check("/v1/luns/70000/overlays", {}, "LUN 70000");
  check("/v1/luns/3/overlays", {{"target", "iqn.none"}}, "iqn.none");
  CHECK(bench.call("GET", "/v1/luns/x/overlays").status == 400);
}

TEST_CASE("without a target there is no unit") {
  World world{1, 1};
  const Router router(lun_routes({&world}));
  Request request;
  request.method = "GET";
  request.path = "/v1/luns/0/overlays";
  CHECK(std::get<Response>(router.dispatch(request)).status == 404);
}

}  // namespace
}  // namespace faultlun::daemon::control
