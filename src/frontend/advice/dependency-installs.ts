import { installer, positionals } from "./package-managers.ts";
import type { RunCommand } from "./run-commands.ts";

/** A command that installs what files of the project name. */
export interface DependencyInstall {
  readonly tool: string;
  /** Any of them pins what is installed. Relative to the working directory. */
  readonly locks: readonly string[];
  /** What the tool reads beside its lock file, if it is there. */
  readonly manifests: readonly string[];
}

interface Tool extends DependencyInstall {
  readonly name: RegExp;
  /** The words after the name that mean it; empty for the bare command. */
  readonly verbs: readonly string[];
}

const TOOLS: readonly Tool[] = [
  { tool: "npm", name: /^npm$/, verbs: ["ci", "clean-install", "install", "i"], locks: ["package-lock.json", "npm-shrinkwrap.json"], manifests: ["package.json"] },
  { tool: "yarn", name: /^(?:yarn|yarnpkg)$/, verbs: ["", "install"], locks: ["yarn.lock"], manifests: ["package.json"] },
  { tool: "pnpm", name: /^pnpm$/, verbs: ["install", "i", "fetch"], locks: ["pnpm-lock.yaml"], manifests: ["package.json"] },
  { tool: "bun", name: /^bun$/, verbs: ["install", "i"], locks: ["bun.lock", "bun.lockb"], manifests: ["package.json"] },
  { tool: "pipenv", name: /^pipenv$/, verbs: ["install", "sync"], locks: ["Pipfile.lock"], manifests: ["Pipfile"] },
  { tool: "poetry", name: /^poetry$/, verbs: ["install", "sync"], locks: ["poetry.lock"], manifests: ["pyproject.toml"] },
  { tool: "uv", name: /^uv$/, verbs: ["sync"], locks: ["uv.lock"], manifests: ["pyproject.toml"] },
  { tool: "bundler", name: /^bundle$/, verbs: ["", "install"], locks: ["Gemfile.lock"], manifests: ["Gemfile"] },
  { tool: "composer", name: /^composer(?:\.phar)?$/, verbs: ["install"], locks: ["composer.lock"], manifests: ["composer.json"] },
  { tool: "go", name: /^go$/, verbs: ["mod download"], locks: ["go.sum"], manifests: ["go.mod"] },
  { tool: "cargo", name: /^cargo$/, verbs: ["fetch"], locks: ["Cargo.lock"], manifests: ["Cargo.toml"] },
];

const VALUE_FLAGS = ["--omit", "--include", "--loglevel", "--registry", "--cache", "--without", "--with", "--jobs", "-j", "--retry", "--path", "--filter", "--target", "--extra", "--group", "--only"];

/** Undefined for a command that is none. */
export function dependencyInstall(command: RunCommand): DependencyInstall | undefined {
  const { name, args } = installer(command);
  if (/^pip[\d.]*$/.test(name)) return requirements(args.map(({ text }) => text));
  const words = positionals(args, VALUE_FLAGS).map(({ text }) => text).join(" ");
  return TOOLS.find((tool) => tool.name.test(name) && tool.verbs.includes(words));
}

function requirements(words: readonly string[]): DependencyInstall | undefined {
  if (words[0] !== "install") return undefined;
  const files = words.flatMap((word, index) => {
    if (/^(?:-r|--requirement)$/.test(words[index - 1] ?? "")) return [word];
    const attached = /^(?:-r|--requirement=)(.+)$/.exec(word)?.[1];
    return attached === undefined ? [] : [attached];
  });
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) return undefined;
  return { tool: "pip", locks: [file.replace(/^(?:\.\/)+/, "")], manifests: [] };
}
