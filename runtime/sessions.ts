// The door `@innerloop/runtime/session`: models on their own, without a bundle, for training and for whoever has one.
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
export { openSession, type Session } from "./session.ts";
