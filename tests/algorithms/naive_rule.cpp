#include "algorithms/naive_rule.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;
using Kind = NaiveTerm::Kind;

namespace {

std::string at(int lag) { return lag == 0 ? "k" : lag < 0 ? concat("k+", -lag) : concat("k-", lag); }

std::string sum_text(const std::vector<NaiveTerm>& terms, const std::string& index);

// `index`: what stands for k in a term of a dense sum.
std::string term_text(const NaiveTerm& term, const std::string& index) {
  std::string factor = concat("(", base::number_text(term.factor.number), ")");
  if (!term.factor.name.empty())
    factor += concat("*", term.factor.name, term.factor.plus ? concat("[k+", term.factor.plus, "]") : "");
  const std::string place = index.empty() ? at(term.lag) : term.lag ? concat(index, "-", term.lag) : index;
  switch (term.kind) {
    case Kind::value:
      return concat(factor, "*", term.name, "[", place, "]");
    case Kind::start:
      return concat(factor, "*", term.name, "[0]");
    case Kind::call:
      return concat(factor, "*", term.name, "(", sum_text(term.sum, index), ")");
    case Kind::window:
      return concat(factor, "*sum(j, 0, ", term.lag, ", ", term.name, "(", sum_text(term.sum, "k-j"), "))");
    case Kind::dense:
      return concat("sum(j, 0, k, ", factor, "*", term.name, "(", sum_text(term.sum, "j"), "))");
    case Kind::fresh:
      return concat("sum(j, 0, k, ", factor, "*", term.name, "[k,j](", sum_text(term.sum, "j"), "))");
  }
  return "";
}

std::string sum_text(const std::vector<NaiveTerm>& terms, const std::string& index) {
  std::vector<std::string> texts;
  for (const NaiveTerm& term : terms) texts.push_back(term_text(term, index));
  return base::join(texts, " + ");
}

class Interpreter {
 public:
  Interpreter(const NaiveRule& rule, const Vector<double>& input, const NaiveModule& module)
      : rule_(rule), input_(input), module_(module) {}

  Vector<double> run(int depth) {
    for (int k = 0; k < depth; ++k) {
      find_twins(k);
      for (const NaiveLine& line : rule_.lines) {
        Vector<double> value(input_.size(), 0.0);
        for (const NaiveTerm& term : line.terms) add(term, k, k, value);
        values_[{line.name, line.is_state ? k + 1 : k}] = value;
      }
    }
    return read("x", depth);
  }

 private:
  double weight(const NaiveFactor& factor, int k) const {
    if (factor.name.empty()) return factor.number;
    for (const Coefficient& c : rule_.coefficients) {
      if (c.name != factor.name) continue;
      if (c.value) return factor.number * *c.value;
      // The sequences by their recursion, written anew.
      double theta = 1.0, previous = 1.0;
      for (int i = 0; i < k + factor.plus; ++i) {
        previous = theta;
        theta = (std::sqrt(std::pow(theta, 4) + 4 * theta * theta) - theta * theta) / 2;
      }
      return factor.number * (c.sequence == "theta" ? theta : theta * (1 - previous) / previous);
    }
    return std::nan("");
  }

  Vector<double> read(const std::string& name, int index) {
    const auto known = values_.find({name, index});
    if (known != values_.end()) return known->second;
    const NaiveLine& line =
        *std::find_if(rule_.lines.begin(), rule_.lines.end(), [&](const NaiveLine& l) { return l.name == name; });
    const auto start = rule_.start.find(name);
    Vector<double> value = input_;
    if (start != rule_.start.end()) {
      for (double& v : value) v *= start->second;
    } else if (!line.is_state) {  // its line before step 0, without modules
      for (double& v : value) v = 0.0;
      for (const NaiveTerm& term : line.terms) {
        if (term.kind == Kind::value || term.kind == Kind::start) add(term, index, index, value);
      }
    }
    return value;
  }

