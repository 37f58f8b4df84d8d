// What one step on the path of a command costs.  One core, memory in cache unless the name says
// otherwise.
#include "faults/decide.hpp"
#include "lun_backends/open.hpp"
#include "protocol/bytes/crc32c.hpp"
#include "protocol/iscsi/pdu.hpp"
#include "protocol/iscsi/session.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <array>
#include <benchmark/benchmark.h>
#include <memory>

namespace {

using namespace faultlun;

constexpr std::uint32_t kBlocks = 8, kBytes = kBlocks * 512;

scsi::LogicalUnitProfile disk() {
  scsi::LogicalUnitProfile profile;
  profile.blocks = 1 << 21;
  return profile;
}

scsi::Cdb read_10(std::uint32_t lba) {
  scsi::Cdb cdb;
  cdb.raw[0] = 0x28;
  bytes::put_be32(cdb.raw.data() + 2, lba);
  bytes::put_be16(cdb.raw.data() + 7, kBlocks);
  return cdb;
}

std::array<std::uint8_t, iscsi::kBhsBytes> read_pdu(std::uint32_t number) {
  std::array<std::uint8_t, iscsi::kBhsBytes> header{};
  header[0] = 0x01;
  header[1] = 0xc1;  // F, R, simple
  bytes::put_be32(header.data() + 16, number);
  bytes::put_be32(header.data() + 20, kBytes);
  bytes::put_be32(header.data() + 24, number);
  const auto cdb = read_10(number % 4096 * kBlocks);
  std::copy_n(cdb.raw.begin(), 16, header.begin() + 32);
  return header;
}

void crc32c(benchmark::State& state) {
  const bytes::Buffer octets(static_cast<std::size_t>(state.range(0)), 0x5a);
  for (auto _ : state)
    benchmark::DoNotOptimize(bytes::crc32c(octets));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(crc32c)->Arg(48)->Arg(512)->Arg(4096)->Arg(65536);

void frame(benchmark::State& state) {
  const auto header = read_pdu(1);
  for (auto _ : state)
    benchmark::DoNotOptimize(iscsi::next_frame(header, {}));
}
BENCHMARK(frame);

void decide_without_rules(benchmark::State& state) {
  const faults::RuleSet rules;
  faults::RuleState counters;
  const auto cdb = read_10(0);
  faults::CommandFacts facts;
  facts.cdb = &cdb;
  for (auto _ : state)
    benchmark::DoNotOptimize(faults::decide(rules, counters, 0x5eed, facts));
}
BENCHMARK(decide_without_rules);

void plan_access(benchmark::State& state) {
  const auto profile = disk();
  std::uint32_t lba = 0;
  scsi::Command command;
  for (auto _ : state) {
    command.cdb = read_10(lba++ & 0xffff);
    benchmark::DoNotOptimize(scsi::plan_access(command, profile));
  }
}
BENCHMARK(plan_access);

void plan_whole(benchmark::State& state) {
  scsi::LogicalUnit unit(disk());
  unit.attach(1, std::nullopt);
  const scsi::NexusPorts ports;
  const std::uint16_t luns[] = {0};
  scsi::Command command;
  command.cdb = read_10(0);
  for (auto _ : state)
    benchmark::DoNotOptimize(unit.plan(1, command, {ports, luns}));
}
BENCHMARK(plan_whole);

/// A 4 KiB READ from its PDU to its Data-In with status, without socket and medium.
void session_read(benchmark::State& state) {
  iscsi::LoginResult login;
  login.cmd_sn = 1;
  login.parameters.peer_max_recv_data_segment_length = 65536;
  login.parameters.data_digest = state.range(0) != 0;
  const iscsi::Directory directory;
  iscsi::Session session(login, directory);
  iscsi::Outbox out;
  iscsi::Effects effects;
  std::uint32_t number = 1;
  for (auto _ : state) {
    const auto header = read_pdu(number++);
    session.receive(iscsi::next_frame(header, {}).pdu, {}, out, effects);
    auto& task = *std::get<iscsi::effect::RunTask>(effects[0]).task;
    iscsi::Session::DataInCursor cursor;
    cursor.total = kBytes;
    cursor.device_length = kBytes;
    while (const auto length = session.next_data_in(cursor)) {
      const auto room = session.room_for_data_in(task, cursor, length, out);
      room[0] = 1;
      session.seal_data_in(room);
    }
    session.finish_data_in(task);
    effects.clear();
    out.consume(out.size());
  }
}
BENCHMARK(session_read)->ArgName("data_digest")->Arg(0)->Arg(1);

void memory_device(benchmark::State& state) {
  lun_backends::BackendSpec spec;
  spec.size_bytes = 1 << 30;
  const auto device = lun_backends::open(spec);
  bytes::Buffer data(kBytes, 0x5a);
  const bool write = state.range(0) != 0;
  std::uint64_t offset = 0;
  for (auto _ : state) {
    lun_backends::Operation operation;
    operation.kind =
        write ? lun_backends::Operation::Kind::write : lun_backends::Operation::Kind::read;
    operation.offset_bytes = offset;
    operation.into = data;
    operation.from = data;
    benchmark::DoNotOptimize(device->start(operation));
    offset = (offset + kBytes) & 0x3ffff;
  }
}
BENCHMARK(memory_device)->ArgName("write")->Arg(0)->Arg(1);

}  // namespace
