"""What TensorBoard loads when it starts: as little as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from tensorboard.plugins import base_plugin

if TYPE_CHECKING:
    from graphdiag.tensorboard_plugin.routes import Routes

NAME = "graphdiag"
_ENTRY = "/static/tab.mjs"
_ROUTES = {
    "/runs": "runs",
    "/job": "job",
    "/result": "result",
    "/static/*": "static",
}
"""The method of `graphdiag.tensorboard_plugin.routes.Routes` that answers each route."""


class GraphDiagnosisPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """The plugin.

    Args:
        context: What TensorBoard tells its plugins.
    """

    plugin_name = NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._context = context
        self._requested = False

    def get_plugin_apps(self) -> Mapping[str, Callable[..., Iterable[bytes]]]:
        """The routes; what answers them is imported when the first request comes."""
        return {route: partial(self._answer, method) for route, method in _ROUTES.items()}

    def is_active(self) -> bool:
        """Whether the tab has found something that TensorBoard itself has not: a log that cannot be read, say."""
        return self._requested and self._routes.found_any()

    def data_plugin_names(self) -> tuple[str, ...]:
        """TensorBoard shows the tab where it has data of one of these: graphs, traces and Keras models."""
        return (NAME, "graphs", "graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model")

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """What the tab is called, and where its page begins."""
        return base_plugin.FrontendMetadata(es_module_path=_ENTRY, tab_name="Graph diagnosis")

    @cached_property
    def _routes(self) -> Routes:
        from graphdiag.tensorboard_plugin.routes import Routes

        return Routes(self._context)

    def _answer(self, method: str, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self._requested = True
        answer: Iterable[bytes] = getattr(self._routes, method)(environ, start_response)
        return answer
