export interface Wanted {
  /** The package to begin with. */
  name: string;
  /** Which of the packages it depends on are wanted too; missing libraries always are. */
  parts: RegExp;
  /** The folder to unpack into. */
  target: string;
  /** Whether what is in that folder can be used. */
  isUsable: () => boolean;
}

/**
 * Unpacks Debian packages, and the libraries they need that this machine lacks, without being root and without touching the
 * machine's own package state. The machine's sources decide where they come from. Several processes may do this at once:
 * the first to finish wins, the others take its result.
 */
export function unpackDebianPackages(wanted: Wanted): Promise<void>;
