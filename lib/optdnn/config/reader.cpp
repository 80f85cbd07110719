#include "optdnn/config/reader.h"

#include <algorithm>

#include "optdnn/config/scalar.h"
#include "optdnn/config/yaml_text.h"

namespace optdnn::config {

using base::concat;

namespace {

std::string describe(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::map:
      return "a map";
    case Node::Kind::sequence:
      return "a list";
    default:
      return concat("'", excerpt(node.text()), "'");
  }
}

std::string_view kind_text(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::map:
      return "a map";
    case Node::Kind::sequence:
      return "a list";
    default:
      return "a single value";
  }
}

std::string plain_hint(const Node& node, ScalarType a, ScalarType b) {
  const ScalarType type = scalar_type(node.text());
  return node.is_quoted() && (type == a || type == b) ? "remove the quotes" : "";
}

}  // namespace

void Reader::error(const Node& node, std::string message, std::string hint) {
  diagnostics_.error(node.span(), std::move(message), std::move(hint));
}

std::string Reader::subject() const { return concat(in_list_ ? "each of '" : "'", name_, "'"); }

bool Reader::refuse(const Node& node, std::string_view wanted, std::string hint) {
  error(node, concat(subject(), " must be ", wanted, ", not ", describe(node)), std::move(hint));
  return false;
}

base::SourceSpan Reader::place_of_map(const Node& node) const {
  if (key_span_.source) return key_span_;
  return {node.span().source};
}

bool Reader::read_bool(const Node& node, bool& value) {
  const bool is_plain = node.is_scalar() && !node.is_quoted();
  if (!is_plain || scalar_type(node.text()) != ScalarType::boolean) {
    const std::string quotes = plain_hint(node, ScalarType::boolean, ScalarType::boolean);
    return refuse(node, "true or false", quotes.empty() && node.is_scalar() ? boolean_hint(node.text()) : quotes);
  }
  value = node.text() == "true";
  return true;
}

bool Reader::read_integer(const Node& node, int64_t low, int64_t high, const Constraint& constraint, int64_t& value) {
  if (!node.is_scalar()) return refuse(node, "an integer", "");
  if (node.is_quoted()) return refuse(node, "an integer", plain_hint(node, ScalarType::integer, ScalarType::integer));
  if (scalar_type(node.text()) != ScalarType::integer) return refuse(node, "an integer", integer_hint(node.text()));
  const auto read = parse_integer(node.text());
  if (!read || *read < low || *read > high) return refuse(node, concat("an integer from ", low, " to ", high), "");
  if (!admit(node, static_cast<double>(*read), constraint)) return false;
  value = *read;
  return true;
}

bool Reader::read_unsigned(const Node& node, uint64_t high, const Constraint& constraint, uint64_t& value) {
  if (!node.is_scalar()) return refuse(node, "an integer", "");
  if (node.is_quoted()) return refuse(node, "an integer", plain_hint(node, ScalarType::integer, ScalarType::integer));
  if (scalar_type(node.text()) != ScalarType::integer) return refuse(node, "an integer", integer_hint(node.text()));
  const auto read = parse_unsigned(node.text());
  if (!read && node.text().starts_with('-')) return refuse(node, ">= 0", "");
  if (!read || *read > high) return refuse(node, concat("an integer from 0 to ", high), "");
  if (!admit(node, static_cast<double>(*read), constraint)) return false;
  value = *read;
  return true;
}

bool Reader::read_real(const Node& node, const Constraint& constraint, double& value) {
  if (!node.is_scalar()) return refuse(node, "a number", "");
  if (node.is_quoted()) return refuse(node, "a number", plain_hint(node, ScalarType::integer, ScalarType::real));
  const auto read = parse_real(node.text());
  if (!read) {
    const bool is_number =
        scalar_type(node.text()) == ScalarType::real || scalar_type(node.text()) == ScalarType::integer;
    return refuse(node, "a number", is_number ? "it does not fit into a double" : real_hint(node.text()));
  }
  if (!admit(node, *read, constraint)) return false;
  value = *read;
  return true;
}

bool Reader::read_text(const Node& node, const Constraint& constraint, std::string& value) {
  if (!node.is_scalar()) return refuse(node, "a text", "");
  if (constraint.not_empty && node.text().empty()) return refuse(node, "a text that is not empty", "");
  value = node.text();
  return true;
}

bool Reader::expect(const Node& node, Node::Kind kind) {
  if (node.kind() == kind) return true;
  const bool one_item = kind == Node::Kind::sequence && node.is_scalar();
  return refuse(node, kind_text(kind), one_item ? concat("a list of one is written [", excerpt(node.text()), "]") : "");
}

bool Reader::expect_length(const Node& node, size_t length, std::string hint) {
  if (node.items().size() == length) return true;
  error(node, concat("'", name_, "' must have ", length, " values, not ", node.items().size()), std::move(hint));
  return false;
}

bool Reader::admit(const Node& node, double value, const Constraint& constraint) {
  if (constraint.admits(value)) return true;
  error(node, concat(subject(), " must be ", constraint.text(), ", not ", node.text()));
  return false;
}

bool Reader::admit_size(const Node& node, size_t size, const Constraint& constraint) {
  if (!constraint.not_empty || size > 0) return true;
  error(node, concat("'", name_, "' must not be empty"));
  return false;
}

const Node* Reader::choice_name(const Node& node, const std::vector<std::string>& names) {
  const std::string list = concat("names: ", base::join(names, ", "));
  const Node* name = node.is_scalar() ? &node : node.find("name");
  if (node.is_sequence()) {
    refuse(node, "a name or a map with a name", list);
    return nullptr;
  }
  if (!name) {
    diagnostics_.error(place_of_map(node), concat("'", name_, "' has no name"), list);
    return nullptr;
  }
  if (name->is_null()) return nullptr;
  if (!name->is_scalar()) {
    error(*name, concat("the name of '", name_, "' must be a text, not ", describe(*name)), list);
    return nullptr;
  }
  if (std::find(names.begin(), names.end(), name->text()) == names.end()) {
    error(*name, concat("unknown ", name_, " '", excerpt(name->text()), "'"),
          base::suggestion(name->text(), names, "names"));
    return nullptr;
  }
  return name;
}

void Reader::unknown_value(const Node& node, const std::string& hint) {
  error(node, concat("unknown value '", excerpt(node.text()), "' for '", name_, "'"), hint);
}

void Reader::report_keys(const Node& node, const std::string& what, const std::vector<std::string>& known,
                         const std::vector<Field>& missing) {
  std::vector<std::string> misspelt;
  for (const Node::Entry& entry : node.entries()) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    diagnostics_.error(entry.key_span, concat("unknown key '", excerpt(entry.key), "' in ", what),
                       known.empty() ? "it has no keys" : base::suggestion(entry.key, known, "keys"));
    if (const auto closest = base::closest_name(entry.key, known)) misspelt.push_back(*closest);
  }
  for (const Field& field : missing) {
    if (std::find(misspelt.begin(), misspelt.end(), field.name) != misspelt.end()) continue;
    diagnostics_.error(place_of_map(node), concat("the key '", field.name, "' is missing in ", what),
                       concat(field.name, ": ", field.help));
  }
}

base::SourceSpan Checker::place_of(std::string_view field) const {
  const Node* value = node_.find_path(field);
  return value && value->span().source ? value->span() : place_;
}

void Checker::error(std::string_view field, std::string message, std::string hint) {
  diagnostics_.error(place_of(field), std::move(message), std::move(hint));
}

}  // namespace optdnn::config
