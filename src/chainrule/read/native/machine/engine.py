"""LLVM: a module's text to an address that can be called. The only file that knows llvmlite."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from .objects import find, keep, name_of

PASSES = ("sroa", "simplify_cfg")  # LLVM's own, over each function
LLVM = 20  # the first version that reads our texts
LEVEL = 2  # of LLVM's code generator


class Host(NamedTuple):
    """This machine, as LLVM sees it."""

    target: Any
    cpu: str
    features: str
    versions: tuple

    @property
    def identity(self) -> tuple:
        """All that code depends on besides its text."""
        return (self.target.triple, self.cpu, self.features, self.versions, PASSES, LEVEL)


@cache
def host() -> Host:
    """This machine. Raises ImportError, RuntimeError or OSError where LLVM cannot be used."""
    import llvmlite
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    versions = (llvmlite.__version__, llvm.llvm_version_info)
    return Host(llvm.Target.from_default_triple(), llvm.get_host_cpu_name(), features, versions)


@cache
def missing() -> str:
    """Why there is no machine code here; nothing where there is."""
    try:
        found = host().versions[1][0]
    except ImportError as error:
        return f"llvmlite cannot be imported: {error}"
    except (RuntimeError, OSError) as error:
        return f"LLVM cannot write code for this machine: {error}"
    return "" if found >= LLVM else f"llvmlite brings LLVM {found}, {LLVM} is needed"


def machine() -> Any:
    """This machine, as LLVM's code generator takes it; an engine takes one for itself."""
    target, cpu, features, _ = host()
    return target.create_target_machine(cpu=cpu, features=features, opt=LEVEL)


@cache
def register() -> int:
    """The bytes of a vector register."""
    return 64 if "+avx512f" in host().features.split(",") else 32


def link(name: str, address: int) -> None:
    """Say where a function from outside lies; texts name it, so that no address is kept on disk."""
    import llvmlite.binding as llvm

    llvm.add_symbol(name, address)


def _module(text: str) -> Any:
    """The text as LLVM's module, verified, after LLVM's passes."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text)
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    for name in PASSES:
        getattr(passes, f"add_{name}_pass")()
    options = llvm.create_pipeline_tuning_options()
    passes.run(module, llvm.create_pass_builder(machine(), options))
    return module


def named(*parts: object) -> str:
    """What code that depends on these parts is called, for this machine."""
    return name_of("", *parts, *host().identity)


class Code:
    """A module that is loaded; it lives as long as something may call it.

    `text` is the module's, or gives it when it is asked for. Without a `name` the text is what the
    code is kept under. `notes` are kept with it.
    """

    def __init__(
        self, text: str | Callable[[], str], name: str = "", notes: Callable[[], dict] = dict
    ):
        import llvmlite.binding as llvm

        self.write = text
        name = name or name_of(self.text, *host().identity)
        found = find(name)
        self.kept = found is not None  # whether it was on disk already
        if found is None:
            code = machine().emit_object(_module(self.text))
            self.notes = notes()
            keep(name, code, self.notes)
        else:
            code, self.notes = found
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()

    @property
    def text(self) -> str:
        """The module's text."""
        return self.write if isinstance(self.write, str) else self.write()

    def function(self, name: str) -> Any:
        """The function of this name: it takes addresses, `enter` of objects, table, pool."""
        takes = [ctypes.c_void_p] * {"enter": 3, "go": 2}.get(name, 1)
        return ctypes.CFUNCTYPE(None, *takes)(self.address(name))

    def address(self, name: str) -> int:
        """Where the function of this name lies."""
        return self.engine.get_function_address(name)

    @property
    def ir(self) -> str:
        """The code after LLVM's passes."""
        return str(_module(self.text))

    @property
    def asm(self) -> str:
        """The machine's instructions."""
        return machine().emit_assembly(_module(self.text))
