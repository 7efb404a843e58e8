"""What a run would do and need, found out before it: for the command `labelmaps check`.

`configuration` reads files as Snakemake does; `data` indexes a data set in memory; `networks` checks a network on two of its
images and times some views; `cost` reckons disk and time; `report` says it all, line by line. Whatever needs a file has it
in a temporary folder: nothing is written where a run writes. All is found by the very functions that the jobs call.
The rules import nothing of this package.
"""
