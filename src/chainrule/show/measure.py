"""How wide a text will be, before anything draws it."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

# Advance widths of DejaVu Sans in thousandths of the font size: regular, bold, the characters.
# Verdana and the system fonts that stand in for it are as wide or narrower. Rows that differ
# by a hair are one row, at the wider end.
WIDTHS = (
    (179, 219, "ₗⱼⁱᵢ"),
    (227, 264, "′"),
    (246, 288, "⁽⁾₍₎"),
    (259, 315, "ᵣ"),
    (275, 306, "'"),
    (278, 343, "ijl"),
    (295, 372, "IJΙ"),
    (295, 388, "ₜ"),
    (318, 348, " "),
    (318, 380, ",.·‘’"),
    (337, 365, "/\\|"),
    (338, 400, ":;ι"),
    (352, 435, "f"),
    (361, 415, "-"),
    (373, 381, "ₛ"),
    (374, 447, "″"),
    (385, 430, "ᵀ"),
    (392, 478, "t"),
    (401, 438, "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"),
    (404, 458, "()[]⟨⟩⌊⌋⌈⌉ₐⁿₙ!ₕ"),
    (405, 456, "ᵤ"),
    (413, 472, "ℓ"),
    (417, 493, "rₒₑ"),
    (426, 501, "ᵥₖ"),
    (428, 479, "ₚ"),
    (444, 413, "ₓ"),
    (460, 521, '"'),
    (500, 500, "_`‖–°§"),
    (500, 523, "*"),
    (517, 544, "∂"),
    (518, 657, "“”"),
    (521, 610, "∫"),
    (525, 595, "sz"),
    (528, 528, "⁺⁻⁼₊₋₌"),
    (541, 557, "ε"),
    (544, 591, "?ζ"),
    (557, 637, "LΓ"),
    (558, 593, "cξ"),
    (559, 681, "ν"),
    (579, 683, "Fυ"),
    (587, 593, "ς"),
    (589, 710, "κ"),
    (592, 645, "χ•◦λx"),
    (592, 665, "kvy"),
    (592, 681, "γ"),
    (602, 602, "│║"),
    (602, 791, "π"),
    (611, 733, "PΡYΥ"),
    (615, 645, "τϵ"),
    (615, 687, "TΤoδθοae"),
    (623, 664, "ϑₘ"),
    (632, 632, "∘Ξ"),
    (634, 779, "σ"),
    (636, 696, "EΕΣ∃$0123456789"),
    (636, 736, "μµ"),
    (637, 667, "√"),
    (638, 720, "hnuηbdgpqρS{}β"),
    (660, 782, "KΚφ"),
    (660, 796, "ψϕ"),
    (669, 697, "α∇"),
    (685, 725, "∑ZΖ"),
    (695, 774, "AVΑΔΛ∀XΧBΒR"),
    (698, 734, "C"),
    (714, 712, "∝"),
    (732, 812, "U∧∨∪∩"),
    (752, 837, "NΝHΗΠ"),
    (757, 787, "∏"),
    (764, 850, "Ω"),
    (769, 769, "▶◀▲▼"),
    (775, 830, "DG"),
    (780, 872, "&"),
    (787, 850, "OQΘΟΦΨ"),
    (792, 801, "ℝ"),
    (818, 924, "w"),
    (837, 869, "ω"),
    (838, 838, "∞#+<=>^~≈≠≤≥×÷±−∓⊙⊗⊕→←↑↓↔⇒⇐⇔↦↗↘∼≡¬✓✗"),
    (863, 995, "MΜ"),
    (871, 896, "∈∉"),
    (871, 914, "⊤⊥"),
    (873, 873, "●○"),
    (945, 945, "■□"),
    (950, 1002, "%"),
    (974, 1042, "½¼m"),
    (989, 1103, "W"),
    (1000, 1000, "@…—"),
    (1047, 1047, "≪≫"),
)
OTHERS = (700, 790)  # letters of other alphabets
WIDE = (1000, 1000)  # Chinese, Japanese, Korean, and most emoji

_WIDTH = {c: (regular, bold) for regular, bold, characters in WIDTHS for c in characters}


def width_of(text: str, size: float = 12.0, bold: bool = False) -> float:
    """The width of one line of text, in the unit of `size`; rather too wide than too narrow.

    The same on every machine: no font is asked.

    >>> width_of("L = 0.73") < width_of("L = 0.731"), width_of("水", size=10)
    (True, 10.0)
    """
    return sum(_thousandths(c)[bold] for c in text) * size / 1000.0


def _thousandths(character: str) -> tuple[int, int]:
    known = _WIDTH.get(character)
    if known is not None:
        return known
    if combining(character) or character == "\u200b":
        return (0, 0)
    return WIDE if east_asian_width(character) in "WF" else OTHERS
