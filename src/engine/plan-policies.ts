import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { csvFields } from "../content/csv-fields.ts";
import { goBoolean } from "../content/go-boolean.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { BuildRequest } from "./build-request.ts";
import { DEFAULT_POLICY, DEFAULT_POLICY_NAME } from "../policy/default-policy.ts";
import { isApart } from "./planned-dockerfile.ts";
import { RequestError } from "./request-error.ts";

/** What is asked about each source of a build. */
export interface PolicyPlan {
  /** Each is a program of its own, and all of them have to allow. */
  readonly sets: readonly PolicySet[];
  /** Where names of files are looked for: the context, and what `cwd://` is. Undefined where the context is no directory. */
  readonly directory: string | undefined;
  readonly workingDirectory: string | undefined;
  /** Of EXPERIMENTAL_BUILDKIT_SOURCE_POLICY; undefined where it is not set. */
  readonly sourcePolicy: string | undefined;
}

export interface PolicySet {
  readonly files: readonly PolicyFile[];
  /** How much is told of it. */
  readonly logLevel: LogLevel;
}

export interface PolicyFile {
  /** As it was named. */
  readonly name: string;
  /** Undefined: in a context that is not here. */
  readonly path: string | undefined;
  readonly isOptional: boolean;
  /** What it says, where it is in no file. */
  readonly text: string | undefined;
}

type LogLevel = "quiet" | "info" | "debug";

/** Of logrus; what is more than a warning tells nothing that a denial does not. */
const LEVELS: Readonly<Record<string, LogLevel>> = { panic: "quiet", fatal: "quiet", error: "quiet", warn: "quiet", warning: "quiet", info: "info", debug: "debug", trace: "debug" };

interface PolicyFlag {
  readonly files: readonly string[];
  readonly reset: boolean;
  readonly disabled: boolean;
  readonly strict: boolean | undefined;
  readonly logLevel: LogLevel | undefined;
}

/** `<Dockerfile>.rego` beside the Dockerfile, and what `--policy` adds to it or takes away. Throws RequestError. */
export function planPolicies(request: BuildRequest, { context, dockerfile }: Pick<BuildPlan, "context" | "dockerfile">): PolicyPlan {
  const { env, workingDirectory } = request;
  const directory = context.kind === "directory" ? context.path : undefined;
  const places = { directory, workingDirectory: workingDirectory ?? directory };
  const variable = env["EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"] ?? "";
  return {
    ...places,
    sets: withBuiltIn(setsOf(defaultFile(dockerfile, places), (request.policies ?? []).map(parseFlag), places), request),
    sourcePolicy: variable === "" ? undefined : resolve(places.workingDirectory ?? "/", variable),
  };
}

/** buildx's own policy is asked first, and only what is disabled as a whole takes it away. */
function withBuiltIn(sets: readonly PolicySet[], { env, policies = [] }: BuildRequest): readonly PolicySet[] {
  const isDisabled = policies.some((text) => parseFlag(text).disabled);
  if (isDisabled || goBoolean(env["BUILDX_DEFAULT_POLICY"] ?? "") !== true) return sets;
  return [{ files: [{ name: DEFAULT_POLICY_NAME, path: undefined, isOptional: false, text: DEFAULT_POLICY }], logLevel: "info" }, ...sets];
}

type Places = Pick<PolicyPlan, "directory" | "workingDirectory">;

function defaultFile(dockerfile: BuildPlan["dockerfile"], { workingDirectory }: Places): PolicyFile | undefined {
  if (isApart(dockerfile)) return undefined;
  if (dockerfile.kind === "in-context") return { name: `${dockerfile.name}.rego`, path: undefined, isOptional: true, text: undefined };
  const { directory, name } = dockerfile;
  const isLower = name === "Dockerfile" && !existsSync(join(directory, name)) && existsSync(join(directory, "dockerfile"));
  const path = join(directory, `${isLower ? "dockerfile" : name}.rego`);
  return { name: shownPath(path, workingDirectory), path, isOptional: true, text: undefined };
}

function shownPath(path: string, workingDirectory: string | undefined): string {
  const shown = relative(workingDirectory ?? dirname(path), path);
  return shown.startsWith("..") ? path : shown;
}

function setsOf(byDefault: PolicyFile | undefined, flags: readonly PolicyFlag[], places: Places): readonly PolicySet[] {
  if (flags.some(({ disabled }) => disabled)) {
    const [{ files, reset, strict, logLevel } = NO_FLAG, ...more] = flags;
    if (more.length > 0 || files.length > 0 || reset || strict !== undefined || logLevel !== undefined) throw new RequestError("usage", "disabled policy cannot be combined with other policy flags");
    return [];
  }
  let sets: PolicySet[] = byDefault === undefined ? [] : [{ files: [byDefault], logLevel: "info" }];
  let pending: LogLevel | undefined;
  for (const { files, reset, logLevel } of flags) {
    if (reset) sets = [];
    const last = sets.at(-1);
    if (files.length > 0) sets.push({ files: files.map((name) => ({ name, path: filePath(name, places), isOptional: false, text: undefined })), logLevel: logLevel ?? pending ?? "info" });
    else if (last === undefined) pending = logLevel;
    else sets[sets.length - 1] = { ...last, logLevel: logLevel ?? last.logLevel };
  }
  return sets;
}

const NO_FLAG: PolicyFlag = { files: [], reset: false, disabled: false, strict: undefined, logLevel: undefined };

/** A name is a path in the context; `cwd://` says that it is one from here. Throws RequestError for one that leads out of it. */
export function filePath(name: string, { directory, workingDirectory }: Places): string | undefined {
  const here = name.startsWith("cwd://");
  const base = here ? workingDirectory : directory;
  if (base === undefined) {
    if (here) throw new RequestError("usage", `policy file ${name}: a \`workingDirectory\` is needed`);
    return undefined;
  }
  const path = resolve(base, here ? name.slice("cwd://".length) : name);
  if (path !== base && !path.startsWith(base === "/" ? "/" : `${base}/`)) throw new RequestError("missing-input", `policy file ${name} is not in ${here ? "the current directory" : "the context"}: name one that is, or one of the current directory with cwd://`);
  return path;
}

/** As buildx reads `--policy`. */
function parseFlag(text: string): PolicyFlag {
  let flag: PolicyFlag = NO_FLAG;
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const invalid = (): never => {
      throw new RequestError("usage", `--policy: invalid value ${field}: filename=PATH, reset=BOOL, disabled=BOOL, strict=BOOL and log-level=LEVEL are known`);
    };
    const value = at === -1 ? invalid() : field.slice(at + 1);
    const bool = (): boolean => goBoolean(value) ?? invalid();
    switch (field.slice(0, at).trim().toLowerCase()) {
      case "filename":
        flag = { ...flag, files: [...flag.files, value === "" ? invalid() : value] };
        break;
      case "reset":
        flag = { ...flag, reset: bool() };
        break;
      case "disabled":
        flag = { ...flag, disabled: bool() };
        break;
      case "strict":
        flag = { ...flag, strict: bool() };
        break;
      case "log-level":
        flag = { ...flag, logLevel: LEVELS[value.toLowerCase()] ?? invalid() };
        break;
      default:
        invalid();
    }
  }
  return flag;
}
