"""The names our TeX subset knows, and the characters that stand for them."""

from __future__ import annotations

# Letters and letter-like signs: they stand for a quantity.
LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ",
    "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω", "ell": "ℓ", "partial": "∂", "nabla": "∇", "infty": "∞", "top": "⊤",
    "dots": "…", "ldots": "…", "cdots": "⋯", "vdots": "⋮", "emptyset": "∅",
}  # fmt: skip

# Signs between or before quantities, by how far they keep from them.
BINARY = {
    "cdot": "⋅", "times": "×", "odot": "⊙", "oslash": "⊘", "oplus": "⊕", "otimes": "⊗",
    "circ": "∘", "pm": "±", "mp": "∓", "div": "÷", "land": "∧", "lor": "∨", "bmod": "mod",
    "cap": "∩", "cup": "∪", "setminus": "∖",
}  # fmt: skip
RELATIONS = {
    "le": "≤", "ge": "≥", "ne": "≠", "leq": "≤", "geq": "≥", "neq": "≠", "approx": "≈",
    "equiv": "≡", "sim": "∼", "propto": "∝", "in": "∈", "notin": "∉", "to": "→",
    "rightarrow": "→", "leftarrow": "←", "Rightarrow": "⇒", "Leftarrow": "⇐", "mapsto": "↦",
    "ll": "≪", "gg": "≫", "mid": "∣", "colon": ":",
}  # fmt: skip
PREFIX = {"lnot": "¬", "neg": "¬"}

# Large signs with limits, and functions by name; these take limits too.
BIG = {"sum": "∑", "prod": "∏"}
FUNCTIONS = (
    "arccos", "arcsin", "arctan", "arg", "cos", "cosh", "det", "diag", "exp", "lg", "ln", "log",
    "max", "min", "sin", "sinh", "tan", "tanh", "lim", "sup", "inf",
)  # fmt: skip
WITH_LIMITS = ("max", "min", "lim", "sup", "inf")

FENCES = {
    "(": "(", ")": ")", "[": "[", "]": "]", "|": "|", r"\|": "‖", r"\{": "{", r"\}": "}",
    r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉", r"\langle": "⟨",
    r"\rangle": "⟩", r"\lVert": "‖", r"\rVert": "‖", r"\lvert": "|", r"\rvert": "|", ".": "",
}  # fmt: skip
# Brackets that need no \left: what opens them, what closes them.
PAIRS = {
    "(": ")", "[": "]", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil",
    r"\langle": r"\rangle", r"\lVert": r"\rVert", r"\lvert": r"\rvert",
}  # fmt: skip

# Widths of spaces, in em.
SPACES = {r"\,": 0.167, r"\:": 0.222, r"\;": 0.278, r"\ ": 0.25, "~": 0.25, r"\quad": 1.0,
          r"\qquad": 2.0, r"\!": -0.167}  # fmt: skip

ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙", "ddot": "¨", "vec": "→",
           "overline": "‾", "widehat": "^"}  # fmt: skip
BRACES = {"underbrace": "⏟", "overbrace": "⏞"}

# Styles in which text stands: upright, bold, double-struck, a word of prose.
STYLES = ("mathrm", "operatorname", "text", "textbf", "mathbf", "boldsymbol", "mathbb", "mathit",
          "mathcal")  # fmt: skip
TABLES = ("cases", "aligned", "bmatrix", "pmatrix", "matrix")

# Characters that TeX wants escaped, and how they come back out of a word.
ESCAPES = {r"\_": "_", r"\$": "$", r"\&": "&", r"\#": "#", r"\%": "%", r"\{": "{", r"\}": "}",
           r"\ ": " "}  # fmt: skip
IN_WORDS = {**ESCAPES, r"\backslash": "\\", r"\sim": "~", r"\hat": "^", "~": " "}