  static void add_scaled(double factor, const Vector<double>& from, Vector<double>& to) {
    for (size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
  }

  // `index` stands for k in the places of dense sums and windows.
  void add(const NaiveTerm& term, int k, int index, Vector<double>& sum) {
    const double factor = weight(term.factor, k);
    switch (term.kind) {
      case Kind::value:
        return add_scaled(factor, read(term.name, index - term.lag), sum);
      case Kind::start:
        return add_scaled(factor, read(term.name, 0), sum);
      case Kind::call:
        return add_scaled(factor, call(term, k, index, -1), sum);
      case Kind::window:
        for (int j = 0; j <= term.lag; ++j) add_scaled(factor, call(term, k, k - j, -1), sum);
        return;
      case Kind::dense:
      case Kind::fresh:
        for (int j = 0; j <= k; ++j) add_scaled(factor, call(term, k, j, term.kind == Kind::fresh ? j : -1), sum);
        return;
    }
  }

  // How a call looks once its indices are numbers, counted from `origin`.
  std::string look(const NaiveTerm& term, int index, int origin) const {
    std::string text = term.name;
    for (const NaiveTerm& inner : term.sum) {
      text += concat(" ", inner.factor.number, inner.factor.name, inner.factor.plus, "*");
      text += inner.kind == Kind::call ? concat("(", look(inner, index, origin), ")")
                                       : concat(inner.name, index - inner.lag - origin);
    }
    return text;
  }
  static int newest(const NaiveTerm& term, int index) {
    int found = -1000000;
    for (const NaiveTerm& inner : term.sum)
      found = std::max(found, inner.kind == Kind::call ? newest(inner, index) : index - inner.lag);
    return found;
  }

  void note(const NaiveTerm& term, int index) {
    int& latest = latest_.try_emplace(look(term, index, newest(term, index)), newest(term, index)).first->second;
    latest = std::max(latest, newest(term, index));
    note_inner(term, index);
  }
  void note_inner(const NaiveTerm& term, int index) {
    for (const NaiveTerm& inner : term.sum) {
      if (inner.kind == Kind::call) note(inner, index);
    }
  }
  // For every shape of call the latest index at which this step asks for it.
  void find_twins(int k) {
    latest_.clear();
    for (const NaiveLine& line : rule_.lines) {
      for (const NaiveTerm& term : line.terms) {
        if (term.kind == Kind::call) note(term, k);
        for (int j = 0; term.kind == Kind::window && j <= term.lag; ++j) note(term, k - j);
        for (int j = 0; term.kind == Kind::dense && j <= k; ++j) note(term, j);
        for (int j = 0; term.kind == Kind::fresh && j <= k; ++j) note_inner(term, j);
      }
    }
  }

  Vector<double> call(const NaiveTerm& term, int k, int index, int fresh) {
    const int newest_index = newest(term, index);
    const std::string shape = look(term, index, newest_index);
    Vector<double>& remembered = results_[{shape, newest_index}];
    const bool is_latest = fresh >= 0 || latest_.at(shape) == newest_index;
    if (is_latest) {
      Vector<double> argument(input_.size(), 0.0);
      for (const NaiveTerm& inner : term.sum) add(inner, k, index, argument);
      const Vector<double> result = module_(term.name[0], k, fresh, argument);
      if (fresh >= 0) return result;
      results_[{shape, newest_index}] = result;
      return result;
    }
    if (remembered.empty()) remembered.assign(input_.size(), 0.0);
    return remembered;
  }

  const NaiveRule& rule_;
  const Vector<double>& input_;
  const NaiveModule& module_;
  std::map<std::pair<std::string, int>, Vector<double>> values_, results_;
  std::map<std::string, int> latest_;
};

class Generator {
 public:
  explicit Generator(base::RandomStream& random) : random_(random) {}

  NaiveRule make() {
    const std::vector<std::string> states = {"x", "z", "w"}, intermediates = {"p", "q"};
    const int state_count = 1 + below(3), intermediate_count = below(3);
    for (int i = 0; i < state_count; ++i) states_.push_back(states[i]);
    for (int i = 0; i < intermediate_count; ++i) {
      NaiveLine line{intermediates[i], false, {}};
      for (int t = 0, terms = 1 + below(3); t < terms; ++t) line.terms.push_back(term(false));
      add_line(line);
      known_intermediates_.push_back(line.name);
    }
    for (int i = state_count - 1; i >= 0; --i) {
      NaiveLine line{states_[i], true, {}};
      for (int t = 0, terms = 1 + below(4); t < terms; ++t) line.terms.push_back(term(true));
      if (i == 0) read_everything(line);
      add_line(line);
      known_states_.push_back(states_[i]);
    }
    if (random_.coin()) rule_.start[states_.back()] = below(2) - 0.5;
    return rule_;
  }

 private:
  int below(int bound) { return static_cast<int>(random_.below(static_cast<uint64_t>(bound))); }

  // The output reads all other names, since unused ones are errors, and calls a module.
  void read_everything(NaiveLine& line) {
    const auto add = [&](Kind kind, const std::string& name, int lag, double factor) -> NaiveTerm& {
      NaiveTerm& term = line.terms.emplace_back();
      term.kind = kind;
      term.name = name;
      term.lag = lag;
      term.factor.number = factor;
      return term;
    };
    for (const std::string& name : known_intermediates_) add(Kind::value, name, 0, 0.25);
    for (const std::string& name : known_states_) add(Kind::value, name, -1, 0.25);
    NaiveTerm x;
    x.name = "x";
    add(Kind::call, "T", 0, 0.5).sum.push_back(x);
  }

