#include "optdnn/config/read.h"

#include <algorithm>
#include <sstream>

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/names.h"
#include "optdnn/config/characters.h"
#include "optdnn/config/place.h"
#include "optdnn/config/tree_builder.h"

namespace optdnn::config {

using base::concat;

namespace {

struct SyntaxText {
  std::string_view begins;  // yaml-cpp's message
  const char* message;
  const char* hint;
};

// yaml-cpp's messages in the words of someone who writes a config.
constexpr const char* kQuote = "a text that holds one of : # { } [ ] , & * ! | > ' \" % @ ` may need quotes";
constexpr SyntaxText kSyntaxTexts[] = {
    {"end of map flow", "',' or '}' is expected here", nullptr},
    {"end of sequence flow", "',' or ']' is expected here", nullptr},
    {"end of map", "this does not continue the map above", "check the indentation, and that each line is `key: value`"},
    {"end of sequence", "this does not continue the list above",
     "check the indentation, and that each item begins with `- `"},
    {"unknown token", "a value cannot begin with this character", kQuote},
    {"illegal document indicator", "a quoted text is not closed before this line", "add the closing quote"},
    {"illegal EOF", "a quoted text is not closed before the end of the file", "add the closing quote"},
    {"illegal flow end", "this bracket closes nothing", "remove it, or add the opening bracket"},
    {"illegal block entry", "a list item cannot begin here",
     "a list begins on its own line; inside [ ] items are separated by commas"},
    {"illegal map key", "a key cannot stand here", kQuote},
    {"illegal map value", "a ':' cannot stand here", "a text that holds ': ' needs quotes; else check the indentation"},
    {"the referenced anchor", "no anchor of this name stands before this alias",
     "a text that begins with '*' needs quotes"},
    {"alias not found", "a name is missing after '*'", "a text that begins with '*' needs quotes"},
    {"anchor not found", "a name is missing after '&'", "a text that begins with '&' needs quotes"},
    {"illegal character found while scanning al", "this is no name of an alias",
     "a text that begins with '*' needs quotes"},
    {"illegal character found while scanning an", "this is no name of an anchor",
     "a text that begins with '&' needs quotes"},
    {"aliases can't", "an alias stands alone", "remove what stands beside it"},
    {"cannot assign multiple", "one value has two anchors or tags", "remove one"},
    {"unknown escape", "there is no such escape",
     "in double quotes a backslash begins an escape: write \\\\, or use single quotes"},
    {"bad character found while scanning hex", "an escape is not finished",
     "\\x takes two hexadecimal digits, \\u four, \\U eight"},
    {"invalid unicode", "this escape is no character", "\\x takes two hexadecimal digits, \\u four, \\U eight"},
    {"unexpected character in block", "only + or - and a digit may follow | or >", "begin the text on the next line"},
    {"cannot set zero", "the indentation of a block must be 1 to 9", "leave the digit out"},
};

void report_syntax(const TreeBuilder& builder, const YAML::Exception& exception, base::Diagnostics& diagnostics) {
  const base::SourceSpan place = builder.place(exception.mark);
  const base::SourceSpan* open = builder.innermost_open();
  for (const SyntaxText& text : kSyntaxTexts) {
    if (!std::string_view(exception.msg).starts_with(text.begins)) continue;
    if (text.hint || !open) return diagnostics.error(place, text.message, text.hint ? text.hint : "");
    // A bracket: forgotten at its end, or a comma forgotten on the same line.
    if (open->line == place.line)
      return diagnostics.error(place, text.message, concat("the bracket opens in column ", open->column));
    return diagnostics.error(*open, "this bracket is not closed", concat(text.message, ", at ", place.text()));
  }
  diagnostics.error(place, concat("not YAML: ", exception.msg));
}

std::vector<std::string> names_beside(const std::filesystem::path& path) {
  std::vector<std::string> names;
  std::error_code failure;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  for (std::filesystem::directory_iterator i(folder, failure), end; !failure && i != end; i.increment(failure)) {
    if (i->path().extension() == ".yaml" || i->path().extension() == ".yml")
      names.push_back(i->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Node read_yaml(std::shared_ptr<const base::SourceText> source, base::Diagnostics& diagnostics, size_t begin) {
  if (source->text.size() > kMaxFileBytes) {
    diagnostics.error({source}, concat("larger than ", kMaxFileBytes >> 20, " MiB"), "this is no config");
    return {};
  }
  const bool is_file = begin == 0;
  if (is_file && source->text.starts_with("\xef\xbb\xbf")) begin = 3;  // a byte order mark
  if (!check_characters(source, begin, diagnostics)) return {};

  std::istringstream stream(source->text.substr(std::min(begin, source->text.size())));
  base::Diagnostics found;
  TreeBuilder builder(source, begin, found);
  bool stopped = false;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const TreeBuilder::Stopped&) {
    stopped = true;
  } catch (const YAML::Exception& exception) {
    report_syntax(builder, exception, diagnostics);  // alone: mistakes found before may be its consequence
    return {};
  }
  for (const base::Diagnostic& mistake : found.all()) diagnostics.error(mistake.span, mistake.message, mistake.hint);
  if (stopped) return {};
  if (builder.root().is_null() && !found.has_errors()) {
    diagnostics.error({source}, is_file ? "the file is empty" : "there is no value",
                      is_file ? "write at least one `key: value`" : "");
  }
  return builder.root();
}

Node read_yaml_file(const std::filesystem::path& path, base::Diagnostics& diagnostics) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) {
    const auto names = names_beside(path);
    const auto closest = base::closest_name(path.filename().string(), names);
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : "this folder";
    constexpr size_t kMostListed = 12;
    throw base::ConfigError(concat("there is no file '", path.string(), "'"),
                            closest         ? concat("did you mean '", (path.parent_path() / *closest).string(), "'?")
                            : names.empty() ? concat("no .yaml file is in ", folder)
                            : names.size() > kMostListed ? concat("none of the ", names.size(), " .yaml files in ",
                                                                  folder, " has a similar name")
                                                         : concat("in ", folder, ": ", base::join(names, ", ")));
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw base::ConfigError(concat("'", path.string(), "' is not a file"), "name a .yaml file");
  }
  if (std::filesystem::file_size(path, failure) > kMaxFileBytes) {
    throw base::ConfigError(concat("'", path.string(), "' is larger than ", kMaxFileBytes >> 20, " MiB"),
                            "this is no config");
  }
  auto source = std::make_shared<base::SourceText>();
  source->name = path.string();
  source->text = base::read_file(path, kMaxFileBytes);
  return read_yaml(std::move(source), diagnostics);
}

}  // namespace optdnn::config
