"""The page that launches a run: the form, presets that fill it, and what is about to run."""

import hashlib
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dashboard.api import Api, Json, NotThere
from dashboard.form.draw import draw
from dashboard.form.parts import Group
from dashboard.form.pasted import PastedWrong, read_pasted
from dashboard.form.plan import plan_of, preset_values
from dashboard.form.schema import read_schema
from dashboard.form.studies import study_inputs
from dashboard.form.values import Values, values_of
from dashboard.page import Page, attributes
from dashboard.presets import preset_cards
from dashboard.studies import studies_section, study_key


async def layout(api: Api, source: str | None = None, preset: str | None = None) -> Page:
    """The form, filled with the defaults, a preset, or the configuration of the run `source`.

    Raises:
        NotThere: `source` names no run.
    """
    origin = await api.run(source) if source else None
    presets = await api.presets()
    if origin is None:
        return await _page(api, "New run", presets, _preset(presets, preset), f":{preset or ''}")
    config = origin["config"] | {"name": f"{origin['name'][:112]} · clone"}
    return await _page(api, f"Clone {origin['name']}", presets, config, f"{source}:", base=origin["name"])


async def layout_of_fork(api: Api, parent: str, epoch: int | None = None) -> Page:
    """The form for a run that goes on from a checkpoint of `parent`: that of `epoch`, or of the newest kept one.

    Raises:
        NotThere: there is no such run, or it keeps no checkpoint.
    """
    origin, kept = await api.run(parent), await api.checkpoints(parent)
    if not kept:
        raise NotThere(f"{origin['name']} keeps no checkpoint, so it cannot be forked.")
    after = epoch if epoch is not None else int(kept[-1]["epoch"])
    config = origin["config"] | {"name": f"{origin['name'][:113]} · fork"}
    config["training"] = config["training"] | {"epochs": _epochs_of_fork(config["training"]["epochs"], after)}
    fork = {"run": parent, "epoch": after}
    return await _page(
        api,
        f"Fork {origin['name']} after epoch {after}",
        [],
        config,
        f"fork:{parent}:{after}",
        fork=fork,
        base=origin["name"],
        above=_fork_points(parent, kept, after),
    )


async def _page(
    api: Api,
    title: str,
    presets: list[Json],
    config: Json | None,
    draft: str,
    *,
    fork: Json | None = None,
    base: str | None = None,
    above: Any = None,
) -> Page:
    """`base`: the run whose settings the form begins with, and with which they are compared."""
    form = read_schema(await api.config_schema())
    values = values_of(form, config)
    studies = [] if fork else await api.studies()
    body = [
        html.Div(html.H1(title, className="form-title"), className="page-head"),
        above or html.Div([_presets(presets), studies_section(studies)]),
        html.Div(id="form-alert", className="form-alert", role="alert", hidden=True),
        html.Form(
            [html.Div(draw(form, values), className="form-cards"), _aside(one=fork is not None)],
            id="run-form",
            noValidate=True,
        ),
        *_stores(form, values, presets, studies, draft, fork, base),
    ]
    return Page(title, body)


