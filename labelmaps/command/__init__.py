"""The command `labelmaps`: `look` at a photo through a network, `check` a configuration before it runs.

`app` reads the command line, and says what fails in one line; a module for each command says what it does. No module imports
at its top what takes a second, so that help comes at once. This room may import all others; `check` needs a clone of the
workflow, and takes from there what it runs (`pipeline.preview`).
"""
