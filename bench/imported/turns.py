"""Turns of several sides in one process, so that what else a machine does meets all of them alike."""

import time


# Rounds that are taken however long they last: a median of fewer says little.
FEWEST = 3


def turns_of(runs, threads, rounds, seconds, enough=0.02):
    """
    Milliseconds of each side, an entry a round: first to last in one, last to first in the next, so that a drift cancels out. On one
    thread it is the processor's time that counts, which other processes take none of; on several, the clock's, since those that wait
    burn time too. After some seconds no further round begins.
    """
    clock = time.process_time if threads == 1 else time.perf_counter
    found = {side: [] for side in runs}
    begun = time.perf_counter()
    for done in range(rounds):
        if done >= min(FEWEST, rounds) and time.perf_counter() - begun > seconds:
            break
        for side in runs if done % 2 == 0 else reversed(runs):
            found[side].append(turn(runs[side], clock, enough) * 1e3)
    return found


def turn(run, clock, enough):
    """The median of as many runs as take some time, after one that does not count. What runs in another process is timed there, in the same way."""
    if hasattr(run, "turn"):
        return run.turn(enough)
    start = clock()
    run()
    first = clock() - start
    # What takes long has nothing to warm up but itself.
    times = [first] if first > 0.1 else []
    while not times or sum(times) < enough:
        start = clock()
        run()
        times.append(clock() - start)
    return sorted(times)[len(times) // 2]
