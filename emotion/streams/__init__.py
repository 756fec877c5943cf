"""What moves: videos and live cameras. Faces are followed from frame to frame and summed up over time."""

__all__: list[str] = []
