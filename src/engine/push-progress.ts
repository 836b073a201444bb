import type { Digest } from "../content/digest.ts";
import type { PushDestination, PushProgress } from "../registry/push.ts";
import type { BegunPart, StepReporter } from "./step-reporter.ts";

/** Shows what is pushed as parts of a step, each under its `title`: a blob from when it begins to be sent. What was there already is not shown. */
export function pushProgress(steps: StepReporter, step: Digest, title: (digest: Digest, state: PushProgress["state"]) => string): PushDestination["onProgress"] {
  const sending = new Map<Digest, BegunPart>();
  return ({ descriptor: { digest, size }, state, sentBytes }) => {
    const part = sending.get(digest);
    switch (state) {
      case "present":
        return;
      case "sending": {
        const begun = part ?? steps.begin(step, title(digest, state), size);
        sending.set(digest, begun);
        return begun.reached(sentBytes);
      }
      case "mounted":
      case "sent":
        if (part === undefined || state === "mounted") return steps.finished(step, title(digest, state), sentBytes);
        sending.delete(digest);
        part.reached(size);
        return part.end();
    }
  };
}
