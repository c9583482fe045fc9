/** Not part of class-transformer's typed exports; see class-metadata.ts. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: unknown;
}

/** The same for bundlers that prefer the `module` entry of a package. */
declare module 'class-transformer/esm5/storage.js' {
  export const defaultMetadataStorage: unknown;
}
