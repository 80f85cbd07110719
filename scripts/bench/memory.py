# The same works as in training.py, measured by the peak memory of the processes that train them: MiB in the place of
# seconds.
import os
import subprocess

from bench.training import Ours, Peer, Work, contestants


class Peak:
    def __init__(self, trained: Ours | Peer):
        self.trained, self.name = trained, trained.name

    def answers(self) -> list[float]:
        return self.trained.answers()

    def seconds(self) -> float:
        if isinstance(self.trained, Peer):
            self.trained.seconds()
            return self.trained.ask(peak=True)[0]
        process = subprocess.Popen(self.trained.command(1, self.trained.work.iterations, self.trained.work.warm_up),
                                   stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise RuntimeError(f"optdnn bench ended with {status}")
        return usage.ru_maxrss / 1024

    def peak_mib(self) -> float:
        return 0.0

    def close(self) -> None:
        self.trained.close()


def peaks(work: Work, *place: object) -> list[Peak]:
    return [Peak(one) for one in contestants(work, *place)]
