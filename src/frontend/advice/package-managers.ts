import type { RunCommand } from "./run-commands.ts";
import type { ShellWord } from "./shell-commands.ts";

/** How one tool is asked to install packages by name, and how it is told a version. */
interface PackageManager {
  readonly name: RegExp;
  /** The words after flags that mean an installation; for tools with deeper commands, all of them. */
  readonly verbs: readonly string[];
  /** Flags that take the next word. */
  readonly valueFlags: readonly string[];
  readonly isPinned: (word: string) => boolean;
  /** Flags that say the version of all. */
  readonly pinningFlags?: readonly string[];
}

const URL_OR_PATH = /^[./~]|:\/\/|^git\+|^file:/;
const NPM_PACKAGE = /^(?:@[^/@]+\/)?[^@]+@(?:[v^~<>=\s]*\d|.*[:/])/;

const DEBIAN = ["-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file", "-a", "--host-architecture"];
const RED_HAT = ["-c", "--config", "--installroot", "--releasever", "--enablerepo", "--disablerepo", "--repo", "--repoid", "--setopt", "-x", "--exclude"];
const NODE = ["--prefix", "--registry", "--cache", "--loglevel", "--dir", "-C", "--cwd", "--userconfig", "--omit", "--include", "-w", "--workspace"];

const MANAGERS: readonly PackageManager[] = [
  // A trailing `-` removes.
  { name: /^(?:apt|apt-get|aptitude)$/, verbs: ["install"], valueFlags: DEBIAN, isPinned: (word) => /=|-$|\.deb$/.test(word) },
  { name: /^apk$/, verbs: ["add"], valueFlags: ["-t", "--virtual", "-X", "--repository", "-p", "--root", "--arch", "--keys-dir", "--cache-dir", "--repositories-file"], isPinned: (word) => /[=<>~]|^!|\.apk$/.test(word) },
  { name: /^(?:yum|dnf5?|microdnf|tdnf)$/, verbs: ["install"], valueFlags: RED_HAT, isPinned: (word) => /-\d|^@|\.rpm$/.test(word) },
  { name: /^zypper$/, verbs: ["install", "in"], valueFlags: ["-r", "--repo", "--from", "-t", "--type", "-R", "--root"], isPinned: (word) => /[=<>]|-\d|\.rpm$/.test(word) },
  {
    name: /^(?:pip(?:\d+(?:\.\d+)?)?|pipx)$/,
    verbs: ["install"],
    valueFlags: ["-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target", "--prefix", "--root", "-e", "--editable", "--platform", "--python", "--trusted-host", "--proxy", "--timeout", "--retries", "--only-binary", "--no-binary", "--python-version", "--progress-bar"],
    isPinned: (word) => /==|@|\.whl$|\.tar\.gz$|\.zip$/.test(word),
    pinningFlags: ["-c", "--constraint", "--require-hashes"],
  },
  { name: /^npm$/, verbs: ["install", "i", "add"], valueFlags: NODE, isPinned: (word) => NPM_PACKAGE.test(word) || word.endsWith(".tgz") },
  { name: /^pnpm$/, verbs: ["add", "install", "i"], valueFlags: NODE, isPinned: (word) => NPM_PACKAGE.test(word) },
  { name: /^(?:yarn|yarnpkg)$/, verbs: ["add", "global add"], valueFlags: NODE, isPinned: (word) => NPM_PACKAGE.test(word) },
  { name: /^bun$/, verbs: ["add", "install", "i"], valueFlags: NODE, isPinned: (word) => NPM_PACKAGE.test(word) },
  { name: /^gem$/, verbs: ["install"], valueFlags: ["-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P", "--trust-policy", "--platform"], isPinned: (word) => /:\d|\.gem$/.test(word), pinningFlags: ["-v", "--version"] },
  // Without `@…` it is a package of the module at hand.
  { name: /^go$/, verbs: ["install"], valueFlags: ["-ldflags", "-tags", "-gcflags", "-asmflags", "-o", "-mod", "-modfile", "-p", "-C"], isPinned: (word) => !/@(?:latest|upgrade|patch|master|main|HEAD)$/.test(word) },
  { name: /^cargo$/, verbs: ["install"], valueFlags: ["--root", "--features", "-F", "--target", "--bin", "--example", "--registry", "--index", "--profile", "-j", "--jobs", "--target-dir", "--config"], isPinned: (word) => /@[~^=<>]*\d/.test(word), pinningFlags: ["--version", "--vers", "--path", "--git", "--rev", "--tag"] },
];

/** The packages that the command installs in whatever version there is. What variables say is not known, and not named. */
export function unpinnedPackages(command: RunCommand): readonly string[] {
  const { name, args } = installer(command);
  const manager = MANAGERS.find((one) => one.name.test(name));
  if (manager === undefined || args.some(({ text }) => manager.pinningFlags?.includes(flagName(text)) === true)) return [];
  const words = positionals(args, manager.valueFlags);
  const verb = manager.verbs.find((one) => words.slice(0, one.split(" ").length).map(({ text }) => text).join(" ") === one);
  if (verb === undefined) return [];
  const packages = words.slice(verb.split(" ").length).filter(({ literal }) => literal);
  return packages.map(({ text }) => text).filter((text) => !URL_OR_PATH.test(text) && !manager.isPinned(text));
}

/** `python3 -m pip …` and `uv pip …` are pip. */
export function installer({ name, args }: RunCommand): RunCommand {
  const [first, second, ...rest] = args;
  if (/^python[\d.]*$/.test(name) && first?.text === "-m" && second !== undefined) return { name: second.text, args: rest };
  if (name === "uv" && first?.text === "pip") return { name: "pip", args: args.slice(1) };
  return { name, args };
}

/** The words that are neither flags nor values of flags. */
export function positionals(args: readonly ShellWord[], valueFlags: readonly string[]): readonly ShellWord[] {
  return args.filter(({ text }, index) => {
    const before = args[index - 1]?.text;
    return !text.startsWith("-") && text !== "" && (before === undefined || !valueFlags.includes(before));
  });
}

function flagName(word: string): string {
  return word.startsWith("--") ? (word.split("=", 1)[0] ?? word) : word;
}
