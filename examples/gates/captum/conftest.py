"""The attribution methods that the gate asks, by the name that the results show."""


def pytest_saliency_methods() -> dict[str, str]:
    """Return them as specs of pytest-saliency-sanity."""
    return {
        "Saliency": "captum:Saliency",
        "DeepLift": "captum:DeepLift",
        "LayerGradCam": "captum:LayerGradCam",
        "GuidedBackprop": "captum:GuidedBackprop",
    }
