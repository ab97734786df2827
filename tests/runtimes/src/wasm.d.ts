declare module '*.wasm' {
  const module: WebAssembly.Module;
  // biome-ignore lint/style/noDefaultExport: this is how a module of this kind is imported
  export default module;
}
