// A random life as it is: two learners and their users, whose every answer is held against the model's.
import { type InnerloopError, Learner, type Personal } from "@innerloop/runtime";
import { expect } from "vitest";
import { writeBundle } from "./fixture.ts";
import {
  type BundleName,
  bundleOf,
  expected,
  labelsOf,
  Model,
  matches,
  SIZE,
  type Step,
  USERS,
  WAYS,
} from "./life-model.ts";
import { descend, expectClose, noise } from "./oracle.ts";

const CPU = { provider: "cpu" } as const;
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);

/** Two learners, their users, and what these should be. */
export class World {
  readonly folders = { linear: writeBundle("linear"), prototypes: writeBundle("prototypes") };
  learners!: Record<BundleName, Learner>;
  users: { mine: Personal; model: Model }[] = [];
  calls = 0;
  #running: Promise<unknown>[] = [];

  async begin(): Promise<void> {
    const [linear, proto] = await Promise.all([
      Learner.load(this.folders.linear, CPU),
      Learner.load(this.folders.prototypes, CPU),
    ]);
    this.learners = { linear, prototypes: proto };
  }

  reset(): void {
    this.users = Array.from({ length: USERS }, (_, index) => this.#newUser(bundleOf(index)));
  }

  #newUser(bundle: BundleName) {
    return { mine: this.learners[bundle].start(), model: new Model(bundle) };
  }

