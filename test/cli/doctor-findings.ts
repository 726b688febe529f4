// What `innerloop doctor --json` says.
interface Finding {
  readonly name: string;
  readonly available: boolean;
  readonly auto: boolean;
  readonly version?: string;
  readonly reason?: string;
  readonly iterationsPerSecond?: number;
}

export interface Findings {
  readonly auto: string;
  readonly autoProvider: string;
  readonly engines: readonly Finding[];
  readonly providers: readonly Finding[];
}
