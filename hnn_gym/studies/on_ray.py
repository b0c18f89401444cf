"""A Ray cluster as an executor. Ray starts the workers, moves the work of a node that died, and is all the scheduler.

Function and arguments travel as bytes that only this module opens, so that a worker without the package, or with
another version of it, says so in one sentence.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import Executor, Future
from importlib import metadata
from typing import Any

from hnn_gym.errors import InputError
from hnn_gym.studies.processes import unpicklable

_RETRIES = 3
_ANSWER_S = 10.0


class RayExecutor(Executor):
    """Computes functions on a Ray cluster, one core each.

    A function whose worker or node dies is computed again elsewhere, at most three times; one that raises is not. Where
    Ray is connected already (``ray.init``, with a runtime environment of your own), that connection is used and left.

    Args:
        address: of a running cluster: "auto" for the one of this machine, "host:port", or "ray://host:port". None: the
            one that the environment variable RAY_ADDRESS names, else Ray is started on this machine for as long as
            this executor lives.
        workers: cores to start Ray with; only where it is started here. None: all.

    Raises:
        InputError: Ray is not installed; there is no cluster at the address; or the cluster has another version of Ray
            or Python.
    """

    def __init__(self, address: str | None = None, *, workers: int | None = None) -> None:
        ray = _ray()
        self._owned = not ray.is_initialized()
        if self._owned:
            starts = address is None and not os.environ.get("RAY_ADDRESS")
            local = {"address": "local", "num_cpus": workers, "include_dashboard": False}
            options = local if starts else {"address": address}
            try:
                _check_reachable(address or os.environ.get("RAY_ADDRESS") or "auto")
                ray.init(**options, log_to_driver=False, logging_level="ERROR")
            except (OSError, RuntimeError, ValueError, AssertionError) as error:
                where = "on this machine" if starts else f"at {address or os.environ['RAY_ADDRESS']!r}"
                raise InputError(
                    f"Ray cannot be used {where} ({_first_line(error)}): start a cluster with `ray start --head`, give "
                    "its address, and install the same Python and Ray on all machines."
                ) from error
        self._remote = ray.remote(max_retries=_RETRIES, num_cpus=1, scheduling_strategy="SPREAD")(_opener())
        self._ray = ray

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See :meth:`concurrent.futures.Executor.submit`.

        Raises:
            InputError: the function or an argument cannot be pickled.
        """
        from ray import cloudpickle

        try:
            work = cloudpickle.dumps((fn, args, kwargs))
        except Exception as error:  # pickling may raise anything
            raise unpicklable(fn, error) from None
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        reference = self._remote.remote(work, _version())
        reference.future().add_done_callback(lambda done: _settle(future, done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Disconnect from Ray if this executor connected; what it has not finished is cancelled."""
        if self._owned and self._ray.is_initialized():
            self._ray.shutdown()


def _opener() -> Callable[[bytes, str], tuple[str, Any]]:
    """The function that runs on a worker. It is made here so that it travels by value, also to where we are missing."""

    def opened(work: bytes, version: str) -> tuple[str, Any]:
        import platform
        import traceback
        from importlib import metadata

        from ray import cloudpickle

        try:
            found = metadata.version("hnn_gym")
        except metadata.PackageNotFoundError:
            found = "not installed"
        if found != version:
            return "worker", f"hnn_gym on the worker {platform.node()} is {found}, and here it is {version}"
        try:
            function, arguments, keywords = cloudpickle.loads(work)
        except ModuleNotFoundError as error:
            return "worker", f"the worker {platform.node()} has no module {error.name!r}"
        try:
            return "value", function(*arguments, **keywords)
        except Exception as error:
            note = f"On the worker {platform.node()}:\n{traceback.format_exc()}"
            try:
                error.add_note(note)
                content = cloudpickle.dumps(error)
                cloudpickle.loads(content)  # which an error with arguments of its own may not survive
            except Exception:
                plain = RuntimeError(f"{type(error).__name__}: {error}")
                plain.add_note(note)
                content = cloudpickle.dumps(plain)
            return "error", content

    return opened


def _settle(future: Future[Any], done: Future[Any]) -> None:
    """Give ``future`` the outcome of the call that Ray has finished."""
    from ray import cloudpickle

    try:
        kind, content = done.result()
        if kind == "error":
            content = cloudpickle.loads(content)
    except Exception as lost:  # a future that is not settled would be waited for without an end
        future.set_exception(lost)
        return
    if kind == "value":
        future.set_result(content)
    elif kind == "error":
        future.set_exception(content)
    else:
        future.set_exception(
            InputError(
                f"A cell cannot be computed: {content}. Install the same package on every machine of the cluster, or "
                'connect with ray.init(runtime_env={"working_dir": ...}) first.'
            )
        )


def _check_reachable(address: str) -> None:
    """Raise OSError at once where nothing listens at ``host:port``; Ray itself would try for many minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()


def _version() -> str:
    try:
        return metadata.version("hnn_gym")
    except metadata.PackageNotFoundError:  # a folder on the path, which the workers have to share
        return "not installed"


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise InputError('Ray is not installed: pip install "hnn-gym[ray]", or choose processes instead.') from None
    return ray


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
