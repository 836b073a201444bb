import type { Digest } from "../content/digest.ts";
import type { BuildEvent, ReportEvent, StepGroup } from "./event.ts";

/** Of a message that may have more members. */
export function stepGroup(message: StepGroup | undefined): { readonly group?: StepGroup } {
  return message === undefined ? {} : { group: { id: message.id, name: message.name, weak: message.weak } };
}

interface Member {
  readonly isWeak: boolean;
  state: "planned" | "running" | "cached" | "done";
}

/** The steps of one group, shown as one step. */
interface JoinedStep {
  readonly step: Digest;
  readonly name: string;
  readonly members: Map<Digest, Member>;
  /** When the first of them began. */
  startedAt: Date | undefined;
  isShown: boolean;
}

/**
 * Shows the steps of a group as one, as BuildKit's displays do. It begins with the first of them, and is shown from when one has begun
 * that is not weak, or one has failed; it ends when none of those that have begun goes on. It is cached where none of them runs.
 */
export function joinGroups(show: ReportEvent): ReportEvent {
  const groups = new Map<string, JoinedStep>();
  const groupOf = new Map<Digest, JoinedStep>();

  const plan = (event: Extract<BuildEvent, { readonly kind: "step-planned" }>, { id, name, weak }: StepGroup): void => {
    // No step's digest, and as good as one to tell steps apart by.
    const joined = groups.get(id) ?? { step: `group:${id}` as Digest, name, members: new Map<Digest, Member>(), startedAt: undefined, isShown: false };
    if (!groups.has(id)) show({ kind: "step-planned", step: joined.step, name, inputs: event.inputs, at: event.at });
    groups.set(id, joined);
    groupOf.set(event.step, joined);
    if (!joined.members.has(event.step)) joined.members.set(event.step, { isWeak: weak, state: "planned" });
  };
  const reveal = (joined: JoinedStep, at: Date): void => {
    if (joined.isShown) return;
    joined.isShown = true;
    show({ kind: "step-started", step: joined.step, name: joined.name, at: joined.startedAt ?? at });
  };
  const change = (joined: JoinedStep, step: Digest, { state, at }: { readonly state: Member["state"]; readonly at: Date }): void => {
    const member = joined.members.get(step);
    if (member === undefined) return;
    member.state = state;
    joined.startedAt ??= at;
    const states = [...joined.members.values()].map((each) => each.state);
    if (!states.includes("running") && !states.includes("done")) {
      if (member.isWeak || joined.isShown) return;
      joined.isShown = true;
      return show({ kind: "step-cached", step: joined.step, name: joined.name, at });
    }
    if (!member.isWeak) reveal(joined, at);
    if (joined.isShown && state !== "running" && !states.includes("running")) show({ kind: "step-finished", step: joined.step, at });
  };

  return (event) => {
    if (event.kind === "step-planned" && event.group !== undefined) return plan(event, event.group);
    const joined = "step" in event ? groupOf.get(event.step) : undefined;
    if (joined === undefined || !("step" in event)) return show(event);
    switch (event.kind) {
      case "step-planned":
        return;
      case "step-started":
        return change(joined, event.step, { state: "running", at: event.at });
      case "step-cached":
        return change(joined, event.step, { state: "cached", at: event.at });
      case "step-finished":
        return change(joined, event.step, { state: "done", at: event.at });
      case "step-failed":
        reveal(joined, event.at);
        return show({ ...event, step: joined.step });
      case "step-explained":
      case "step-output":
      case "step-progress":
      case "warning":
        return show({ ...event, step: joined.step });
    }
  };
}
