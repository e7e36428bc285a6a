"""The nouns: costs, spaces, objectives, problems, capabilities, and pure measures of fronts."""
