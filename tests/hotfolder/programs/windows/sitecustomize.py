"""On the path, this makes each Python process simulate Windows from its first import on."""

from benchmarks.reliability.windows import become

become()
