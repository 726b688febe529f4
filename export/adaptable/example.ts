// How an example of a bundle becomes what a model takes: pictures, sounds or rows of numbers, or the numbers of tokens.
import { constant, inputName, type OnnxModel, op, type Value } from "@innerloop/graph";
import { InnerloopError, type Preprocessing, preprocessingText, show } from "@innerloop/schemas";

/** What raw input of a model is, as far as a bundle can say it. */
export interface RawInput {
  /** Numbers unless given, and pictures where the model takes such. */
  readonly kind?: "picture" | "sound" | "numbers" | "bytes";
  /** Of pictures: what is taken from each channel and what it is divided by, of values in 0…1; 0 and 1 unless given. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Of sounds: samples a second. */
  readonly rate?: number;
  /** Of bytes: how many of an example are the last ones of a file; 0 unless given. */
  readonly last?: number;
  /** Of bytes: blanks are taken off both ends of a file, within so many bytes of each. */
  readonly trim?: number;
}

/** What a call says of a model's inputs. */
export interface ExampleOptions {
  /** The input that takes the example; found unless given. */
  readonly input?: string;
  /** Sizes that the file leaves open, by the names that it gives them. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** One number for all of an input: of further inputs that are no part of an example. */
  readonly set?: Readonly<Record<string, number>>;
  readonly raw?: RawInput;
  /** The token that fills up a text that is too short, which a mask leaves out; what the tokenizer has for it, or 0, unless given. */
  readonly padding?: number;
  /** The text of a file tokenizer.json, so that a bundle takes texts. */
  readonly tokenizer?: string;
}

/** What an example is, and how a batch of them becomes the model's inputs. */
export interface ExamplePlan {
  /** Without the batch axis. */
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  /** `[n, ...inputShape]` to the model's inputs by name. */
  feed(x: Value): Readonly<Record<string, Value>>;
  /** `[n, tokens]` of examples that are tokens: 1 where there is one, else 0. */
  mask?(x: Value): Value;
  /** What was found and what was assumed, in sentences. */
  readonly notes: readonly string[];
  /** An example of the kind, from random numbers: for trying the model. */
  sample(random: () => number): Float32Array;
}

const isMask = (name: string): boolean => /mask/i.test(name);
const isTypes = (name: string): boolean => /type|segment/i.test(name);
const isPositions = (name: string): boolean => /position/i.test(name);

/**
 * Plans what an example of a model is.
 * @throws InnerloopError `open-size` where a size of an example is open, `unclear-input` for inputs whose numbers nothing tells
 *   (both status 2)
 */
export function planExample(model: OnnxModel, source: string, options: ExampleOptions): ExamplePlan {
  const inputs = Object.values(model.inputs).filter((value) => !(inputName(value) in model.initializers));
  const { set = {} } = options;
  const stranger = [...Object.keys(set), ...(options.input === undefined ? [] : [options.input])].find(
    (name) => !inputs.some((value) => inputName(value) === name),
  );
  if (stranger !== undefined)
    throw wrong(
      "unknown-input",
      `${source} has no input ${show(stranger)}; it has ${inputs.map(inputName).join(", ")}`,
    );
  const main = mainOf(inputs, source, options);
  const others = inputs.filter((value) => value !== main);
  const tokens = main.dtype === "int64" || main.dtype === "int32";
  const unclear = others.find((value) => {
    const name = inputName(value);
    return !(name in set || (tokens && (isMask(name) || isTypes(name) || isPositions(name))));
  });
  if (unclear)
    throw wrong(
      "unclear-input",
      `${source} takes ${others.map(described).join(", ")} beside ${described(main)}, and nothing says what ${show(inputName(unclear))} is; ` +
        `give one number for all of it (--set ${inputName(unclear)}=0), or name the input that takes the example (--input NAME)`,
    );
  const known = (value: Value): number[] =>
    value.shape.slice(1).map((dim) => {
      const size = typeof dim === "number" ? dim : options.sizes?.[dim];
      if (size !== undefined) return size;
      throw wrong(
        "open-size",
        `${source} leaves the size ${show(dim)} of ${described(value)} open, and an example of a bundle has one; give it (--size ${dim}=${tokens ? 64 : 224})`,
      );
    });
  const rest = (x: Value): Record<string, Value> =>
    Object.fromEntries(
      others.map((value) => {
        const name = inputName(value);
        const shape = value.shape.map((dim, axis) => {
          if (typeof dim === "number") return dim;
          return dim === main.shape[0] || axis === 0 ? x.shape[0]! : (options.sizes?.[dim] ?? dim);
        });
        return [name, op.Expand(constant(set[name] ?? 0, [], value.dtype), shape)];
      }),
    );
  if (options.tokenizer !== undefined && !tokens)
    throw wrong(
      "bad-option",
      `${source} takes ${described(main)}, and a tokenizer was given; one of whole numbers was expected`,
    );
  const bytes = options.raw?.kind === "bytes";
  if (bytes && options.tokenizer !== undefined)
    throw wrong("bad-option", "a tokenizer was given beside bytes of files; leave one of them out");
  if (tokens || bytes) return tokenPlan(main, known(main), others, rest, options);
  return { ...numberPlan(main, known(main), rest, options.raw ?? {}, source) };
}

