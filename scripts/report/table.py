# The tables of one config, one for each task: a line per row, the axes of a sweep as columns, the mean and the
# standard deviation over its finished seeds (median and quartiles where the spread is skewed), published numbers
# beside ours. Runs that did not finish count nowhere and are named in the column of seeds. Nothing is marked as best
# here: what differs is said by the blocks of comparison.py.
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable

from report import sweep
from report.choice import Choice, chosen
from report.document import Block, Bullets, Heading, Paragraph, Table, plain
from report.comparison import blocks_of
from report.runs import Group, Row, Run, mapping, number, without_places
from report.tasks import datasets_of
from report.text import NOTHING, PLUS_MINUS, counted, duration, fixed, listed, mean_spread, median_quartiles, span

ENOUGH_SEEDS = 3
EQUAL_COST = 1.1  # the largest ratio of multiply-adds within which rows are ranked


@dataclass(frozen=True)
class Metric:
    name: str
    title: str
    decimals: int
    better: str  # "lower" or "higher"
    is_skewed: bool = False

    @property
    def paper_key(self) -> str:
        return self.name.replace("/", "_")

    def values(self, row: Row) -> list[float]:
        return [value for run in row.finished if (value := self.of(run)) is not None]

    def of(self, run: Run) -> float | None:
        return run.last(self.name)

    def loss(self, value: float) -> float:
        return value if self.better == "lower" else -value


METRICS = [
    Metric("test/error_pct", "test error (%)", 2, "lower"),
    Metric("test/mse", "test MSE", 5, "lower"),
    Metric("test/l1", "test L1 error", 5, "lower"),
    Metric("test/sup_error", "test sup error", 4, "lower"),
    Metric("test/margin", "margin", 3, "higher", is_skewed=True),
    Metric("test/normalized_margin", "normalized margin", 4, "higher", is_skewed=True),
    Metric("test/loss", "test loss", 4, "lower"),
]
KNOWN = {metric.name: metric for metric in METRICS}
HEADLINES = ("test/error_pct", "test/mse")


def metrics_of(group: Group) -> list[Metric]:
    """What the group's runs measured; the metrics nobody listed come last."""
    names = {name for run in group.runs for name in mapping(run.summary.get("last")) if name.startswith("test/")}
    names |= {metric.name for metric in METRICS for row in group.rows if metric.paper_key in paper_of(row)}
    metrics = [metric for metric in METRICS if metric.name in names]
    return metrics + [Metric(name, plain(name), 4, "") for name in sorted(names - set(KNOWN))]


def headline_of(group: Group) -> Metric | None:
    return next((metric for metric in metrics_of(group) if metric.name in HEADLINES), None)


def paper_of(row: Row) -> dict[str, Any]:
    return next((paper for run in row.runs if (paper := mapping(run.summary.get("paper")))), {})


# One column: its title and its cell for each row.
Column = tuple[str, Callable[[Row], str]]


def table_blocks(group: Group, choice: Choice = Choice()) -> list[Block]:
    sources = sources_of(group)
    tasks = datasets_of(group)
    blocks: list[Block] = []
    for title, rows in tasks:
        columns = columns_of(group, rows, sources)
        table = Table([name for name, _ in columns], [[cell(row) for _, cell in columns] for row in rows])
        blocks += [Heading(3, plain(title)) if title else Heading(3, "Others")] if len(tasks) > 1 else []
        blocks.append(chosen(table, choice, keys=1 + len(sweep.axes_of([row.id for row in rows]))))
    return [*blocks, *beneath(group, sources), *chosen_blocks(group), *blocks_of(group, headline_of(group))]


