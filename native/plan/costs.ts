// What moving numbers takes, by which plans choose forms.

/** Multiplications in products that take as long as to bring one number to points or back, through the second cache, and as one number of weights, which lies beside the one before. */
export interface Costs {
  readonly number: number;
  readonly weight: number;
}

/**
 * Costs where none were measured, by the processor's model and what it can. With vectors of 64 bytes at their full width products take half as long, and moves as long: measured on
 * a Xeon of the Cascade Lake line. The others were on a Zen 4.
 */
export const usualCosts = (model = "", features = ""): Costs =>
  /Intel/.test(model) && /\bavx512f\b/.test(features) ? { number: 36, weight: 10 } : { number: 10, weight: 7 };
