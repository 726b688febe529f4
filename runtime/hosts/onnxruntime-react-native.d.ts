// What the typings of onnxruntime-react-native say, so that its host is checked without React Native installed.
declare module "onnxruntime-react-native" {
  export * from "onnxruntime-common";
  export const listSupportedBackends: () => { name: string }[];
}
