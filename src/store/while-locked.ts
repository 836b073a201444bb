/** Does the work while no other process has the lock of this name: see syscall/path-lock.ts. */
export type WhileLocked = <T>(path: string, work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** What BuildKit locks while it changes an `index.json` that may have other images too. */
export function indexLock(indexPath: string): string {
  return `${indexPath}.lock`;
}
