// The door: bundles that were trained already, to adapt as they are or to train on from, and the folders they lie in.
import { fileURLToPath } from "node:url";
import { InnerloopError } from "@innerloop/schemas/bundle";

/** A bundle that ships with the package. */
export interface StarterBundle {
  /** What it is called wherever a bundle is asked for. */
  readonly name: string;
  /** What it tells apart, in a line. */
  readonly summary: string;
  /** The folder that it lies in. */
  readonly folder: string;
}

const bundle = (name: string, summary: string): StarterBundle => ({
  name,
  summary,
  folder: fileURLToPath(new URL(`../${name}`, import.meta.url)),
});

/** All of them. */
export const starterBundles: readonly StarterBundle[] = [
  bundle("drawings", "drawn symbols: pictures of 28×28 pixels, ink on paper"),
  bundle("motions", "gestures of a device in a hand: two seconds of an accelerometer on three axes"),
  bundle("sounds", "words, whistles, knocks: the loudest second of a recording"),
];

/**
 * The folder of a bundle that ships with the package, for `Learner.load`.
 *
 * @throws InnerloopError `unknown-bundle` (status 2) for another name, listing those there are
 */
export function starterBundle(name: string): string {
  const found = starterBundles.find((each) => each.name === name);
  if (found) return found.folder;
  throw new InnerloopError(
    "unknown-bundle",
    `No bundle called ${JSON.stringify(String(name).slice(0, 80))} ships with @innerloop/bundles; there are ${starterBundles.map((each) => each.name).join(", ")}.`,
    { exitStatus: 2 },
  );
}
