#include "class_picture.h"

#include <algorithm>
#include <numeric>

#include "optdnn/base/text.h"
#include "optdnn/experiment/class_counts.h"
#include "readable.h"

namespace optdnn::app {

using base::concat;
using nlohmann::ordered_json;

namespace {

constexpr double kPanel = 360, kGap = 90, kLeft = 130, kTop = 60, kBottom = 110;
constexpr size_t kMostNamed = 40;  // classes whose names and counts are written

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

std::string rectangle(double x, double y, double width, double height, const std::string& fill) {
  return concat("<rect x=\"", x, "\" y=\"", y, "\" width=\"", width, "\" height=\"", height, "\" fill=\"", fill,
                "\"/>\n");
}

std::string text_at(double x, double y, const std::string& text, const std::string& more = "") {
  return concat("<text x=\"", x, "\" y=\"", y, "\" ", more, ">", escaped(text), "</text>\n");
}

// White to dark blue.
std::string blue(double share) {
  const auto mix = [&](int from, int to) { return static_cast<int>(from + (to - from) * std::clamp(share, 0.0, 1.0)); };
  return concat("rgb(", mix(255, 8), ",", mix(255, 69), ",", mix(255, 148), ")");
}

std::string confusion_panel(const experiment::ClassCounts& counts) {
  const ordered_json rows = counts.confusion_json();
  const auto classes = counts.classes();
  const double cell = kPanel / static_cast<double>(classes.size());
  const bool named = classes.size() <= kMostNamed;
  std::string svg = text_at(kLeft, kTop - 12, "confusion: row is, column is given");
  for (size_t r = 0; r < classes.size(); ++r) {
    const auto row = rows[r].get<std::vector<int64_t>>();
    const auto all = static_cast<double>(std::max<int64_t>(std::accumulate(row.begin(), row.end(), int64_t{0}), 1));
    const double y = kTop + cell * static_cast<double>(r);
    if (named) svg += text_at(kLeft - 6, y + cell / 2 + 4, classes[r], "text-anchor=\"end\"");
    for (size_t c = 0; c < classes.size(); ++c) {
      const double x = kLeft + cell * static_cast<double>(c), share = static_cast<double>(row[c]) / all;
      svg += rectangle(x, y, cell, cell, blue(share));
      if (!named || row[c] == 0) continue;
      svg += text_at(x + cell / 2, y + cell / 2 + 4, std::to_string(row[c]),
                     concat("text-anchor=\"middle\" font-size=\"", std::clamp(cell / 3, 5.0, 12.0), "\" fill=\"",
                            share > 0.5 ? "white" : "black", "\""));
    }
  }
  for (size_t c = 0; named && c < classes.size(); ++c) {
    const double x = kLeft + cell * (static_cast<double>(c) + 0.5), y = kTop + kPanel + 12;
    svg += text_at(x, y, classes[c], concat("text-anchor=\"end\" transform=\"rotate(-45 ", x, " ", y, ")\""));
  }
  return svg + concat("<rect x=\"", kLeft, "\" y=\"", kTop, "\" width=\"", kPanel, "\" height=\"", kPanel,
                      "\" fill=\"none\" stroke=\"#888\"/>\n");
}

std::string calibration_panel(const experiment::ClassCounts& counts) {
  const double left = kLeft + kPanel + kGap;
  const ordered_json calibration = counts.calibration_json();
  std::string svg = text_at(left, kTop - 12,
                            concat("right (%) beside largest probability; expected calibration error ",
                                   fixed(calibration["ece_pct"], 2), " %"));
  const auto y_of = [](double share) { return kTop + kPanel * (1 - share); };
  for (const auto& bin : calibration["bins"]) {
    if (bin["samples"] == 0) continue;
    const double from = bin["from"], to = bin["to"], right = bin["accuracy_pct"].get<double>() / 100;
    svg += rectangle(left + kPanel * from, y_of(right), kPanel * (to - from) - 1, kPanel * right, "rgb(66,133,194)");
  }
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    svg += text_at(left + kPanel * tick, kTop + kPanel + 16, fixed(tick, 2), "text-anchor=\"middle\"");
    svg += text_at(left - 6, y_of(tick) + 4, fixed(100 * tick, 0), "text-anchor=\"end\"");
  }
  return svg + concat("<line x1=\"", left, "\" y1=\"", kTop + kPanel, "\" x2=\"", left + kPanel, "\" y2=\"", kTop,
                      "\" stroke=\"black\" stroke-dasharray=\"4\"/>\n<rect x=\"", left, "\" y=\"", kTop, "\" width=\"",
                      kPanel, "\" height=\"", kPanel, "\" fill=\"none\" stroke=\"#888\"/>\n");
}

}  // namespace

std::string class_picture(const experiment::ClassCounts& counts, const std::string& title) {
  const double width = kLeft + 2 * kPanel + kGap + 40, height = kTop + kPanel + kBottom;
  return concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", width, " ", height, "\" width=\"", width,
                "\" height=\"", height, "\" font-family=\"sans-serif\" font-size=\"12\">\n",
                rectangle(0, 0, width, height, "white"), text_at(kLeft, 22, title, "font-weight=\"bold\""),
                confusion_panel(counts), calibration_panel(counts), "</svg>\n");
}

}  // namespace optdnn::app
