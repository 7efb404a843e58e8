"""What the workflow needs besides the science: its settings, and which code a rule depends on."""
