"""A model's advice on an environment that does not build, or in which no test starts: names and words, each checked."""

from collections.abc import Callable
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from agents.conversation import Brain, Conversation
from agents.prompts import render
from agents.structured import ask
from sandbox.discovery.advice import Advice
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.remedy import LEARNED

OUTPUT = 8_000  # characters, of the end


class Proposal(BaseModel):
    """What does not fit is said to the model, which is then asked again."""

    model_config = ConfigDict(extra="forbid")
    reasons: str
    debian_packages: list[str]
    requirements: list[str]
    build_requirements: list[str]
    python: str
    test_command: list[str]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.advice()
        return self

    def advice(self) -> Advice:
        """Raises BadInput: a part is of no form that can be used."""
        return Advice(
            tuple(self.debian_packages),
            tuple(self.requirements),
            tuple(self.build_requirements),
            self.python,
            tuple(self.test_command),
        )


def advise(brain: Brain, recipe: Recipe, output: str, clean: Callable[[str], str]) -> Advice:
    """What a model would change of a recipe whose build or tests printed `output`. `clean` takes secrets out.

    Raises:
        ModelError, OverBudget, BadInput: see `trouble.py`.
    """
    talk = Conversation(brain, "environment", render("environment", brain.model.prompts))
    parts = ["## The environment", described(recipe), "## The end of what it printed", output.strip()[-OUTPUT:]]
    talk.say(clean("\n\n".join(parts)))
    return ask(talk, Proposal).advice()


def described(recipe: Recipe) -> str:
    rows = {
        "language": (recipe.language,),
        "python": (recipe.requires_python,),
        "requirements": recipe.requirements,
        "build requirements": recipe.build_requires,
        "Debian packages": recipe.system,
        "test command": (recipe.test_command,),
    }
    lines = [f"- {name}: {', '.join(filter(None, values)) or 'none'}" for name, values in rows.items()]
    learned = [item for item in recipe.evidence if item.source == LEARNED]
    return "\n".join([*lines, *(f"- changed before: {item.what} {item.value} ({item.why})" for item in learned)])
