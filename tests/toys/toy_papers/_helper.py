"""What one of the models imports."""


def offset() -> float:
    return 0.5
