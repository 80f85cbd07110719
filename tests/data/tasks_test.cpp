// The tasks against their definitions.
#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/data/loader.h"
#include "optdnn/data/telgarsky.h"
#include "support/catch.h"
#include "support/contains_text.h"

using namespace optdnn;
using namespace optdnn::data;
using tests::contains_text;

namespace {

Batch first_batch(const DataSet& set, int64_t batch, uint64_t seed = 0, int64_t epoch = 0, Split split = Split::train) {
  std::vector<int64_t> samples(batch);
  for (int64_t i = 0; i < batch; ++i) samples[i] = i;
  return set.batch(split, seed, epoch, samples);
}

}  // namespace

TEST_CASE("ring j lies between 3 (0.5 j) and 3 (0.5 j + 0.2), evenly in radius and angle; classes alternate") {
  const NestedRingsSpec spec;
  const auto set = make_dataset(spec, "");
  REQUIRE(batch_size(spec) == 8000);
  const Batch batch = first_batch(*set, 8000);
  const torch::Tensor points = batch.inputs.to(torch::kFloat64), radii = points.norm(2, 1);
  std::vector<int64_t> count(4, 0);
  std::vector<double> sum_u(4, 0.0), sum_uu(4, 0.0);
  for (int64_t i = 0; i < 8000; ++i) {
    const double radius = radii[i].item<double>();
    const int ring = static_cast<int>(radius / 1.5);  // 1.5 ... 2.1, 3.0 ... 3.6, ...
    REQUIRE((ring >= 1 && ring <= 4));
    const double u = (radius / 3 - 0.5 * ring) / 0.2;
    REQUIRE((u > -1e-5 && u < 1 + 1e-5));
    REQUIRE(batch.targets[i].item<int64_t>() == (ring + 1) % 2);
    ++count[ring - 1];
    sum_u[ring - 1] += u / 2000;
    sum_uu[ring - 1] += u * u / 2000;
  }
  for (int ring = 0; ring < 4; ++ring) {
    REQUIRE(count[ring] == 2000);
    REQUIRE(sum_u[ring] == Approx(0.5).margin(0.03));
    REQUIRE(sum_uu[ring] == Approx(1.0 / 3).margin(0.03));
  }
  const torch::Tensor directions = points / radii.unsqueeze(1);
  REQUIRE(directions.mean(0).abs().max().item<double>() < 0.03);
  REQUIRE((directions.pow(2).mean(0) - 0.5).abs().max().item<double>() < 0.03);
}

TEST_CASE("noise moves the points of a ring off it") {
  NestedRingsSpec spec;
  const torch::Tensor clean = first_batch(*make_dataset(spec, ""), 4000).inputs;
  spec.noise = 0.3;
  const torch::Tensor noisy = first_batch(*make_dataset(spec, ""), 4000).inputs;
  REQUIRE((noisy - clean).std().item<double>() == Approx(0.3).margin(0.02));
}

TEST_CASE("parity: every vertex equally often, the label is the sign of the product of its coordinates") {
  for (const int64_t d : {4, 6, 8, 10}) {
    ParitySpec spec;
    spec.d = d;
    const int64_t vertices = int64_t{1} << d;
    REQUIRE(batch_size(spec) == vertices);
    const Batch batch = first_batch(*make_dataset(spec, ""), vertices);
    const torch::Tensor corners = batch.inputs.sign();
    const torch::Tensor codes = (corners.gt(0).to(torch::kInt64) * torch::pow(2, torch::arange(d))).sum(1);
    REQUIRE(std::get<0>(codes.sort()).equal(torch::arange(vertices)));
    REQUIRE(batch.targets.equal(corners.prod(1).gt(0).to(torch::kInt64)));
    REQUIRE((batch.inputs - corners).std().item<double>() == Approx(0.1).margin(d < 6 ? 0.03 : 0.01));
  }
}

TEST_CASE("sparse parity: only the first coordinates count, vertices are drawn") {
  ParitySpec spec;
  spec.d = 40;
  spec.relevant = 3;
  spec.points = 5000;
  spec.samples = Samples::fixed;
  const auto set = make_dataset(spec, "");
  REQUIRE(set->size(Split::train) == 5000);
  const Batch batch = first_batch(*set, 5000);
  const torch::Tensor corners = batch.inputs.sign();
  REQUIRE(batch.targets.equal(corners.slice(1, 0, 3).prod(1).gt(0).to(torch::kInt64)));
  REQUIRE(corners.mean(0).abs().max().item<double>() < 0.08);
}

TEST_CASE("Telgarsky's function has 2^k linear pieces between 0 and 1") {
  for (const int64_t k : {1, 3, 6, 10}) {
    const int64_t steps = int64_t{1} << (k + 3);
    int64_t pieces = 1;
    double slope = composed_tent_map(1.0 / static_cast<double>(steps), k) * static_cast<double>(steps);
    for (int64_t i = 1; i < steps; ++i) {
      const double here = composed_tent_map(static_cast<double>(i) / static_cast<double>(steps), k);
      const double next = composed_tent_map(static_cast<double>(i + 1) / static_cast<double>(steps), k);
      const double new_slope = (next - here) * static_cast<double>(steps);
      REQUIRE(std::abs(new_slope) == std::ldexp(1.0, static_cast<int>(k)));
      pieces += new_slope != slope;
      slope = new_slope;
    }
    REQUIRE(pieces == int64_t{1} << k);
    REQUIRE(composed_tent_map(0.0, k) == 0.0);
    REQUIRE(composed_tent_map(1.0, k) == 0.0);
  }
}

