"""Listens on 127.0.0.1 and answers until it is interrupted."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from audit.errors import ConfigError
from audit.serve.app import make_app
from audit.serve.config import HOST, ServeConfig
from audit.serve.guard import Guard

__all__ = ["bind", "serve", "serve_run", "settings_of"]

_PORTS = 65535


def serve_run(run: Path, config: ServeConfig, say: Callable[[str], object]) -> None:
    """Serve the run folder ``run`` until a signal ends it; ``say`` is told the address.

    Raises ConfigError where the port or --data-root cannot be used, DataError where the run cannot.
    """
    with bind(config.port) as listener:  # first: a taken port is known before the tables are read
        app = make_app(run, config)
        say(f"http://{HOST}:{listener.getsockname()[1]}/")
        serve(app, listener)


def bind(port: int) -> socket.socket:
    """A socket that listens on ``port`` of 127.0.0.1 (0: a free one); raises ConfigError."""
    if not 0 <= port <= _PORTS:
        raise ConfigError(f"--port {port} is no port: 0 to {_PORTS}, 0 for a free one")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        why = {
            errno.EADDRINUSE: "is taken by another program",
            errno.EACCES: "is for the system's own programs",
        }.get(error.errno or 0, f"cannot be used ({error.strerror})")
        raise ConfigError(f"--port {port} {why}: name another, or 0 for a free one") from error
    return listener


def serve(app: Guard, listener: socket.socket) -> None:
    """Answer requests on ``listener``; returns, or raises KeyboardInterrupt, when told to stop."""
    uvicorn.Server(settings_of(app)).run(sockets=[listener])


def settings_of(app: Guard) -> uvicorn.Config:
    """How ``app`` is served: HTTP/1.1 alone, quiet, and gone within a second of the signal."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="error",  # its warnings of odd requests advise to install packages
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
