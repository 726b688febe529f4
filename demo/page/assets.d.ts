// What Vite takes that is no script: a style sheet, and an import that asks for a script's address.
declare module "*.css";

declare module "*?worker&url" {
  const address: string;
  export default address;
}
