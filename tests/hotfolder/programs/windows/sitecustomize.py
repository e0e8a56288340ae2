"""On the path, this makes each Python process play Windows from its first import on."""

from benchmarks.reliability.windows import become

become()
