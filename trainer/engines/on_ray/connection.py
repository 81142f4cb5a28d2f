"""How a worker gets into a Ray cluster, and what it says where it cannot: one line, before anything runs."""

import logging
import os
import socket
import struct
from typing import Any

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nobody is told of this cluster
    "RAY_ENABLE_AUTO_CONNECT": "0",  # a call that comes too late starts no cluster of its own
    "RAY_NUM_REDIS_GET_RETRIES": "2",  # a wrong token is told after two seconds, and not after twenty
}
"""Read by Ray when it is imported, unless the environment says otherwise."""
CONNECT_SECONDS = 5.0
OWN = "auto"
"""The cluster that this machine is part of."""
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">HBBBI", 0, 0, 4, 0, 0)
_SETTINGS_FRAME = 4


class NoCluster(Exception):
    """The worker cannot train there; the message is one line that names the remedy."""


def connect(address: str, plugins: str | None) -> str:
    """Joins the cluster as its driver, and returns the address of its head.

    Args:
        address: `host:port` of the head, or `auto`.
        plugins: names of modules that nodes import too; None: they import none.

    Raises:
        NoCluster: nothing that this worker can use answers there.
    """
    if address != OWN:
        _look(address)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ModuleNotFoundError:
        raise NoCluster("Ray is not installed here: pip install 'neq-dashboard[trainer,ray]'") from None
    logging.getLogger("ray").setLevel(logging.ERROR)
    environment = {} if plugins is None else {"env_vars": {"NEQ_PLUGINS": plugins}}
    try:
        context: Any = ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
            runtime_env=environment or None,
        )
    except (Exception, SystemExit) as error:
        raise NoCluster(_explained(address, error)) from error
    return str(context.address_info["gcs_address"])


def _look(address: str) -> None:
    """Whether something that speaks as Ray does listens there: Ray itself would try for two minutes, and then exit."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "://" in address:
        raise NoCluster(
            f"{address!r} is no address of a Ray cluster: give host:port, as `ray start --head --port` was told, and "
            "no ray://, because the worker runs on one of the cluster's machines"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS) as link:
            link.sendall(_PREFACE)
            said = link.recv(9)
    except (OSError, OverflowError) as error:
        raise NoCluster(
            f"nothing answers at {address} ({error}): start the cluster with `ray start --head --port {port}`, and "
            "see that this machine reaches it"
        ) from error
    if len(said) < 4 or said[3] != _SETTINGS_FRAME:
        raise NoCluster(f"what answers at {address} is no Ray cluster: give the port of `ray start --head --port`")


def _explained(address: str, error: BaseException) -> str:
    said = " ".join(str(error).split())
    if "ersion mismatch" in said:
        return f"the cluster has another Python or ray than this worker: install the same on both. Ray says: {said}"
    if "no authentication token" in said:
        return "RAY_AUTH_MODE asks for a token and there is none here: copy ~/.ray/auth_token from the cluster's head"
    if address == OWN:
        return (
            "this machine belongs to no Ray cluster: start one with `ray start --head`, or name another's with "
            "--address host:port"
        )
    if "raylet" in said or "node" in said.lower():
        return (
            f"this machine is not part of the cluster at {address}: join it with `ray start --address={address} "
            "--num-cpus=0`, so that it is used for the worker alone"
        )
    return (
        f"the cluster at {address} does not let this worker in: give both the same token (RAY_AUTH_MODE=token and "
        f"~/.ray/auth_token), or neither. Ray says: {said}"
    )
