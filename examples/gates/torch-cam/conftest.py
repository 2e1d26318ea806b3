"""The CAMs that the gate asks, by the name that the results show."""


def pytest_saliency_methods() -> dict[str, str]:
    """Return them as specs of pytest-saliency-sanity."""
    return {
        "GradCAM": "torchcam:GradCAM",
        "LayerCAM": "torchcam:LayerCAM",
        "GradCAMpp": "torchcam:GradCAMpp",
    }
