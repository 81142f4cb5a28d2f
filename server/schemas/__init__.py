"""The bodies that the API answers with, as its documentation shows them."""

from server.schemas.arrays import DisplayScale, FrozenMap, Histograms, History, NeuronTimeline, Overview, OverviewLayer
from server.schemas.base import RUN_ID, Answer, FieldProblem, FieldProblems, Finding, Problem
from server.schemas.fields import FilterField, FilterFields, FrequentValue
from server.schemas.form import Check, CheckState, Preset, Presets
from server.schemas.metrics import Metric, Metrics, MetricSeries
from server.schemas.recorded import (
    Epoch,
    Epochs,
    Layers,
    Log,
    LogLine,
    Plan,
    Plans,
    RunCoverage,
    RunData,
    RunStart,
    Start,
)
from server.schemas.recording import PartRefused, PartTaken, TakenOver
from server.schemas.runs import Checkpoint, Checkpoints, Fork, Forks, Place, Run, RunList, State, Timing, Turn
from server.schemas.system import Checks, Health, Liveness, Readiness, StoreHealth, WorkerHealth

__all__ = [
    "RUN_ID",
    "Answer",
    "Check",
    "CheckState",
    "Checkpoint",
    "Checkpoints",
    "Checks",
    "DisplayScale",
    "Epoch",
    "Epochs",
    "FieldProblem",
    "FieldProblems",
    "FilterField",
    "FilterFields",
    "Finding",
    "Fork",
    "Forks",
    "FrequentValue",
    "FrozenMap",
    "Health",
    "Histograms",
    "History",
    "Layers",
    "Liveness",
    "Log",
    "LogLine",
    "Metric",
    "MetricSeries",
    "Metrics",
    "NeuronTimeline",
    "Overview",
    "OverviewLayer",
    "PartRefused",
    "PartTaken",
    "Place",
    "Plan",
    "Plans",
    "Preset",
    "Presets",
    "Problem",
    "Readiness",
    "Run",
    "RunCoverage",
    "RunData",
    "RunList",
    "RunStart",
    "Start",
    "State",
    "StoreHealth",
    "TakenOver",
    "Timing",
    "Turn",
    "WorkerHealth",
]