function mainOf(inputs: readonly Value[], source: string, { input, set = {} }: ExampleOptions): Value {
  const named = inputs.find((value) => inputName(value) === input);
  if (named) return named;
  const free = inputs.filter((value) => !(inputName(value) in set) && value.rank > 0);
  const plain = free.filter((value) => ![isMask, isTypes, isPositions].some((is) => is(inputName(value))));
  const [first, ...more] = plain.length > 0 ? plain : free;
  const batched = more.length === 0 ? first : plain.find((value) => typeof value.shape[0] !== "number");
  if (batched && batched.rank > 0) return batched;
  throw wrong(
    "unclear-input",
    `${source} takes ${inputs.map(described).join(", ") || "no input"}, and nothing says which of them an example is; name it (--input NAME)`,
  );
}

/** Tokens: an example is their numbers, filled up with padding. */
function tokenPlan(
  main: Value,
  shape: readonly number[],
  others: readonly Value[],
  rest: (x: Value) => Record<string, Value>,
  { tokenizer, padding = tokenizer === undefined ? 0 : paddingOf(tokenizer), set = {}, raw = {} }: ExampleOptions,
): ExamplePlan {
  const length = shape.reduce((product, size) => product * size, 1);
  const mask = (x: Value): Value => op.Cast(op.Not(op.Equal(x, padding)), "float32");
  const preprocessing: Preprocessing | undefined =
    raw.kind === "bytes"
      ? bytesOf(raw, length, padding)
      : tokenizer === undefined
        ? undefined
        : { kind: "text", length, padding, tokenizer };
  const positions = (x: Value, value: Value): Value =>
    op.Expand(op.Cast(op.Unsqueeze(op.Range(shape[0]!), [0]), value.dtype), [x.shape[0]!, shape[0]!]);
  return {
    inputShape: shape,
    ...(preprocessing === undefined ? {} : { preprocessing }),
    mask,
    feed(x) {
      const special = others.flatMap((value): [string, Value][] => {
        const name = inputName(value);
        if (name in set) return [];
        if (isMask(name)) return [[name, op.Cast(mask(x), value.dtype)]];
        return isPositions(name) ? [[name, positions(x, value)]] : [];
      });
      return { ...rest(x), ...Object.fromEntries(special), [inputName(main)]: op.Cast(x, main.dtype) };
    },
    notes: [
      `an example is ${tokensText(preprocessing, shape)}, for ${show(inputName(main))}; ${padding} fills up what is shorter`,
    ],
    sample(random) {
      const length = shape[0]!;
      const used = Math.max(1, Math.ceil(length * (0.5 + random() / 2)));
      // Small ones, which every vocabulary has, and not the one that fills up.
      const token = () => Math.floor(20 * random());
      const others = (drawn: number) => (drawn >= padding ? drawn + 1 : drawn);
      return Float32Array.from({ length }, (_, i) => (i < used ? others(token()) : padding));
    },
  };
}

/** Bytes of a file as tokens: the last ones end where the example does. */
function bytesOf({ last = 0, trim }: RawInput, length: number, padding: number): Preprocessing {
  if (!(Number.isInteger(last) && last >= 0 && last <= length && (trim === undefined || trim >= 1)))
    throw wrong(
      "bad-option",
      `${last} last bytes and blanks within ${trim ?? 1} bytes were given; 0 to ${length} bytes, and a number from 1, were expected`,
    );
  return { kind: "bytes", first: length - last, last, padding, ...(trim === undefined ? {} : { trim }) };
}

function tokensText(how: Preprocessing | undefined, shape: readonly number[]): string {
  if (how?.kind === "bytes") return preprocessingText(how);
  const count = `${shape.join("×")} tokens`;
  return how === undefined ? `the numbers of ${count}` : `a text of ${count} at most`;
}

