/**
 * Exit statuses of the command. They are stable: scripts branch on them. docs/exit-statuses.md has the table.
 * 64 and up follow sysexits.h where it has a name for the case.
 */
export const EXIT = {
  ok: 0,
  /** What was asked for was found wanting: a bug of ours, or anything that has no status of its own. */
  other: 1,
  usage: 64,
  dockerfile: 65,
  missingInput: 66,
  step: 67,
  notReproducible: 68,
  registry: 69,
  storage: 74,
  /** Registry or network, and worth another try. */
  retryable: 75,
  credentials: 77,
  sandbox: 71,
  verification: 76,
  interrupted: 130,
} as const;
