import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { flagBoolean } from "./command-line.ts";
import { UsageError } from "./usage-error.ts";

/** A flag of `docker buildx build`, and what it takes. */
interface Flag {
  readonly takes: "text" | "nothing" | "optional-text";
  readonly repeat: boolean;
  readonly short?: string;
  /** Said when the flag is given. */
  readonly warning?: string;
  /** Not in the help. */
  readonly isHidden?: true;
  readonly help: string;
}

const text = (help: string, more: Partial<Flag> = {}): Flag => ({ takes: "text", repeat: false, help, ...more });
const list = (help: string, more: Partial<Flag> = {}): Flag => ({ takes: "text", repeat: true, help, ...more });
const flag = (help: string, more: Partial<Flag> = {}): Flag => ({ takes: "nothing", repeat: false, help, ...more });

/** For command lines written for the classic builder: read, and without effect, as in buildx. */
const accepted = (takes: Flag["takes"], warning?: string): Flag => ({ takes, repeat: true, help: "", isHidden: true, ...(warning === undefined ? {} : { warning }) });

const older = (short?: string): Flag => ({ takes: "text", repeat: true, help: "", isHidden: true, ...(short === undefined ? {} : { short }) });

/** What --resource replaces, by its keys. */
const LIMIT_FLAGS: Readonly<Record<string, Flag>> = {
  memory: older("m"),
  "memory-swap": older(),
  "cpu-shares": older("c"),
  "cpu-period": older(),
  "cpu-quota": older(),
  "cpuset-cpus": older(),
  "cpuset-mems": older(),
};


/** Every flag of anchor rows A1–A34. One that does not work is refused by name, so that nothing is silently ignored. */
export const BUILD_FLAGS: Readonly<Record<string, Flag>> = {
  "add-host": list("a name for RUN to find: host=ip"),
  allow: list("let steps do more than any may: network.host, security.insecure, device[=NAME]; buildx.local.delete: -o type=local,mode=delete anywhere"),
  annotation: list("add an annotation to the image: [type[platform]:]key=value"),
  attest: list("attestation parameters: type=provenance,mode=max"),
  "attest-run": text("when a provenance gets a new id and new times: always, or only when it has changed (default changed)"),
  "attest-store": text("where attestations go: index, referrers, both, file:DIRECTORY or none (default index)"),
  "build-arg": list("set a build-time variable: NAME=value, or NAME to take it from the environment"),
  "build-context": list("additional build context: name=path, docker-image://ref, oci-layout://path, https://… or a Git URL"),
  builder: text("for command lines of buildx: default, or nothing; this command builds by itself"),
  "cache-from": list("take results of others from here: type=registry|local|gha|s3|azblob,…, or an image's name"),
  "cache-to": list("put results here for others: type=inline|registry|local|gha|s3|azblob,…[,mode=max]"),
  "cgroup-parent": text("control group in which those of RUN are made, such as /builds"),
  call: text("ask instead of building: check, outline, targets or subrequests.describe[,format=json]"),
  check: flag("shorthand for --call=check: tell what is wrong with the Dockerfile"),
  compat: text("make images fit for lambda, cloud-run or docker-v2"),
  debug: flag("tell more: of warnings what they are about, of an error where in stemma it came from", { short: "D" }),
  file: text("Dockerfile, its https:// address, or - to read it from standard input (default CONTEXT/Dockerfile)", { short: "f" }),
  "history-args": text("keep or drop the values of build arguments in the image's history (default keep)"),
  iidfile: text("write the image ID to this file"),
  label: list("set metadata for the image: key=value"),
  "line-map": flag("map layers to Dockerfile lines beside a provenance of mode=min (default true)"),
  load: flag("the same as --output=type=docker: give the image to the Docker engine"),
  "metadata-file": text("write the build result's metadata to this file"),
  network: text("network of RUN instructions: default, none or host"),
  "proxy-network": flag("let RUN reach the network through a proxy only, and record each file that it fetches"),
  "no-cache": flag("use no result of earlier builds"),
  "no-cache-filter": list("use no result of earlier builds for this stage"),
  output: list("where the result goes: type=image|registry|oci|docker|local|tar|cacheonly,…, or a directory", { short: "o" }),
  platform: list("target platform, such as linux/amd64"),
  progress: text("auto, plain, tty, rawjson, quiet or none (default auto)"),
  policy: list("policy for what the build reads: filename=policy.rego, reset=true, disabled=true, strict=true, log-level=debug"),
  provenance: text("shorthand for --attest=type=provenance,…"),
  "provenance-env-dir": text("directory whose *.json files add members to the provenance (default BuildKit's /etc/buildkit/provenance.d)"),
  pull: flag("look base images up anew"),
  push: flag("shorthand for --output=type=registry"),
  quiet: flag("print the image ID only", { short: "q" }),
  reproducible: flag("build twice, the second time from nothing, and publish only what came out the same"),
  resource: list("limit for RUN: memory=2g, memory-swap, cpu-shares, cpu-period, cpu-quota=50000, cpuset-cpus=0-1, cpuset-mems"),
  root: text("directory that keeps state (default $STEMMA_ROOT, else $XDG_DATA_HOME/stemma)"),
  sandbox: text("auto, runc, crun, namespaces, or chroot where nothing else can be (default auto)"),
  sbom: text("shorthand for --attest=type=sbom,…: true, format=cyclonedx, or generator=IMAGE"),
  secret: list("secret for RUN --mount=type=secret: id=NAME[,src=PATH|,env=VARIABLE]"),
  ssh: list("ssh agent for RUN --mount=type=ssh and repositories: default, or id=SOCKET, or id=KEY[,KEY]"),
  "secrets-in-evidence": text("redact, refuse or allow secrets in provenance, history, metadata file and log (default redact)"),
  "shm-size": text("size of /dev/shm for RUN: 128m"),
  tag: list("name and tag of the image", { short: "t" }),
  target: text("build this stage"),
  ulimit: list("limit for RUN: name=soft[:hard], such as nofile=1024:2048"),
  help: flag("show this text", { short: "h" }),

  ...LIMIT_FLAGS,
  compress: accepted("nothing"),
  isolation: accepted("text", "isolation flag is deprecated with BuildKit."),
  "security-opt": accepted("text", 'security-opt flag is deprecated. "RUN --security=insecure" should be used with BuildKit.'),
  squash: accepted("nothing", "experimental flag squash is removed with BuildKit. You should squash inside build using a multi-stage Dockerfile for efficiency."),
  rm: accepted("nothing"),
  "force-rm": accepted("nothing"),
  /** The older name of --call. */
  print: { takes: "text", repeat: false, help: "", isHidden: true },
};

