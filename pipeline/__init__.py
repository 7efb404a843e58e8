"""The workflow apart from the science: its settings, what follows from them, and the code on which a rule depends."""
