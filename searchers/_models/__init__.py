"""What model-based searchers share: encodings, models of answers, what an answer would improve, whom to ask about."""
