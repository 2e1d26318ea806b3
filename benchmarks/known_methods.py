"""The methods whose answers are known, what the literature says of each, and why some cells differ from it.

What is said begins with "fails" or "blind" if an expert expects that a check gives a method away; of whatever is not
mentioned, an expert expects that it passes.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

BLACK = -0.4242  # a black pixel, normalised as the digits are

ADEBAYO, SIXT, NIE = "Adebayo et al. 2018", "Sixt et al. 2020", "Nie et al. 2018"
HEDSTROM, KINDERMANS, EIGEN = "Hedström et al. 2024", "Kindermans et al. 2017", "Muhammad and Yeasin 2020"
TOP_DOWN, BOTTOM_UP, INDEPENDENT = (
    f"cascading_randomization[{variant}]" for variant in ("top_down", "bottom_up", "independent")
)
LABELS, CLASS, BIAS, AGAIN = "label_randomization", "class_sensitivity", "bias_detection", "repeatability"
PERMUTATION, RESCALING, SHIFT = (f"symmetry[{variant}]" for variant in ("permutation", "rescaling", "input_shift"))
NULL, LOCALIZATION = "null_region", "localization"

BY_CONSTRUCTION = "fails by construction"
IGNORES_THE_MODEL = dict.fromkeys(
    (LABELS, TOP_DOWN, BOTTOM_UP, INDEPENDENT, CLASS, BIAS, NULL, LOCALIZATION), BY_CONSTRUCTION
)
NOISE = dict.fromkeys((AGAIN, BIAS, NULL, LOCALIZATION), BY_CONSTRUCTION)
PASSES = {TOP_DOWN: f"passes ({ADEBAYO})", LABELS: f"passes ({ADEBAYO})"}
GUIDED = {
    TOP_DOWN: f"fails ({ADEBAYO})",
    INDEPENDENT: f"fails ({ADEBAYO})",
    LABELS: f"changes, not as much as it should ({ADEBAYO})",
    CLASS: f"blind ({NIE}; {SIXT})",
}
DECONVOLUTION = {TOP_DOWN: f"fails ({SIXT})", INDEPENDENT: f"fails ({SIXT})", CLASS: f"blind ({NIE}; {SIXT})"}
# LRP's rules that favour positive contributions converge to the same map whatever the later layers are.
POSITIVE = {
    TOP_DOWN: f"fails: LRP-z+ ignores later layers ({SIXT})",
    INDEPENDENT: f"fails: LRP-z+ ignores later layers ({SIXT})",
    CLASS: f"blind ({SIXT})",
}
CAM = {TOP_DOWN: f"passes ({ADEBAYO})", LABELS: "SRC about 0 (the paper, figure 3)"}
# They look at the activations of a layer and at nothing behind it.
USES_NO_CLASS = {TOP_DOWN: "fails: uses no class", INDEPENDENT: "fails: uses no class", CLASS: "blind: uses no class"}
FILLS_IN = {SHIFT: f"fails: a fixed baseline ({KINDERMANS})"}
TIMES_INPUT = {SHIFT: f"fails: times the input ({KINDERMANS})"}

METHODS: dict[str, dict[str, str]] = {
    "gradient": {**PASSES, SHIFT: f"passes ({KINDERMANS})"},
    "smoothgrad": {**PASSES, LABELS: "SRC about 0.8 (the paper, figure 4)"},
    "gradcam": CAM,
    "gradcam?relu=False": CAM,
    "methods:gradient_magnitude": PASSES,
    "methods:vargrad": PASSES,
    "methods:expected_gradients": {},
    "methods:occlusion": FILLS_IN,
    "methods:rise": FILLS_IN,
    # The image itself is no control for the shift: a constant that is added to it keeps the order of its pixels.
    "sobel": IGNORES_THE_MODEL,
    "input": IGNORES_THE_MODEL,
    "uniform_noise": NOISE,
    "borrowed_signs": {BIAS: BY_CONSTRUCTION, LOCALIZATION: BY_CONSTRUCTION},
    "guided_backprop": GUIDED,
    "captum:Saliency": PASSES,
    "captum:InputXGradient": {
        TOP_DOWN: f"absolute SRC 0.99 on MNIST ({ADEBAYO}); 0.17 to 0.75 ({HEDSTROM})",
        **TIMES_INPUT,
    },
    f"captum:IntegratedGradients?n_steps=20&baselines={BLACK}": {
        TOP_DOWN: f"absolute SRC 0.99 on MNIST ({ADEBAYO})",
        LABELS: f"absolute SRC stays high ({ADEBAYO})",
        **FILLS_IN,
    },
    "captum:GradientShap": FILLS_IN,
    "captum:GuidedBackprop": GUIDED,
    "captum:Deconvolution": DECONVOLUTION,
    "captum:GuidedGradCam": {TOP_DOWN: f"fails ({ADEBAYO})"},
    "captum:DeepLift": {TOP_DOWN: f"passes ({SIXT})", CLASS: f"sensitive ({SIXT})", **FILLS_IN},
    "captum:LRP": {TOP_DOWN: f"0.17 to 0.75 ({HEDSTROM})", **TIMES_INPUT},
    "captum:Occlusion?sliding_window_shapes=(3,16,16)&strides=(3,8,8)": FILLS_IN,
    "captum:LayerGradCam": CAM,
    "captum:LayerGradCam?relu_attributions=True": CAM,
    "captum:LayerGradientXActivation": {},
    "captum:LayerDeepLift": {},
    "captum:LayerActivation": USES_NO_CLASS,
    "captum:LayerConductance": {},
    "captum:InternalInfluence": {},
    "captum:LayerIntegratedGradients": {},
    "captum:LayerGradientShap": {},
    "wrapped:feature_ablation": FILLS_IN,
    "wrapped:shapley_value_sampling": FILLS_IN,
    "wrapped:kernel_shap": FILLS_IN,
    "wrapped:lime": FILLS_IN,
    "wrapped:deep_lift_shap": FILLS_IN,
    "grad_cam:GradCAM": CAM,
    "grad_cam:GradCAMPlusPlus": {},
    "grad_cam:GradCAMElementWise": {},
    "grad_cam:HiResCAM": {},
    "grad_cam:XGradCAM": {},
    "grad_cam:LayerCAM": {},
    "grad_cam:EigenCAM": {**USES_NO_CLASS, CLASS: f"blind: it uses no class ({EIGEN})"},
    "grad_cam:KPCA_CAM": USES_NO_CLASS,
    "grad_cam:FEM": USES_NO_CLASS,
    "grad_cam:EigenGradCAM": {},
    "grad_cam:SegEigenCAM": {},
    "grad_cam:ShapleyCAM": {},
    "grad_cam:AblationCAM": {},
    "grad_cam:RandomCAM": {AGAIN: BY_CONSTRUCTION},
    "grad_cam:FullGrad": {},
    "grad_cam:ScoreCAM": {},
    "torchcam:CAM": {},
    "torchcam:GradCAM": CAM,
    "torchcam:GradCAMpp": {},
    "torchcam:LayerCAM": {},
    "torchcam:XGradCAM": {},
    "torchcam:SmoothGradCAMpp": {},
    "torchcam:ScoreCAM": {},
    "torchcam:SSCAM?num_samples=3": {},
    "zennit:Gradient": PASSES,
    "zennit:SmoothGrad": PASSES,
    "zennit:IntegratedGradients": FILLS_IN,
    "zennit:Occlusion": FILLS_IN,
    "zennit:GuidedBackprop": GUIDED,
    "zennit:DeconvNet": DECONVOLUTION,
    "zennit:BetaSmooth": {},
    "zennit:EpsilonPlus": POSITIVE,
    "zennit:EpsilonPlusFlat": POSITIVE,
    "zennit:EpsilonAlpha2Beta1": POSITIVE,
    "zennit:EpsilonAlpha2Beta1Flat": POSITIVE,
    "zennit:ExcitationBackprop": POSITIVE,
    f"zennit:EpsilonGammaBox?low={BLACK}&high=2.8215": {},
    "wrapped:shap_gradient": FILLS_IN,
    "wrapped:shap_deep": FILLS_IN,
    "wrapped:shap_partition": FILLS_IN,
    "wrapped:explainiverse_gradcam": CAM,
    "wrapped:explainiverse_layercam": {},
    "wrapped:explainiverse_xgradcam": {},
    "wrapped:explainiverse_hirescam": {},
}


def must_fail(spec: str, question: str) -> bool:
    """Return whether an expert expects that a question gives a method away."""
    return METHODS[spec].get(question, "").startswith(("fails", "blind"))


class Explained(NamedTuple):
    """Why some answers are not what an expert expects, found by a measurement.

    ``key``: what marks the cells. ``what``: the observation. ``why``: the measurement. ``methods``: patterns of specs.
    ``questions``: names of checks, or of single variants. ``networks``: all if none is named.
    """

    key: str
    what: str
    why: str
    methods: tuple[str, ...]
    questions: tuple[str, ...]
    networks: tuple[str, ...] = ()

    def covers(self, spec: str, network: str, question: str) -> bool:
        """Return whether a cell is one of those that this explains."""
        return (
            any(fnmatchcase(spec, pattern) for pattern in self.methods)
            and (question in self.questions or question.partition("[")[0] in self.questions)
            and (not self.networks or network in self.networks)
        )


def read_explanations(file: Path) -> tuple[Explained, ...]:
    """Return what explains cells; each has a key of its own."""
    return tuple(
        Explained(key, each["what"], " ".join(each["why"].split()), *(tuple(each.get(name, ())) for name in PATTERNS))
        for key, each in tomllib.loads(file.read_text()).items()
    )


PATTERNS = ("methods", "questions", "networks")
EXPLAINED = read_explanations(Path(__file__).with_name("explained.toml"))
