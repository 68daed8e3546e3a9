"""A page that ipywidgets saves: it knows only what Python has told it."""

from __future__ import annotations

import ipywidgets.embed
import numpy as np
import pytest

from heatwidget import ConvergenceHeatmap


@pytest.mark.parametrize("mark", ["image", "heatmap"])
def test_a_saved_page_has_all_of_what_bqplot_shows(mark: str) -> None:
    """Its defaults in JavaScript are others: there cells are smeared."""
    widget = ConvergenceHeatmap(np.arange(1.0, 9).reshape(2, 4), mark=mark)
    models = ipywidgets.embed.embed_data(views=[widget])["manager_state"]["state"]
    ours = {name: model for name, model in models.items() if model["model_module"] == "bqplot"}
    names = {model["model_name"] for model in ours.values()}
    assert {"FigureModel", "AxisModel", "ImageModel"} <= names
    told = {"_model_name", "_model_module", "_model_module_version"}
    for name, model in ours.items():
        known = set(ipywidgets.Widget.widgets[name].get_state()) - told
        assert known == set(model["state"]) - told
        assert model["state"].get("pixelated", True) is True
