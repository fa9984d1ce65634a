"""The command line of the benchmark: `python -m benchmarks`."""
import asyncio, os, sys
from pathlib import Path
from benchmarks.workdir import WorkDir
from benchmarks.editions import measure_editions
os.sched_setaffinity(0,{1})
print(asyncio.run(measure_editions(WorkDir(Path(sys.argv[1])), int(sys.argv[2]))))
