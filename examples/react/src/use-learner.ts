// A bundle as a React hook: loads it, adapts it live, keeps what the user taught in the browser's storage.
import { InnerloopError, Learner, type Personal } from "@innerloop/runtime";
import { useCallback, useEffect, useRef, useState } from "react";

/** What {@link useLearner} gives. */
export interface UseLearner {
  /** Until the bundle is there, `loading`; `failed` with {@link error}. */
  readonly status: "loading" | "ready" | "failed";
  /** What went wrong last, in words for people; undefined after a call that went well. */
  readonly error: string | undefined;
  readonly labels: readonly string[];
  readonly examples: readonly { readonly id: string; readonly label: string }[];
  /** It has two labels and can predict. */
  readonly canPredict: boolean;
  teach(label: string, example: ArrayLike<number>): Promise<void>;
  forget(labelOrId: string): Promise<void>;
  undo(): Promise<void>;
  predict(example: ArrayLike<number>): Promise<Awaited<ReturnType<Personal["predict"]>> | undefined>;
}

/**
 * A learner, and what it became for this user.
 * @param bundle its URL
 * @param storageKey where in `localStorage` the user's model is kept; left out, it lives as long as the component
 */
export function useLearner(bundle: string, storageKey?: string): UseLearner {
  const personal = useRef<Personal | undefined>(undefined);
  const [status, setStatus] = useState<UseLearner["status"]>("loading");
  const [error, setError] = useState<string>();
  const [, changed] = useState(0);

  useEffect(() => {
    let learner: Learner | undefined;
    let gone = false;
    const load = async (): Promise<void> => {
      const opened: Learner = await Learner.load(bundle);
      if (gone) return opened.dispose();
      learner = opened;
      const kept = storageKey === undefined ? null : localStorage.getItem(storageKey);
      personal.current = kept === null ? learner.start() : await restored(learner, kept);
      setStatus("ready");
    };
    load().catch((cause) => {
      setError(messageOf(cause));
      setStatus("failed");
    });
    return () => {
      gone = true;
      personal.current = undefined;
      void learner?.dispose();
    };
  }, [bundle, storageKey]);

  /** Runs a call, shows what it says when it fails, and draws anew. */
  const attempt = useCallback(
    async <T>(call: (mine: Personal) => Promise<T>, keep: boolean): Promise<T | undefined> => {
      const mine = personal.current;
      if (!mine) return undefined;
      try {
        const result = await call(mine);
        if (keep && storageKey !== undefined) localStorage.setItem(storageKey, toText(await mine.toBytes()));
        setError(undefined);
        return result;
      } catch (cause) {
        setError(messageOf(cause));
        return undefined;
      } finally {
        changed((n) => n + 1);
      }
    },
    [storageKey],
  );

  const mine = personal.current;
  return {
    status,
    error,
    labels: mine?.labels ?? [],
    examples: mine?.examples ?? [],
    canPredict: mine?.ready ?? false,
    teach: async (label, example) => void (await attempt((it) => it.add(label, Float32Array.from(example)), true)),
    forget: async (which) => void (await attempt((it) => it.remove(which), true)),
    undo: async () => void (await attempt((it) => it.undo(), true)),
    predict: (example) => attempt((it) => it.predict(Float32Array.from(example)), false),
  };
}

/** What was kept; a file of an earlier bundle is of no use to this one, and the user begins anew. */
async function restored(learner: Learner, text: string): Promise<Personal> {
  try {
    return await learner.restore(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  } catch (cause) {
    if (cause instanceof InnerloopError && cause.code === "other-bundle") return learner.start();
    throw cause;
  }
}

const toText = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
