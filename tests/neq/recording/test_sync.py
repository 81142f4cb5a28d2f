"""What a folder holds is sent in order, once; and a process that died loses no epoch."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neq
from contract.snapshot_arrays import unpack
from neq.__main__ import main
from neq.recording.part import unpack_part
from neq.recording.sync import sync
from tests.neq.recording.stub_server import Store, serving, until

ROOT = Path(__file__).parents[3]


def record_offline(numbers: int = 3) -> neq.Run:
    run = neq.init("offline", mode="offline")
    for number in range(numbers):
        run.log({"number": number})
    run.finish()
    return run


def test_sending_twice_changes_nothing(server: str, store: Store, spool: Path, tmp_path: Path) -> None:
    record_offline()
    kept = {path.name: path.read_bytes() for path in spool.glob("*/*") if path.name != "lock"}
    (synced,) = sync(spool)
    assert synced.done and synced.left == 0 and not list(spool.iterdir())
    lines = list(store.run.lines)
    copied = spool / "copied"
    copied.mkdir(parents=True)
    for name, data in kept.items():
        (copied / name).write_bytes(data)
    (again,) = sync(spool)
    assert again.done and again.sent == synced.sent
    assert store.run.lines == lines
    assert list(sync(spool)) == []


def test_each_run_of_a_folder_is_sent(server: str, store: Store, spool: Path) -> None:
    first, second = record_offline(), record_offline()
    assert {run.run for run in sync(spool)} == {first.id, second.id} == set(store.runs)


def test_a_run_that_is_being_recorded_is_passed_over(server: str, store: Store, spool: Path) -> None:
    run = neq.init(mode="offline")
    (passed,) = sync(spool)
    assert not passed.done and f"process {os.getpid()}" in passed.what
    run.finish()
    (sent,) = sync(spool)
    assert sent.done and store.run.kinds == ["run_started", "run_finished"]


def test_damaged_and_foreign_files_are_named_and_the_rest_is_sent(server: str, store: Store, spool: Path) -> None:
    damaged, whole = record_offline(), record_offline()
    part = min((spool / str(damaged.id)).glob("*.part"))
    part.write_bytes(part.read_bytes()[:-3])
    (spool / str(whole.id) / "000000000099.part.unfinished").write_bytes(b"half")
    told = {run.folder.name: run for run in sync(spool)}
    assert part.name in told[str(damaged.id)].what and told[str(whole.id)].done
    assert list(store.runs) == [whole.id]


def test_the_command_sends_and_says_what_it_did(
    server: str, store: Store, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record_offline()
    assert main(["sync", str(spool)]) == 0
    assert f"{server}/runs/{run.id}" in capsys.readouterr().out
    assert main(["sync", str(spool)]) == 0
    assert capsys.readouterr().out == "There is nothing to send.\n"


def test_the_command_says_where_nobody_answers(
    nowhere: str, spool: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neq.recording.sync._PAUSE_SECONDS", 0.01)
    record_offline()
    assert main(["sync", str(spool)]) == 1
    assert "the server does not answer" in capsys.readouterr().out


def test_the_command_says_why_the_server_does_not_take_a_run_now(
    server: str, store: Store, spool: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neq.recording.sync._PAUSE_SECONDS", 0.01)
    record_offline()
    store.most_runs = 0
    assert main(["sync", str(spool)]) == 1
    assert "the server does not take it now (0 runs are recorded now.): try again later" in capsys.readouterr().out


TRAINING = """
    import sys, time
    import numpy as np
    import neq
    from tests.neq.training_loop import Loop, PROBE

    loop = Loop(); loop.neq.close()
    run = neq.init("killed", capture=True)
    watch = run.watch(loop.model, loop.optimizer, PROBE, epsilon=0.05)
    for epoch in range(10_000):
        loop.train()
        found = watch.end_epoch(loss=1.0)
        arrays = {}
        for place, layer in enumerate(found.layers.values()):
            arrays[f"divergence{place}"] = layer.divergence.numpy()
            arrays[f"frozen{place}"] = layer.frozen.numpy()
            if layer.velocity is not None:
                arrays[f"velocity{place}"] = layer.velocity.numpy()
        np.savez(f"{sys.argv[1]}/{epoch:06d}.npz.unfinished.npz", **arrays)
        import os; os.replace(f"{sys.argv[1]}/{epoch:06d}.npz.unfinished.npz", f"{sys.argv[1]}/{epoch:06d}.npz")
        run.log({"epoch": epoch})
        time.sleep(0.02)
