// What is kept of what happens, what is waited for, and the limits.
#include "faults/evidence.hpp"

#include "tests/unit/faults/made_scenarios.hpp"

namespace evidence_test {

using namespace faultlun;
using namespace faultlun::faults;
using namespace faultlun::faults::made;

TEST_CASE("only some expectations need to hear of every command") {
  const auto needs = [](That that) { return Scene({within(that, 100)}).evidence.needs_commands(); };
  for (const That that :
       {That::recovered, That::retried, That::no_command_unanswered, That::max_latency})
    CHECK(needs(that));
  for (const That that :
       {That::no_data_loss, That::reconnected, That::no_reconnect_faster_than_ms, That::tmf_seen,
        That::tmf_not_seen, That::fired, That::must_fire, That::state_reached, That::final_state})
    CHECK_FALSE(needs(that));
}

TEST_CASE("recovered is waited for until its time is over or everybody has recovered") {
  Scene scene({within(That::recovered, 5000, 1)});
  scene.up(1).enter(1);
  CHECK_FALSE(scene.evidence.open_until(scene.now));
  scene.begin(1, 1).at(1000).leave(1);
  CHECK(scene.evidence.open_until(scene.now) == ms(6000));
  CHECK(scene.evidence.open_until(ms(5999)) == ms(6000));
  CHECK_FALSE(scene.evidence.open_until(ms(6000)));
  scene.at(2000).end(1, 1);
  CHECK_FALSE(scene.evidence.open_until(scene.now));
}

TEST_CASE("recovered waits for nothing when nobody used the target in the state") {
  Scene scene({within(That::recovered, 5000, 1)});
  scene.up(1).enter(0).begin(1, 1).leave(0).enter(1).leave(1);
  CHECK_FALSE(scene.evidence.open_until(scene.now));
}

TEST_CASE("each expectation waits for its own state and time, the longest counts") {
  Scene scene({within(That::recovered, 5000, 1), within(That::recovered, 9000, 2)});
  scene.enter(1).begin(1, 1).leave(1);
  CHECK(scene.evidence.open_until(scene.now) == ms(5000));
  scene.enter(2).begin(2, 1).at(100).leave(2);
  CHECK(scene.evidence.open_until(scene.now) == ms(9100));
}

TEST_CASE("reconnected is waited for as long as somebody is away") {
  Scene scene({within(That::reconnected, 3000)});
  scene.up(1, "iqn.a").up(2, "iqn.b").lost(1).at(500).lost(2);
  CHECK(scene.evidence.open_until(scene.now) == ms(3500));
  scene.up(3, "iqn.b");
  CHECK(scene.evidence.open_until(scene.now) == ms(3000));
  scene.up(4, "iqn.a");
  CHECK_FALSE(scene.evidence.open_until(scene.now));
}

TEST_CASE("an orderly logout is no loss and no use of the target") {
  Scene scene({within(That::reconnected, 3000), within(That::recovered, 1000, 1)});
  scene.up(1).enter(1).logout(1).leave(1);
  CHECK_FALSE(scene.evidence.open_until(scene.now));
  CHECK(scene.finding(1).why.starts_with("nobody used the target"));
}

TEST_CASE("commands, functions and a lost session show that an initiator uses the target") {
  const auto users = [](auto happens) {
    Scene scene({within(That::recovered, 1000, 1)});
    scene.up(1).enter(1);
    happens(scene);
    scene.leave(1);
    return scene.evidence.open_until(scene.now).has_value();
  };
  CHECK(users([](Scene& scene) { scene.begin(1, 1); }));
  CHECK(users([](Scene& scene) { scene.fail(1, 1); }));  // it began before
  CHECK(users([](Scene& scene) { scene.function(kAbortTask); }));
  CHECK(users([](Scene& scene) { scene.lost(1); }));
  CHECK_FALSE(users([](Scene&) {}));
}

TEST_CASE("sessions that were there before have the name of their initiator") {
  Scene scene({within(That::reconnected, 1000)});
  scene.evidence.know({7, "iqn.early"});
  scene.lost(7);
  scene.check_fails("iqn.early lost a session and was not back 0 us later");
}

TEST_CASE("a command that was there before the scenario began is not held against anybody") {
  Scene scene({within(That::no_command_unanswered, 10)});
  scene.at(1000).end(1, 99);
  scene.check_passes("every command was answered");
}

TEST_CASE("an entry that was lost makes every claim fail that something never happened") {
  const auto passes = [](Expect expect) {
    Scene scene({std::move(expect)});
    CHECK(scene.finding().passed);
    scene.see(EntriesLost{3});
    scene.check_not_seen(3);
    return scene.finding().passed;
  };
  for (const That that : {That::no_data_loss, That::tmf_not_seen, That::retried,
                          That::no_command_unanswered, That::no_reconnect_faster_than_ms})
    CHECK_FALSE(passes(expect(that)));
  CHECK_FALSE(passes(within(That::max_latency, 1)));
}

TEST_CASE("at most kMaxFollowed commands in progress are followed") {
  constexpr auto kMost = static_cast<std::uint32_t>(Evidence::kMaxFollowed);
  Scene scene({expect(That::no_command_unanswered)});
  for (std::uint32_t tag = 0; tag < kMost; ++tag)
    scene.begin(1, tag);
  scene.check_passes("every command was answered");
  scene.end(1, 0).begin(1, 0).check_passes("every command was answered");  // room again
  scene.begin(1, kMost).check_not_seen();
}

TEST_CASE("at most kMaxRetried failures are remembered") {
  constexpr auto kMost = static_cast<std::uint32_t>(Evidence::kMaxRetried);
  Scene scene({expect(That::retried)});
  for (std::uint32_t lba = 0; lba < kMost; ++lba)
    scene.begin(1, 1, lba).fail(1, 1);
  CHECK(scene.finding().passed);
  scene.begin(1, 1, 5).fail(1, 1);  // one that is known
  CHECK(scene.finding().passed);
  scene.begin(1, 1, kMost).fail(1, 1).check_not_seen();
}

TEST_CASE("at most kMaxFunctions functions are remembered") {
  Scene scene({expect(That::tmf_not_seen)});
  scene.scenario.expect[0].functions = {kWarmReset};
  for (std::size_t i = 0; i < Evidence::kMaxFunctions; ++i)
    scene.function(kAbortTask);
  CHECK(scene.finding().passed);
  scene.function(kAbortTask).check_not_seen();
}

TEST_CASE("at most kMaxLosses lost sessions are remembered") {
  Scene scene({within(That::reconnected, 1000)});
  for (std::uint32_t session = 0; session < Evidence::kMaxLosses; ++session)
    scene.up(session).lost(session);
  scene.up(9999);
  CHECK(scene.finding().passed);
  scene.lost(9999).check_not_seen();
}

TEST_CASE("at most kMaxStays stays are remembered") {
  Scene scene({within(That::recovered, 1000, 1)});
  for (std::uint32_t tag = 0; tag < Evidence::kMaxStays; ++tag)
    scene.enter(1).begin(1, tag).leave(1).end(1, tag);
  CHECK(scene.finding().passed);
  scene.enter(1).begin(1, 0).leave(1).end(1, 0).check_not_seen();
}

TEST_CASE("at most kMaxPoisons overlays are remembered, more are never healed") {
  Scene scene({expect(That::no_data_loss)});
  const auto strike = [&](std::size_t n) {
    scene.see(DataStruck{"data.flip", "rot", "p" + std::to_string(n)});
  };
  for (std::size_t i = 0; i < Evidence::kMaxPoisons; ++i)
    strike(i);
  strike(0);  // one that is known
  for (std::size_t i = 0; i < Evidence::kMaxPoisons; ++i)
    scene.see(DataHealed{"p" + std::to_string(i)});
  CHECK(scene.finding().passed);
  for (std::size_t i = 0; i <= Evidence::kMaxPoisons; ++i)
    strike(i);
  for (std::size_t i = 0; i <= Evidence::kMaxPoisons; ++i)
    scene.see(DataHealed{"p" + std::to_string(i)});
  scene.check_fails("faults struck data once in a way that nothing mends afterwards");
}

TEST_CASE("at most kMaxInitiators initiators are told apart") {
  Scene scene({expect(That::tmf_not_seen)});
  for (std::uint32_t i = 0; i < Evidence::kMaxInitiators; ++i)
    scene.up(i, "iqn." + std::to_string(i));
  CHECK(scene.finding().passed);
  scene.up(9999, "iqn.one-too-many").check_not_seen();
}

}  // namespace evidence_test
