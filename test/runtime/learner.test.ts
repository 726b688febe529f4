// A learner against what the format promises, worked out here in float64; and its life: overlap, saving, disposing.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InnerloopError, Learner } from "@innerloop/runtime";
import { encodeSafetensors } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { LINEAR, writeBundle } from "./fixture.ts";
import { descend, expectClose, noise, support } from "./oracle.ts";

const CPU = { provider: "cpu" } as const;

describe("adapt", () => {
  it("gives what gradient descent in float64 gives", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const examples = support(1, ["wave", "tap", "turn", "tap", "wave", "turn"]);
    const mine = await learner.adapt(examples);
    const truth = descend(
      examples.map((it) => it.data as Float32Array),
      [0, 1, 2, 1, 0, 2],
      3,
      5,
    );

    expect(mine.labels).toEqual(["wave", "tap", "turn"]);
    expectClose(mine.supportLoss, truth.losses);
    expectClose(mine.state["head/weight"]!.data as Float32Array, truth.weight);
    expectClose(mine.state["head/bias"]!.data as Float32Array, truth.bias);
    expect(Object.keys(mine.state)).toEqual(["head/weight", "head/bias"]);

    const query = noise(99, 4);
    const answer = await mine.predict(query);
    const expected = truth.predict(query);
    expectClose([answer.probabilities.wave!, answer.probabilities.tap!, answer.probabilities.turn!], expected);
    expect(answer.probability).toBe(Math.max(...Object.values(answer.probabilities)));
    expect(answer.label).toBe(mine.labels[expected.indexOf(Math.max(...expected))]);
    await learner.dispose();
  });

  it("takes fewer classes than ways, and answers among those only", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const examples = support(2, ["on", "off", "on"]);
    const mine = await learner.adapt(examples, { steps: 9 });
    const truth = descend(
      examples.map((it) => it.data as Float32Array),
      [0, 1, 0],
      2,
      9,
    );
    expectClose(mine.supportLoss, truth.losses);
    const answer = await mine.predict(noise(5, 4));
    expect(Object.keys(answer.probabilities)).toEqual(["on", "off"]);
    expect(answer.logits).toHaveLength(2);
    expectClose(Object.values(answer.probabilities), truth.predict(noise(5, 4)));
    await learner.dispose();
  });

  it("takes examples as one array, as lists of numbers, and copies them", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const examples = support(3, ["a", "b"]);
    const expected = await (await learner.adapt(examples)).toBytes();
    const data = Float32Array.from(examples.flatMap((it) => [...it.data]));
    const batch = learner.adapt({ data, shape: [2, 2, 2, 1], labels: ["a", "b"] });
    data.fill(0);
    expect(await (await batch).toBytes()).toEqual(expected);
    const lists = examples.map((it) => ({ label: it.label, data: [...it.data], shape: [2, 2, 1] }));
    expect(await (await learner.adapt(lists)).toBytes()).toEqual(expected);
    await learner.dispose();
  });

  it("scales the learned rates: rate 0 and no steps change nothing", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const examples = support(4, ["a", "b", "c"]);
    const still = await learner.adapt(examples, { rate: 0 });
    const none = await learner.adapt(examples, { steps: 0 });
    expectClose(still.state["head/weight"]!.data as Float32Array, LINEAR.weight, 1e-7);
    expectClose(none.state["head/weight"]!.data as Float32Array, LINEAR.weight, 1e-7);
    expect(still.supportLoss).toHaveLength(6);
    expect(none.supportLoss).toHaveLength(1);
    const faster = await learner.adapt(examples, { rate: 2 });
    expect(faster.supportLoss.at(-1)).toBeLessThan((await learner.adapt(examples)).supportLoss.at(-1)!);
    await learner.dispose();
  });

  it("leaves the learner unchanged", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const query = noise(7, 4);
    const before = await learner.predict(query);
    const mine = await learner.adapt(support(5, ["a", "b", "c"]), { steps: 50 });
    expect((await mine.predict(query)).logits).not.toEqual(before.logits);
    expect(await learner.predict(query)).toEqual(before);
    expect(Object.keys(before.probabilities)).toEqual(["0", "1", "2"]);
    await learner.dispose();
  });

  it("gives 50 overlapping calls what it gives them one after another", async () => {
    const folder = writeBundle("linear");
    const serial = await Learner.load(folder, CPU);
    const expected: Uint8Array[] = [];
    for (let user = 0; user < 50; user++)
      expected.push(await (await serial.adapt(support(user, ["x", "y", "z"]))).toBytes());
    const learner = await Learner.load(folder, CPU);
    const all = await Promise.all(expected.map((_, user) => learner.adapt(support(user, ["x", "y", "z"]))));
    expect(await Promise.all(all.map((mine) => mine.toBytes()))).toEqual(expected);
    const answers = await Promise.all(all.map((mine, user) => mine.predict(noise(user, 4))));
    for (const [user, answer] of answers.entries()) expect(await all[user]!.predict(noise(user, 4))).toEqual(answer);
    await Promise.all([serial.dispose(), learner.dispose()]);
  });
});

