// How a room's functions are called from outside: in JavaScript anything can be handed in, and what a function stumbles
// over is then said in words and with a code, as everything that is wrong with a call.
import { InnerloopError } from "./errors.ts";
import { show } from "./text.ts";

type Call = (...given: unknown[]) => unknown;

/** What callers' own functions threw: theirs, and none of the room's. */
const thrownByCallers = new WeakSet<object>();

/**
 * The exports of a room, in which every function fails on arguments of the wrong kind with an {@link InnerloopError}
 * (`bad-argument`, status 2) whose cause is what it stumbled over. Groups of functions are gone through as well; what a
 * function that was handed in throws comes through as it is.
 */
export function guarded<T extends object>(exports: T, path = ""): T {
  const entries = Object.entries(exports).map(([name, value]): [string, unknown] => {
    if (value?.[Symbol.toStringTag as never] === "Module") return [name, guarded(value, `${path}${name}.`)];
    const isCall = typeof value === "function" && !(value.prototype instanceof Error);
    return [name, isCall ? guard(value as Call, `${path}${name}`) : value];
  });
  return Object.freeze(Object.fromEntries(entries)) as T;
}

/** One function, as {@link guarded} has it. */
export function guard<F>(run: F, name: string): F {
  const fail = (given: readonly unknown[], cause: unknown) => refusal(name, given, cause);
  const made = (given: readonly unknown[], make: () => unknown): unknown => {
    try {
      const result = make();
      return result instanceof Promise ? result.catch((cause) => Promise.reject(fail(given, cause))) : result;
    } catch (cause) {
      throw fail(given, cause);
    }
  };
  return new Proxy(run as Call, {
    apply: (target, self, given: unknown[]) => made(given, () => Reflect.apply(target, self, given.map(watched))),
    construct: (target, given: unknown[], kind) => made(given, () => Reflect.construct(target, given, kind)) as object,
  }) as F;
}

/** A function that was handed in, so that what it throws is known to be its own. */
function watched(given: unknown): unknown {
  if (typeof given !== "function") return given;
  const note = (cause: unknown) => {
    if (typeof cause === "object" && cause !== null) thrownByCallers.add(cause);
    return cause;
  };
  return new Proxy(given, {
    apply(target, self, args) {
      try {
        const result: unknown = Reflect.apply(target, self, args);
        return result instanceof Promise ? result.catch((cause) => Promise.reject(note(cause))) : result;
      } catch (cause) {
        throw note(cause);
      }
    },
  });
}

function refusal(name: string, given: readonly unknown[], cause: unknown): unknown {
  if (!(cause instanceof TypeError || cause instanceof RangeError) || thrownByCallers.has(cause)) return cause;
  return new InnerloopError(
    "bad-argument",
    `${name} was called with (${given.map(show).join(", ")}), which is not what it takes (${cause.message}); see its types`,
    { exitStatus: 2, cause },
  );
}
