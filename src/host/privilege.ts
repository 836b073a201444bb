/** Whether this process may do what root may. False where there are no users by number. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
