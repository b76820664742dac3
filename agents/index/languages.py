"""Languages the index can parse: whose grammar, which file names, which query.

Grammars come with the language packages; nothing is downloaded at run time. Each language has one query file,
`queries/<name>.scm`, whose captures are:

    @definition.class      holds other definitions; its unit is its text without them
    @definition.function   a unit with all that is inside it
    @name                  of the definition in the same match
    @base                  a name the innermost class around it inherits from
    @doc                   a doc comment: of the definition in the same match, or of the innermost one around it
    @import                module or path that the file imports, as written
    @call                  name of what is called

Python's structure is walked instead (`python_walk`), which is quicker. The patterns below the divider find references.
They are many, and run only when someone asks where a symbol is used; while indexing, a word that stands before a
parenthesis counts as a call.
"""

import hashlib
import importlib
import importlib.resources
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import tree_sitter

DIVIDER = "; === references ==="
FORMAT = 7  # of the segments, and of what parsing and words make of a file
LINES = "lines"  # a language without grammar: indexed by windows of lines
PROSE = "prose"  # documentation: indexed by heading


@dataclass(frozen=True, slots=True)
class Language:
    package: str
    suffixes: tuple[str, ...]
    function: str = "language"


LANGUAGES: dict[str, Language] = {
    "python": Language("tree_sitter_python", (".py", ".pyi", ".pyw")),
    "javascript": Language("tree_sitter_javascript", (".js", ".jsx", ".mjs", ".cjs")),
    "typescript": Language("tree_sitter_typescript", (".ts", ".mts", ".cts"), "language_typescript"),
    "tsx": Language("tree_sitter_typescript", (".tsx",), "language_tsx"),
    "go": Language("tree_sitter_go", (".go",)),
    "rust": Language("tree_sitter_rust", (".rs",)),
    "java": Language("tree_sitter_java", (".java",)),
    "c": Language("tree_sitter_c", (".c",)),
    "cpp": Language("tree_sitter_cpp", (".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".ipp", ".cu", ".cuh")),
    "c_sharp": Language("tree_sitter_c_sharp", (".cs",)),
    "ruby": Language("tree_sitter_ruby", (".rb", ".rake", ".gemspec")),
    "php": Language("tree_sitter_php", (".php",), "language_php"),
    "kotlin": Language("tree_sitter_kotlin", (".kt", ".kts")),
    "swift": Language("tree_sitter_swift", (".swift",)),
    "scala": Language("tree_sitter_scala", (".scala", ".sc")),
}
CODE_BY_LINES = re.compile(
    r"\.(?:pyx|pxd|pxi|sh|bash|zsh|ps1|sql|html?|s?css|sass|less|vue|svelte|lua|p[lm]|r|jl|exs?|erl|hs|mli?|clj|dart|mm?"
    r"|f|f90|zig|nim|groovy|gradle|proto|graphql|tf|cmake|mk|j2|jinja2?|tmpl|erb)"
)
PROSE_SUFFIX = re.compile(r"\.(?:md|markdown|rst|txt|adoc|org)")
BY_SUFFIX = {suffix: name for name, language in LANGUAGES.items() for suffix in language.suffixes}
BY_NAME = {"Makefile": LINES, "Dockerfile": LINES, "CMakeLists.txt": LINES, "Rakefile": "ruby", "Gemfile": "ruby"}


@lru_cache(maxsize=1 << 16)
def language_of(path: str) -> str:
    """Name of the language of a repository path: a key of `LANGUAGES`, `LINES`, `PROSE`, or "" for none of these."""
    name = path[path.rfind("/") + 1 :]
    if name in BY_NAME:
        return BY_NAME[name]
    stem, dot, suffix = name.rpartition(".")
    return _by_suffix(dot + suffix.lower()) if stem else ""


@cache
def _by_suffix(suffix: str) -> str:
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    if CODE_BY_LINES.fullmatch(suffix):
        return LINES
    return PROSE if PROSE_SUFFIX.fullmatch(suffix) else ""


@cache
def grammar(name: str) -> "tree_sitter.Language":
    import tree_sitter

    language = LANGUAGES[name]
    return tree_sitter.Language(getattr(importlib.import_module(language.package), language.function)())


@cache
def query(name: str, part: Literal["structure", "references"]) -> "tree_sitter.Query":
    """One half of the language's query file; see the top of this module for the captures."""
    import tree_sitter

    structure, _, references = source(name).partition(DIVIDER)
    return tree_sitter.Query(grammar(name), structure if part == "structure" else references)


def source(name: str) -> str:
    return (importlib.resources.files("agents.index") / "queries" / f"{name}.scm").read_text()


@cache
def digest() -> str:
    """Changes with the queries and with `FORMAT`: an index made under another one is made anew."""
    parts = [str(FORMAT), *(source(name) for name in LANGUAGES)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