def _epochs_of_fork(planned: int, after: int) -> int:
    """What is offered: as planned or, where nothing would be left to train, half as long again."""
    trained = after + 1
    return planned if planned > trained else trained + max(1, trained // 2)


def _fork_points(parent: str, kept: list[Json], after: int) -> Any:
    """What a fork is, and the epochs after which it can begin."""
    links: list[Any] = []
    for each in kept:
        words = [f"epoch {each['epoch']}", *(name for name in ("best", "last") if each[name])]
        address = f"/new?fork={parent}&epoch={each['epoch']}"
        mine: Any = {"aria-current": "true"} if each["epoch"] == after else {}
        links += [html.A(", ".join(words), href=address, **mine), " · "]
    said = "The fork continues from this checkpoint; model, data, probe set and seed are fixed. Fork after: "
    return html.P([said, *links[:-1]], className="fork-points")


def wire(app: Dash, api: Api) -> None:
    """Nearly everything happens in the browser: `scripts/form-page/page.js` collects, keeps, fills and launches."""

    @app.callback(
        Output("form-fill", "data", allow_duplicate=True),
        Output("form-paste-problem", "children"),
        Input("form-pasted", "data"),
        prevent_initial_call=True,
    )
    async def paste(text: str | None) -> tuple[Any, str]:
        try:
            return read_pasted(read_schema(await api.config_schema()), text or ""), ""
        except PastedWrong as problem:
            return no_update, str(problem)

    values, checks = {"form": "value", "path": ALL}, {"form": "checked", "path": ALL}

    def answer(name: str, *dependencies: Any, **options: Any) -> None:
        app.clientside_callback(ClientsideFunction("neq_form", name), *dependencies, **options)

    answer("begin", Output("form-fill", "data"), Input("form-plan", "data"))
    answer("fill", Output(values, "value"), Output(checks, "checked"), Input("form-fill", "data"))
    answer("collect", Output("form-state", "data"), Input(values, "value"), Input(checks, "checked"))
    answer(
        "preset",
        Output("form-fill", "data", allow_duplicate=True),
        Input({"form": "preset", "path": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    answer(
        "fromStudy",
        Output("form-fill", "data", allow_duplicate=True),
        Input({"form": "study", "path": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    answer(
        "restart",
        Output("form-fill", "data", allow_duplicate=True),
        Input("form-restart", "n_clicks"),
        prevent_initial_call=True,
    )
    answer(
        "launch",
        Output("form-launch", "loading"),
        Input("form-launch", "n_clicks"),
        State(values, "value"),
        State(checks, "checked"),
        prevent_initial_call=True,
    )


def _stores(
    form: Group,
    values: Values,
    presets: list[Json],
    studies: list[Json],
    draft: str,
    fork: Json | None,
    base: str | None,
) -> list[Any]:
    known = {
        "plan": plan_of(form),
        "initial": values,
        "defaults": values if base else values_of(form),
        "base": base,
        "presets": preset_values(form, presets),
        "titles": {preset["name"]: preset["title"] for preset in presets},
        "studies": {
            study_key(study, scale): study_inputs(form, scale)
            | {"title": study["title"], "runs": scale["runs"], "estimate": scale["estimate"]}
            for study in studies
            for scale in study["scales"]
        },
        "draft": f"neq.form:{draft}:{_fields(values)}",
        "fork": fork,
    }
    return [
        dcc.Store(id="form-plan", data=known),
        dcc.Store(id="form-fill"),
        dcc.Store(id="form-state"),
        dcc.Store(id="form-pasted"),
    ]


def _fields(values: Values) -> str:
    """A digest of the inputs' names: a draft from before some were renamed would fill only a part of them."""
    return hashlib.sha256(" ".join(sorted(values)).encode()).hexdigest()[:12]


def _preset(presets: list[Json], name: str | None) -> Json | None:
    """A preset's configuration; an unknown name gives the defaults."""
    return next((preset["config"] for preset in presets if preset["name"] == name), None)


def _presets(presets: list[Json]) -> Any:
    def button(preset: Json, words: list[Any], name: str) -> Any:
        return html.Button(words, id={"form": "preset", "path": preset["name"]}, className=name, type="button")

    return html.Section(
        [html.H2("Start from a preset", className="presets-title"), *preset_cards(presets, button)],
        className="presets",
        hidden=not presets,
    )


def _study() -> Any:
    """How many runs the form makes beyond what its fields say; `scripts/form-page/study.js` reads it."""
    typing: Any = {"autoComplete": "off"}
    return html.Div(
        [
            dmc.TextInput(id="form-seeds", label="Seeds", value="1", inputProps={"inputMode": "numeric"}, **typing),
            dmc.TextInput(id="form-group", label="Group", value="", placeholder="named after what varies", **typing),
            html.P(
                "Any field takes several values, such as 1e-4, 1e-3 or 0..4: one run each, in every combination.",
                className="muted form-study-words",
            ),
        ],
        className="form-study",
    )


def _aside(*, one: bool) -> Any:
    """`one`: the form is of a single run, as a fork is."""
    launch = dmc.Button(
        "Launch run",
        id="form-launch",
        size="md",
        fullWidth=True,
        className="primary-button",
        buttonProps={"type": "submit"},
    )
    restart = html.Button("Reset form", id="form-restart", type="button", className="button button-quiet")
    return html.Aside(
        html.Div(
            [
                html.H2("Summary"),
                html.Div(
                    id="form-summary",
                    className="form-summary",
                    tabIndex=0,
                    role="region",
                    **attributes(aria_label="Settings"),
                ),
                *([] if one else [_study()]),
                html.P(id="form-workers", className="form-workers", hidden=True),
                html.Div(
                    [
                        html.P(id="form-check", className="form-check", hidden=True, role="status"),
                        html.Ul(id="form-check-list", className="form-check-list"),
                    ]
                ),
                launch,
                restart,
                _paste(),
            ],
            className="card form-aside-card",
        ),
        className="form-aside",
        **attributes(aria_label="Summary"),
    )


def _paste() -> Any:
    """Room for a run's description as JSON, such as *Copy as JSON* gives it."""
    return html.Details(
        [
            html.Summary("Paste JSON"),
            dmc.Textarea(
                id="form-paste",
                label="Run config as JSON",
                description="As copied with “Copy as JSON”; omitted fields keep their defaults.",
                autosize=True,
                minRows=4,
                maxRows=10,
            ),
            html.P(id="form-paste-problem", className="dialog-problem", role="alert"),
            html.Button("Fill in the form", id="form-paste-use", type="button", className="button"),
        ],
        className="form-paste",
    )
