// What work of this room is told from outside: when to stop, and whom to tell what it is at.

/** How something is set up. */
export interface SetupOptions {
  /** Stops it: what was set up before stays in use, and the signal's reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told what is being done, as a sentence for a person. */
  onMessage?(message: string): void;
}

/** The same with nothing left open. */
export type Work = Required<SetupOptions>;

export const workOf = ({ signal = new AbortController().signal, onMessage = () => {} }: SetupOptions): Work => ({
  signal,
  onMessage,
});
