"""What a job of any stage needs from its machine: a log, progress bars, a GPU, memory, threads that read ahead.

This room imports nothing of the package but `errors`. Code that manages a resource of the machine belongs here.
"""
