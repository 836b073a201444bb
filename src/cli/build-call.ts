import type { BuildRequest } from "../doors/build.ts";
import type { Call, CallName } from "../doors/frontend.ts";
import type { BuildFlags } from "./build-flags.ts";
import type { CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { withProgress, type ProgressKind } from "./progress-flag.ts";
import { UsageError } from "./usage-error.ts";
import { annotationText } from "./warnings.ts";

/** A call, and whether what it finds makes the command fail. */
export interface CallFlag extends Call {
  readonly ignoreStatus: boolean;
}

const NAMES: Readonly<Record<string, CallName>> = { check: "check", lint: "check", outline: "outline", targets: "targets", "subrequests.describe": "subrequests.describe" };

/** What `--call` and `--check` ask for; undefined for a build. Throws UsageError. */
export function callOf(flags: BuildFlags): CallFlag | undefined {
  const text = flags.on("check") ? "check" : (flags.text("call") ?? flags.text("print") ?? "build");
  const [first = "", ...more] = text.split(",");
  const options = new Map(more.map((option) => option.split("=", 2) as [string, string | undefined]));
  const given = options.get("type") ?? first;
  for (const key of options.keys()) if (key !== "format" && key !== "ignorestatus" && key !== "type") throw new UsageError(`--call=${text}: invalid value ${JSON.stringify(key)}: use format or ignorestatus`);
  if (given === "build" || given === "") return undefined;
  const name = Object.hasOwn(NAMES, given) ? NAMES[given] : undefined;
  if (name === undefined) throw new UsageError(`--call=${text}: use build, check, outline, targets or subrequests.describe`);
  const format = options.get("format") ?? "text";
  if (format !== "text" && format !== "json") throw new UsageError(`--call=${text}: format is text or json`);
  return { name, format, ignoreStatus: options.get("ignorestatus") === "true" };
}

interface CallMeans {
  readonly request: BuildRequest;
  readonly progress: ProgressKind;
  /** As the caller names it; undefined where it is no file of this machine. */
  readonly dockerfile: string | undefined;
}

/** Prints the answer. A check that finds something fails with status 1, a Dockerfile that cannot be built with that of one. */
export async function runCall(call: CallFlag, { request, progress, dockerfile }: CallMeans, io: CommandIo): Promise<number> {
  const { callBuild } = await import("../doors/frontend.ts");
  const run = callBuild(request, { ...call, dockerfileName: dockerfile });
  await withProgress(progress, io, async (show) => {
    for await (const event of run.events) show(event);
  });
  const { text, findings, failure } = await run.result;
  io.stdout(text);
  io.stderr(annotationText(findings.map(({ rule, message, location }) => ({ rule, message, startLine: location[0]?.start.line, endLine: location.at(-1)?.end.line })), dockerfile, io));
  if (failure !== undefined) {
    io.stderr(`ERROR: ${failure}\n`);
    return EXIT.dockerfile;
  }
  return findings.length > 0 && !call.ignoreStatus ? EXIT.other : EXIT.ok;
}
