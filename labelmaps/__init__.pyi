"""What the package exports, for editors and for the check of types; at run time it is imported when it is first used."""

from labelmaps.errors import InputError as InputError
from labelmaps.looking.look import look as look
from labelmaps.looking.result import Look as Look
from labelmaps.results import Results as Results
