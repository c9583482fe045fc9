/** A key as its user knows it, with the one it is stored under. */
export interface NamedKey {
  readonly key: string;
  readonly stored: string;
}
