// The command that a result ends with can be copied into a shell as it stands.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";

const cwd = temporaryFolder();

it("commands to copy lead to their paths, whatever a shell makes of their letters", async () => {
  const run = 'it\'s "a" $run; & <b> ~ 中\n1';
  await writeImages(join(cwd, "photos of mine"), 12, 6);
  const trained = await innerloop(
    [
      ..."train --data images:photos`of`mine --algorithm prototypes --filters 4 --ways 2 --queries 2 --meta-batch 1".split(
        " ",
      ),
    ]
      .map((word) => word.replaceAll("`", " "))
      .concat(["--iterations", "1", "--validate-episodes", "2", "--out", run]),
    { cwd },
  );
  expect(trained.status, trained.stderr).toBe(0);
  const command = /Next: (innerloop [\s\S]*)\n$/.exec(trained.stdout)![1]!;
  const taken = execFileSync("bash", ["-c", `innerloop() { printf '%s\\0' "$@"; }\n${command}`], { encoding: "utf8" });
  expect(taken.split("\0").slice(0, -1)).toEqual(["export", run]);
  const exported = await innerloop(["export", run], { cwd });
  expect(exported.status, exported.stderr).toBe(0);
  expect(exported.stdout).toMatch(/Next: innerloop eval \$'/);
});
