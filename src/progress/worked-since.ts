/** Since when a step that goes on again has worked, as if it had done so without its pause: so long before `at` as it took until its end. */
export function workedSince({ startedAt, endedAt }: { readonly startedAt: Date; readonly endedAt: Date | undefined }, at: Date): Date {
  return new Date(startedAt.getTime() + at.getTime() - (endedAt ?? at).getTime());
}
