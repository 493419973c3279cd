"""The queue engine in virtual time: what a described or recorded day would be like (docs/simulating.md).

arguments.py   what may be said on the command line      command.py    reads, runs, writes
scenario.py    the day file, validated                   draws.py      distributions of times
recorded.py    a recorded day, from CSV                  callers.py    who calls when
loop.py        events in order of time through acd.engine.Engine: the same engine that serves real calls
measure.py     facts -> figures by interval              report.py     table, CSV, JSON      chart.py   SVG, PNG
erlang.py      the formulas the simulator is checked against
"""
