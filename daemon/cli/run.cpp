#include "daemon/cli/run.hpp"

#include "config/json.hpp"
#include "config/secrets.hpp"
#include "config/text_file.hpp"
#include "daemon/cli/plans.hpp"
#include "daemon/cli/text.hpp"
#include "daemon/cli/views.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <istream>
#include <ostream>
#include <stdexcept>
#include <utility>

namespace faultlun::daemon::cli {
namespace {

using config::Json;

constexpr int kFailed = 1, kBadCommandLine = 2;

bool is_good(unsigned status) {
  return status >= 200 && status < 300;
}

/// A JSON document may stand in the command line itself.
bool is_in_place(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

/// What is wrong, or "".
std::string read_documents(Call& call, std::istream& in) {
  for (const auto& argument : call.command->arguments) {
    const auto found = call.arguments.find(argument.name);
    if (argument.kind == Argument::Kind::word || found == call.arguments.end()) continue;
    auto& text = found->second;
    if (argument.kind == Argument::Kind::document && is_in_place(text)) continue;
    if (text == "-") {
      std::string all(config::kMaxTextBytes + 1, '\0');
      in.read(all.data(), static_cast<std::streamsize>(all.size()));
      all.resize(static_cast<std::size_t>(in.gcount()));
      if (all.size() > config::kMaxTextBytes)
        return "standard input is longer than 16 MiB; give less";
      call.files.emplace(argument.name, "standard input");
      text = std::move(all);
      continue;
    }
    auto file = config::read_text_file(text, config::kMaxTextBytes);
    if (!file.error.empty()) return text + ": " + file.error;
    call.files.emplace(argument.name, text);
    text = std::move(file.text);
  }
  return {};
}

class Runner {
 public:
  Runner(Invocation invocation, const Wire& wire, const Streams& streams)
      : invocation_(std::move(invocation)),
        command_(*invocation_.call.command),
        wire_(wire),
        to_(streams) {}

  int run() {
    if (command_.flow == Flow::offline) {
      to_.out << command_.offline(invocation_.call);
      return 0;
    }
    if (const auto error = read_documents(invocation_.call, to_.in); !error.empty())
      return bad(error);
    auto planned = plan_request(invocation_.call);
    if (!planned.error.empty()) return bad(planned.error);
    read_token();
    switch (command_.flow) {
      case Flow::lines:
        return lines(planned.plan);
      case Flow::overview:
        return overview(planned.plan);
      case Flow::scenario_run:
        return scenario(planned.plan);
      default:
        return request(planned.plan);
    }
  }

 private:
  int bad(const std::string& message) {
    to_.err << "faultlun: " << message << "\n";
    return kBadCommandLine;
  }

  void read_token() {
    if (invocation_.token_file.empty()) return;
    auto read = config::read_token(invocation_.token_file);
    if (!read.value) throw std::runtime_error(invocation_.token_file + ": " + read.error);
    token_ = std::move(*read.value);
  }

  HttpRequest on_wire(const Plan& plan) const {
    HttpRequest request;
    request.control = invocation_.control;
    request.method = plan.method;
    request.path = plan.path;
    request.body = plan.body;
    request.token = token_;
    request.headers = plan.headers;
    if (!plan.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    return request;
  }

  HttpAnswer ask(const Plan& plan) { return wire_.ask(on_wire(plan), invocation_.patience); }

  int refused(const HttpAnswer& answer) {
    if (invocation_.json) to_.out << answer.body;
    const Json tree = Json::parse(answer.body, nullptr, false);
    std::string file;
    for (const auto& [argument, name] : invocation_.call.files)
      file = name;
    if (tree.is_object() && tree.contains("error"))
      to_.err << error_text(tree, file);
    else
      to_.err << "faultlun: the daemon answered " << answer.status
              << "; is it the control API of this version?\n";
    return kFailed;
  }

  int show(const HttpAnswer& answer) {
    const Json tree = Json::parse(answer.body, nullptr, false);
    if (tree.is_discarded()) {  // not JSON: metrics, JUnit, nothing at all
      to_.out << answer.body;
      return 0;
    }
    Json value = tree;
    if (command_.pick) {
      auto picked = command_.pick(tree, invocation_.call);
      if (!picked.error.empty()) {
        to_.err << "faultlun: " << picked.error << "\n";
        return kFailed;
      }
      value = std::move(picked.value);
    }
    if (!invocation_.json)
      to_.out << shown(command_.view, value);
    else if (value == tree)
      to_.out << answer.body;
    else
      to_.out << value.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
    return 0;
  }

  static bool is_failed(const Json& tree) { return at(tree, "/verdict") == "failed"; }

  int request(const Plan& plan) {
    const auto answer = ask(plan);
    if (!is_good(answer.status)) return refused(answer);
    const int status = show(answer);
    if (status == 0 && command_.flow == Flow::verdict) {
      if (!invocation_.call.option("--junit").empty())
        write_junit(invocation_.call.option("--junit"), filled_in(command_.path, invocation_.call));
      if (invocation_.call.option("--format").empty())
        return is_failed(Json::parse(answer.body, nullptr, false)) ? kFailed : 0;
      // The other formats do not say the verdict in a word.
      const Plan bare{"GET", filled_in(command_.path, invocation_.call), {}, {}};
      const auto verdict = ask(bare);
      return is_good(verdict.status) && !is_failed(Json::parse(verdict.body, nullptr, false))
                 ? 0
                 : kFailed;
    }
    return status;
  }

  int lines(const Plan& plan) {
    const auto file = invocation_.call.option("--export");
    std::ofstream exported;
    if (!file.empty() && file != "-") {
      exported.open(file, std::ios::binary);
      if (!exported) return bad(file + ": cannot be written; name a file in a directory that is");
    }
    std::ostream& out = exported.is_open() ? exported : to_.out;
    const bool raw = invocation_.json || !file.empty();
    auto request = on_wire(plan);
    request.headers.emplace_back("Accept", "application/x-ndjson");
    const auto answer = wire_.lines(request, invocation_.patience, [&](std::string_view line) {
      if (line.empty()) return true;
      if (raw)
        out << line << "\n";
      else if (const Json entry = Json::parse(line, nullptr, false); entry.is_object())
        out << shown(command_.view, entry);
      out.flush();
      return out.good();
    });
    if (!is_good(answer.status)) return refused(answer);
    if (exported.is_open() && !exported.flush())
      throw std::runtime_error(file + ": cannot be written to its end; is the disk full?");
    return 0;
  }

  /// {"version": …, "targets": …}: the last word of each path, and what is there.
  int overview(const Plan& plan) {
    Json all = Json::object();
    std::string_view rest = plan.path;
    while (!rest.empty()) {
      const std::string path(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(path.size() + 1, rest.size()));
      const auto answer = ask({plan.method, path, {}, {}});
      if (!is_good(answer.status)) return refused(answer);
      all[path.substr(path.rfind('/') + 1)] = Json::parse(answer.body, nullptr, false);
    }
    if (invocation_.json)
      to_.out << all.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
    else
      to_.out << shown(command_.view, all);
    return 0;
  }

  /// `result`: path of the verdict, which is there.
  void write_junit(const std::string& file, const std::string& result) {
    const auto xml = ask({"GET", result + "?format=junit", {}, {}});
    if (!is_good(xml.status))
      throw std::runtime_error(file + ": not written, the daemon answered " +
                               std::to_string(xml.status));
    if (file == "-") {
      to_.out << xml.body;
      return;
    }
    std::ofstream out(file, std::ios::binary);
    out << xml.body << std::flush;
    if (!out)
      throw std::runtime_error(file + ": cannot be written; name a file in a directory that is");
  }

  /// Says what happens until the scenario has its verdict.
  HttpAnswer follow(const std::string& path) {
    auto request = on_wire({"GET", path + "/follow", {}, {}});
    request.headers.emplace_back("Accept", "application/x-ndjson");
    return wire_.lines(request, invocation_.patience, [&](std::string_view line) {
      const Json entry = Json::parse(line, nullptr, false);
      if (!entry.is_object()) return true;
      if (at(entry, "/verdict").is_string()) return false;
      to_.err << scenario_step_text(entry) << std::flush;
      return true;
    });
  }

  int scenario(const Plan& first) {
    const auto& call = invocation_.call;
    constexpr std::string_view kStart = "/start";
    const bool starts = first.path.ends_with(kStart);
    const auto path = first.path.substr(0, first.path.size() - (starts ? kStart.size() : 0));
    auto answer = ask(first);
    if (!is_good(answer.status)) return refused(answer);
    if (!starts) answer = ask({"POST", path + std::string(kStart), {}, {}});
    if (!is_good(answer.status)) return refused(answer);
    const auto junit = call.option("--junit");
    const bool follows = call.has("--follow") || !junit.empty();
    if (!call.has("--wait") && !follows) return show(answer);
    if (follows)
      if (const auto followed = follow(path); !is_good(followed.status)) return refused(followed);
    const auto result = ask({"GET", path + "/result?wait=1", {}, {}});
    if (!is_good(result.status)) return refused(result);
    if (!junit.empty()) write_junit(junit, path + "/result");
    const int status = show(result);
    return is_failed(Json::parse(result.body, nullptr, false)) ? kFailed : status;
  }

  Invocation invocation_;
  const Command& command_;
  const Wire& wire_;
  const Streams& to_;
  std::string token_;
};

}  // namespace

Wire real_wire() {
  return {http_request, http_lines};
}

int run(Invocation invocation, const Wire& wire, const Streams& streams) {
  return Runner(std::move(invocation), wire, streams).run();
}

}  // namespace faultlun::daemon::cli
