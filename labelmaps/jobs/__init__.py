"""Modules that a job of any stage needs: its arguments from Snakemake (`script`), log, progress bars, GPU, memory, threads.

This room imports nothing of the package except `errors`. Code that has nothing to do with label maps belongs here.
"""
