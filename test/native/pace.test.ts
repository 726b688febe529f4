// How many threads runs have, by how long they take: on machines whose cores are near, far, and near again.
import { Pace } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";

/** Runs by a pace, with the milliseconds that one of so many threads takes; how many threads each had. */
function runs(pace: Pace, count: number, takes: (threads: number, run: number) => number, most = 2): number[] {
  return Array.from({ length: count }, (_, run) => {
    const threads = pace.threads(most);
    if (!pace.settled) pace.took(takes(threads, run));
    return threads;
  });
}

const alone = (threads: readonly number[]): number => threads.filter((each) => each === 1).length;
const near = (threads: number): number => (threads === 1 ? 4 : 3);
const far = (threads: number): number => (threads === 1 ? 4 : 7.5);

describe("runs of a program", () => {
  it("have as many threads as they may where that is quicker, and one in a few of a hundred", () => {
    const all = runs(new Pace(), 2000, near, 8);
    expect(all.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 8));
    expect(alone(all) / all.length).toBeLessThan(0.025);
    expect(new Set(all)).toEqual(new Set([1, 8]));
  });

  it("have one where that is quicker, after a few of them", () => {
    const all = runs(new Pace(), 1000, far);
    expect(all.slice(16).filter((each) => each === 2).length / all.length).toBeLessThan(0.03);
    expect(alone(all.slice(0, 16))).toBeGreaterThan(3);
  });

  it("follow what changes meanwhile", () => {
    const pace = new Pace();
    runs(pace, 500, near);
    // Runs that take longer than usual are noticed at once, that more threads have become quicker when they are tried.
    expect(alone(runs(pace, 30, far))).toBeGreaterThan(20);
    runs(pace, 500, far);
    const after = runs(pace, 200, near);
    expect(alone(after.slice(132))).toBeLessThan(10);
  });

  it("are not held to one by a single slow run, nor by the first, which reads all for the first time", () => {
    const pace = new Pace();
    const all = runs(pace, 500, (threads, run) => (run === 0 || run % 50 === 7 ? 40 : near(threads)));
    expect(alone(all) / all.length).toBeLessThan(0.05);
  });

  it.each([0.02, 400])("of %f milliseconds are not tried", (takes) => {
    expect(alone(runs(new Pace(), 300, () => takes))).toBe(0);
  });

  it("have one thread where they may have no more", () => {
    expect(alone(runs(new Pace(), 100, far, 1))).toBe(100);
  });
});