def columns_of(group: Group, rows: list[Row], sources: list[str]) -> list[Column]:
    axes = sweep.axes_of([row.id for row in rows])
    columns: list[Column] = [("row", lambda row: plain(sweep.split(row.id)[0] if axes else row.id))]
    columns += [(plain(axis), lambda row, axis=axis: plain(sweep.split(row.id)[1].get(axis, NOTHING))) for axis in axes]
    columns += [*rank_column(group, rows), ("seeds", seeds_cell)]
    for metric in metrics_of(group):
        if any(metric.values(row) or metric.paper_key in paper_of(row) for row in rows):
            columns.append((metric.title, metric_column(metric)))
            columns += published_column(group, metric.paper_key, metric.decimals, sources)
    for key, title in (("parameters", "parameters"), ("multiply_adds", "multiply-adds")):
        columns.append((title, lambda row, key=key: span(summary_values(row, key))))
        columns += published_column(group, key, 0, sources)
    columns.append(("seconds", lambda row: time_cell(row, "seconds")))
    if any(summary_values(row, "cpu_seconds") for row in rows):
        columns.append(("CPU seconds", lambda row: time_cell(row, "cpu_seconds")))
    return [*columns, ("convergent", convergent_cell), ("universal", universal_cell)]


def rank_column(group: Group, rows: list[Row]) -> list[Column]:
    """By the mean of the headline; of equal means the same. None where the costs are not equal."""
    metric = headline_of(group)
    costs = [cost for row in rows for cost in summary_values(row, "multiply_adds")]
    if costs and max(costs) > EQUAL_COST * min(costs):
        return []
    measured = [(row.id, values) for row in rows if (values := metric.values(row))] if metric else []
    means = {id: metric.loss(statistics.fmean(values)) for id, values in measured}
    if len(means) < 2:
        return []
    return [("rank", lambda row: str(1 + sum(mean < means[row.id] for mean in means.values()))
             if row.id in means else NOTHING)]


def beneath(group: Group, sources: list[str]) -> list[Block]:
    blocks: list[Block] = [Paragraph(legend(group))]
    if sources:
        blocks.append(Paragraph("Published: " + "; ".join(f"({i}) {plain(s)}" for i, s in enumerate(sources, 1)) + "."))
    for title, items in (("Ours beside published numbers:", comparisons(group)),
                         ("Published, with nothing of ours beside it:", unmatched(group)),
                         ("Not convergent:", refusals(group)), ("Universal, not shown or open:", unshown(group)),
                         ("Not finished, and in no mean:", losses(group))):
        if items:
            blocks += [Paragraph(title), Bullets(items)]
    return blocks + measured_on(group)


def legend(group: Group) -> str:
    text = f"Mean {PLUS_MINUS} sample standard deviation over the finished seeds, at the last epoch; "
    if any(metric.is_skewed for metric in metrics_of(group)):
        text += "of margins median and quartiles; "
    if any(rank_column(group, rows) for _, rows in datasets_of(group)):
        text += "rank by that mean alone, whatever its spread; "
    text += "seconds are of training"
    if any(is_shared(run) for run in group.runs):
        text += ", of runs that train as one network an equal share each"
    return text + "."


def is_shared(run: Run) -> bool:
    return (number(run.summary.get("runs_at_once")) or 1) > 1


def time_cell(row: Row, key: str) -> str:
    """Without a spread where the runs share the time of one network."""
    values = summary_values(row, key, row.finished)
    if values and all(map(is_shared, row.finished)):
        return fixed(statistics.fmean(values), 1)
    return mean_spread(values, 1)


def search_of(row: Row) -> dict[str, Any]:
    return next((search for run in row.runs if (search := mapping(run.summary.get("search")))), {})


def chosen_blocks(group: Group) -> list[Block]:
    """What the searches chose, a line per row that had one."""
    found = [(row, search) for row in group.rows if (search := search_of(row))]
    if not found:
        return []
    paths = list(dict.fromkeys(path for _, search in found for path in mapping(search.get("values"))))
    lines = []
    for row, search in found:
        values = mapping(search.get("values"))
        lines.append([plain(row.id), *(plain(values.get(path, NOTHING)) for path in paths),
                      plain(f"{search.get('trial')} of {search.get('trials')}"), score_cell(search, "screened"),
                      score_cell(search, "confirmed")])
    metrics = dict.fromkeys(plain(search.get("select")) for _, search in found)
    about = (f"Chosen on the validation set, by {listed(list(metrics))}: the best three trials of one seed again on "
             "three other seeds, the best mean of those.")
    return [Paragraph(about), Table(["row", *map(plain, paths), "trial", "screened", "confirmed"], lines)]


