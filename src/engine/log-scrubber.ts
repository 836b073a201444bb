import { findSecrets, findSecretsFrom } from "../scrub/find-secrets.ts";
import { KnownSecrets } from "../scrub/known-secrets.ts";
import { LineScrubber } from "../scrub/line-scrubber.ts";
import { Scrubber } from "../scrub/scrubber.ts";
import { maskSpans, settleSpans } from "../scrub/secret-span.ts";
import type { ReportEvent } from "../progress/event.ts";
import type { Session } from "../session/session.ts";
import type { BuildPlan } from "./build-plan.ts";
import { scrubFailure } from "./scrub-failure.ts";
import { scrubReport, type Masking } from "./scrub-report.ts";

/** Keeps secrets out of the log and of what a failed build has to show: those of the request, of the Dockerfile, those that steps were lent, and all that show. */
export interface LogScrubber {
  report(report: ReportEvent): ReportEvent;
  /** The same for an error, its causes included. */
  failure(error: unknown): unknown;
  text(text: string): string;
  /** The value of a build argument or a label, judged by its name first. */
  variable(name: string, value: string): string;
  /** The Dockerfile, as soon as it has been read. */
  learnDockerfile(text: string): void;
  /** A session whose secrets are known from when a step asks for them. */
  learning(session: Session): Session;
}

type Learnt = Pick<BuildPlan, "buildArgs" | "labels" | "context" | "namedContexts" | "secretsInEvidence">;

/** With `secrets: "allow"` nothing is kept out but what steps were lent, which is no evidence and was never to be seen. */
export function logScrubber({ buildArgs, labels, context, namedContexts, secretsInEvidence }: Learnt): LogScrubber {
  const known = new KnownSecrets();
  const scrubber = new Scrubber(known);
  const isOpen = secretsInEvidence === "allow";
  if (!isOpen) {
    for (const [name, value] of [...buildArgs, ...labels]) scrubber.learnVariable(name, value);
    for (const place of [context, ...namedContexts]) if (place.kind === "remote") scrubber.learnText(place.url);
  }
  const masking = isOpen ? maskingOfKnown(known) : maskingOfAll(known, scrubber);
  return {
    report: (report) => scrubReport(report, masking),
    failure: (error) => scrubFailure(error, masking),
    text: (text) => masking.text(text),
    variable: (name, value) => (isOpen ? masking.text(value) : scrubber.variable(name, value, name)),
    learnDockerfile: (text) => (isOpen ? undefined : scrubber.learnDockerfile(text)),
    learning: (session) => ({
      id: session.id,
      directory: (name) => session.directory(name),
      agent: (id, signal) => session.agent(id, signal),
      async secret(id, signal) {
        const value = await session.secret(id, signal);
        if (value !== undefined) known.learn(Buffer.from(value).toString("utf8"));
        return value;
      },
    }),
  };
}

function maskingOfAll(known: KnownSecrets, scrubber: Scrubber): Masking {
  return {
    text: (text) => maskSpans(text, findSecrets(text, known)),
    dockerfile: (text, filename) => scrubber.dockerfile(text, filename),
    lines: () => new LineScrubber((text, beginsInKey) => findSecretsFrom(text, known, beginsInKey)),
  };
}

function maskingOfKnown(known: KnownSecrets): Masking {
  const text = (shown: string): string => maskSpans(shown, settleSpans(known.find(shown)));
  return { text, dockerfile: text, lines: () => new LineScrubber((shown) => ({ spans: settleSpans(known.find(shown)), endsInKey: false })) };
}
