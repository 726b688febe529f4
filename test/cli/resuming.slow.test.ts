// A run that Ctrl-C stops goes on as if it had never been stopped.
import { join } from "node:path";
import { readCheckpoint } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const cwd = temporaryFolder();
const path = (...parts: string[]) => join(cwd, ...parts);
const words = (text: string, more = {}) => innerloop(text.split(" "), { cwd, ...more });

const wave = "train sinusoid-10shot --meta-batch 4 --validate-every 200 --validate-episodes 4 --workers 0";

describe("Ctrl-C", () => {
  it("finishes the step, saves, and exits with 130; the run goes on as if never stopped, to the bit", async () => {
    let interrupted = false;
    const stopped = await words(`${wave} --iterations 900 --out stopped`, {
      onStderr(process: { kill(signal: string): void }, stderr: string) {
        if (interrupted || !stderr.includes("iteration   200")) return;
        interrupted = true;
        process.kill("SIGINT");
      },
    });
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toMatch(/Finishing this iteration, then saving. Press Ctrl-C again/);
    expect(stopped.stderr).toMatch(
      /everything is saved in stopped.\nGo on with: innerloop train --resume --out stopped/,
    );
    const midway = await readCheckpoint(path("stopped"));
    expect(midway.header.iteration).toBeGreaterThanOrEqual(200);
    expect(midway.header.iteration).toBeLessThan(900);

    const [resumed, straight] = [
      await words("train --resume --out stopped"),
      await words(`${wave} --iterations 900 --out straight`),
    ];
    expect([resumed.status, straight.status]).toEqual([0, 0]);
    const [a, b] = [await readCheckpoint(path("stopped")), await readCheckpoint(path("straight"))];
    expect(a.header.iteration).toBe(900);
    expect(a.tensors).toEqual(b.tensors);
    expect(a.best).toEqual(b.best);
    const scores = ({ header }: typeof a) => header.history.map(({ iteration, loss }) => [iteration, loss]);
    expect(scores(a)).toEqual(scores(b));
  });
});