  void add_line(const NaiveLine& line) {
    rule_.lines.push_back(line);
    for (const NaiveTerm& term : line.terms) declare(term);
  }
  void declare(const NaiveTerm& term) {
    for (const NaiveTerm& inner : term.sum) declare(inner);
    const std::string& name = term.factor.name;
    const bool known = std::any_of(rule_.coefficients.begin(), rule_.coefficients.end(),
                                   [&](const Coefficient& c) { return c.name == name; });
    if (name.empty() || known) return;
    Coefficient c;
    c.name = name;
    if (name == "b") c.sequence = "theta";
    if (name == "f") c.sequence = "fista";
    if (c.sequence.empty()) c.value = 0.75;
    if (name == "l") c.learn = Learn::per_step;
    if (name == "m") c.learn = Learn::shared;
    rule_.coefficients.push_back(c);
  }

  // Intermediates may be read before step 0, where sequences have no value.
  NaiveFactor factor(bool in_state) {
    NaiveFactor factor;
    factor.number = (below(9) - 4) / 8.0;
    if (factor.number == 0.0) factor.number = 0.5;
    switch (below(in_state ? 8 : 4)) {
      case 0:
        factor.name = "c";
        break;
      case 1:
        factor.name = "m";
        break;
      case 4:
        factor.name = "b";
        break;
      case 5:
        factor.name = "f";
        break;
      case 2:
      case 6:
        factor.name = "l";
        break;
      default:
        break;
    }
    if (factor.name == "b" || factor.name == "f") factor.plus = below(2);
    return factor;
  }

  NaiveTerm value(bool in_sum) {
    const bool intermediate = !known_intermediates_.empty() && below(3) == 0;
    NaiveTerm term;
    if (below(4) == 0) term.factor.name = "c";
    term.name = intermediate ? known_intermediates_[below(static_cast<int>(known_intermediates_.size()))]
                             : states_[below(static_cast<int>(states_.size()))];
    term.lag = below(3);
    const bool computed = std::find(known_states_.begin(), known_states_.end(), term.name) != known_states_.end();
    if (!in_sum && computed && below(2) == 0) term.lag = -1;
    return term;
  }

  NaiveTerm call(bool in_sum, int nesting) {
    NaiveTerm term;
    term.kind = Kind::call;
    term.name = random_.coin() ? "T" : "S";
    for (int i = 0, count = 1 + below(2); i < count; ++i) {
      const bool nested = nesting == 0 && below(4) == 0;
      term.sum.push_back(nested ? call(in_sum, 1) : value(in_sum));
      if (nested) term.sum.back().factor.number = 0.5;
    }
    return term;
  }

  NaiveTerm term(bool in_state) {
    NaiveTerm term;
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        term = value(false);
        break;
      case 4:
      case 5:
      case 6:
        term = random_.coin() && !calls_.empty() ? shifted(calls_[below(static_cast<int>(calls_.size()))])
                                                 : call(false, 0);
        break;
      case 7:
        term.kind = Kind::start;
        term.name = states_[below(static_cast<int>(states_.size()))];
        break;
      case 8:
        term = call(true, 0);
        term.kind = Kind::window;
        term.lag = below(3);
        break;
      default:
        term = call(true, 0);
        term.kind = random_.coin() ? Kind::dense : Kind::fresh;
    }
    if (term.kind == Kind::call && !reads_new(term)) calls_.push_back(term);
    term.factor = factor(in_state);
    return term;
  }

  static bool reads_new(const NaiveTerm& term) {
    return term.lag < 0 || std::any_of(term.sum.begin(), term.sum.end(), reads_new);
  }
  // The same call some steps earlier: a result to be remembered.
  NaiveTerm shifted(NaiveTerm term, int by = 0) {
    if (by == 0) by = 1 + below(2);
    for (NaiveTerm& inner : term.sum) {
      if (inner.kind == Kind::call) inner = shifted(inner, by);
      if (inner.kind == Kind::value) inner.lag += by;
    }
    return term;
  }

  base::RandomStream& random_;
  NaiveRule rule_;
  std::vector<std::string> states_, known_states_, known_intermediates_;
  std::vector<NaiveTerm> calls_;
};

}  // namespace

std::string NaiveRule::text() const {
  std::string text;
  for (const NaiveLine& line : lines)
    text += concat(line.name, line.is_state ? "[k+1]" : "[k]", " = ", sum_text(line.terms, ""), "\n");
  return text;
}

RuleSpec NaiveRule::spec() const {
  RuleSpec spec;
  spec.name = "random";
  spec.equations = text();
  spec.coefficients = coefficients;
  spec.start = start;
  return spec;
}

NaiveRule random_rule(base::RandomStream& random) { return Generator(random).make(); }

Vector<double> run_naively(const NaiveRule& rule, int depth, const Vector<double>& input, const NaiveModule& module) {
  return Interpreter(rule, input, module).run(depth);
}

}  // namespace optdnn::algorithms
