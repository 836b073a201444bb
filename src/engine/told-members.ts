import type { Member } from "../archive/member.ts";
import type { Digest } from "../content/digest.ts";
import type { BegunPart, StepReporter } from "./step-reporter.ts";

export interface Told {
  readonly steps: StepReporter;
  readonly step: Digest;
  /** What the part is called that a path belongs to. Those of one part follow each other. */
  readonly label: (path: string) => string;
}

/** Passes files on, and tells of their parts as they go: how many bytes each has. */
export async function* toldMembers(members: AsyncIterable<Member>, { steps, step, label }: Told): AsyncIterable<Member> {
  let current: BegunPart | undefined;
  try {
    for await (const member of members) {
      const id = label(member.entry.path);
      if (current?.id !== id) {
        current?.end();
        current = steps.begin(step, id);
      }
      yield member;
      current.passed(member.entry.sizeBytes);
    }
  } finally {
    current?.end();
  }
}