def score_cell(search: dict[str, Any], key: str) -> str:
    value = number(search.get(key))
    return NOTHING if value is None else f"{value:.4g}"


def seeds_cell(row: Row) -> str:
    finished = str(len(row.finished))
    lost = Counter(run.status for run in row.runs if run.status != "finished")
    return ", ".join([finished] + [f"{count} {status}" for status, count in lost.items()])


def metric_column(metric: Metric) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        values = metric.values(row)
        text = (median_quartiles if metric.is_skewed else mean_spread)(values, metric.decimals)
        lost = 0 < len(values) < len(row.finished)
        return text + (f" (n = {len(values)})" if lost else "")

    return cell


def summary_values(row: Row, key: str, runs: list[Run] | None = None) -> list[float]:
    values = [number(run.summary.get(key)) for run in (row.runs if runs is None else runs)]
    return [value for value in values if value is not None]


def sources_of(group: Group) -> list[str]:
    return list(dict.fromkeys(str(paper["source"]) for row in group.rows if "source" in (paper := paper_of(row))))


def published_column(group: Group, key: str, decimals: int, sources: list[str]) -> list[Column]:
    def cell(row: Row) -> str:
        paper = paper_of(row)
        if key not in paper:
            return NOTHING
        value = number(paper[key])
        text = plain(paper[key]) if value is None else published(value, decimals)
        return text + (f" ({sources.index(str(paper['source'])) + 1})" if "source" in paper else "")

    return [("published", cell)] if any(key in paper_of(row) for row in group.rows) else []


def published(value: float, decimals: int) -> str:
    """With the digits it was published with, not with ours."""
    text = f"{value:,}" if abs(value) < 1e15 else f"{value:g}"
    return text.removesuffix(".0") if decimals == 0 else text


def comparisons(group: Group) -> list[str]:
    return [comparison(row, metric, theirs) for row in group.rows for metric in metrics_of(group)
            if metric.better and metric.values(row)
            and (theirs := number(paper_of(row).get(metric.paper_key))) is not None]


def comparison(row: Row, metric: Metric, theirs: float) -> str:
    values = metric.values(row)
    gap = metric.loss(statistics.fmean(values)) - metric.loss(theirs)
    verdict = "equal" if gap == 0 else f"{'worse' if gap > 0 else 'better'} by {fixed(abs(gap), metric.decimals)}"
    few = "" if len(values) >= ENOUGH_SEEDS else ", too few seeds to claim anything"
    return (f"{plain(row.id)}, {metric.title}: ours {mean_spread(values, metric.decimals)} (n = {len(values)}), "
            f"published {published(theirs, metric.decimals)}: ours is {verdict}{few}")


def unmatched(group: Group) -> list[str]:
    known = {metric.paper_key for metric in metrics_of(group)} | {"parameters", "multiply_adds", "source"}
    return [f"{plain(row.id)}: {plain(key)} {plain(value)}" for row in group.rows
            for key, value in paper_of(row).items() if key not in known]


def stages_of(row: Row) -> list[dict[str, Any]]:
    stages = (stage for run in row.runs if isinstance(run.summary.get("certificate"), list)
              for stage in run.summary["certificate"])
    return [stage for stage in stages if isinstance(stage, dict)]


def certificate_of(stage: dict[str, Any], verdict: str) -> Any:
    """A verdict of a certificate; older runs call convergent certified and say nothing of universality."""
    return stage.get(verdict, stage.get("certified") if verdict == "convergent" else None)


