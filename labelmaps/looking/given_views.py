"""The view that a caller of `labelmaps.look` gives: a family with its options."""

from collections.abc import Mapping

from labelmaps import views
from labelmaps.errors import InputError
from labelmaps.looking.given_network import GivenNetwork
from labelmaps.modules import check_options, load_module, module_names
from labelmaps.views import View


def read_view(view: object, network: GivenNetwork) -> View:
    """Read the view that a caller gives, with the values that are left to the network.

    view: a family's name, {"family": …, options…}, or a `View`. Raises `InputError` for a family or options that there are
    not, and for values that make no sense.
    """
    if isinstance(view, str):
        view = {"family": view}
    elif not isinstance(view, Mapping) and all(
        hasattr(view, name) for name in ("grid", "geometry", "sample")
    ):
        family = type(view).__module__
        if family.rpartition(".")[0] != views.__name__:
            return view  # ty: ignore[invalid-explicit-return]: of a family elsewhere, whose options are not known
        view = {"family": family.rpartition(".")[2], **vars(view)}
    if not isinstance(view, Mapping) or "family" not in view:
        families = ", ".join(module_names(views))
        raise InputError(
            f'view: {view!r}. Give a family ({families}), or {{"family": …}} with its options, such as grid'
        )
    options = {key: value for key, value in view.items() if key != "family"}
    family = str(view["family"])
    check_options(load_module(views, family).View, options, f"view: {family}")
    try:
        # What the options leave to the network may be a default of the family.
        return views.create_view(family, **options | network.own_options(options))
    except (TypeError, ValueError) as error:
        raise InputError(f"view: {family}: {error}") from error
