// What a device checks of a manifest against the schema's own validator: where the device looks, both say the same.
import { type Manifest, manifestSchema, validateManifest } from "@innerloop/schemas";
import { checkManifest } from "@innerloop/schemas/bundle";
import { checkPreprocessing } from "@innerloop/schemas/preprocessing";
import { describe, expect, test } from "vitest";
import { codeOf } from "../support/refusal.ts";
import { listed, sampleManifest } from "./sample.ts";

const manifest: Manifest = {
  ...sampleManifest,
  output: { ways: 5, size: 2 },
  files: { ...sampleManifest.files, "predict-transductive.onnx": listed },
};

/** Where running a bundle does not look. */
const UNUSED = new RegExp(
  "^(created|producer|input.preprocessing|opset|irVersion|verification|training|metrics|innerLoop.(head|rates|shots)|" +
    "confidence.(episodes|uncalibratedError|expectedCalibrationError|rejection.(falseAccepts|kept)))\\b",
);
const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  true,
  "",
  "nonsense",
  -1,
  0,
  0.5,
  3,
  1e9,
  [],
  [-1],
  {},
  { a: 1 },
];

/** Every place in a value, as the keys that lead there. */
function placesOf(value: unknown, path: readonly string[] = []): string[][] {
  const below = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [...(path.length > 0 ? [[...path]] : []), ...below.flatMap(([key, it]) => placesOf(it, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  if (rest.length > 0) copy[key!] = replaced(copy[key!], rest, by);
  else if (by === undefined) delete copy[key!];
  else copy[key!] = by;
  return copy;
}

describe("what a device checks", () => {
  test("accepts what is right, with keys that the format does not name", () => {
    expect(checkManifest(manifest, "m")).toBe(manifest);
    expect(() => checkManifest({ ...manifest, note: "mine" }, "m")).not.toThrow();
  });

  test("refuses what the schema refuses, and nothing else, wherever running depends on it", () => {
    let refused = 0;
    // What only goes together with a place where the device does not look is left out for the others.
    const { preprocessing: _, ...input } = manifest.input;
    const alone = { ...manifest, input, innerLoop: { ...manifest.innerLoop, rates: {} } };
    for (const path of placesOf(manifest)) {
      for (const by of NONSENSE) {
        // A list without an entry cannot be written in JSON.
        if (by === undefined && /^\d+$/.test(path.at(-1)!)) continue;
        const place = path.join(".");
        const changed = replaced(UNUSED.test(place) ? manifest : alone, path, by);
        const ours = codeOf(() => checkManifest(changed, "m"));
        const whole = codeOf(() => validateManifest(changed, "m"));
        if (!UNUSED.test(place)) expect(`${place}: ${ours}`, JSON.stringify(by)).toBe(`${place}: ${whole}`);
        else expect(["accepted", whole]).toContain(ours);
        if (ours !== "accepted") refused++;
      }
    }
    expect(refused).toBeGreaterThan(300);
  });

  test("looks at every key that the schema requires, but for those that it does not run on", () => {
    for (const key of manifestSchema.required ?? []) {
      const without = replaced(manifest, [key], undefined);
      expect(codeOf(() => checkManifest(without, "m"))).toBe(UNUSED.test(key) ? "accepted" : "manifest-invalid");
    }
  });

  test("says what was given, what was expected and what to do", () => {
    const said = (path: string[], by: unknown) => {
      try {
        return checkManifest(replaced(manifest, path, by), "bundle/manifest.json");
      } catch (cause) {
        return (cause as Error).message;
      }
    };
    const end = "; copy the bundle again, or export it again";
    expect(said(["input", "shape", "1"], 2.5)).toBe(
      `bundle/manifest.json: input.shape[1] must be a whole number from 1, got 2.5${end}`,
    );
    expect(said(["files", "adapt.onnx"], undefined)).toBe(
      `bundle/manifest.json: files.adapt.onnx is missing; it must be an object of named values${end}`,
    );
    expect(said(["task"], "ranking")).toBe(
      `bundle/manifest.json: task must be "classification" or "regression", got "ranking"${end}`,
    );
    expect(said(["version"], 2)).toBe(
      "bundle/manifest.json: it has version 2 and this release reads version 1; upgrade @innerloop/runtime",
    );
    expect(() => checkManifest([], "m")).toThrow(/^m: format is missing; it must be "innerloop-bundle"/);
    expect(() => checkManifest(null, "m")).toThrow(/^m: a manifest must be an object of named values, got null/);
  });
});

describe("preprocessing, which is checked where something is preprocessed", () => {
  const image = { kind: "image", width: 6, height: 5, channels: 3, invert: true, mean: 0, std: 1 } as const;
  const window = { kind: "window", length: 30, channels: 3, rate: 50, mean: [0, 1, 2], std: 2 } as const;
  const sound = {
    ...{ kind: "sound", rate: 16_000, length: 16_000, frame: 400, hop: 160, bands: 40, lowest: 20, highest: 8000 },
    ...{ relative: true, floor: 1e-4, mean: -6, std: 2 },
  } as const;
  const row = {
    kind: "row",
    columns: [
      { name: "a", kind: "number", mean: 0, std: 1, missing: 2 },
      { name: "b", kind: "category", values: ["x", "y"] },
    ],
  } as const;
  const input = (preprocessing: unknown) =>
    ({ ...manifest.input, shape: [5, 6, 3], preprocessing }) as Manifest["input"];
  const whole = (preprocessing: unknown) => ({ ...manifest, input: input(preprocessing) });

  test("is accepted as it should be, and may be absent", () => {
    for (const right of [image, { ...window, mean: 0 }, window]) {
      const changed = right.kind === "window" ? { ...input(right), shape: [30, 3] } : input(right);
      expect(checkPreprocessing(changed as Manifest["input"])).toBe(right);
      expect(() => validateManifest(whole(right), "m")).not.toThrow();
    }
    expect(checkPreprocessing({ shape: [1], dtype: "float32" })).toBeUndefined();
  });

  test.each([
    ["image", image] as const,
    ["window", { ...window, length: 30, pad: true }] as const,
    ["sound", sound] as const,
    ["row", row] as const,
  ])("of the kind %s is refused where the schema refuses it", (_, right) => {
    let refused = 0;
    for (const path of placesOf(right)) {
      for (const by of NONSENSE) {
        if (by === undefined && /^\d+$/.test(path.at(-1)!)) continue;
        const changed = replaced(right, path, by);
        const schema = codeOf(() => validateManifest(whole(changed), "m"));
        const ours = codeOf(() => checkPreprocessing(input(changed)));
        const place = `${path.join(".")} ${JSON.stringify(by)}`;
        // What the schema cannot see: whether the sizes go together.
        if (schema !== "accepted") expect(ours, place).toBe(path[0] === "kind" ? "newer-version" : "manifest-invalid");
        else if (ours !== "accepted")
          expect(
            ["width", "height", "channels", "length", "mean", "std", ...Object.keys(sound), "columns"],
            place,
          ).toContain(path[0]);
        if (ours !== "accepted") refused++;
      }
    }
    expect(refused).toBeGreaterThan(60);
  });

  test("says what does not go together in a sound or a row", () => {
    const said = (preprocessing: unknown, shape: readonly number[]) => {
      const wrong = { ...manifest.input, shape, preprocessing } as Manifest["input"];
      expect(codeOf(() => validateManifest({ ...manifest, input: wrong }, "m"))).toBe(
        codeOf(() => checkPreprocessing(wrong)),
      );
      try {
        return checkPreprocessing(wrong) && "accepted";
      } catch (cause) {
        return (cause as Error).message.replace(/^the manifest: preprocessing (.*); export the bundle again$/, "$1");
      }
    };
    expect(said(sound, [98, 40, 1])).toBe("accepted");
    expect(said(sound, [98, 41, 1])).toBe("makes [98, 40, 1], and an example is [98, 41, 1]");
    for (const [changes, words] of [
      [{ length: 300 }, "has frames of 400 samples in sounds of 300"],
      [{ hop: 401 }, "has frames of 400 samples every 401, which leave some out"],
      [{ highest: 8001 }, "has bands up to 8001 Hz, and 16000 samples a second hold 8000 Hz"],
      [{ lowest: 8000 }, "has bands from 8000 to 8000 Hz"],
      [{ length: 4_000_000, hop: 1 }, "has 3999601 frames of 400 samples, more than are taken"],
      [{ bands: 200 }, "has 200 bands, and number 3 lies between the frequencies that 400 samples tell apart"],
      [{ bands: 513 }, /bands must be a whole number from 1 to 512, got 513/],
      [{ length: 2 ** 23 }, /length must be a whole number from 2 to 4194304/],
    ] as const)
      expect(said({ ...sound, ...changes }, [98, 40, 1])).toEqual(
        typeof words === "string" ? words : expect.stringMatching(words),
      );
    expect(said(row, [3])).toBe("accepted");
    expect(said(row, [4])).toBe("makes [3], and an example is [4]");
    const [number, category] = row.columns;
    expect(said({ kind: "row", columns: [] }, [0])).toMatch(/has no columns/);
    expect(said({ kind: "row", columns: [number, { ...category, name: "a" }] }, [3])).toBe('has the column "a" twice');
    expect(said({ kind: "row", columns: [{ ...category, values: ["x", "x"] }] }, [2])).toBe(
      'has the value "x" of "b" twice',
    );
    expect(said({ kind: "row", columns: [number, { ...category, values: [] }] }, [1])).toBe('has no values of "b"');
    const text = { kind: "text", length: 8, padding: 0, tokenizer: '{"model":{}}' };
    expect([said(text, [8]), said(text, [9])]).toEqual(["accepted", "makes [8], and an example is [9]"]);
    expect(said({ ...text, tokenizer: "{" }, [8])).toBe("has a tokenizer that is no tokenizer.json");
    const bytes = { kind: "bytes", first: 3, last: 2, padding: 256, trim: 9 };
    expect([said(bytes, [5]), said(bytes, [4])]).toEqual(["accepted", "makes [5], and an example is [4]"]);
    expect(said({ ...bytes, first: 0, last: 0 }, [0])).toBe("takes no bytes");
  });

  test("says what is wrong", () => {
    const said = (preprocessing: unknown) => {
      try {
        return checkPreprocessing(input(preprocessing));
      } catch (cause) {
        return (cause as Error).message;
      }
    };
    expect(said({ ...image, std: 0 })).toBe(
      "the manifest: input.preprocessing.std must be a number above 0, got 0; export the bundle again",
    );
    expect(said({ ...image, width: 7 })).toBe(
      "the manifest: preprocessing makes [5, 7, 3], and an example is [5, 6, 3]; export the bundle again",
    );
    expect(said({ ...window, std: [1, 2] })).toBe(
      "the manifest: preprocessing has 2 means or deviations for 3 channels; export the bundle again",
    );
    expect(said({ kind: "video" })).toBe(
      'the manifest\'s input.preprocessing is of the kind "video", and this release knows image, window, sound, row, text and bytes; ' +
        "upgrade @innerloop/runtime, or give the numbers of an example",
    );
  });
});