"""


@pytest.mark.process
@pytest.mark.parametrize("with_server", [True, False])
def test_every_epoch_of_a_process_that_was_killed_is_there_once_and_equal_to_the_bit(
    tmp_path: Path, spool: Path, store: Store, with_server: bool
) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    with serving(store) as url:
        address = url if with_server else "http://127.0.0.1:9"
        environment = os.environ | {"NEQ_URL": address, "NEQ_DIR": str(spool), "OMP_NUM_THREADS": "1"}
        program = [sys.executable, "-c", textwrap.dedent(TRAINING), str(seen)]
        training = subprocess.Popen(program, cwd=ROOT, env=environment)
        until(lambda: len(list(seen.glob("*[0-9].npz"))) >= 6 or training.poll() is not None, 60)
        training.send_signal(signal.SIGKILL)
        training.wait()
        time.sleep(0.1)
        for run in sync(spool, url):
            assert run.done, run
        assert list(sync(spool, url)) == []
    told = [event["epoch"] for event in store.run.events("epoch_finished")]
    # The newest may not have been on disk yet when the process died.
    assert told == list(range(len(told))) and len(told) >= len(list(seen.glob("*[0-9].npz"))) - 1 >= 5
    for line in store.run.lines:
        if "snapshots" in line:
            check_equal(line["snapshots"], store.run.arrays[line["seq"]], seen / f"{line['event']['epoch']:06d}.npz")


def check_equal(table: list[list[int | None]], packed: bytes, file: Path) -> None:
    """What was stored against what the training saw; the newest epoch it may not have written itself."""
    if not file.exists():
        return
    with np.load(file) as arrays:
        for place, layer in enumerate(unpack(table, packed)):
            assert layer.divergence == arrays[f"divergence{place}"].tobytes()
            assert layer.frozen == np.packbits(arrays[f"frozen{place}"]).tobytes()
            assert (layer.velocity is None) == (f"velocity{place}" not in arrays)
            if layer.velocity is not None:
                assert layer.velocity == arrays[f"velocity{place}"].tobytes()


@pytest.mark.process
def test_a_script_that_fails_or_ends_without_finish_says_so(spool: Path, store: Store) -> None:
    with serving(store) as url:
        environment = os.environ | {"NEQ_URL": url, "NEQ_DIR": str(spool)}
        for name, last in (("fails", "raise RuntimeError('the disk is gone')"), ("ends", "pass")):
            program = f"import neq; run = neq.init({name!r}); run.log({{'x': 1}}); {last}"
            subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, timeout=60)
    runs = {run.described["name"]: run for run in store.runs.values()}
    assert runs["fails"].kinds[-1] == "run_failed" and runs["ends"].kinds[-1] == "run_finished"
    (failed,) = runs["fails"].events("run_failed")
    assert failed["reason"] == "RuntimeError: the disk is gone" and "Traceback" in failed["details"]


def test_a_run_that_was_lost_is_resumed_without_doubled_epochs(server: str, store: Store, spool: Path) -> None:
    from tests.neq.recording.test_run import SMALL_PROBE, small_model, train

    model, optimizer = small_model()
    run = neq.init("first", epochs=4)
    watch = run.watch(model, optimizer, SMALL_PROBE)
    state = watch.state_dict()
    for epoch in range(3):
        train(model, optimizer)
        watch.end_epoch(loss=float(epoch))
        if epoch == 1:
            state = watch.state_dict()
    run.finish("failed")
    watch.close()

    resumed = neq.init(resume=run.id, epochs=4)
    assert resumed.id == run.id
    again = resumed.watch(model, optimizer, SMALL_PROBE, checks="off")
    again.load_state_dict(state)
    for epoch in (2, 3):
        train(model, optimizer)
        again.end_epoch(loss=10.0 + epoch)
    resumed.finish()
    again.close()
    stored = store.run
    assert [event["epoch"] for event in stored.events("epoch_finished")] == [0, 1, 2, 3]
    assert [(step, value) for step, _, value in stored.points("loss")] == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 13.0)]
    assert len(stored.events("watch_started")) == 1 and stored.events("run_continued")[0]["epoch"] == 3
    assert "Epoch 2 is not recorded again" in stored.events("logged")[0]["text"]
    assert stored.kinds[-1] == "run_finished" and stored.events("run_finished")[0]["epochs"] == 4


def test_a_run_whose_process_died_is_resumed_by_its_own_writer_at_once(server: str, store: Store, spool: Path) -> None:
    run = record_offline()
    folder = spool / str(run.id)
    last = max(folder.glob("*.part"))
    last.unlink()  # as though it had died before its end
    resumed = neq.init(resume=run.id)
    assert resumed.id == run.id
    resumed.finish()
    assert store.run.kinds == ["run_started", "run_continued", "run_finished"]


def test_one_that_cannot_be_resumed_becomes_a_run_of_its_own(nowhere: str, store: Store) -> None:
    with pytest.warns(neq.NEqRecordingWarning, match="could not be resumed"):
        run = neq.init(resume="aaaaaaaaaa", mode="offline")
    assert run.id != "aaaaaaaaaa"
    run.finish()


def train_offline(epochs: int, resume: str | None = None, state: dict[str, Any] | None = None) -> tuple[str, Any]:
    """A training without a server, perhaps the second part of one; returns its id and the watch's state."""
    from tests.neq.recording.test_run import SMALL_PROBE, small_model, train

    model, optimizer = small_model()
    run = neq.init("offline", mode="offline", epochs=4, resume=resume)
    watch = run.watch(model, optimizer, SMALL_PROBE, checks="off")
    if state is not None:
        watch.load_state_dict(state)
    for _ in range(epochs):
        train(model, optimizer)
        watch.end_epoch(loss=1.0)
    state = watch.state_dict()
    run.finish("finished" if resume else "stopped")
    watch.close()
    return str(run.id), state


