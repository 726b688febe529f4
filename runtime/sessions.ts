// The door `@innerloop/runtime/session`: models on their own, without a bundle, for training and for whoever has one.
export { openOwn } from "./compact.ts";
export {
  type Device,
  type DeviceFeeds,
  type DeviceSession,
  type DeviceTensor,
  type InputType,
  type Opening,
  openDevice,
} from "./device.ts";
export type { HostOptions, ProviderName } from "./host.ts";
export {
  chooseProvider,
  listProviders,
  type ProviderChoice,
  type ProviderReport,
  type SessionOptions,
} from "./providers.ts";
export { type ModelSession, type OwnKernels, type OwnModel, openSession, type Session } from "./session.ts";
