"""What the workflow needs besides the science: its settings, what follows from them, and which code a rule depends on."""
