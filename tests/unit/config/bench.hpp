// A configuration that has every key, to be spoiled in one place, and what load() says of it.
#pragma once

#include "config/load.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <string>

namespace faultlun::config::test {

using Tree = nlohmann::ordered_json;

inline Tree full() {
  return Tree::parse(R"({
    "$schema": "schema.json",
    "seed": "0x5eed",
    "portals": [
      {"listen": "127.0.0.1:3260", "advertise": "192.0.2.10:3260", "group": 1},
      {"listen": "[::1]:3260", "group": 2}
    ],
    "control": {"listen": "127.0.0.1:8326", "token_file": "token"},
    "discovery_auth": {"user": "finder", "secret_file": "discovery", "mutual": {"user": "t", "secret_file": "discovery2"}},
    "send_targets_all_in_normal_session": true,
    "limits": {"max_sessions": 10, "max_connections_per_portal": 20, "command_window": 30, "login_timeout": "1s",
               "nop_interval": "10s", "nop_timeout": "2s"},
    "targets": [{
      "name": "iqn.2026-11.example.faultlun:a", "alias": "A", "portal_groups": [2, 1],
      "auth": {"user": "u", "secret_file": "chap", "mutual": {"user": "t", "secret_file": "mutual"}},
      "initiators": ["iqn.1991-05.com.microsoft:*"],
      "luns": [
        {"lun": 0, "type": "disk", "backend": {"kind": "memory", "size": "1GiB"}, "block_size": 4096, "physical_block_size": 8192,
         "read_only": true, "removable": true, "thin": false, "write_cache": false, "rotational": true,
         "vendor": "V", "product": "P", "revision": "R", "serial": "S", "naa": "602fa17000000000acce000000000001"},
        {"lun": 1, "backend": {"kind": "file", "path": "disk{lun}.img", "size": "10MiB"}},
        {"lun": "2-5", "backend": {"kind": "pattern", "size": "1TiB", "writes": "check"}}
      ],
      "redirect": {"address": "disks.example:3260", "permanent": true},
      "power_on_unit_attention": false
    }],
    "rules": []
  })");
}

/// full() with the value at a JSON pointer replaced (or added) by a JSON text.
inline Tree with(const std::string& pointer, const std::string& json) {
  Tree tree = full();
  tree[Tree::json_pointer(pointer)] = Tree::parse(json);
  return tree;
}

inline Tree without(const std::string& object, const std::string& key) {
  Tree tree = full();
  tree[Tree::json_pointer(object)].erase(key);
  return tree;
}

inline LoadResult load(const Tree& tree) {
  return config::load(tree.dump(1));
}

inline std::string all(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems)
    out += to_text(problem) + "\n";
  return out;
}

/// The configuration is refused, and for this reason only.
inline void check_refused(const Tree& tree, const std::string& path, const std::string& reason) {
  const LoadResult result = load(tree);
  CAPTURE(path);
  CAPTURE(reason);
  CAPTURE(all(result.errors));
  CHECK_FALSE(result.config);
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].path == path);
  CHECK(result.errors[0].message.find(reason) != std::string::npos);
  CHECK(result.errors[0].line > 0);
}

inline void check_accepted(const Tree& tree) {
  const LoadResult result = load(tree);
  CAPTURE(all(result.errors));
  CHECK(result.config);
  CHECK(result.errors.empty());
}

inline std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace faultlun::config::test
