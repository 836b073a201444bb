import type { BuildRequest } from "../doors/build.ts";
import type { Call, CallName } from "../doors/frontend.ts";
import type { BuildFlags } from "./build-flags.ts";
import { booleanOf } from "./command-line.ts";
import type { CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import type { ProgressKind } from "./progress-flag.ts";
import { UsageError } from "./usage-error.ts";
import { annotationText, withWarnings, type WarningsForm } from "./warnings.ts";

/** A call, and whether what it finds makes the command fail. */
export interface CallFlag extends Call {
  readonly ignoreStatus: boolean;
}

const NAMES: Readonly<Record<string, CallName>> = { check: "check", lint: "check", outline: "outline", targets: "targets", "subrequests.describe": "subrequests.describe" };

/** What `--call` and `--check` ask for, of which the last counts; undefined for a build. Throws UsageError in buildx's words. */
export function callOf(flags: BuildFlags): CallFlag | undefined {
  const asked = flags.last("call", "print", "check");
  // `--check=false` takes nothing back, as in buildx.
  const text = asked?.name === "check" ? (flags.on("check") ? "check" : (flags.last("call", "print")?.value ?? "")) : (asked?.value ?? "");
  if (text === "") return undefined;
  const { name: given, format, ignoreStatus } = callFields(text);
  if (given === "build") return undefined;
  const name = Object.hasOwn(NAMES, given) ? NAMES[given] : undefined;
  if (name === undefined) throw new UsageError(`unsupported request frontend.${given}: use build, check, outline, targets or subrequests.describe`);
  if (format !== "text" && format !== "json") throw new UsageError(`--call=${text}: format is text or json`);
  return { name, format, ignoreStatus };
}

function callFields(text: string): { readonly name: string; readonly format: string; readonly ignoreStatus: boolean } {
  let [name, format, ignoreStatus] = ["", "text", false];
  for (const field of text.split(",")) {
    const [, key, value = ""] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
    if (key === undefined) {
      if (name !== "") throw new UsageError(`invalid print value: ${text}`);
      name = field;
    } else if (key === "format") format = value;
    else if (key === "ignorestatus") {
      const isIgnored = booleanOf(value);
      if (isIgnored === undefined) throw new UsageError(`invalid ignorestatus print value: ${value}: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
      ignoreStatus = isIgnored;
    } else throw new UsageError(`invalid print field: ${field}`);
  }
  return { name, format, ignoreStatus };
}

interface CallMeans {
  readonly request: BuildRequest;
  readonly progress: ProgressKind;
  readonly warnings: WarningsForm;
  /** As the caller names it; undefined where it is no file of this machine. */
  readonly dockerfile: string | undefined;
}

/** Prints the answer. A check that finds something fails with status 1, a Dockerfile that cannot be built with that of one. */
export async function runCall(call: CallFlag, { request, progress, warnings, dockerfile }: CallMeans, io: CommandIo): Promise<number> {
  const { callBuild } = await import("../doors/frontend.ts");
  const run = callBuild(request, { ...call, dockerfileName: dockerfile });
  await withWarnings(progress, run.events, { io, form: warnings });
  const { text, findings, failure } = await run.result;
  io.stdout(text);
  io.stderr(annotationText(findings.map(({ rule, message, location }) => ({ rule, message, startLine: location[0]?.start.line, endLine: location.at(-1)?.end.line })), dockerfile, io));
  if (failure !== undefined) {
    io.stderr(`ERROR: ${failure}\n`);
    return EXIT.dockerfile;
  }
  return findings.length > 0 && !call.ignoreStatus ? EXIT.other : EXIT.ok;
}
