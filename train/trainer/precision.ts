// Whether an engine computes in float16, found out before training starts: by what it is, and by a small product.
import { input, op } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { type Engine, engines } from "../engines/index.ts";

/** The engines that gain by it, with what their devices need. */
const withFloat16 = engines.flatMap(({ name, traits: { float16 } }) =>
  float16 === undefined ? [] : [`${name} ${float16}`.trim()],
);

const refused = (name: string, why: string, cause?: unknown): InnerloopError =>
  new InnerloopError(
    "no-float16",
    `--precision float16 was asked for, but the engine ${name} ${why}; use --precision float32, or an engine with float16: ` +
      `${withFloat16.join(", or ")}.`,
    { exitStatus: 2, cause },
  );

/** @throws InnerloopError `no-float16`, with the cause */
export async function checkPrecision(engine: Engine): Promise<void> {
  if (!engine.float16) throw refused(engine.name, "computes in float32 only");
  const [rows, columns] = [input("rows", [2, 3]), input("columns", [3, 2])];
  const graph = { outputs: { product: op.MatMul(rows, columns) }, precision: "float16" as const };
  const ones = (shape: readonly number[]) => ({ dtype: "float32" as const, shape, data: new Float32Array(6).fill(1) });
  let product: ArrayLike<number | bigint>;
  try {
    const program = await engine.compile(graph);
    product = (await program.run({ rows: ones([2, 3]), columns: ones([3, 2]) })).product!.data;
    await program.dispose();
  } catch (cause) {
    throw refused(engine.name, `cannot run it here (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
  if (!Array.from(product).every((x) => x === 3)) throw refused(engine.name, "gives wrong numbers in it here");
}