/** The token that a tokenizer fills up with: that of its padding, or the one that is called so. @throws InnerloopError for what is no tokenizer */
function paddingOf(tokenizer: string): number {
  interface Parts {
    readonly model?: unknown;
    readonly padding?: { readonly pad_id?: number } | null;
    readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
  }
  let parts: Parts | null = null;
  try {
    parts = JSON.parse(tokenizer) as Parts | null;
  } catch {
    // Said below.
  }
  if (parts?.model === undefined)
    throw wrong(
      "bad-option",
      "the tokenizer is no tokenizer.json, as Hugging Face's libraries write it: save_pretrained, or tokenizer.save(file)",
    );
  return parts.padding?.pad_id ?? parts.added_tokens?.find(({ content }) => /^[[<]?pad[\]>]?$/i.test(content))?.id ?? 0;
}

function numberPlan(
  main: Value,
  shape: readonly number[],
  rest: (x: Value) => Record<string, Value>,
  raw: RawInput,
  source: string,
): ExamplePlan {
  const name = inputName(main);
  const [first = 0, second = 0, third = 0] = shape;
  const isChannels = (size: number) => size === 1 || size === 3;
  const channelsFirst = shape.length === 3 && isChannels(first) && !(isChannels(third) && second > 3 && first > 3);
  const pictures = shape.length === 3 && (channelsFirst || isChannels(third));
  const { kind = pictures ? "picture" : "numbers", mean = [], std = [], rate } = raw;
  const cast = (x: Value): Value => (main.dtype === "float32" ? x : op.Cast(x, main.dtype));
  if (kind === "picture") {
    if (!pictures)
      throw wrong(
        "bad-option",
        `${source} takes ${described(main)}, which is no picture; one of 1 or 3 channels was expected`,
      );
    const [height, width, channels] = channelsFirst ? [second, third, first] : [first, second, third];
    const each = (numbers: readonly number[], otherwise: number) => {
      if (numbers.length <= 1) return new Array<number>(channels).fill(numbers[0] ?? otherwise);
      if (numbers.length === channels) return [...numbers];
      throw wrong(
        "bad-option",
        `${numbers.length} means or deviations were given for pictures of ${channels} channels`,
      );
    };
    const [means, deviations] = [each(mean, 0), each(std, 1)];
    const usual = means.every((value) => value === 0) && deviations.every((value) => value === 1);
    return {
      inputShape: [height, width, channels],
      preprocessing: { kind: "image", width, height, channels: channels as 1 | 3, invert: false, mean: 0, std: 1 },
      feed(x) {
        const scaled = usual ? x : op.Div(op.Sub(x, constant(means, [channels])), constant(deviations, [channels]));
        return { ...rest(x), [name]: cast(channelsFirst ? op.Transpose(scaled, [0, 3, 1, 2]) : scaled) };
      },
      notes: [
        `an example is a picture of ${width}×${height} pixels and ${channels} channel${channels === 1 ? "" : "s"}` +
          (usual ? ", its values from 0 to 1 (give --mean and --std where the model was trained with others)" : ""),
      ],
      sample: (random) => drawn([height, width, channels], random),
    };
  }
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (kind === "sound" && size !== Math.max(...shape))
    throw wrong("bad-option", `${source} takes ${described(main)}, which is no row of samples`);
  return {
    inputShape: shape,
    ...(kind === "sound"
      ? {
          preprocessing: {
            kind: "window" as const,
            length: size,
            channels: 1,
            pad: true,
            mean: 0,
            std: 1,
            ...(rate === undefined ? {} : { rate }),
          },
        }
      : {}),
    feed: (x) => ({ ...rest(x), [name]: cast(x) }),
    notes: [
      `an example is ${kind === "sound" ? `${size} samples of a sound` : `${shape.join("×")} numbers`}, for ${show(name)}`,
    ],
    sample(random) {
      const [level, reach] = [random() - 0.5, 0.2 + random()];
      return Float32Array.from({ length: size }, () => level + reach * (2 * random() - 1));
    },
  };
}

/** A picture of waves and noise, which differ from one to the next: noise alone is much the same to a network. */
function drawn([height, width, channels]: readonly [number, number, number], random: () => number): Float32Array {
  const waves = Array.from({ length: channels }, () => ({
    level: random(),
    reach: 0.5 * random(),
    along: 6 * random() - 3,
    down: 6 * random() - 3,
    phase: random(),
  }));
  return Float32Array.from({ length: height * width * channels }, (_, i) => {
    const { level, reach, along, down, phase } = waves[i % channels]!;
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    const wave = Math.sin(2 * Math.PI * ((along * x) / width + (down * y) / height + phase));
    return Math.min(1, Math.max(0, level + reach * (wave + random() - 0.5)));
  });
}

const described = (value: Value): string => `${inputName(value)} (${value})`;

const wrong = (code: string, message: string): InnerloopError =>
  new InnerloopError(code, `${message}.`, { exitStatus: 2 });
