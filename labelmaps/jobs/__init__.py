"""What a job needs of its machine: its log, progress, a GPU, memory, threads that read ahead, a private folder.

Imports nothing of the package but `errors`. New here: whatever a job of any stage asks of the machine.
"""
