"""Runs the application under gunicorn, configured from the one typed configuration."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from gunicorn.app.base import BaseApplication

from armillary.configuration import configuration


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn publishes no types
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIHandler:
        from armillary.server.wsgi import application

        return application


def serve_forever(host: str, port: int) -> None:
    """Serve until asked to stop. Threads, because event streams wait more than they work."""
    settings = configuration()
    _Server(
        {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": settings.server_processes,
            "threads": settings.server_threads,
            "timeout": 120,
            "graceful_timeout": 5,
            "keepalive": 15,
            "loglevel": settings.log_level.lower(),
            "forwarded_allow_ips": "*" if settings.behind_proxy else "127.0.0.1",
            "proc_name": "armillary",
        }
    ).run()
