// The Python example, which knows nothing but the bundle's files, says what the command line says. It runs where Python
// has onnxruntime, numpy and Pillow: INNERLOOP_PYTHON, or else python3.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@innerloop/export";
import { preprocess } from "@innerloop/runtime/input";
import { marginOf } from "@innerloop/schemas";
import { anil, conv4 } from "@innerloop/train";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { randomWeights } from "../export/learners.ts";
import { picture } from "../runtime/pictures.ts";
import { itUnless } from "../support/absent.ts";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";
import { python, pythonLacks } from "../support/python.ts";

const absent = pythonLacks("onnxruntime", "numpy", "PIL");
const example = fileURLToPath(new URL("../../examples/python/few_shot.py", import.meta.url));

describe("examples/python", () => {
  it("is short enough to read", async () => {
    const { readFile } = await import("node:fs/promises");
    expect((await readFile(example, "utf8")).trimEnd().split("\n").length).toBeLessThanOrEqual(60);
  });

  itUnless(absent, "adapts and predicts as the runtime does", { timeout: 60_000 }, async () => {
    const cwd = temporaryFolder();
    const learner = anil(conv4([28, 28, 1], 5, { filters: 8 }), { steps: 3, innerRate: 0.1, head: "zero" });
    const preprocessing = { kind: "image", width: 28, height: 28, channels: 1, invert: true, mean: 0, std: 1 } as const;
    const { manifest, files } = buildBundle(learner, randomWeights(learner), { preprocessing });
    // As export measures it; the temperature depends on the number of examples.
    const measured = { expectedCalibrationError: 0.01, uncalibratedError: 0.02, episodes: 100 };
    const usual = {
      level: 1,
      shotsSlope: 0.2,
      waysSlope: 0.1,
      deviation: 0.2,
      waysExponent: -0.8,
      leastDeviation: 0.1,
    };
    const limits = { tolerance: 1.5, closer: 2, wider: 3, knee: 0.4 };
    const slopes = { temperatureSlope: -0.9, temperatureCloseSlope: 1.2, temperatureCloseShotsSlope: 0.3 };
    const shifted = { episodes: 100, expectedCalibrationError: 0.02, unlike: 0.7, unlikeOrdinary: 0.01 };
    const spread = { ...usual, ...limits, ...slopes, shifted };
    const confidence = { ways: 5, shots: 1, temperature: 1.7, temperatureSlope: 0.6, ...measured, spread };
    const bundle = join(cwd, "bundle");
    mkdirSync(bundle);
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(bundle, file), bytes);
    writeFileSync(join(bundle, "manifest.json"), JSON.stringify({ ...manifest, confidence }));
    await writeImages(join(cwd, "support"), 3, 2);
    await writeImages(join(cwd, "query"), 3, 3);
    const queries = filesIn(join(cwd, "query"));
    // In colour, partly transparent, and of a size that is no multiple of 28.
    for (const file of queries) {
      const drawn = sharp(readFileSync(file)).resize(53, 41, { fit: "fill" });
      writeFileSync(file, await drawn.tint("#c06020").ensureAlpha(0.8).png().toBuffer());
    }

    const { stdout, stderr, status } = spawnSync(python, [example, bundle, join(cwd, "support"), ...queries], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    const said = [...stdout.matchAll(/^(\S+): (\S+) \(([\d.]+)\)$/gm)].map(([, input, label, odds]) => ({
      input,
      label,
      probability: Number(odds),
    }));

    const adapted = await innerloop(["adapt", "bundle", "--support", "support", "--out", "mine.safetensors"], { cwd });
    expect([adapted.status, adapted.stderr.includes("error")]).toEqual([0, false]);
    // Random weights tell such classes less well apart than is said to be usual, and both say so.
    for (const text of [stdout, adapted.stdout])
      expect(text).toMatch(/^careful: .*unlike what this bundle was trained on/m);
    const predicted = await innerloop(["predict", "bundle", "--params", "mine.safetensors", ...queries, "--json"], {
      cwd,
    });
    const expected = JSON.parse(predicted.stdout) as { input: string; label: string; probability: number }[];
    expect(said.length).toBe(9);
    for (const [i, { input, label, probability }] of expected.entries()) {
      expect(said[i]).toMatchObject({ input, label });
      // It prints four digits.
      expect(Math.abs(said[i]!.probability - probability)).toBeLessThan(1e-4);
    }
  });

  itUnless(absent, "has the margin around pictures that the runtime has", { timeout: 60_000 }, () => {
    const how = { kind: "image", width: 12, height: 11, channels: 3, invert: false, mean: 0, std: 1 } as const;
    for (const settings of [{ margin: 0.2 }, { margin: 0.1, ground: 250 }]) {
      const code = [
        "import json, sys, numpy as np",
        `sys.path.insert(0, ${JSON.stringify(join(example, ".."))})`,
        "from margin import framed, inner",
        "how, pixels = json.load(sys.stdin)",
        "width, height = inner(how)",
        "pixels = np.array(pixels).reshape(height, width, 3)",
        "print(json.dumps(framed(pixels, how).ravel().tolist()))",
      ].join("\n");
      const [across, down] = [marginOf(12, settings.margin), marginOf(11, settings.margin)];
      const source = picture(12 - 2 * across, 11 - 2 * down, 3);
      const input = JSON.stringify([{ ...how, ...settings }, [...source.data]]);
      const { stdout, stderr } = spawnSync(python, ["-c", code], { encoding: "utf8", input });
      expect(stderr).toBe("");
      const made = preprocess({ ...how, ...settings }, source);
      expect(JSON.parse(stdout)).toEqual(Array.from(made, (value) => Math.round(255 * value)));
    }
  });
});
