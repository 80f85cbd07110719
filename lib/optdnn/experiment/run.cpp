#include "optdnn/experiment/run.h"

#include <algorithm>

#include "optdnn/base/device.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/base/share_out.h"
#include "optdnn/base/text.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/claim.h"
#include "optdnn/experiment/search.h"
#include "optdnn/experiment/train_runs.h"
#include "optdnn/experiment/trials.h"

namespace optdnn::experiment {

using base::concat;

const data::DataSet& DataSets::get(const data::DataSetSpec& spec) {
  auto& set = sets_[config::canonical_json(config::dump(spec))];
  if (!set) set = make_(spec);
  return *set;
}

DataSets::DataSets(std::filesystem::path root, std::string device)
    : make_([root = std::move(root), device = std::move(device)](const data::DataSetSpec& spec) {
        return data::make_dataset(spec, root, device);
      }) {}

void set_threads(const RunOptions& options, const data::DataShape& shape) {
  static const int cores = base::torch_threads();
  const int all = std::max(1, cores / options.processes_here);
  const bool small = shape.input.size() == 1;
  base::set_torch_threads(options.threads > 0 ? options.threads : small ? 1 : all);
  base::set_sharing_threads(options.threads > 0 ? options.threads : all);
}

namespace {

std::string seeds_text(const std::vector<uint64_t>& seeds) {
  return seeds.size() == 1 ? concat("seed ", seeds.front())
                           : concat(seeds.size(), " seeds, ", seeds.front(), " to ", seeds.back());
}

using Ended = RunOutcome::Status;

std::string text_of(const std::exception_ptr& error) try {
  std::rethrow_exception(error);
} catch (const std::exception& known) {
  return known.what();
}

int code_of(const std::exception_ptr& error) try { std::rethrow_exception(error); } catch (const base::Error& known) {
  return static_cast<int>(known.code());
} catch (...) {
  return static_cast<int>(base::ExitCode::bug);
}

std::vector<RunOutcome> all_ended(const std::vector<uint64_t>& seeds, Ended status, std::exception_ptr error) {
  std::vector<RunOutcome> outcomes;
  for (const uint64_t seed : seeds) outcomes.push_back({status, seed, error});
  return outcomes;
}

// Whether the search of a row has been made, as rank 0 sees it.
bool is_made(const Table& table, const Row& row, const RunOptions& options) {
  const auto choice = options.out / table.stem / row.id / "search" / "chosen.yaml";
  return options.resume && options.world->any(options.world->writes() && std::filesystem::exists(choice));
}

// Seeds that train as one network do it in one process: their iterations are shorter than an exchange between two.
// Afterwards all processes know how all seeds ended.
std::vector<RunOutcome> share_out_seeds(const Table& table, const Row& row, const std::vector<uint64_t>& seeds,
                                        const RunOptions& options, DataSets& datasets) {
  const world::World& world = *options.world;
  std::vector<uint64_t> own;
  for (size_t i = world.rank(); i < seeds.size(); i += world.size()) own.push_back(seeds[i]);
  RunOptions by_itself = options;
  by_itself.world = &world::World::alone();
  by_itself.quiet = options.quiet || !world.writes();
  std::vector<RunOutcome> outcomes =
      own.empty() ? std::vector<RunOutcome>{} : run(table, row, own, by_itself, datasets);

  const torch::Tensor ended = torch::zeros({static_cast<int64_t>(seeds.size()), 2}, torch::kFloat64);  // status, code
  for (const RunOutcome& outcome : outcomes) {
    const auto place = std::find(seeds.begin(), seeds.end(), outcome.seed) - seeds.begin();
    ended[place][0] = 1 + static_cast<int>(outcome.status);
    if (!outcome.error) continue;
    ended[place][1] = code_of(outcome.error);
    if (!world.writes()) base::log_error(concat(row.id, "/seed-", outcome.seed, ": ", text_of(outcome.error)));
  }
  world.wait_for_all();
  world.sum({ended});
  for (size_t i = 0; i < seeds.size(); ++i) {
    const int rank = static_cast<int>(i) % world.size(), status = ended[i][0].item<int>(),
              code = ended[i][1].item<int>();
    if (rank == world.rank() || status == 0) continue;
    RunOutcome outcome{static_cast<Ended>(status - 1), seeds[i], nullptr, i};
    if (code != 0)
      outcome.error = std::make_exception_ptr(
          base::Error(static_cast<base::ExitCode>(code), concat("rank ", rank, ", which trained it, says why")));
    outcomes.push_back(outcome);
  }
  return outcomes;
}

}  // namespace

std::vector<RunOutcome> run(const Table& table, const Row& row, const std::vector<uint64_t>& seeds,
                            const RunOptions& options, DataSets& datasets) {
  const world::World& world = *options.world;
  if (!world.is_alone() && row.spec.search && !is_made(table, row, options)) {
    throw base::ConfigError(concat("row '", row.id, "' has a search, which one process makes"),
                            "--jobs makes it, and its choice is then taken; --no-search trains with the values that "
                            "are written");
  }
  if (!world.is_alone() && runs_at_once(row, options) > 1) return share_out_seeds(table, row, seeds, options, datasets);
  RunPlan plan;
  plan.label = concat(options.place, options.place.empty() ? "" : ", ", row.id, ", ", seeds_text(seeds));
  Row chosen = row;
  if (row.spec.search) try {
      const auto found = search(table, row, options, datasets);
      if (!found) return {};
      chosen.spec = found->spec;
      plan.search = found->summary;
    } catch (const FolderInUse&) {
      return all_ended(seeds, options.shared ? Ended::elsewhere : Ended::failed, std::current_exception());
    } catch (...) {
      return all_ended(seeds, Ended::failed, std::current_exception());
    }
  for (const uint64_t seed : seeds) {
    plan.runs.push_back({chosen.spec, seed, run_folder(options.out, table, row, seed)});
  }
  return train_runs(table, chosen, plan, options, datasets);
}

}  // namespace optdnn::experiment