def test_a_run_that_no_server_has_goes_on_in_its_folder(server: str, store: Store, spool: Path) -> None:
    run, state = train_offline(2)
    again, _ = train_offline(2, resume=run, state=state)
    assert again == run and len(list(spool.iterdir())) == 1
    (synced,) = sync(spool)
    assert synced.done, synced.what
    stored = store.run
    assert [event["epoch"] for event in stored.events("epoch_finished")] == [0, 1, 2, 3]
    assert len(stored.events("watch_started")) == 1 and stored.events("run_continued")[0]["epoch"] == 2
    assert stored.state == "run_finished" and stored.events("run_finished")[0]["epochs"] == 4


def test_epochs_that_a_folder_has_are_not_recorded_again(server: str, store: Store, spool: Path) -> None:
    run, _ = train_offline(3)
    train_offline(4, resume=run)  # from its start
    (synced,) = sync(spool)
    assert synced.done, synced.what
    assert [event["epoch"] for event in store.run.events("epoch_finished")] == [0, 1, 2, 3]
    assert "Epoch 0 is not recorded again" in store.run.events("logged")[0]["text"]


def test_where_no_server_answers_a_run_is_resumed_from_its_folder_and_sent_once_one_does(
    nowhere: str, store: Store, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neq.recording.sync._PAUSE_SECONDS", 0.0)
    run = record_offline()
    resumed = neq.init(resume=str(run.id))
    assert resumed.id == run.id
    resumed.log({"number": 9})
    resumed.finish()
    with serving(store) as address:
        (synced,) = sync(spool, address)
    assert synced.done
    assert store.run.points("number") == [(0, None, 0), (1, None, 1), (2, None, 2), (3, None, 9)]


def test_steps_go_on_behind_the_greatest_that_was_logged_and_not_behind_samples_of_the_machine(
    server: str, store: Store, spool: Path
) -> None:
    for mode in ("online", "offline"):
        run = neq.init(mode=mode)
        run.log({"a": 1.0, "system/b": 2.0}, step=7)  # a name as of the machine's samples: it counts them
        run.log({"system/b": 2.0}, step=90)
        run.log({"a": 3.0}, step=2)
        run.finish()
        resumed = neq.init(resume=run.id, mode=mode)
        resumed.log({"a": 4.0})
        resumed.finish()
        list(sync(spool))
        assert [step for step, *_ in store.runs[str(run.id)].points("a")] == [7, 2, 8], mode


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_samples_of_the_machine_go_on_counting_in_a_run_that_is_taken_up_again(
    server: str, store: Store, spool: Path, mode: str
) -> None:
    run: str | None = None
    for _ in range(2):
        recorded = neq.init(mode=mode, resume=run, system=True)
        run = recorded.id
        recorded.finish()
    list(sync(spool))
    assert [step for step, *_ in store.runs[str(run)].points("system/memory_gib")] == [0, 1]


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_numbers_of_epochs_that_stand_recorded_are_not_recorded_again(
    server: str, store: Store, spool: Path, mode: str
) -> None:
    from tests.neq.recording.test_run import SMALL_PROBE, small_model, train

    run_id = None
    for epochs in (2, 3):  # the second time from the start
        model, optimizer = small_model()
        run = neq.init(resume=run_id, mode=mode)
        watch = run.watch(model, optimizer, SMALL_PROBE, checks="off")
        for epoch in range(epochs):
            train(model, optimizer)
            run.log({"loss": epoch}, epoch=epoch)
            run.log({"seen": epoch})
            watch.end_epoch()
            run.log({"late": epoch}, epoch=epoch)  # of an epoch that this very process recorded
        run.finish()
        watch.close()
        run_id = run.id
    list(sync(spool))
    stored = store.run
    assert stored.points("loss") == [(0, 0, 0), (3, 1, 1), (8, 2, 2)]
    assert [value for *_, value in stored.points("seen")] == [0, 1, 0, 1, 2]
    assert [value for *_, value in stored.points("late")] == [0, 1, 2]
    texts = [event["text"] for event in stored.events("logged")]
    assert texts.count("Numbers of epochs before 2 are not recorded again: the run has these.") == 1


def test_of_a_run_that_logged_nothing_the_first_step_is_0(server: str, store: Store) -> None:
    run = neq.init()
    run.finish()
    resumed = neq.init(resume=run.id)
    resumed.log({"a": 1.0})
    resumed.finish()
    assert store.run.points("a") == [(0, None, 1.0)]


def test_of_a_run_that_was_sent_in_part_the_folder_alone_is_not_enough(spool: Path) -> None:
    run = record_offline()
    min((spool / str(run.id)).glob("*.part")).unlink()
    with pytest.warns(neq.NEqRecordingWarning, match="a server alone knows what the run has"):
        other = neq.init(resume=str(run.id), mode="offline")
    assert other.id != run.id
    other.finish()


def is_poison(event: dict[str, Any]) -> bool:
    return event["kind"] == "metrics_logged" and any(series["name"] == "poison" for series in event["series"])


def test_what_the_server_does_not_take_holds_nothing_up_and_is_kept(server: str, store: Store, spool: Path) -> None:
    from tests.neq.recording.test_run import SMALL_PROBE, small_model, train

    store.refuses = is_poison
    model, optimizer = small_model()
    run = neq.init("first")
    watch = run.watch(model, optimizer, SMALL_PROBE)
    with pytest.warns(neq.NEqRecordingWarning, match="does not take an event"):
        for epoch in range(3):
            train(model, optimizer)
            if epoch == 1:
                run.log({"poison": 1.0})
            watch.end_epoch(loss=float(epoch))
            until(lambda done=epoch: len(store.run.events("epoch_finished")) == done + 1)
        run.finish()
    stored = store.run
    assert [event["epoch"] for event in stored.events("epoch_finished")] == [0, 1, 2] and len(stored.arrays) == 3
    assert stored.kinds[-1] == "run_finished" and not stored.points("poison")
    (told,) = stored.events("logged")
    assert told["level"] == "error" and "(metrics_logged)" in told["text"] and "there is no such thing" in told["text"]
    (kept,) = (spool / str(run.id)).iterdir()
    assert kept.suffix == ".refused" and any(is_poison(line["event"]) for line in unpack_part(kept.read_bytes()).lines)


def test_sync_says_what_was_not_taken(server: str, store: Store, spool: Path) -> None:
    store.refuses = lambda event: event["kind"] == "metrics_logged"
    run = record_offline()
    (synced,) = sync(spool)
    assert not synced.done and synced.left == 0 and "did not take all of it" in synced.what
    assert store.run.kinds == ["run_started", "logged", "run_finished"]
    assert [path.suffix for path in (spool / str(run.id)).iterdir()] == [".refused"]
    assert list(sync(spool)) == []


def test_a_server_that_takes_nothing_leaves_everything_where_it_is(server: str, store: Store, spool: Path) -> None:
    store.refuses = lambda event: True
    run = record_offline()
    before = sorted(path.name for path in (spool / str(run.id)).glob("*.part"))
    (synced,) = sync(spool)
    assert not synced.done and synced.sent == 0
    assert sorted(path.name for path in (spool / str(run.id)).glob("*.part")) == before