def convergent_cell(row: Row) -> str:
    verdicts = {"yes" if certificate_of(stage, "convergent") is True else
                "coupled" if stage.get("coupled") is True else "no" for stage in stages_of(row)}
    if not verdicts:
        return NOTHING
    if "no" in verdicts:
        return "mixed" if len(verdicts) > 1 else "no"
    return "coupled" if "coupled" in verdicts else "yes"


def universal_cell(row: Row) -> str:
    verdicts = {certificate_of(stage, "universal") for stage in stages_of(row) if "universal" in stage}
    return {(): NOTHING, (True,): "yes", (False,): "not shown", (None,): "open"}.get(tuple(verdicts), "mixed")


def refusals(group: Group) -> list[str]:
    return reasons([(row, [stage for stage in stages_of(row) if certificate_of(stage, "convergent") is not True])
                    for row in group.rows], "reason")


def unshown(group: Group) -> list[str]:
    """Where the rule converges, so that the modules, the width or the ends of the row are what is missing."""
    return reasons([(row, [stage for stage in stages_of(row) if certificate_of(stage, "convergent") is True
                           and stage.get("universal", True) is not True]) for row in group.rows], "universal_reason")


def reasons(found: list[tuple[Row, list[dict[str, Any]]]], key: str) -> list[str]:
    """A line per reason, with the rows whose stages give it; of a sweep what they have in common. Where the stages of a
    row's runs give several, how many give each."""
    rows: dict[str, list[str]] = {}
    for row, stages in found:
        if stages:
            texts = Counter(str(stage.get(key) or "no reason given") for stage in stages)
            often = [f" ({n} of {len(stages)})" if len(texts) > 1 else "" for n in texts.values()]
            rows.setdefault("; ".join(map("".join, zip(map(plain, texts), often))), []).append(row.id)
    return [f"{plain(sweep.common_name(ids))}: {text}" for text, ids in rows.items()]


def losses(group: Group) -> list[str]:
    """One line per run that did not finish; then the seeds that other rows have and this one lacks."""
    lines = [f"{plain(row.id)}, seed {plain(run.seed)}: {why_lost(run)}"
             for row in group.rows for run in row.runs if run.status != "finished"]
    every = {run.seed for run in group.runs}
    for row in group.rows:
        lacking = sorted(every - {run.seed for run in row.runs}, key=str)
        lines += [f"{plain(row.id)}: no run of seed {listed(lacking)}, which other rows have"] if lacking else []
    return lines


def why_lost(run: Run) -> str:
    error = run.summary.get("error")
    if not error and run.progress:
        error = progress_of(run)
    if not error and run.records:
        error = f"its metrics end at iteration {run.records[-1]['iteration']:,.0f}"
    return plain(run.status) + (f": {plain(without_places(str(error)))}" if error else "")


def progress_of(run: Run) -> str:
    """iteration 1,200 of 5,000, 38 s left"""
    done, total, left = (number(run.progress.get(key)) for key in ("iteration", "iterations", "left_s"))
    text = f"iteration {done or 0:,.0f}" + (f" of {total:,.0f}" if total else "")
    return text + (f", {duration(left)} left" if left is not None and run.status == "running" else "")


def measured_on(group: Group) -> list[Block]:
    """Every machine and version once, with the number of its runs."""
    places = Counter(place_of(run) for run in group.runs if run.summary)
    texts = [f"{place} ({counted(n, 'run')})" for place, n in sorted(places.items())]
    return [Paragraph(f"Measured on: {'; '.join(texts)}.")] if texts else []


def place_of(run: Run) -> str:
    get = lambda key: plain(without_places(str(run.summary.get(key, "unknown"))))  # noqa: E731
    threads = number(run.summary.get("threads"))
    version = get("optdnn") + (f", commit {get('commit')}" if "commit" in run.summary else "")
    return f"{get('device')} ({get('device_name')}), {counted(int(threads or 0), 'thread')}, {version}"
