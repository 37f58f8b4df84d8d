#include "config/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::config {

namespace {

/// Characters of the text, telling through `at` how far the parser has read.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* position, std::size_t* at) : position_(position), at_(at) {}
  reference operator*() const { return *position_; }
  CountingIterator& operator++() {
    ++position_;
    ++*at_;
    return *this;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) {
    return a.position_ == b.position_;
  }
  friend bool operator!=(const CountingIterator& a, const CountingIterator& b) { return !(a == b); }

 private:
  const char* position_;
  std::size_t* at_;
};

using Lines = std::map<std::string, std::size_t, std::less<>>;

/// Receives the parser's events; builds the tree, or (with `wanted`) only finds the lines of
/// certain paths.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const std::size_t& at, Json* root, Lines* wanted,
          Problems& problems)
      : text_(text), at_(at), root_(root), wanted_(wanted), problems_(problems) {}

  bool null() override { return value(Json(nullptr)); }
  bool boolean(bool v) override { return value(Json(v)); }
  bool number_integer(number_integer_t v) override { return value(Json(v), kLookahead); }
  bool number_unsigned(number_unsigned_t v) override { return value(Json(v), kLookahead); }
  bool number_float(number_float_t v, const string_t&) override {
    return value(Json(v), kLookahead);
  }
  bool string(string_t& v) override { return value(Json(std::move(v))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Frame& frame = frames_.back();
    path_.resize(frame.path_bytes);
    if (name.size() > kMaxKeyBytes)
      return stop("the key " + in_quotes(name) +
                  " is longer than any we know; shorten or remove it");
    path_ += (path_.empty() ? "" : ".") + name;
    frame.line = line(0);
    frame.skip = !frame.keys.insert(name).second;
    if (frame.skip) problems_.add(path_, "given twice; keep one of them", frame.line);
    if (frame.keys.size() > kMaxKeysPerObject)
      return stop(
          "has more keys than any object we know; remove those that are not in docs/config.md");
    frame.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& problem) override {
    std::string reason = problem.what();
    if (const auto end = reason.find("] "); end != std::string::npos) reason.erase(0, end + 2);
    if (const auto end = reason.find(": ");
        reason.starts_with("parse error at") && end != std::string::npos)
      reason.erase(0, end + 2);
    const std::size_t near = std::min(position == 0 ? 0 : position - 1, text_.size());
    const std::size_t where = line(at_ > near ? at_ - near : 0);
    const std::size_t start = near == 0 ? std::string_view::npos : text_.rfind('\n', near - 1);
    const std::size_t column = start == std::string_view::npos ? near + 1 : near - start;
    problems_.add("",
                  "line " + std::to_string(where) + ", column " + std::to_string(column) + ": " +
                      shortened(reason) +
                      "; JSON wants double quotes, a comma between members, none after the last, "
                      "and has no comments",
                  where);
    return false;
  }

 private:
  struct Frame {
    Json* container = nullptr;
    bool array = false;
    bool skip = false;           ///< a duplicate's value: parsed, not kept
    std::size_t path_bytes = 0;  ///< of the container's own path
    std::size_t index = 0;       ///< of the next element
    std::size_t line = 0;        ///< of the last key
    std::string key;
    std::set<std::string, std::less<>> keys;
  };
  static constexpr std::size_t kLookahead = 1;  ///< the parser reads one character past a number

  /// Where the parser is, less `back` characters.  Counted on from the last time.
  std::size_t line(std::size_t back) {
    const std::size_t end = std::min(at_ - std::min(back, at_), text_.size());
    if (end > counted_) {
      line_ += static_cast<std::size_t>(
          std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                     text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      counted_ = end;
    }
    return line_;
  }

  /// The parser quotes the whole token that it choked on: as long as the text may be, and not
  /// always UTF-8.
  static std::string shortened(std::string text) {
    constexpr std::size_t kHead = 120;
    constexpr std::size_t kTail = 60;
    for (char& c : text)
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    if (text.size() > kHead + kTail) text.replace(kHead, text.size() - kHead - kTail, "...");
    return text;
  }
  bool stop(const std::string& why) {
    problems_.add(path_, why, line(0));
    return false;
  }

  /// Path and line of the value that begins now.
  void begin(std::size_t back) {
    std::size_t where = line(back);
    if (!frames_.empty() && frames_.back().array) {
      Frame& frame = frames_.back();
      path_.resize(frame.path_bytes);
      path_ += "[" + std::to_string(frame.index++) + "]";
    } else if (!frames_.empty()) {
      where = frames_.back().line;
    }
    if (!wanted_) return;
    const auto found = wanted_->find(path_);
    if (found != wanted_->end() && found->second == 0) found->second = where;
  }

  Json* place(Json&& v) {
    if (!root_) return nullptr;
    if (frames_.empty()) {
      *root_ = std::move(v);
      return root_;
    }
    Frame& frame = frames_.back();
    if (!frame.container || (!frame.array && frame.skip)) return nullptr;
    if (frame.array) {
      frame.container->push_back(std::move(v));
      return &frame.container->back();
    }
    return &((*frame.container)[frame.key] = std::move(v));
  }

  bool value(Json&& v, std::size_t back = 0) {
    begin(back);
    place(std::move(v));
    return true;
  }

  bool open(Json&& container) {
    begin(0);
    if (frames_.size() == kMaxDepth)
      return stop(
          "more than 32 objects and arrays within each other; no configuration is that deep");
    Frame frame;
    frame.array = container.is_array();
    frame.container = place(std::move(container));
    frame.path_bytes = path_.size();
    frames_.push_back(std::move(frame));
    return true;
  }

  bool close() {
    path_.resize(frames_.back().path_bytes);
    frames_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::size_t& at_;
  Json* root_;
  Lines* wanted_;
  Problems& problems_;
  std::vector<Frame> frames_;
  std::string path_;
  std::size_t counted_ = 0;
  std::size_t line_ = 1;
};

bool walk(std::string_view text, Json* root, Lines* wanted, Problems& problems) {
  std::size_t at = 0;
  Builder builder(text, at, root, wanted, problems);
  return Json::sax_parse(CountingIterator(text.data(), &at),
                         CountingIterator(text.data() + text.size(), &at), &builder);
}

/// The path of what is around it: "a.b[1].c" → "a.b[1]" → "a.b" → "a" → "".
std::string_view outer(std::string_view path) {
  const std::size_t cut = path.find_last_of(".[");
  return cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
}

}  // namespace

bool parse_json(std::string_view text, Json& out, Problems& problems) {
  if (text.size() > kMaxTextBytes) {
    problems.add(
        "",
        "larger than 16 MiB; write ranges like \"lun\": \"2-54\" instead of one entry for each");
    return false;
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    problems.add("", "empty; write {} for the defaults");
    return false;
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    problems.add("",
                 "line " + std::to_string(line) + ": has a NUL octet in it; save it as UTF-8 text");
    return false;
  }
  return walk(text, &out, nullptr, problems);
}

void locate(std::string_view text, Problems& problems) {
  Lines wanted;
  for (const Problem& problem : problems.list())
    for (std::string_view path = problem.path; problem.line == 0 && !path.empty();
         path = outer(path))
      wanted.emplace(path, 0);
  Problems ignored;
  if (!wanted.empty()) walk(text, nullptr, &wanted, ignored);
  for (Problem& problem : problems.list()) {
    for (std::string_view path = problem.path; problem.line == 0 && !path.empty();
         path = outer(path)) {
      const auto found = wanted.find(path);
      if (found != wanted.end()) problem.line = found->second;
    }
  }
  std::stable_sort(problems.list().begin(), problems.list().end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
}

}  // namespace faultlun::config
