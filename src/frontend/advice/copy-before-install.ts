import type { CopyInstruction, Instruction, RunInstruction, Stage } from "../dockerfile/instruction.ts";
import { dependencyInstall, type DependencyInstall } from "./dependency-installs.ts";
import { installInputs } from "./install-inputs.ts";
import { lineSpan, type Observation, type Subject } from "./subject.ts";
import { lineEndOf, type TextEdit } from "./text-edit.ts";

/** COPY of all, and only then an installation that needs a few files of it. */
export function copyBeforeInstall(subject: Subject): readonly Observation[] {
  return subject.parsed.stages.flatMap((stage) => {
    const installed = new Set<string>();
    let copy: CopyInstruction | undefined;
    return stage.commands.flatMap((instruction): readonly Observation[] => {
      if (instruction.kind === "copy" && takesAll(instruction)) copy ??= instruction;
      if (instruction.kind !== "run") return [];
      const installs = (subject.commands.get(instruction) ?? []).flatMap((command) => dependencyInstall(command) ?? []);
      const news = installs.filter((install) => !installed.has(keyOf(install)));
      news.forEach((install) => installed.add(keyOf(install)));
      const late = copy;
      return late === undefined ? [] : news.flatMap((install) => observe({ stage, copy: late, run: instruction, install }, subject));
    });
  });
}

/** What was installed from the same files before is there already. */
function keyOf({ tool, locks }: DependencyInstall): string {
  return [tool, ...locks].join(" ");
}

interface LateInstall {
  readonly stage: Stage;
  readonly copy: CopyInstruction;
  readonly run: RunInstruction;
  readonly install: DependencyInstall;
}

function takesAll({ from, sources, contents }: CopyInstruction): boolean {
  return from === "" && contents.length === 0 && sources.some((source) => /^(?:\.?\/*|\.\/+\.?|\*|\.\/\*)$/.test(source) && source !== "");
}

function observe(late: LateInstall, subject: Subject): readonly Observation[] {
  const { copy, run, install } = late;
  const { context } = subject;
  const lock = context === undefined ? install.locks[0] : install.locks.find((path) => context.read(path) !== undefined);
  if (lock === undefined) return [];
  const manifests = install.manifests.filter((path) => context === undefined || context.read(path) !== undefined);
  const proposal = `COPY --parents ${[...manifests, lock].join(" ")} ./`;
  const edits = movedBehind(late, subject);
  const message = `the whole context is copied before ${install.tool} installs dependencies in line ${lineSpan(run).startLine}; \`${proposal}\` would do for it`;
  return [{ at: copy, message, ...(edits === undefined ? {} : { edits }) }];
}

const COPY_LINE = /^(?<head>\s*copy\s+(?:--(?:chown|chmod)=\S+\s+|--link\s+)*)\.\/?\s+(?<dest>[\w./-]+)[ \t]*(?:\r?\n)?$/i;

/** The COPY moved behind the installation, a narrow one in its place; undefined where that could change what comes out. */
function movedBehind({ stage, copy, run, install }: LateInstall, subject: Subject): readonly TextEdit[] | undefined {
  const { lines, context, parsed } = subject;
  const { startLine, endLine } = lineSpan(copy);
  const line = lines[startLine - 1] ?? "";
  const { head, dest } = COPY_LINE.exec(line)?.groups ?? {};
  const isNext = stage.commands[stage.commands.indexOf(copy) + 1] === run;
  const syntax = parsed.directives.find(({ name }) => name === "syntax")?.value;
  if (context === undefined || head === undefined || dest === undefined || startLine !== endLine || !isNext || !knowsParents(syntax)) return undefined;
  if (!isWorkingDirectory(dest, stage.commands.slice(0, stage.commands.indexOf(copy)))) return undefined;
  const inputs = installInputs({ run, install, instructions: parsed.stages.flatMap((one) => one.commands), commands: subject.commands.get(run) ?? [] }, context);
  if (inputs === undefined) return undefined;
  const after = lineSpan(run).endLine + 1;
  const narrow = `${head}--parents ${inputs.join(" ")} ${dest.replace(/\/*$/, "/")}${lineEndOf(line)}`;
  return [
    { startLine, endLine, replacement: narrow },
    { startLine: after, endLine: after - 1, replacement: line },
  ];
}

/** `--parents` is part of the language since 1.20, and before in the labs channel. */
function knowsParents(syntax: string | undefined): boolean {
  if (syntax === undefined) return true;
  const [, tag = "1"] = /^(?:docker\.io\/)?docker\/dockerfile(?::(\S+))?$/.exec(syntax) ?? [undefined, "none"];
  const minor = /^1\.(\d+)/.exec(tag)?.[1];
  return minor === undefined ? /^(?:1|latest|1-labs|labs)$/.test(tag) : Number(minor) >= 20;
}

function isWorkingDirectory(dest: string, before: readonly Instruction[]): boolean {
  if (/^\.\/*$/.test(dest)) return true;
  const directory = before.findLast((instruction) => instruction.kind === "workdir")?.path;
  return directory?.startsWith("/") === true && directory.replace(/\/+$/, "") === dest.replace(/\/+$/, "");
}
