// A JSON Schema as an editor or a test program uses it.
#pragma once

#include "config/json.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace faultlun::config::test {

class Checker {
 public:
  explicit Checker(const Json& schema) {
    const auto document = nlohmann::json::parse(schema.dump());
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(document), schema_);
  }
  bool accepts(const std::string& text) const {
    const auto document = nlohmann::json::parse(text);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    return validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
  }

 private:
  valijson::Schema schema_;
};

}  // namespace faultlun::config::test