describe("predict", () => {
  it("gives an example alone what it gives it in batches of 7 and 64", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const mine = await learner.adapt(support(6, ["a", "b", "c"]));
    const queries = Array.from({ length: 64 }, (_, index) => noise(500 + index, 4));
    const alone = await Promise.all(queries.map((query) => mine.predict(query)));
    const whole = await mine.predictBatch({ data: queries.flatMap((query) => [...query]), shape: [64, 2, 2, 1] });
    const sevens = [];
    for (let start = 0; start < 64; start += 7)
      sevens.push(...(await mine.predictBatch(queries.slice(start, start + 7))));
    for (const [index, { probabilities }] of alone.entries()) {
      expectClose(Object.values(whole[index]!.probabilities), Object.values(probabilities));
      expectClose(Object.values(sevens[index]!.probabilities), Object.values(probabilities));
    }
    expect(await mine.predictBatch([])).toEqual([]);
    await learner.dispose();
  });

  it("tells any number of classes apart where the head comes from the examples", async () => {
    const learner = await Learner.load(writeBundle("prototypes"), CPU);
    const labels = Array.from({ length: 12 }, (_, index) => `class ${index}`);
    const place = (index: number, shift = 0) => [Math.cos(index / 2) + shift, Math.sin(index / 2)];
    const mine = await learner.adapt(
      labels.flatMap((label, index) => [0.05, -0.05].map((shift) => ({ label, data: place(index, shift) }))),
    );
    expect(mine.state["head/prototypes"]!.shape).toEqual([12, 2]);
    const answers = await mine.predictBatch(labels.map((_, index) => place(index, 0.01)));
    expect(answers.map((answer) => answer.label)).toEqual(labels);
    await learner.dispose();
  });

  it("keeps the places of a fixed label set, and answers among the labels it was shown", async () => {
    const fixed = ["north", "east", "south", "west"];
    const folder = writeBundle("prototypes", (manifest) => {
      manifest.labels = fixed;
    });
    const learner = await Learner.load(folder, CPU);
    const mine = await learner.adapt([
      { label: "south", data: [0, -1] },
      { label: "east", data: [1, 0] },
    ]);
    expect(mine.labels).toEqual(["east", "south"]);
    for (const personal of [mine, await learner.restore(await mine.toBytes())]) {
      const answer = await personal.predict([0.2, -0.9]);
      expect(answer.label).toBe("south");
      expect(Object.keys(answer.probabilities)).toEqual(["east", "south"]);
      expect(answer.probability).toBeGreaterThan(0.5);
    }
    await learner.dispose();
  });

  it("fits a line", async () => {
    const learner = await Learner.load(writeBundle("line"), { ...CPU, task: "regression" });
    const x = [-1, -0.5, 0, 0.5, 1];
    const mine = await learner.adapt({
      x: { data: x, shape: [5, 1] },
      y: { data: x.map((it) => 3 * it - 2), shape: [5, 1] },
    });
    expect(mine.labels).toEqual([]);
    expect(mine.supportLoss[0]).toBeCloseTo(x.reduce((sum, it) => sum + (3 * it - 2) ** 2, 0) / 5, 5);
    expectClose((await mine.predict([2])).value, [4], 1e-3);
    expect(await learner.predict([2])).toEqual({ value: [0] });
    const values = await mine.predictBatch({ data: [0, 1], shape: [2, 1] });
    expectClose(
      values.flatMap((it) => it.value),
      [-2, 1],
      1e-3,
    );
    await learner.dispose();
  });
});

