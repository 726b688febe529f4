// What moving numbers takes, by which plans choose forms.

/** Multiplications in products that take as long as to bring one number to points or back, through the second cache, and as one number of weights, which lies beside the one before. */
export interface Costs {
  readonly number: number;
  readonly weight: number;
}

export const usualCosts = (): Costs => ({ number: Number(process.env.PN ?? 36), weight: Number(process.env.PW ?? 10) });
