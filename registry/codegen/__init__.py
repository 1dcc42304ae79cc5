"""Versions of an event -> the source of typed stubs. Writes nothing to disk.

A schema language makes classes of a version's types, by one function of a module of its own; all else is one for all.
"""

from registry.codegen.module import DEFAULT_PACKAGE as DEFAULT_PACKAGE
from registry.codegen.module import HEADER as HEADER
from registry.codegen.module import find_flaws as find_flaws
from registry.codegen.module import render_header as render_header
from registry.codegen.package import render_package as render_package
from registry.codegen.plan import StubPlan as StubPlan
from registry.codegen.plan import StubVersion as StubVersion
