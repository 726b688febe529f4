// Trains the bundles of gestures and sounds anew, and measures them beside those that are here, on the same 600 episodes of classes
// that neither has met. One takes the place of what is here where it is no worse at one example a class and at five.
//
//   npm run starters [-- motions sounds] [--minutes 10] [--seed 0] [--episodes 600]
import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const command = join(here, "..", "cli", "bin", "innerloop.js");
const presets = { motions: "motions-5way-1shot", sounds: "tones-5way-1shot" };
const shots = ["1", "5"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "0" },
    episodes: { type: "string", default: "600" },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(presets);
const unknown = names.find((name) => !Object.hasOwn(presets, name));
if (unknown !== undefined) {
  console.error(`"${unknown}" was given; ${Object.keys(presets).join(" and ")} can be made; see bundles/README.md`);
  process.exit(2);
}

/** @returns what a command prints; where it fails, so does this */
function innerloop(...args) {
  const { status, stdout } = spawnSync(process.execPath, [command, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

const measured = (bundle) =>
  shots.map((each) =>
    JSON.parse(innerloop("eval", bundle, "--ways", "5", "--shots", each, "--episodes", values.episodes, "--json")),
  );

const shown = ({ mean, ci95 }) => `${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`;

for (const name of names) {
  const run = join("runs", `starter-${name}`);
  rmSync(run, { recursive: true, force: true });
  innerloop("train", presets[name], "--minutes", values.minutes, "--seed", values.seed, "--out", run);
  innerloop("export", run);
  const [before, after] = [join(here, name), join(run, "bundle")].map(measured);
  shots.forEach((each, i) => {
    const { accuracy, nearestNeighbour, logisticRegression } = after[i];
    console.log(
      `${name}, 5-way ${each}-shot: ${shown(accuracy)}, before ${shown(before[i].accuracy)}; ` +
        `nearest neighbour ${shown(nearestNeighbour)}, logistic regression ${shown(logisticRegression)}`,
    );
  });
  if (shots.some((_, i) => after[i].accuracy.mean < before[i].accuracy.mean)) {
    console.log(`${name}: what is here stays, since the new one is worse; the run is ${run}`);
    continue;
  }
  cpSync(join(run, "bundle"), join(here, name), { recursive: true });
  console.log(`${name}: the new one is here now; the run is ${run}`);
}
