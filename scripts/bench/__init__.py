# Benchmarks of the program beside Python peers; scripts/bench_peers.py is their program.
#   contest.py    a row: contestants that must agree on their answers before any of them is timed, in turn, round by
#                 round; the ratios of their times
#   rows.py       the table of rows; a new row is a new line there
#   training.py   a kind of row: iterations of a config, `optdnn bench` beside PyTorch eager and torch.compile
#   worker.py     the peers' process, under the Python of .venv-peers; networks.py: their networks
