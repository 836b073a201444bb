import type { Instruction, RunInstruction } from "../dockerfile/instruction.ts";
import type { ContextFiles } from "./context-files.ts";
import type { DependencyInstall } from "./dependency-installs.ts";
import type { RunCommand } from "./run-commands.ts";

export interface InstallStep {
  readonly run: RunInstruction;
  readonly install: DependencyInstall;
  /** Of the whole file: a stage has the variables of the stages below it. */
  readonly instructions: readonly Instruction[];
  readonly commands: readonly RunCommand[];
}

/**
 * All that the installation reads of the context, if it is certain: the step does nothing else, runs no script of the
 * project, names no files of it, and what is copied later replaces nothing of what it installed.
 */
export function installInputs({ run, install, instructions, commands }: InstallStep, context: ContextFiles): readonly string[] | undefined {
  const [command, ...more] = commands;
  const isPlain = run.prependShell && run.files.length === 0 && /^[\w@%+=:,./ \t-]+$/.test(run.cmdLine[0] ?? "");
  if (command === undefined || more.length > 0 || !isPlain || !run.mountFlags.every((flag) => /(?:^|,)type=(?:cache|secret)(?:,|$)/.test(flag))) return undefined;
  const words = command.args.map(({ text }) => text);
  const inputs = INPUTS_OF[`${command.name} ${words[0] ?? ""}`]?.(words.slice(1), { context, install, instructions });
  return inputs?.every((path) => /^\w[\w.-]*(?:\/\w[\w.-]*)*$|^\.npmrc$/.test(path)) === true ? inputs : undefined;
}

interface InstallPlace {
  readonly context: ContextFiles;
  readonly install: DependencyInstall;
  readonly instructions: readonly Instruction[];
}

type Inputs = (words: readonly string[], place: InstallPlace) => readonly string[] | undefined;

const INPUTS_OF: Readonly<Record<string, Inputs>> = {
  "npm ci": npmInputs,
  "go mod": goInputs,
  "pip install": pipInputs,
  "pip3 install": pipInputs,
};

const NPM_FLAGS = /^--(?:omit=\w+|include=\w+|production|only=\w+|no-audit|no-fund|no-progress|ignore-scripts|legacy-peer-deps|prefer-offline|silent|quiet)$/;
/** What npm runs of the project itself when it has installed the dependencies. */
const LIFECYCLE = ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare", "dependencies"];
/** Settings that name files, or other places. */
const NPM_SETTINGS = /(?:file|prefix|workspaces?|config|script-shell|node-options)\s*=|=\s*["']?\.{0,2}\//i;
const NPM_VARIABLES = /^(?:NODE_OPTIONS|npm_config_(?!loglevel$|update_notifier$|fund$|audit$|yes$|registry$))/i;
const LOCAL_PACKAGE = /"(?:file|link|workspace|portal):|"\.{1,2}\//;

function npmInputs(words: readonly string[], { context, install, instructions }: InstallPlace): readonly string[] | undefined {
  const manifest = context.read("package.json");
  const settings = context.read(".npmrc");
  const lock = install.locks.find((path) => context.read(path) !== undefined);
  const isSafe = words.every((word) => NPM_FLAGS.test(word)) && context.ignores("node_modules") && context.read("binding.gyp") === undefined;
  if (manifest === undefined || lock === undefined || !isSafe || LOCAL_PACKAGE.test(manifest)) return undefined;
  if (sets(instructions, NPM_VARIABLES) || (settings !== undefined && NPM_SETTINGS.test(settings))) return undefined;
  const project = parseObject(manifest);
  if (project === undefined || "workspaces" in project || /"link":\s*true|"resolved":\s*"file:/.test(context.read(lock) ?? "")) return undefined;
  const scripts = project["scripts"];
  const runsScripts = typeof scripts === "object" && scripts !== null && LIFECYCLE.some((name) => name in scripts);
  if (runsScripts && !words.includes("--ignore-scripts")) return undefined;
  return [...(settings === undefined ? [] : [".npmrc"]), "package.json", lock];
}

const GO_VARIABLES = /^GO(?:PATH|MODCACHE|FLAGS|WORK|ENV|CACHE)$/;

function goInputs(words: readonly string[], { context, instructions }: InstallPlace): readonly string[] | undefined {
  const manifest = context.read("go.mod");
  const isSafe = words[0] === "download" && words.slice(1).every((word) => word === "-x") && context.read("go.work") === undefined && !sets(instructions, GO_VARIABLES);
  if (manifest === undefined || context.read("go.sum") === undefined || !isSafe || /=>\s*["`]?\.{0,2}\//.test(manifest)) return undefined;
  return ["go.mod", "go.sum"];
}

const PIP_FLAGS = /^--(?:no-cache-dir|no-cache|no-deps|require-hashes|disable-pip-version-check|no-input|quiet|upgrade|no-compile|prefer-binary|root-user-action=\w+)$|^-[qU]$/;
const PIP_VARIABLES = /^(?:PATH|VIRTUAL_ENV|PYTHON(?:PATH|HOME|USERBASE)|PIP_(?:TARGET|PREFIX|ROOT|USER|CONSTRAINT|REQUIREMENT|CONFIG_FILE|FIND_LINKS|SRC))$/;
/** A name with its version and marks, or nothing; never a path. */
const REQUIREMENT = /^(?:[A-Za-z0-9][\w.-]*(?:\[[\w,. -]*\])?(?:\s*[=<>!~][\w.*+!,<>=~ -]*)?(?:;[^/\\]*)?)?$/;

function pipInputs(words: readonly string[], { context, install, instructions }: InstallPlace): readonly string[] | undefined {
  const file = install.locks[0] ?? "";
  const others = words.filter((word, index) => word !== "-r" && words[index - 1] !== "-r");
  const text = context.read(file);
  if (text === undefined || !others.every((word) => PIP_FLAGS.test(word)) || sets(instructions, PIP_VARIABLES)) return undefined;
  const lines = text.split(/\r?\n/).map((line) => line.replace(/(?:^|\s)#.*$/, "").replace(/\s*--hash=\S+/g, "").replace(/\\$/, "").trim());
  return lines.every((line) => REQUIREMENT.test(line)) ? [file] : undefined;
}

function sets(instructions: readonly Instruction[], variables: RegExp): boolean {
  return instructions.some((instruction) => {
    if (instruction.kind === "env") return instruction.env.some(({ key }) => variables.test(key));
    return instruction.kind === "arg" && instruction.args.some(({ key }) => variables.test(key));
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
