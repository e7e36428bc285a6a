"""HW-GPT-Bench: its architectures, their exact costs, and the additive model of what was measured."""
