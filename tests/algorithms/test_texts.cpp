// Golden files: certificates, LaTeX and the messages for broken rules.
//
// A broken rule is a file errors/<name>.rule. Its comments declare what stands beside the equations:
//   #: coefficient NAME (value V | sequence S) [learn shared|per_step] [range LOW HIGH]
//   #: start NAME VALUE        #: output NAME
#include <set>

#include "algorithms/golden.h"
#include "algorithms/rules.h"
#include "optdnn/algorithms/certificate.h"

using namespace optdnn::algorithms;
namespace fs = std::filesystem;

namespace {

RuleSpec read_broken_rule(const fs::path& path) {
  RuleSpec spec;
  spec.name = path.filename().string();
  spec.equations = read_text(path);
  const Locate locate = locate_in_text(spec.name, spec.equations);
  std::istringstream lines(spec.equations);
  size_t offset = 0;
  for (std::string line; std::getline(lines, line); offset += line.size() + 1) {
    std::istringstream words(line);
    std::string mark, what, name, word;
    words >> mark >> what >> name;
    if (mark != "#:") continue;
    if (what == "output") spec.output = name;
    if (what == "start") words >> spec.start[name];
    if (what != "coefficient") continue;
    Coefficient c;
    c.name = name;
    c.span = locate(offset + line.find(name), name.size());
    while (words >> word) {
      if (word == "value") words >> c.value.emplace();
      if (word == "sequence") words >> c.sequence;
      if (word == "learn") c.learn = (words >> word, word == "shared") ? Learn::shared : Learn::per_step;
      if (word == "range") words >> c.range.emplace().low >> c.range->high;
    }
    spec.coefficients.push_back(c);
  }
  return spec;
}

}  // namespace

TEST_CASE("every broken rule is answered with its message") {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(golden_folder() / "errors")) {
    if (entry.path().extension() != ".rule") continue;
    ++count;
    optdnn::base::Diagnostics diagnostics;
    const auto rule = make_rule(read_broken_rule(entry.path()), diagnostics);
    INFO(entry.path().string());
    CHECK_FALSE(rule.has_value());
    CHECK(diagnostics.has_errors());
    check_golden(fs::path(entry.path()).replace_extension(".txt"), diagnostics.render());
  }
  CHECK(count >= 30);
}

TEST_CASE("certificates read as they should") {
  const auto check = [](const std::string& file, const Rule& rule, int step = 0) {
    check_golden(golden_folder() / file, certificate_text(rule, certify(rule, 9, step)));
  };
  check("certify_gradient_descent.txt", shipped("gradient_descent"));
  check("certify_apg2.txt", shipped("apg2"));
  check("certify_ladmm.txt", shipped("ladmm"));
  check("certify_pgd.txt", shipped("pgd"));
  check("certify_apg_step_3.txt", shipped("apg"), 3);
  check("certify_dense_step_2.txt", shipped("dense"), 2);
  check("certify_heavy_ball_2018.txt", shipped("heavy_ball_2018"));
  check("certify_leapfrog.txt", rule_of("p[k+1] = p[k] + T(x[k])\nx[k+1] = x[k] + S(p[k+1])"));
  check("certify_heavy_ball_beta_1.txt", shipped("heavy_ball", {constant("beta", 1.0)}));
}

TEST_CASE("the catalogue reads as LaTeX") {
  std::string text;
  for (const CatalogueRule& row : catalogue()) text += "% " + row.name + "\n" + latex(shipped(row.name));
  check_golden(golden_folder() / "catalogue.tex", text);
}