  /** Waits for all that runs; what is found wrong is thrown here. */
  async settle(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    const failed = (await Promise.allSettled(running)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    for (const { model } of this.users) model.open = [model.examples];
  }

  async take(it: Step): Promise<void> {
    this.calls++;
    const user = this.users[it.user]!;
    const { mine, model } = user;
    const size = SIZE[model.bundle];
    const learner = this.learners[model.bundle];
    const examples = Array.from({ length: it.count }, (_, index) => ({
      label: it.label,
      data: noise(it.seed + index, size),
    }));
    const query = noise(it.seed + 77, size);
    const chosen = model.examples[it.pick % Math.max(1, model.examples.length)];

    switch (it.kind) {
      case "predict": {
        const { open } = model;
        const start = open.length - 1;
        const answer = mine.predict(query).catch((error: InnerloopError) => error);
        // It may be answered with any state from the last that was surely reached to the last that was asked for.
        const until = [...open.slice(0, start + 1)];
        this.#expect(
          answer.then((given) => {
            const possible = until.map((state) => expected(model.bundle, state, query));
            if (!possible.some((wanted) => matches(given, wanted))) expect(given).toEqual(possible);
          }),
        );
        break;
      }
      case "add": {
        const named = model.named(examples);
        const code = model.change([...model.examples, ...named]);
        if (code === undefined) model.next += named.length;
        const data = examples.map((example) => example.data);
        const batch = {
          data: Float32Array.from(data.flatMap((row) => [...row])),
          shape: [it.count, ...learner.manifest.input.shape],
        };
        const forms = [
          () => mine.add(it.label, data),
          () => mine.add(examples),
          () => mine.add(it.label, batch),
          () => mine.add({ ...batch, labels: examples.map(({ label }) => label) }),
        ];
        const ids = named.map(({ id }) => id);
        const call = forms[it.pick % forms.length]!();
        // What was handed in is the caller's again.
        batch.data.fill(Number.NaN);
        this.#outcome(call, code, ids);
        break;
      }
      case "remove example":
        if (chosen === undefined) break;
        this.#outcome(mine.remove(chosen.id), model.change(model.examples.filter((example) => example !== chosen)));
        break;
      case "remove label":
        if (chosen === undefined) break;
        this.#outcome(
          mine.remove(chosen.label),
          model.change(model.examples.filter(({ label }) => label !== chosen.label)),
        );
        break;
      case "relabel": {
        if (chosen === undefined) break;
        const changed = model.examples.map((example) =>
          example === chosen ? { ...example, label: it.label } : example,
        );
        this.#outcome(mine.relabel(chosen.id, it.label), model.change(changed));
        break;
      }
      case "undo":
        this.#outcome(mine.undo(), undefined, model.undo());
        break;
      case "add wrongly": {
        const wrong: (() => Promise<unknown>)[] = [
          () => mine.add(it.label, [query, Float32Array.from(query, () => Number.NaN)]),
          () => mine.add("", query),
          () => mine.add(it.label, []),
          () => mine.add(it.label, query.slice(1)),
          () => mine.add(it.label, new Float32Array(size)),
          () => mine.add([{ label: it.label, data: undefined as never }]),
        ];
        this.#outcome(wrong[it.pick % wrong.length]!(), "bad-input");
        break;
      }
      case "remove wrongly": {
        const wrong = [
          () => mine.remove("#0"),
          () => mine.remove("e"),
          () => mine.relabel("#0", "a"),
          () => mine.remove(undefined as never),
        ];
        this.#outcome(wrong[it.pick % wrong.length]!(), "bad-input");
        break;
      }
      case "predict wrongly":
        this.#outcome(mine.predictBatch([query.slice(1)]), ["bad-input", "not-adapted"]);
        break;
      case "predict untaught":
        if (model.bundle === "prototypes") this.#outcome(learner.predict(query), "not-adapted");
        else
          this.#expect(
            learner
              .predict(query)
              .then(({ probabilities }) =>
                expectClose(Object.values(probabilities), descend([], [], 3, 0).predict(query), 1e-5),
              ),
          );
        break;
      case "adapt": {
        // Two labels at least, so that it is accepted where the bundle has room for them.
        const more = [...examples, { label: "other", data: query }];
        const made = await this.#alone(learner.adapt(more));
        user.mine = made;
        user.model = new Model(model.bundle);
        user.model.examples = user.model.named(more);
        user.model.open = [user.model.examples];
        user.model.next += more.length;
        break;
      }
      case "adapt wrongly":
        this.#outcome(learner.adapt(examples), "bad-input");
        break;
      case "start":
        await this.settle();
        this.users[it.user] = this.#newUser(model.bundle);
        break;
      case "save": {
        const options = it.pick % 2 ? { key: KEY } : {};
        // Without waiting: what is saved is what the calls before it made.
        const bytes = await this.#alone(mine.toBytes(options));
        const again = await learner.restore(bytes, options);
        expect(again.state).toEqual(mine.state);
        expect(again.supportLoss).toEqual(mine.supportLoss);
        expect(again.labels).toEqual(mine.labels);
        expect(await again.toBytes()).toEqual(await mine.toBytes());
        user.mine = again;
        model.past.length = 0;
        break;
      }
      case "evaluate": {
        await this.settle();
        const known = model.labels;
        if (known.length < 2) {
          this.#outcome(mine.evaluate(examples), "not-adapted");
          break;
        }
        const asked = examples.map(({ data }, index) => ({ data, label: known[(it.pick + index) % known.length]! }));
        const wanted = asked.map(({ data }) => expected(model.bundle, model.examples, data)!);
        const chances = wanted.map((row, index) => new Map(row).get(asked[index]!.label)!);
        const right = wanted.filter((row, index) => row.every(([, chance]) => chance <= chances[index]!));
        const { loss, accuracy } = await this.#alone(mine.evaluate(asked));
        expect(loss).toBeCloseTo(chances.reduce((sum, p) => sum - Math.log(p), 0) / asked.length, 3);
        expect(accuracy).toBe(right.length / asked.length);
        break;
      }
      case "abort": {
        const signal = AbortSignal.abort();
        const calls = [
          () => mine.add(it.label, query, { signal }),
          () => learner.adapt([...examples, { label: "other", data: query }], { signal }),
        ];
        this.#outcome(calls[it.pick % 2]!(), "aborted");
        break;
      }
      case "abort later": {
        await this.settle();
        const controller = new AbortController();
        setTimeout(() => controller.abort(), it.pick % 3);
        const named = model.named(examples);
        const done = await mine
          .add(
            it.label,
            examples.map(({ data }) => data),
            { signal: controller.signal },
          )
          .then(
            () => undefined,
            (error: InnerloopError) => error.code,
          );
        if (done === undefined) {
          expect(model.change([...model.examples, ...named])).toBeUndefined();
          model.next += named.length;
        } else if (done !== "aborted") {
          expect(done).toBe("bad-input");
          expect(labelsOf([...model.examples, ...named]).length).toBeGreaterThan(WAYS[model.bundle]);
        }
        break;
      }
      case "watch": {
        await this.settle();
        const losses: number[] = [];
        const named = model.named(examples);
        const code = model.change([...model.examples, ...named]);
        if (code === undefined) model.next += named.length;
        const call = mine.add(examples, { onProgress: ({ loss }) => losses.push(loss) });
        this.#outcome(
          call,
          code,
          named.map(({ id }) => id),
        );
        if (code === undefined) this.#expect(call.then(() => expectClose(losses, mine.supportLoss, 1e-6)));
        await this.settle();
        break;
      }
      case "check": {
        const named = model.named(examples);
        const code = model.change([...model.examples, ...named]);
        if (code === undefined) model.next += named.length;
        this.#outcome(mine.add(examples, { check: true }), code);
        break;
      }
      case "dispose": {
        // What runs goes on to its end; what comes later is refused; what was saved goes on with the learner loaded anew.
        const done = Promise.all(Object.values(this.learners).map((one) => one.dispose()));
        for (const [call, code] of [
          [mine.add(it.label, query), "disposed"],
          [mine.undo(), "disposed"],
          [learner.adapt(examples), "disposed"],
        ] as const) {
          this.#outcome(call, code);
        }
        await done;
        await this.settle();
        const saved = await Promise.all(this.users.map((one) => one.mine.toBytes()));
        await this.begin();
        for (const [index, { model: kept }] of this.users.entries()) {
          this.users[index]!.mine = await this.learners[kept.bundle].restore(saved[index]!);
          kept.past.length = 0;
        }
        break;
      }
    }
    if (it.awaited) await this.settle();
    if (it.awaited) this.#compare();
  }

  /** Between calls, everything that can be seen is as the model has it. */
  #compare(): void {
    for (const { mine, model } of this.users) {
      expect(mine.examples).toEqual(model.examples.map(({ id, label }) => ({ id, label })));
      expect(mine.labels).toEqual(model.labels);
      expect(mine.ready).toBe(model.labels.length > 1);
    }
  }

  async #alone<T>(call: Promise<T>): Promise<T> {
    const [result] = await Promise.all([call, this.settle()]);
    return result;
  }

  #expect(check: Promise<unknown>): void {
    check.catch(() => undefined);
    this.#running.push(check);
  }

  /** @param code with which it has to be refused, if so */
  #outcome(call: Promise<unknown>, code: string | readonly string[] | undefined, value?: unknown): void {
    this.#expect(
      call.then(
        (result) => {
          if (code !== undefined) throw new Error(`${code} was expected`);
          if (value !== undefined) expect(result).toEqual(value);
        },
        (error: InnerloopError) => {
          if (code === undefined) throw error;
          expect(code).toContain(error.code);
        },
      ),
    );
  }
}