TEST_CASE("on Telgarsky's test grid the constant 1/2 has squared error 1/12 and absolute error 1/4") {
  TelgarskySpec spec;
  for (const int64_t k : {3, 6, 10}) {
    spec.k = k;
    const auto set = make_dataset(spec, "");
    REQUIRE(set->size(Split::test) == 1 << 14);
    const Batch grid = first_batch(*set, 1 << 14, 0, 0, Split::test);
    const torch::Tensor away = grid.targets.to(torch::kFloat64) - 0.5;
    const double per_piece = std::ldexp(1.0, static_cast<int>(14 - k));  // even points on [0, 1] vary a little less
    REQUIRE(away.pow(2).mean().item<double>() == Approx((1.0 - 1.0 / (per_piece * per_piece)) / 12).epsilon(1e-6));
    REQUIRE(away.abs().mean().item<double>() == Approx(0.25).epsilon(1e-6));
    REQUIRE(grid.inputs.diff(1, 0).gt(0).all().item<bool>());
  }
}

TEST_CASE("the regression of 2018: 10,000 fixed pairs of independent standard normal vectors") {
  const auto set = make_dataset(Regression2018Spec{}, "");
  REQUIRE(set->size(Split::train) == 10000);
  REQUIRE_FALSE(set->fresh());
  const Batch batch = first_batch(*set, 10000);
  for (const torch::Tensor& part : {batch.inputs, batch.targets}) {
    REQUIRE(part.mean().item<double>() == Approx(0.0).margin(0.005));
    REQUIRE(part.var().item<double>() == Approx(1.0).margin(0.01));
  }
  REQUIRE((batch.inputs * batch.targets).mean().item<double>() == Approx(0.0).margin(0.005));
  REQUIRE(first_batch(*set, 10000, 0, 9).inputs.equal(batch.inputs));
  REQUIRE_FALSE(first_batch(*set, 10000, 1, 0).inputs.equal(batch.inputs));
}

TEST_CASE("fresh samples differ between epochs and iterations, fixed ones do not; the test set never changes") {
  NestedRingsSpec spec;
  spec.points_per_ring = 10;
  spec.iterations_per_epoch = 7;
  const auto fresh = make_dataset(spec, "");
  spec.samples = Samples::fixed;
  const auto fixed = make_dataset(spec, "");
  REQUIRE(fresh->size(Split::train) == 280);
  REQUIRE(fixed->size(Split::train) == 40);
  REQUIRE(Loader(*fresh, {.batch_size = batch_size(spec)}).batches_per_epoch() == 7);
  REQUIRE_FALSE(first_batch(*fresh, 40, 0, 0).inputs.equal(first_batch(*fresh, 40, 0, 1).inputs));
  REQUIRE(first_batch(*fixed, 40, 0, 0).inputs.equal(first_batch(*fixed, 40, 0, 1).inputs));
  const Batch two = first_batch(*fresh, 80);
  REQUIRE_FALSE(two.inputs.slice(0, 0, 40).equal(two.inputs.slice(0, 40, 80)));
  REQUIRE(first_batch(*fresh, 40, 1, 1, Split::test).inputs.equal(first_batch(*fixed, 40, 2, 3, Split::test).inputs));
}

TEST_CASE("a family's stream of a sample is that sample's stream") {
  const base::StreamFamily family(3, "task", 5);
  for (const uint64_t i : {uint64_t{0}, uint64_t{7}, uint64_t{1} << 40}) {
    base::RandomStream one = family.sample(i), other(3, "task", 5, i);
    for (int draw = 0; draw < 9; ++draw) REQUIRE(one.next() == other.next());
  }
}

TEST_CASE("impossible sizes are refused in words") {
  ParitySpec parity;
  parity.d = 40;
  REQUIRE_THROWS_WITH(
      make_dataset(parity, ""),
      "parity: a cube of dimension d = 40 has 2^40 = 1,099,511,627,776 vertices; all of them can be used "
      "up to d = 20");
  parity.d = 100;
  REQUIRE_THROWS_WITH(make_dataset(parity, ""), contains_text("d = 100 has 2^100 vertices"));
  parity.relevant = 101;
  REQUIRE_THROWS_AS(make_dataset(parity, ""), base::ConfigError);
  TelgarskySpec telgarsky;
  telgarsky.k = 60;
  REQUIRE_THROWS_WITH(
      make_dataset(telgarsky, ""),
      "telgarsky: k = 60 makes 2^60 linear pieces, and a test grid of 16,384 points has four for each only "
      "up to k = 12");
  telgarsky.k = 12;
  REQUIRE_NOTHROW(make_dataset(telgarsky, ""));
  NestedRingsSpec rings;
  rings.rings = 1000;
  rings.points_per_ring = 10000000;
  REQUIRE_THROWS_WITH(make_dataset(rings, ""),
                      contains_text("10,000,000,000 points of 2 numbers at once are too many"));
  rings = {};
  rings.batch_size = 100;
  REQUIRE_THROWS_WITH(make_dataset(rings, ""),
                      "nested_rings: batch_size is for samples: fixed; an iteration of fresh samples has 8,000 points");
  rings.samples = Samples::fixed;
  REQUIRE(batch_size(rings) == 100);
  GeneratedImagesSpec images;
  images.train_images = 1000000;
  images.size_px = 1024;
  REQUIRE_THROWS_AS(make_dataset(images, ""), base::ConfigError);
}
