"""Into how many parts a network's label maps are divided, once some of them are there."""

import re
from collections import Counter
from pathlib import Path


def n_parts_begun(folder: str | Path) -> int | None:
    """Count the parts into which a folder was divided, of which it holds some; None where there is none yet.

    Parts are files {part}of{parts}.h5. Of several divisions, that of which the larger share is there.
    """
    names = [re.fullmatch(r"\d+of(\d+)\.h5", path.name) for path in Path(folder).glob("*of*.h5")]
    finished = Counter(int(name[1]) for name in names if name)
    return max(finished, key=lambda parts: (finished[parts] / parts, parts), default=None)
