import type { Instruction, RunInstruction, Stage } from "../dockerfile/instruction.ts";
import { chompHeredoc } from "../dockerfile/heredoc.ts";
import { shellCommands, type ShellWord } from "./shell-commands.ts";

/** A command that a RUN runs, its wrappers (`sudo`, `env`, `sh -c`) taken off. */
export interface RunCommand {
  /** The last part of its path. */
  readonly name: string;
  readonly args: readonly ShellWord[];
}

/** What the RUNs of a file run, where their shell is one of Unix. */
export function runCommands(stages: readonly Stage[]): ReadonlyMap<Instruction, readonly RunCommand[]> {
  const commands = new Map<Instruction, readonly RunCommand[]>();
  const shells = new Map<string, readonly string[]>();
  for (const stage of stages) {
    // As the image's configuration, the shell is the base's.
    let shell = shells.get(stage.baseName.toLowerCase()) ?? [];
    for (const instruction of stage.commands) {
      if (instruction.kind === "shell") shell = instruction.shell;
      if (instruction.kind === "run") commands.set(instruction, commandsOf(instruction, shell));
    }
    if (stage.stageName !== "") shells.set(stage.stageName, shell);
  }
  return commands;
}

function commandsOf(run: RunInstruction, shell: readonly string[]): readonly RunCommand[] {
  if (!run.prependShell) return unwrapped(run.cmdLine.map((text) => ({ text, literal: true })), 0);
  if (shell[0] !== undefined && !isShell(shell[0])) return [];
  const commands = shellCommands(run.cmdLine[0] ?? "");
  const scripts = run.files.filter(({ data }) => !data.startsWith("#!") || SHEBANG.test(data)).map(({ data, chomp }) => (chomp ? chompHeredoc(data) : data));
  // A heredoc is a script where nothing, or a shell without a script of its own, takes it.
  const takesScript = commands.every(({ words: [first, ...args] }) => first !== undefined && isShell(first.text) && args.every(({ text }) => text.startsWith("-") && text !== "-c"));
  return [...commands, ...(takesScript ? scripts.flatMap(shellCommands) : [])].flatMap(({ words }) => unwrapped(words, 0));
}

const SHELL = /^(?:ba|da|a|k|z)?sh$/;
const SHEBANG = /^#![ \t]*(?:\S*\/env[ \t]+)?(?:\S*\/)?(?:ba|da|a|k|z)?sh\b/;
const WRAPPERS = new Set(["command", "doas", "env", "exec", "nice", "nohup", "sudo"]);
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
/** `sh -c "sh -c …"`: nobody writes more of them. */
const DEPTH_MAX = 5;

function unwrapped(words: readonly ShellWord[], depth: number): readonly RunCommand[] {
  const [first, ...args] = words;
  if (first === undefined) return [];
  const name = baseName(first.text);
  if (depth < DEPTH_MAX && WRAPPERS.has(name)) {
    const inner = args.findIndex(({ text }) => !text.startsWith("-") && !ASSIGNMENT.test(text));
    return inner === -1 ? [] : unwrapped(args.slice(inner), depth + 1);
  }
  const script = isShell(name) ? args[args.findIndex(({ text }) => /^-[a-z]*c$/.test(text)) + 1] : undefined;
  const hasScript = script !== undefined && depth < DEPTH_MAX && args.some(({ text }) => /^-[a-z]*c$/.test(text));
  if (hasScript) return shellCommands(script.text).flatMap((command) => unwrapped(command.words, depth + 1));
  return [{ name, args }];
}

function isShell(path: string): boolean {
  return SHELL.test(baseName(path));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
