"""The filters that a worker keeps for its polls."""

import json

from impl.app import App
from impl.services.sync import request
from tests.builders import ALICE


def test_filters_are_kept_up_to_a_size(app: App) -> None:
    kept = app.part(request._Filters, request._Filters)
    for n in range(1200):
        wanted = json.dumps({"room": {"rooms": [f"!{n}:x", *("!y:" + "y" * 100,) * 100]}})
        found = request.read_filter(app, ALICE, wanted)
        assert request.read_filter(app, ALICE, wanted) is found
    texts = sum(len(text) for _, text in kept.kept)
    assert 0 < texts <= request.FILTER_BYTES_KEPT_MAX
