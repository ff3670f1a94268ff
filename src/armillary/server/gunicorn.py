"""Runs the application under gunicorn, configured from the one typed configuration."""

from __future__ import annotations

import signal
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from gunicorn.app.base import BaseApplication

from armillary.configuration import configuration
from armillary.server.processes import end_with_parent


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


def _end_with_master(arbiter: Any, worker: Any) -> None:
    """A worker whose master was killed would keep its connections, and its event streams, for ever."""
    del worker
    end_with_parent(arbiter.pid, signal.SIGKILL)


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
            "control_socket_disable": True,  # it would be one file for all servers of a person
            "post_fork": _end_with_master,
        }
    ).run()
