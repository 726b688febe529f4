// The run config with what this room knows of it: which algorithms, models, engines and presets there are, in one schema by which
// configs are checked, and help and shells go.
import { type JsonSchema, type RunConfigInput, validateConfig } from "@innerloop/schemas";
import {
  algorithms,
  completeConfig,
  engineNames,
  heads,
  modelChoices,
  models,
  optimizers,
  presets,
  readers,
  runConfigSchema,
  runTraining,
  settingSchema,
  validateRunConfig,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";

const quoted = (names: readonly string[]) =>
  `${names
    .slice(0, -1)
    .map((name) => `"${name}"`)
    .join(", ")} or "${names.at(-1)}"`;

describe("a name that nothing has", () => {
  it.each([
    ["algorithm", { algorithm: "reptile" }, algorithms.names, "reptile"],
    ["model.kind", { model: { kind: "vit" } }, modelChoices, "vit"],
    ["optimizer.kind", { optimizer: { kind: "lion", momentum: 0.5 } }, optimizers.names, "lion"],
  ] as const)("is refused as %s, with those that there are", async (path, config, names, name) => {
    // The format takes any text: what there is is known to who trains.
    expect(() => validateConfig(config, "c")).not.toThrow();
    expect(await refusal(() => validateRunConfig(config, "c"))).toMatchObject({
      message: `c: ${path} must be ${quoted(names)}, got "${name}"`,
      code: "config-invalid",
      exitStatus: 2,
    });
    expect(await refusal(() => completeConfig(config as RunConfigInput))).toMatchObject({ exitStatus: 2 });
  });

  it("is told with the nearest that there is", async () => {
    expect((await refusal(() => completeConfig({ algorithm: "mamal" }))).message).toMatch(
      /^There is no algorithm "mamal"; did you mean "maml"\? There are maml, /,
    );
    expect((await refusal(() => completeConfig({ engine: "abacus" }))).code).toBe("unknown-engine");
  });
});

describe("the completed schema", () => {
  it("has every setting of the format, with what it is and what it has to be", () => {
    const visit = (schema: JsonSchema, path: string): void => {
      expect(schema.title, path).toBeTruthy();
      if (path !== "") expect(schema.description, path).toBeTruthy();
      for (const [key, inner] of Object.entries(schema.properties ?? {}))
        visit(inner, path === "" ? key : `${path}.${key}`);
    };
    visit(runConfigSchema, "");
  });

  it("names what there is", () => {
    expect(settingSchema("algorithm").enum).toEqual(algorithms.names);
    // A path of an ONNX file may stand there, too.
    expect(settingSchema("model.kind").examples).toEqual(["auto", ...models.names]);
    expect(settingSchema("head").enum).toEqual(heads.names);
    expect(settingSchema("optimizer.kind").enum).toEqual(optimizers.names);
    expect(settingSchema("preset").enum).toEqual(Object.keys(presets));
    expect(settingSchema("engine").enum).toEqual(expect.arrayContaining(["auto", ...engineNames]));
    for (const { spec } of readers.all) expect(settingSchema("data").title).toContain(spec);
  });

  it("has a setting for each that an algorithm, a model or an optimizer takes", () => {
    for (const { name, options } of algorithms.all)
      for (const option of Object.keys(options)) expect(runConfigSchema.properties, name).toHaveProperty(option);
    for (const { name, options } of models.all)
      for (const option of Object.keys(options)) expect(settingSchema("model").properties, name).toHaveProperty(option);
    for (const { name, options } of optimizers.all)
      for (const option of options) expect(settingSchema("optimizer").properties, name).toHaveProperty(option);
  });
});

const short: RunConfigInput = {
  data: "glyphs",
  ways: 2,
  queries: 2,
  metaBatch: 1,
  iterations: 2,
  engine: "onnxruntime:cpu",
  workers: 0,
  validation: { every: 9, episodes: 1 },
};

describe.each(algorithms.names)("the algorithm %s", (name) => {
  const algorithm = algorithms.named(name);

  it.each(algorithm.heads)("trains with the head %s", async (head) => {
    const config = completeConfig({ ...short, algorithm: name, head, model: { kind: "mlp", hidden: [4] } });
    const { learner, header } = await runTraining({ config });
    expect(learner).toMatchObject({ algorithm: name, head });
    expect(header.iteration).toBe(2);
    expect(header.history.at(-1)!.loss).toBeGreaterThan(0);
    // What moves has a rate, and what has a rate moves.
    const arrays = [...Object.keys(learner.parameters), "head.weight", "head.bias"].filter(
      (it) => !it.startsWith("rate/"),
    );
    expect(Object.keys(learner.rates).sort()).toEqual([...new Set(arrays)].filter(algorithm.moves).sort());
  });

  it("has the head that it says where only the algorithm is chosen", () => {
    const config = completeConfig({ ...short, algorithm: name });
    expect(config.head).toBe(algorithm.heads[0]);
    expect(completeConfig(config)).toEqual(config);
  });

  it("says what it is", () => {
    expect(algorithm.summary).toMatch(/\w{3}/);
    expect(algorithm.paper).toMatch(/\b(19|20)\d\d\b/);
  });
});

describe.each(optimizers.names)("the optimizer %s", (name) => {
  const optimizer = optimizers.named(name);

  it("trains with every setting that it takes, and refuses the others", async () => {
    const taken = Object.fromEntries(optimizer.options.map((option) => [option, 0.1]));
    const config = { ...short, model: { kind: "mlp", hidden: [4] }, optimizer: { kind: name, ...taken } };
    const { header } = await runTraining({ config: completeConfig(config) });
    expect(header.config.optimizer).toMatchObject({ kind: name, ...taken });
    expect(header.iteration).toBe(2);
    for (const option of ["momentum", "weightDecay"].filter((option) => !(option in taken)))
      expect((await refusal(() => completeConfig({ ...short, optimizer: { kind: name, [option]: 0.1 } }))).code).toBe(
        "no-effect",
      );
  });

  it("says what it is", () => {
    expect(optimizer.summary).toMatch(/\w{3}/);
    expect(optimizer.paper).toMatch(/\b(19|20)\d\d\b/);
  });
});

/** What the models are given, so that a short run is short. */
const small: Readonly<Record<string, RunConfigInput["model"]>> = {
  filters: { filters: 2 },
  hidden: { hidden: [4] },
};

describe.each(models.names)("the model %s", (name) => {
  const model = models.named(name);

  it("trains by its name in a config", async () => {
    const options = Object.assign({}, ...Object.keys(model.options).map((option) => small[option])) as object;
    const config = completeConfig({ ...short, model: { kind: name, ...options } });
    const { header, weights } = await runTraining({ config });
    expect(header.config.model.kind).toBe(name);
    expect(header.iteration).toBe(2);
    expect(Object.keys(weights).length).toBeGreaterThan(0);
    expect(model.accepts([28, 28, 1])).toBe(true);
  });

  it("refuses examples that it does not take, and settings that it has not", async () => {
    if (!model.accepts([3])) expect(await refusal(() => model.build([3], 2, {}))).toMatchObject({ exitStatus: 2 });
    for (const option of Object.keys(settingSchema("model").properties!).filter((it) => it !== "kind")) {
      if (option in model.options) continue;
      const config = {
        data: "glyphs",
        model: { kind: name, [option]: settingSchema(`model.${option}`).enum?.[0] ?? 3 },
      };
      expect((await refusal(() => completeConfig(config as RunConfigInput))).code).toBe("no-effect");
    }
  });
});

it("takes filters block by block", async () => {
  const config = (kind: string, filters: number[]) => completeConfig({ ...short, model: { kind, filters } });
  const { weights } = await runTraining({ config: config("resnet12", [2, 3]) });
  expect(weights["residual2.conv3.weight"]?.shape).toEqual([3, 3, 3, 3]);
  expect(await refusal(() => runTraining({ config: config("conv4", [2, 3]) }))).toMatchObject({
    code: "bad-model",
    message: expect.stringMatching(/conv4 has 4 blocks, but filters lists 2 numbers/),
  });
});
