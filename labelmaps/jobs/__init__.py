"""What a job of any stage needs: its arguments from Snakemake (`script`), a log, progress bars, a GPU, memory, threads.

This room imports nothing of the package but `errors`. What has nothing to do with label maps belongs here.
"""
