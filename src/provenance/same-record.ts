import { canonicalJson } from "../content/canonical-json.ts";

/** What two runs of one build never share: ids, times, and the digests of steps that hold the id of a session. */
const RUN_MEMBERS: ReadonlySet<string> = new Set([
  "invocationId", "startedOn", "finishedOn", "buildInvocationID", "buildStartedOn", "buildFinishedOn", "digestMapping", "resourceUsage", "sysUsage",
]);

/**
 * Whether two statements tell the same of the same subjects, but for the run. Then the earlier one serves, and the
 * index that points to it keeps its digest. Bytes that are no statement are the same as nothing.
 */
export function isSameRecord(a: Uint8Array, b: Uint8Array): boolean {
  const [one, other] = [withoutRun(a), withoutRun(b)];
  return one !== undefined && one === other;
}

function withoutRun(statement: Uint8Array): string | undefined {
  try {
    return canonicalJson(JSON.parse(Buffer.from(statement).toString("utf8"), (key, value: unknown) => (RUN_MEMBERS.has(key) ? undefined : value)));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