describe("save and restore", () => {
  it("come back equal to the bit, from a file, a URL and bytes", async () => {
    const folder = writeBundle("linear");
    const learner = await Learner.load(pathToFileURL(folder), CPU);
    const mine = await learner.adapt(support(8, ["é", 'quote"', "__proto__"]));
    const file = join(temporaryFolder(), "mine.safetensors");
    await mine.save(file);
    await mine.save(pathToFileURL(file));
    const other = await Learner.load(folder, CPU);
    for (const source of [file, pathToFileURL(file), await mine.toBytes(), Buffer.from(await mine.toBytes())]) {
      const again = await other.restore(source);
      expect(again.labels).toEqual(mine.labels);
      expect(again.supportLoss).toEqual(mine.supportLoss);
      expect(again.state).toEqual(mine.state);
      expect(await again.toBytes()).toEqual(await mine.toBytes());
      expect(await again.predict(noise(1, 4))).toEqual(await mine.predict(noise(1, 4)));
    }
    expect(readdirSync(join(file, ".."))).toEqual(["mine.safetensors"]);
    await Promise.all([learner.dispose(), other.dispose()]);
  });

  it("keep a file valid when only the manifest's name or metrics change", async () => {
    const renamed = writeBundle("linear", (manifest) => {
      manifest.name = "renamed";
      manifest.metrics = { accuracy: 0.5 };
    });
    const [learner, other] = await Promise.all([Learner.load(writeBundle("linear"), CPU), Learner.load(renamed, CPU)]);
    const mine = await learner.adapt(support(9, ["a", "b"]));
    expect((await other.restore(await mine.toBytes())).state).toEqual(mine.state);
    await Promise.all([learner.dispose(), other.dispose()]);
  });

  it("refuse another bundle's file, one cut short, a newer one, and other safetensors", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const stranger = await Learner.load(writeBundle("prototypes"), CPU);
    const bytes = await (await learner.adapt(support(9, ["a", "b"]))).toBytes();
    await expect(stranger.restore(bytes)).rejects.toThrow(/saved with the bundle "linear" .* and this is "prototypes"/);
    await expect(stranger.restore(bytes)).rejects.toMatchObject({ code: "other-bundle" });
    for (const length of [0, 7, 100, bytes.length - 1]) {
      await expect(learner.restore(bytes.subarray(0, length))).rejects.toMatchObject({ code: "safetensors-invalid" });
    }
    const plain = encodeSafetensors({ w: { dtype: "float32", shape: [1], data: Float32Array.of(1) } });
    await expect(learner.restore(plain)).rejects.toMatchObject({ code: "personal-invalid" });
    const newer = encodeSafetensors({}, { format: "innerloop-personal", version: "3" });
    await expect(learner.restore(newer)).rejects.toThrow(/version 3 .* reads up to 2; upgrade/);
    await expect(learner.restore(join(temporaryFolder(), "none"))).rejects.toMatchObject({ code: "file-missing" });
    await Promise.all([learner.dispose(), stranger.dispose()]);
  });

  it("leave the earlier file when saving fails", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const mine = await learner.adapt(support(9, ["a", "b"]));
    const folder = temporaryFolder();
    await expect(mine.save(join(folder, "no", "such", "folder", "mine"))).rejects.toMatchObject({
      code: "write-failed",
    });
    // A folder cannot be replaced by a file: the write succeeds and the renaming fails.
    await expect(mine.save(folder)).rejects.toThrow(/nothing was written .* what was there before is unchanged/);
    expect(readdirSync(folder)).toEqual([]);
    await learner.dispose();
  });

  it.skipIf(process.platform === "win32")("leave the earlier file when the disk takes no more", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "mine.safetensors");
    writeFileSync(file, "earlier");
    const script = `
      import { Learner } from "@innerloop/runtime";
      const learner = await Learner.load(${JSON.stringify(writeBundle("linear"))}, { provider: "cpu" });
      const mine = await learner.adapt([{ label: "a", data: [1, 2, 3, 4] }, { label: "b", data: [4, 3, 2, 1] }]);
      await mine.save(${JSON.stringify(file)}).catch((error) => console.log(error.code, error.message));`;
    // No file of this process may hold a byte, which Node reports as it does a full disk.
    const shell = 'ulimit -f 0; exec "$0" --input-type=module -e "$1"';
    const output = execFileSync("sh", ["-c", shell, process.execPath, script], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8",
    });
    expect(output).toMatch(/^write-failed .*mine\.safetensors: nothing was written \(EFBIG/);
    expect(readFileSync(file, "utf8")).toBe("earlier");
    expect(readdirSync(folder)).toEqual(["mine.safetensors"]);
  });
});

describe("dispose", () => {
  it("lets running calls finish and refuses further ones", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const mine = await learner.adapt(support(1, ["a", "b"]));
    const running = [
      ...Array.from({ length: 5 }, () => mine.predict(noise(1, 4))),
      ...Array.from({ length: 5 }, () => learner.adapt(support(2, ["a", "b"]), { steps: 200 })),
    ];
    const disposed = learner.dispose();
    await expect(mine.predict(noise(1, 4))).rejects.toThrow(
      /this learner was disposed and takes no more calls; load it again/,
    );
    await expect(learner.adapt(support(2, ["a", "b"]))).rejects.toMatchObject({ code: "disposed" });
    await expect(learner.restore(await mine.toBytes())).rejects.toBeInstanceOf(InnerloopError);
    await expect(learner.predictBatch([])).rejects.toMatchObject({ code: "disposed" });
    expect(await Promise.all(running)).toHaveLength(10);
    await disposed;
    await learner.dispose();
    expect((await mine.toBytes()).length).toBeGreaterThan(0);
  });

  it("needs no model to have been opened", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    await learner.dispose();
  });
});
