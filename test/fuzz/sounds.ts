// Files of sound, as encoders write them, changed in a few places.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preprocess } from "@innerloop/runtime/input";
import type { SoundPreprocessing } from "@innerloop/schemas";
import { readers } from "@innerloop/train";
import fc from "fast-check";
import { readRecorded } from "../support/recorded.ts";
import { mutatedBytes } from "./mutate.ts";
import type { Target } from "./run.ts";

export const soundsTarget: Target = {
  name: "sounds",
  memory: 512e6,
  open() {
    const folder = mkdtempSync(join(tmpdir(), "innerloop-fuzz-"));
    const file = join(folder, "sound");
    const recorded = readRecorded<{ readonly bytes: string }[]>("train/recorded/sounds.json");
    const whole = recorded.map(({ bytes }) => new Uint8Array(Buffer.from(bytes, "base64")));
    const kind = readers.named("sound").files!;
    const how: SoundPreprocessing = {
      ...{ kind: "sound", rate: 8000, length: 800, frame: 200, hop: 100, bands: 10, lowest: 80, highest: 3600 },
      ...{ relative: true, floor: 1e-4, mean: 0, std: 1 },
    };
    return {
      inputs: fc.nat(whole.length - 1).chain((i) => mutatedBytes(whole[i]!)),
      async run(bytes: Uint8Array) {
        writeFileSync(file, bytes);
        const raw = await kind.read({ name: "sound", file });
        const example = preprocess(how, raw);
        if (!example.every(Number.isFinite)) throw new Error(`an example of ${example}`);
        kind.examples({ name: "sound", file }, raw, how, {});
      },
      show: (bytes: Uint8Array) => Buffer.from(bytes).toString("base64"),
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
};
