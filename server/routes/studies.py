"""Studies from the paper: sweeps that can be launched as they are, and what was published of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter

from contract.checks.capabilities import Capabilities
from contract.checks.known import known
from contract.config import RunConfig
from contract.presets import STUDIES, Scale, Study
from contract.sweeps import Json, cells
from db import Store
from server import schemas
from server.checking import living
from server.costs import estimate
from server.routes.dependencies import EVERYWHERE, TheSettings, TheStore

router = APIRouter(tags=["what can be launched"], responses=EVERYWHERE)


@dataclass(frozen=True, slots=True)
class _Expanded:
    """The runs of a study at one scale; `kinds`: without the seeds, which no check depends on."""

    body: Json
    whole: Json
    kinds: list[RunConfig]
    seeds: int


@router.get("/studies")
def list_studies(store: TheStore, settings: TheSettings) -> schemas.Studies:
    """The paper's studies at two scales: the sweep of each, what it will take, and what was published."""
    workers = living(store, settings.silence_limit_seconds)
    slots = sum(worker.slots for worker in store.workers() if worker.id in workers)
    return schemas.Studies(studies=[_answer(store, study, workers, slots) for study in STUDIES])


def _answer(store: Store, study: Study, workers: Mapping[str, Capabilities | None], slots: int) -> schemas.Study:
    return schemas.Study(
        name=study.name,
        title=study.title,
        question=study.question,
        published=study.published,
        scales=[_scale(store, study, scale, workers, slots) for scale in study.scales],
    )


def _scale(
    store: Store, study: Study, scale: Scale, workers: Mapping[str, Capabilities | None], slots: int
) -> schemas.StudyScale:
    runs = expanded()[study.name, scale.name]
    return schemas.StudyScale(
        name=scale.name,
        said=scale.said,
        sweep=schemas.StudySweep.model_validate(runs.body),
        whole=runs.whole,
        runs=len(runs.kinds) * runs.seeds,
        problem=_problem(runs.kinds, workers),
        estimate=schemas.Estimate.model_validate(estimate(store, runs.kinds * runs.seeds, slots)),
    )


def _problem(configs: list[RunConfig], workers: Mapping[str, Capabilities | None]) -> str | None:
    """What keeps the first of them that cannot be trained back."""
    if not workers:
        return None
    found = (". ".join(each.message for each in known(config, workers).errors) for config in configs)
    return next(filter(None, found), None)


@cache
def expanded() -> dict[tuple[str, str], _Expanded]:
    """The runs of all studies, by the names of study and scale."""
    found: dict[tuple[str, str], _Expanded] = {}
    for study in STUDIES:
        for scale in study.scales:
            body = study.body(scale)
            kinds = [RunConfig.model_validate(cell.description) for cell in cells(body["base"], body["grid"])]
            whole = RunConfig.model_validate(body["base"]).model_dump(mode="json")
            found[study.name, scale.name] = _Expanded(body, whole, kinds, scale.seeds)
    return found
