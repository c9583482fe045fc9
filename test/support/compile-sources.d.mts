export function compileSources(folders: readonly string[], into: string): Promise<void>;
