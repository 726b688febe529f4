// The inner loop and its meta-gradients, by the oracle's own gradients and differences of losses.
import { array, evaluate } from "./network.ts";
import type { Adaptation, Array64, Arrays, Batch, InnerLoop, NetworkSpec, Task } from "./types.ts";

/** `a + scale·b`, where b lacks a name, a. */
function add(a: Arrays, b: Arrays, scale: (name: string) => number): Arrays {
  return Object.fromEntries(
    Object.entries(a).map(([name, left]) => {
      const right = b[name];
      const factor = scale(name);
      if (right === undefined || factor === 0) return [name, left];
      return [
        name,
        array(
          left.shape,
          left.data.map((value, index) => value + factor * right.data[index]!),
        ),
      ];
    }),
  );
}

const dot = (a: Array64, b: Array64): number => a.data.reduce((sum, value, index) => sum + value * b.data[index]!, 0);

/** The inner loop's points θ₀ … θ_K with what the support set says at each. */
function trajectory(spec: NetworkSpec, parameters: Arrays, support: Batch, { steps, rates }: InnerLoop) {
  const points = [{ parameters, support: evaluate(spec, parameters, support) }];
  for (let step = 0; step < steps; step++) {
    const last = points[step]!;
    const next = add(last.parameters, last.support.gradients, (name) => -(rates[name] ?? 0));
    points.push({ parameters: next, support: evaluate(spec, next, support) });
  }
  return points;
}

/** `steps` steps of gradient descent on the support loss, each parameter with its rate (Finn et al. 2017, the inner update). */
export function adapt(spec: NetworkSpec, parameters: Arrays, support: Batch, inner: InnerLoop): Adaptation {
  const points = trajectory(spec, parameters, support, inner);
  return {
    parameters: points.at(-1)!.parameters,
    supportLosses: points.map((point) => point.support.loss),
    // At the last point only the loss is taken, and a loss has no kink: its margin does not count.
    margin: Math.min(Infinity, ...points.slice(0, -1).map((point) => point.support.margin)),
  };
}

/** The mean over the tasks of the query loss at θ'. */
export function metaLoss(spec: NetworkSpec, parameters: Arrays, tasks: readonly Task[], inner: InnerLoop): number {
  const losses = tasks.map((task) => {
    const adapted = adapt(spec, parameters, task.support, inner).parameters;
    return evaluate(spec, adapted, task.query).loss;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / tasks.length;
}

/** The mean over the tasks of the query loss's gradient at θ': first-order MAML, exact to rounding. */
export function firstOrderMetaGradient(
  spec: NetworkSpec,
  parameters: Arrays,
  tasks: readonly Task[],
  inner: InnerLoop,
): Arrays {
  const zero = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, array(shape)]));
  return tasks.reduce<Arrays>((sum, task) => {
    const adapted = adapt(spec, parameters, task.support, inner).parameters;
    return add(sum, evaluate(spec, adapted, task.query).gradients, () => 1 / tasks.length);
  }, zero);
}

// How far finite differences step, as the L2 norm of the whole move: wide where the network is smooth, and short of
// the margin that the recorded cases keep from a kink where it is not.
const stepFor = (spec: NetworkSpec): number =>
  spec.activation === "tanh" && spec.model !== "metamodel" && !spec.pool ? 1e-3 : 1e-6;

/** The four-point central difference, whose error falls with the fourth power of the step. */
const centralDifference = (at: (offset: number) => number, step: number): number =>
  (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);

const lengthOf = (direction: Arrays): number =>
  Math.sqrt(Object.values(direction).reduce((sum, entry) => sum + dot(entry, entry), 0));

/**
 * The derivative of the meta-loss along `direction`, second order included, by central differences of float64 losses:
 * it knows nothing of derivatives, so it checks any of them.
 * Accuracy, relative to the gradient's norm times the direction's: 1e-10 on smooth networks; 1e-8 with ReLU or pools.
 */
export function metaDerivative(
  spec: NetworkSpec,
  parameters: Arrays,
  tasks: readonly Task[],
  inner: InnerLoop,
  direction: Arrays,
  step: number = stepFor(spec),
): number {
  const at = (offset: number): number =>
    metaLoss(
      spec,
      add(parameters, direction, () => offset),
      tasks,
      inner,
    );
  return centralDifference(at, step / lengthOf(direction));
}

/**
 * The exact second-order meta-gradient and the meta-loss's derivative for each rate, as reverse recursion over the inner steps:
 * λ_K = ∇L_query(θ_K), λ_k = λ_{k+1} − H_k·(α ⊙ λ_{k+1}), where the product with the support loss's Hessian H_k is the
 * four-point central difference of hand-written gradients.
 * Accuracy, relative to a parameter's largest entry: 1e-9 on smooth networks; 1e-7 with ReLU or pools away from kinks.
 */
export function metaGradient(
  spec: NetworkSpec,
  parameters: Arrays,
  tasks: readonly Task[],
  inner: InnerLoop,
  step: number = stepFor(spec),
): { readonly parameters: Arrays; readonly rates: Readonly<Record<string, number>> } {
  const rates: Record<string, number> = Object.fromEntries(Object.keys(inner.rates).map((name) => [name, 0]));
  let total: Arrays = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, array(shape)]));
  for (const task of tasks) {
    const points = trajectory(spec, parameters, task.support, inner);
    let lambda = evaluate(spec, points.at(-1)!.parameters, task.query).gradients;
    for (const point of points.slice(0, -1).reverse()) {
      for (const name of Object.keys(rates))
        rates[name]! -= dot(lambda[name]!, point.support.gradients[name]!) / tasks.length;
      const scaled = Object.fromEntries(
        Object.entries(inner.rates).map(([name, rate]) => [
          name,
          array(
            lambda[name]!.shape,
            lambda[name]!.data.map((value) => rate * value),
          ),
        ]),
      );
      const h = step / lengthOf(scaled);
      const moved = [h, -h, 2 * h, -2 * h].map(
        (offset) =>
          evaluate(
            spec,
            add(point.parameters, scaled, () => offset),
            task.support,
          ).gradients,
      );
      [8, -8, -1, 1].forEach((weight, index) => {
        lambda = add(lambda, moved[index]!, () => -weight / (12 * h));
      });
    }
    total = add(total, lambda, () => 1 / tasks.length);
  }
  return { parameters: total, rates };
}
