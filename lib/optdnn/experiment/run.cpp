#include "optdnn/experiment/run.h"

#include <algorithm>

#include "optdnn/base/device.h"
#include "optdnn/base/share_out.h"
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

using Status = RunOutcome::Status;

std::vector<RunOutcome> all_ended(const std::vector<uint64_t>& seeds, Status status, std::exception_ptr error) {
  std::vector<RunOutcome> outcomes;
  for (const uint64_t seed : seeds) outcomes.push_back({status, seed, error});
  return outcomes;
}

}  // namespace

std::vector<RunOutcome> run(const Table& table, const Row& row, const std::vector<uint64_t>& seeds,
                            const RunOptions& options, DataSets& datasets) {
  RunPlan plan;
  plan.label = concat(row.id, ", ", seeds_text(seeds));
  Row chosen = row;
  if (row.spec.search && !options.searches) {
    chosen.spec = as_chosen(row.spec);
  } else if (row.spec.search)
    try {
      const auto found = search(table, row, options, datasets);
      if (!found) return {};
      chosen.spec = found->spec;
      plan.search = found->summary;
    } catch (const FolderInUse&) {
      return all_ended(seeds, options.shared ? Status::elsewhere : Status::failed, std::current_exception());
    } catch (...) {
      return all_ended(seeds, Status::failed, std::current_exception());
    }
  for (const uint64_t seed : seeds) {
    plan.runs.push_back({chosen.spec, seed, run_folder(options.out, table, row, seed)});
  }
  return train_runs(table, chosen, plan, options, datasets);
}

}  // namespace optdnn::experiment
