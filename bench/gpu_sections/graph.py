"""Section `graph`: a step with frozen neurons captured as a CUDA graph, and replayed."""

import torch

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from bench.gpu_sections.stage import Stage, copies, kinds, masks, moved_rows

_REPLAYS = 20


def run(here: Experiment) -> None:
    """Frozen rows must stay in every replay, and others move."""
    for what in ("nothing", "random 50", "prefix 50"):
        here.attempt(f"resnet32 {what}", _captured, here, what)


def _captured(case: str, here: Experiment, what: str) -> None:
    if not here.is_cuda():
        here.leave_out(case, "only CUDA has graphs")
        return
    stage = Stage("resnet32", here.device, dry=here.dry)
    with stage.watched(what) as neq:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(4):  # the first makes the plans
                stage.step()
        torch.cuda.current_stream().wait_stream(aside)
        stage.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            stage.step()
        before = copies(stage.model)
        taken, _ = here.milliseconds(graph.replay, times=_REPLAYS)
        frozen, every = moved_rows(neq, stage.model, before, masks(neq, what))
        here.say(case, "replayed", taken, "ms", expected.REPLAYED_MS, kinds(neq))
        here.say(case, "frozen rows that moved", frozen, "", expected.NONE, f"in {_REPLAYS} replays")
        here.say(case, "other rows moved", int(every > 0), "", expected.ALL, f"{every} rows")
        neq.freeze({})  # capturing anew is what a change of masks asks for
        stage.step()