/** What the command line said, and nothing more. */
export interface BuildFlags {
  /** What buildx says of flags that are given and have no effect. */
  readonly warnings: readonly string[];
  readonly context: string | undefined;
  /** Undefined also where nothing stands behind it, as scripts leave it. */
  text(name: string): string | undefined;
  /** The one of these flags that was given last, with its value. */
  last(...names: readonly string[]): { readonly name: string; readonly value: string } | undefined;
  all(name: string): readonly string[];
  on(name: string): boolean;
}

/** Throws UsageError for an unknown flag, a refused one, a missing value, and more than one context. */
export function parseBuildFlags(args: readonly string[]): BuildFlags {
  const options: ParseArgsOptionsConfig = Object.fromEntries(Object.entries(BUILD_FLAGS).map(([name, { takes, short }]) => [
    name, { type: takes === "nothing" ? "boolean" : "string", multiple: true, ...(short === undefined ? {} : { short }) },
  ]));
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const values = new Map<string, string[]>();
  const given: Array<{ readonly name: string; readonly value: string }> = [];
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const value = valueOf(token);
    given.push({ name: token.name, value });
    values.set(token.name, [...(values.get(token.name) ?? []), value]);
  }
  if (positionals.length > 1) throw new UsageError(`one context is needed, not ${positionals.length}: ${positionals.join(" ")}`);
  return {
    context: positionals[0],
    warnings: [...values.keys()].flatMap((name) => BUILD_FLAGS[name]?.warning ?? []),
    text: (name) => values.get(name)?.at(-1) || undefined,
    last: (...names) => given.findLast(({ name }) => names.includes(name)),
    all: (name) => values.get(name) ?? [],
    on: (name) => parseBoolean(name, values.get(name)?.at(-1)),
  };
}


interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
}

function valueOf({ name, rawName, value }: OptionToken): string {
  const known = BUILD_FLAGS[name];
  if (known === undefined) throw new UsageError(rawName.startsWith("--") ? `unknown flag: ${rawName}` : `unknown shorthand flag: '${rawName.slice(1)}' in ${rawName}`);
  if (known.takes === "nothing") return value ?? "true";
  if (value === undefined) throw new UsageError(`flag needs an argument: ${rawName}`);
  return value;
}

/** `key=value` of --resource, behind those of the flags that it replaces: of one key the last counts. */
export function resourcesOf(flags: BuildFlags): readonly string[] {
  return [...Object.keys(LIMIT_FLAGS).flatMap((key) => flags.all(key).map((value) => `${key}=${value}`)), ...flags.all("resource")];
}

function parseBoolean(name: string, value: string | undefined): boolean {
  if (value === undefined) return false;
  return flagBoolean(name, value);
}
