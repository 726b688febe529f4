// The page examples are outside the build (Vite makes them), so their types are checked here, as strictly as all others.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

it.each(["web", "react"])("examples/%s", { timeout: 60_000 }, (name) => {
  const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", `examples/${name}`], {
    cwd: root,
    encoding: "utf8",
  });
  expect([stdout, status]).toEqual(["", 0]);
});
