"""A signal that came before the server had its own handlers."""

import threading

from fastapi import FastAPI

from server.run import bind, server_of
from server.settings import ServerSettings


def test_a_server_that_was_told_to_end_before_it_started_ends(app: FastAPI, settings: ServerSettings) -> None:
    ended = threading.Event()
    listener = bind(settings.model_copy(update={"port": 0}))
    server = server_of(app, ended)
    ended.set()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    thread.join(15)
    was_running = thread.is_alive()
    server.should_exit = True
    thread.join(15)
    assert (was_running, server.started, listener.fileno()) == (False, True, -1)
