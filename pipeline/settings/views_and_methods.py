"""Views and saliency methods: an entry names a module of the package, which also gives the schema of its options."""

import inspect
from types import ModuleType
from typing import Any, Literal

import pydantic
from pydantic import Field
from pydantic_core import core_schema

from labelmaps import methods, views
from labelmaps.modules import load_module, module_names, option_descriptions
from pipeline.settings.base import Closed, check_known


class View(Closed):
    """A view family (the module in `labelmaps/views`) with its options."""

    family: str = Field(..., description="the module of [`labelmaps/views`](../labelmaps/views)")
    engine: Literal["exact", "shared"] = Field(
        "exact",
        description="how label maps are computed; `shared`, for `shift` only: all views of an image from one feature "
        "map",
    )

    @property
    def options(self) -> dict:
        """The options of the family's `View`, including those with default values."""
        return self.model_dump(exclude=set(View.model_fields))

    @property
    def arguments(self) -> dict:
        """The family and its options, as `labelmaps.views.create_view` takes them."""
        return {"family": self.family, **self.options}

    @property
    def map_obstacle(self) -> str:
        """The reason why a map of x₀ has no place on the view; an empty text if it has one."""
        return views.find_map_obstacle(views.create_view(**self.arguments))

    @pydantic.model_validator(mode="after")
    def _possible(self):
        view = views.create_view(self.family, **self.options)
        if self.engine == "shared" and not isinstance(view, views.WindowView):
            raise ValueError(
                f"engine: shared needs views that are windows of one picture, as those of `shift`, not of `{self.family}`"
            )
        return self


class Method(Closed):
    """A saliency method (the module in `labelmaps/methods`) with its options."""

    method: str = Field(..., description="the module of [`labelmaps/methods`](../labelmaps/methods)")
    arrival: Literal["nearest", "index"] = Field(
        "nearest",
        description="how a cell of the map leads to the view after the saccade: the view `nearest` to the cell's point, "
        "or, with `index`, that of the same row and column",
    )

    @property
    def options(self) -> dict:
        """The options of the method's `saliency`, including those with default values."""
        return self.model_dump(exclude=set(Method.model_fields))

    @property
    def variant(self) -> str:
        """The method with the keys of its entry that are not at their defaults, as in "igub prior=mean"."""
        changed = self.model_dump(exclude={"method"}, exclude_defaults=True)
        return " ".join([self.method, *(f"{key}={value}" for key, value in changed.items())])

    @property
    def input(self) -> str:
        """The input of the method: "label maps" or "glimpse"."""
        return methods.facts_of(self.method).input

    @property
    def cue(self) -> str:
        """The cue of the method: "cued", "uncued" or "baseline"."""
        return methods.facts_of(self.method).cue

    @pydantic.model_validator(mode="after")
    def _has_facts(self):
        methods.facts_of(self.method)
        return self


class OneOf:
    """An annotation for entries whose key `tag` names a module of a package, and whose other keys are the module's options.

    The options are the keyword-only parameters of the module's `function`, so a new module brings its own schema.
    """

    def __init__(self, package: ModuleType, tag: str, function: str):
        self.package, self.tag, self.function = package, tag, function

    def __get_pydantic_core_schema__(self, base, handler):
        names = module_names(self.package)
        choices = {name: handler.generate_schema(self.make_schema(base, name)) for name in names}

        def tag_of(entry: object) -> str:
            if not isinstance(entry, dict) or self.tag not in entry:
                raise ValueError(f"needs the key `{self.tag}`: one of {', '.join(names)}")
            return check_known(str(entry[self.tag]), names, self.tag)

        return core_schema.no_info_before_validator_function(
            lambda entry: tag_of(entry) and entry,
            core_schema.tagged_union_schema(choices, discriminator=self.tag),
        )

    def make_schema(self, base: type[Closed], name: str) -> type[Closed]:
        """Build the schema of the entries of one module."""
        function = getattr(load_module(self.package, name), self.function)
        texts = option_descriptions(function)
        fields: dict[str, Any] = {self.tag: (Literal[name], ...)}  # ty: ignore[invalid-type-form]: made at run time
        for option in inspect.signature(function).parameters.values():
            if option.kind is option.KEYWORD_ONLY:
                default = ... if option.default is option.empty else option.default
                fields[option.name] = (option.annotation, Field(default, description=texts.get(option.name)))
        return pydantic.create_model(name, __base__=base, **fields)
