// What Vite makes of an import that asks for a script's address.
declare module "*?worker&url" {
  const address: string;
  export default address;
}
