"""The figures that the classic lessons published, and how ours are read off a lesson.

By experiment: (what, the published figure, an expression in the lesson's variables right after the
experiment's cell that gives our values, one a seed). EXPLAINED says why a figure lies apart from
ours by more than the spread: by experiment, or by "experiment: what".
"""

PUBLISHED = {}
EXPLAINED = {}
