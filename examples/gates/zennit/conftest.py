"""The composites and attributors that the gate asks, by the name that the results show."""


def pytest_saliency_methods() -> dict[str, str]:
    """Return them as specs of pytest-saliency-sanity."""
    return {
        "Gradient": "zennit:Gradient",
        "GuidedBackprop": "zennit:GuidedBackprop",
        "ExcitationBackprop": "zennit:ExcitationBackprop",
    }
