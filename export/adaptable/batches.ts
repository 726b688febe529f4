// Which examples of a support set a step goes by, where it goes by some of them.
import { constant, op, type Value } from "@innerloop/graph";

/**
 * The rows of a turn, int64 `[size]`. With m = ⌈n / size⌉ these are every m-th row from the (turn mod m)-th on, so that m turns
 * see all of them and examples that lie class by class are mixed; past the end it goes on from the beginning.
 * @param examples `[n, …]`
 * @param turn int64, from 0
 */
export function rowsOfTurn(examples: Value, size: number, turn: Value): Value {
  const whole = (value: number): Value => constant(value, [], "int64");
  const count = op.Squeeze(op.Slice(op.Shape(examples), [0], [1]), [0]);
  const turns = op.Div(op.Add(count, whole(size - 1)), whole(size));
  const rows = op.Add(op.Mod(turn, turns), op.Mul(turns, op.Range(size)));
  return op.Mod(rows, count);
}
