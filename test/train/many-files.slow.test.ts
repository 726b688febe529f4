// A hundred thousand files in folders: found in seconds, in little memory, and counted to the last.
import { execFileSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("many-files");
const [classes, each] = [200, 500];

test("100,000 pictures are found in seconds, in little memory", {
  timeout: 600_000,
}, () => {
  const dot = encode({ width: 2, height: 2, data: Uint8Array.of(0, 80, 160, 255), channels: 1, depth: 8 });
  for (let c = 0; c < classes; c++) {
    const inside = join(folder, "data", `group ${c % 10}`, `class ${c}`);
    mkdirSync(inside, { recursive: true });
    const first = join(inside, "0.png");
    writeFileSync(first, dot);
    // Links to one file take no room, and a directory is as long; a file has so many at most.
    for (let i = 1; i < each; i++) linkSync(first, join(inside, `${i}.png`));
    copyFileSync(first, join(inside, "notes.txt"));
  }
  const script = join(folder, "find.mjs");
  writeFileSync(
    script,
    `import { readers } from ${JSON.stringify(import.meta.resolve("@innerloop/train"))};
const before = process.resourceUsage().maxRSS;
const started = performance.now();
const { classes, leftOut } = await readers.named("images").files.find(process.argv[2], {});
console.log(JSON.stringify({
  classes: classes.length,
  items: classes.reduce((sum, { items }) => sum + items.length, 0),
  others: leftOut[0].count,
  seconds: (performance.now() - started) / 1000,
  megabytes: (process.resourceUsage().maxRSS - before) / 1024,
}));`,
  );
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const found = JSON.parse(execFileSync(process.execPath, [script, join(folder, "data")], { encoding: "utf8", cwd }));
  expect(found).toMatchObject({ classes, items: classes * each, others: classes });
  expect(found.seconds).toBeLessThan(10);
  expect(found.megabytes).toBeLessThan(200);
});
