"""Puts the web process together: the store, the API on it, the dashboard on the API."""

from fastapi import FastAPI

from dashboard.app import create_dashboard
from db import Store
from server.app import create_app, local_client
from server.settings import ServerSettings


def assemble(store: Store, settings: ServerSettings) -> FastAPI:
    """One app that answers everything; the dashboard reaches the API without a socket, through the same door."""
    app = create_app(store, settings)
    create_dashboard(app, local_client(app, settings), settings.root_path)
    return app
